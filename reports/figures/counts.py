"""Counts of a data set: the long tail of its items, its users' activity, its ratings, its interactions over time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from reports.figures.style import COLOURS, INK, axis_title, canvas, drawing, logarithmic, printable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HEIGHT = 3.2
MOST_POINTS = 150  # of a line: as many as can be told apart
TRAIN, TEST = COLOURS[0], COLOURS[1]


def long_tail_figure(counts: NDArray[Any], bounds: Sequence[int] = (), names: Sequence[str] = ()) -> Figure:
    """Interactions of each item, most popular first, on a logarithmic scale.

    Parameters
    ----------
    counts
        (n_items,), any order. Items without an interaction are left out.
    bounds, names
        Ranks after which a part ends, and the names of the parts (one more).
    """
    ordered = np.sort(np.asarray(counts)[np.asarray(counts) > 0])[::-1]
    with drawing():
        figure, axes = canvas(HEIGHT, top=22, right=16)
        places = _spread(len(ordered))
        axes.plot(places + 1, ordered[places], color=TRAIN, linewidth=1.8)
        axes.set_yscale("log")
        axes.set(xlim=(0, len(ordered) + 1), ylim=(0.8, ordered[0] * 2.2))
        logarithmic(axes.yaxis, (0.8, ordered[0] * 2.2))
        axis_title(axes, "items, most popular first", "training interactions, logarithmic")
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        edges = [0, *bounds, len(ordered)]
        for bound in bounds:
            axes.axvline(bound + 0.5, color=INK, linewidth=0.8, alpha=0.6, linestyle="dotted")
        for name, first, last in zip(names, edges, edges[1:], strict=False):
            near = last - first < 0.15 * len(ordered)  # too narrow for a name that stands flat
            place = first + 0.01 * len(ordered) if near else (first + last) / 2
            form: Any = {"horizontalalignment": "left", "rotation": 90} if near else {"horizontalalignment": "center"}
            axes.text(place, ordered[0] * 1.6, name, fontsize=9, verticalalignment="top", **form)
        return figure


def users_figure(counts: NDArray[Any], users: NDArray[Any]) -> Figure:
    """How many users have 1, 2-4, 5-9, 10-19, ... training interactions; ``users`` have ``counts`` of them."""
    edges = activity_edges(int(counts.max()))
    heights = grouped(counts, users, edges)
    return _bars(activity_names(edges), heights, "training interactions of a user", "users", slanted=True)


def activity_edges(largest: int) -> NDArray[np.int64]:
    """1, 2, 5, 10, 20, 50, ...: the first counts of the groups after "none", up to the largest count."""
    edges = [first * 10**power for power in range(10) for first in (1, 2, 5)]
    return np.array([edge for edge in edges if edge <= max(1, largest)], np.int64)


def activity_names(edges: NDArray[np.int64]) -> list[str]:
    """Names of the groups that these edges bound: ``0``, ``1``, ``2–4``, ``5–9``, ..., ``500+``."""
    inner = [
        f"{first:,}" if last - first == 1 else f"{first:,}–{last - 1:,}"
        for first, last in zip(edges.tolist(), edges[1:].tolist(), strict=False)
    ]
    return ["0", *inner, f"{edges[-1]:,}+"]


def grouped(counts: NDArray[Any], users: NDArray[Any], edges: NDArray[Any]) -> NDArray[np.float64]:
    """How many users are in each of the groups that the edges bound."""
    places = np.searchsorted(edges, counts, side="right")
    return np.bincount(places, weights=users, minlength=len(edges) + 1).astype(np.float64)


def ratings_figure(ratings: Sequence[float], counts: Sequence[int], threshold: float | None) -> Figure:
    """Interactions by rating; those from the threshold on are relevant and drawn in another colour."""
    colours = [TRAIN if threshold is None or rating >= threshold else "#7f7f7f" for rating in ratings]
    names = [f"{rating:g}" for rating in ratings]
    return _bars(names, counts, "rating", "interactions", colours=colours)


def activity_figure(periods: Sequence[str], train: Sequence[int], test: Sequence[int]) -> Figure:
    """Interactions of each period: those of train, and those of test on top of them."""
    below = np.asarray(train, np.float64)
    both = below + np.asarray(test, np.float64)
    edges = np.arange(len(periods) + 1) - 0.5
    with drawing():
        figure, axes = canvas(HEIGHT, top=22)
        axes.stairs(both, edges, baseline=below, fill=True, color=TEST)
        axes.stairs(below, edges, fill=True, color=TRAIN)
        shown = range(0, len(periods), max(1, -(-len(periods) // 5)))  # evenly, or two names could touch
        axes.set(xlim=(edges[0], edges[-1]), ylim=(0, max(both.max(), 1) * 1.14), xticks=shown)
        axes.set_xticklabels([printable(periods[place], 10) for place in shown])
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        axis_title(axes, "", "interactions")
        _key(axes)
        return figure


def _key(axes: Any) -> None:
    """Which colour is train and which test, in words of that place at the top."""
    from matplotlib.patches import Patch

    handles = [Patch(color=TRAIN, label="train"), Patch(color=TEST, label="test")]
    axes.legend(handles=handles, ncols=2, loc="upper right", frameon=False, borderaxespad=0, fontsize=9)


def _bars(names: Sequence[str], heights: Any, x: str, y: str, *, colours: Any = TRAIN, slanted: bool = False) -> Figure:
    with drawing():
        crowded = slanted or len(names) > 8
        figure, axes = canvas(HEIGHT, top=22, bottom=76 if crowded else 36)
        axes.bar(range(len(names)), heights, color=colours, width=0.8)
        axes.set_xticks(range(len(names)), names, rotation=90 if crowded else 0)
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        axes.grid(visible=False, axis="x")
        axis_title(axes, x, y)
        return figure


def _spread(n: int) -> NDArray[np.int64]:
    """Places of a line of n points: all of few, else the dense beginning and an even sample of the rest."""
    if n <= MOST_POINTS:
        return np.arange(n)
    half = MOST_POINTS // 2
    spread = [np.geomspace(1, n, half), np.linspace(1, n, half)]
    return np.unique(np.concatenate(spread).round().astype(np.int64)) - 1
