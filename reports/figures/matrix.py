"""How much the lists of each two rows have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from reports.figures.labels import text_size
from reports.figures.style import COLOURS, canvas, drawing, printable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_WITH_TEXT = 20  # rows; the squares of more are too small for a figure
STRONGEST = 0.7  # opacity of the colour where lists are the same: ink on it can still be read, in light and dark


def overlap_figure(labels: Sequence[str], shares: NDArray[Any]) -> Figure:
    """The lower triangle of (n, n) shares as squares, the darker the more, with hundredths in them."""
    n = len(labels)
    labels = [printable(label, 22) for label in labels]
    margin = 8 + max(text_size(label, size=9)[0] for label in labels)
    with drawing():
        from matplotlib.colors import LinearSegmentedColormap, to_rgb

        side = (360 - margin - 4) / max(1, n - 1)
        side = min(side, 40)
        figure, axes = canvas(
            (side * (n - 1) + margin + 4) / 72, left=margin, right=360 - margin - side * (n - 1), bottom=margin, top=4
        )
        shown = np.where(np.tri(n, k=-1, dtype=bool), shares, np.nan)[1:, :-1]
        blue = to_rgb(COLOURS[0])
        colours = LinearSegmentedColormap.from_list("overlap", [(*blue, 0.04), (*blue, STRONGEST)])
        axes.pcolormesh(np.ma.masked_invalid(shown), cmap=colours, vmin=0, vmax=1, edgecolors="none")
        if n <= MOST_WITH_TEXT:
            for row, column in zip(*np.nonzero(np.isfinite(shown)), strict=True):
                axes.text(
                    column + 0.5, row + 0.5, f"{100 * shown[row, column]:.0f}",
                    fontsize=8, horizontalalignment="center", verticalalignment="center",
                )  # fmt: skip
        places = np.arange(n - 1) + 0.5
        axes.set(ylim=(n - 1, 0), yticks=places, yticklabels=labels[1:], xticks=places)
        axes.set_xticklabels(labels[:-1], rotation=90)
        axes.tick_params(left=False, bottom=False, labelsize=9)
        axes.grid(visible=False)
        for spine in axes.spines.values():
            spine.set_visible(False)
        return figure
