"""Rows under each other, one column of bars for each group: to be read down and across."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from reports.figures.labels import text_size
from reports.figures.style import Style, canvas, drawing, printable

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
    """A bar with the model's marker for each row and group; the best's is thick and has its figure above the group.

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
    left = 10 + max(text_size(label, size=9)[0] for label in labels)
    bests = [_best(column if higher_is_better else -column) for column in values.T]
    told = ["" if best is None else f"\n{texts[best][place]}" for place, best in enumerate(bests)]
    room = 18 + 12 * max(group.count("\n") for group in groups) + 12
    with drawing():
        figure, axes = canvas(
            (ROW * len(labels) + room + 4) / 72,
            left=left,
            right=8,
            bottom=4,
            top=room,
            ncols=len(groups),
            squeeze=False,
            wspace=0.16,
        )
        largest = float(np.nanmax(values, initial=0.0)) or 1.0
        for place, of_group in enumerate(axes[0]):
            column = values[:, place]
            _draw_bars(of_group, column, [styles[model] for model in models[:MOST]], bests[place])
            own = largest if shared else (float(np.nanmax(column, initial=0.0)) or 1.0)
            of_group.set(xlim=(0, own * 1.04), ylim=(len(labels) - 0.4, -0.6))
            of_group.set_title(groups[place] + told[place], fontsize=9, loc="left", x=0)
            of_group.set(xticks=[], yticks=range(len(labels)) if place == 0 else [])
            if place == 0:
                of_group.set_yticklabels(labels)
            of_group.tick_params(left=False, labelsize=9)
            of_group.grid(visible=False)
            of_group.spines["bottom"].set_visible(False)
        return figure


def _best(values: NDArray[Any]) -> int | None:
    """The place of the largest, None where nothing is known."""
    return int(np.nanargmax(values)) if np.isfinite(values).any() else None


def _draw_bars(axes: Any, values: NDArray[Any], styles: Sequence[Style], best: int | None) -> None:
    rows = np.flatnonzero(np.isfinite(values)).tolist()
    colours = [styles[row].colour for row in rows]
    axes.hlines(rows, 0, values[rows], colors=colours, linewidths=[4.5 if row == best else 2 for row in rows])
    for marker in dict.fromkeys(styles[row].marker for row in rows):
        alike = [row for row in rows if styles[row].marker == marker]
        sizes = [64 if row == best else 36 for row in alike]
        colours = [styles[row].colour for row in alike]
        axes.scatter(values[alike], alike, sizes, colours, marker=marker, linewidths=0, clip_on=False, zorder=3)
