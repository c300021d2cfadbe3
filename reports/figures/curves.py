"""Quality over the epochs of a fit, against the seconds of its clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reports.figures.labels import label_points
from reports.figures.points import better
from reports.figures.style import Style, axis_title, canvas, drawing, logarithmic
from reports.table import Column

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


def curves_figure(curves: pd.DataFrame, column: Column, styles: dict[str, Style]) -> Figure:
    """One line a model, a marker at each epoch that was looked at.

    Parameters
    ----------
    curves
        With columns model, name (a key of ``styles``), seconds and value, the epochs of a model in order.
    column
        The metric of the values.
    """
    with drawing():
        figure, axes = canvas(4.6, top=22)
        ends, labels = [], []
        for label, of_model in curves.groupby("model", sort=False):
            style = styles[of_model["name"].iloc[0]]
            seconds, values = of_model["seconds"].clip(lower=1e-4), of_model["value"]
            axes.plot(
                seconds,
                values,
                color=style.colour,
                marker=style.marker,
                markersize=4,
                markeredgewidth=0,
                linewidth=1.3,
            )
            ends.append((float(seconds.iloc[-1]), float(values.iloc[-1])))
            labels.append(str(label))
        axes.set_xscale("log")
        axes.margins(x=0.1, y=0.07)
        logarithmic(axes.xaxis, axes.get_xlim())
        axis_title(axes, "seconds of the fit's clock, logarithmic", better(column))
        others = list(zip(curves["seconds"].clip(lower=1e-4), curves["value"], strict=True))
        label_points(axes, ends, labels, others=others)
        return figure
