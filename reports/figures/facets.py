"""Rows under each other, one column of bars for each group: to be read down and across."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from reports.figures.labels import text_size
from reports.figures.style import INK, Style, canvas, drawing, printable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ROW = 15  # units of 1/72 inch
MOST = 30  # rows that are drawn: the first


def facets_figure(
    labels: Sequence[str],
    models: Sequence[str],
    groups: Sequence[str],
    values: NDArray[Any],
    texts: Sequence[Sequence[str]],
    styles: dict[str, Style],
    *,
    higher_is_better: bool = True,
    shared: bool = True,
) -> Figure:
    """A bar with the model's marker for each row and group; the best of each group has its figure beside it.

    Parameters
    ----------
    labels, models
        Of the rows, best first; ``models`` are keys of ``styles``.
    groups
        Titles of the columns; a line break is one.
    values, texts
        (n_rows, n_groups), NaN where a row has nothing; and how the values are written.
    shared
        Whether all groups have the same scale.
    """
    labels, values = [printable(label, 24) for label in labels[:MOST]], np.asarray(values, np.float64)[:MOST]
    lines = max(group.count("\n") for group in groups) + 1
    left = 10 + max(text_size(label, size=9)[0] for label in labels)
    room = 6 + 12 * lines
    with drawing():
        figure, axes = canvas(
            (ROW * len(labels) + room + 6) / 72,
            left=left, right=2, bottom=4, top=room, ncols=len(groups), squeeze=False, wspace=0.08,
        )  # fmt: skip
        largest = float(np.nanmax(values, initial=0.0)) or 1.0
        for place, (group, of_group) in enumerate(zip(groups, axes[0], strict=True)):
            column = values[:, place]
            _draw_bars(of_group, column, [styles[model] for model in models[:MOST]])
            known = np.flatnonzero(np.isfinite(column))
            if len(known):
                best = int(known[np.argmax(column[known] if higher_is_better else -column[known])])
                _tell(of_group, column[best], best, texts[best][place])
            own = largest if shared else (float(np.nanmax(column, initial=0.0)) or 1.0)
            of_group.set(xlim=(0, own * 1.75), ylim=(len(labels) - 0.4, -0.6))
            of_group.set_title(group, fontsize=9, loc="left", x=0)
            of_group.set(xticks=[], yticks=range(len(labels)), yticklabels=labels if place == 0 else [])
            of_group.tick_params(left=False, labelsize=9)
            of_group.grid(visible=False)
            of_group.spines["bottom"].set_visible(False)
        return figure


def _draw_bars(axes: Any, values: NDArray[Any], styles: Sequence[Style]) -> None:
    rows = np.flatnonzero(np.isfinite(values)).tolist()
    axes.hlines(rows, 0, values[rows], colors=[styles[row].colour for row in rows], linewidth=2.2)
    for row in rows:
        style = styles[row]
        axes.plot(values[row], row, style.marker, color=style.colour, markersize=6, markeredgewidth=0, clip_on=False)


def _tell(axes: Any, value: float, row: int, text: str) -> None:
    place = {"xytext": (6, 0), "textcoords": "offset points", "verticalalignment": "center"}
    axes.annotate(text, (value, row), fontsize=8, fontweight="bold", color=INK, **place)
