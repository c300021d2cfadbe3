"""Quality over the epochs of a fit, against the seconds of its clock."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from reports.figures.labels import label_points
from reports.figures.points import SMALLEST, better
from reports.figures.style import Style, axis_title, canvas, drawing, logarithmic
from reports.table import Column, Row

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Drawable(Protocol):
    """A curve: its row, and seconds and values of the same length."""

    @property
    def row(self) -> Row: ...
    @property
    def seconds(self) -> NDArray[np.float64]: ...
    @property
    def values(self) -> NDArray[np.float64]: ...


def curves_figure(curves: Sequence[Drawable], column: Column, styles: dict[str, Style]) -> Figure:
    """One line a row, a marker at each epoch that was looked at; ``column`` is the metric of the values."""
    with drawing():
        figure, axes = canvas(4.6, top=22)
        points: list[Any] = []
        ends, labels = [], []
        for curve in curves:
            style = styles[curve.row.model]
            seconds = np.maximum(curve.seconds, SMALLEST)
            look: Any = {"color": style.colour, "marker": style.marker, "markersize": 4, "markeredgewidth": 0}
            axes.plot(seconds, curve.values, linewidth=1.3, **look)
            points += zip(seconds.tolist(), curve.values.tolist(), strict=True)
            ends.append(points[-1])
            labels.append(curve.row.label)
        axes.set_xscale("log")
        axes.margins(x=0.1, y=0.07)
        logarithmic(axes.xaxis, axes.get_xlim())
        axis_title(axes, "seconds of the fit's clock, logarithmic", better(column))
        label_points(axes, ends, labels, others=points)
        return figure
