"""Rows as points: the primary metric against a cost, or beside another metric."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reports import numbers
from reports.figures.labels import label_points
from reports.figures.style import INK, Style, axis_title, canvas, drawing, logarithmic
from reports.table import Column, Leaderboard

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COST_TITLES: dict[
    str, tuple[str, Callable[[float | None], str]]
] = {  # what stands at the axis, and how a figure of it is read
    "fit_seconds": ("seconds to fit, logarithmic", numbers.seconds),
    "peak_memory_mb": ("peak memory in MB, logarithmic", numbers.megabytes),
    "recommend_seconds": ("seconds for all lists, logarithmic", numbers.seconds),
    "latency_median_ms": ("milliseconds for one user, logarithmic", numbers.milliseconds),
    "model_size_mb": ("size of the model in MB, logarithmic", numbers.megabytes),
}
MOST_NAMED = 10  # rows with a name where many points lie close together: the best, and what is the floor
FLOORS = ("popularity", "random")
SMALLEST = 1e-4  # of a cost, where its axis begins: no logarithm of 0


@dataclass(frozen=True)
class Point:
    """A row's place in the plane."""

    x: float
    y: float
    label: str
    model: str


def quality_figure(
    board: Leaderboard, styles: dict[str, Style], cost: str = "fit_seconds", front: Collection[str] = ()
) -> Figure | None:
    """The primary metric against what a row costs, one labelled point a row; None where there is nothing to draw.

    ``front`` are the labels of the Pareto front: they are bold, with a line through their points.
    """
    points = quality_points(board, cost)
    if board.primary is None or not points:
        return None
    with drawing():
        return _draw(points, styles, COST_TITLES[cost][0], better(board.primary), logarithmic_x=True, front=front)


def quality_description(board: Leaderboard, cost: str = "fit_seconds") -> str:
    """What :func:`quality_figure` shows, in words."""
    if board.primary is None:
        return ""
    form = COST_TITLES[cost][1]
    known = [row for row in board.rows if cost in row.cost and board.primary.name in row.values]
    points = [f"{row.label} {board.text(row, board.primary)} in {form(row.cost[cost])}" for row in known]
    what = "time to fit" if cost == "fit_seconds" else COST_TITLES[cost][0].removesuffix(", logarithmic")
    return f"{board.primary.title} and {what}: {'; '.join(points)}."


def quality_points(board: Leaderboard, cost: str) -> list[Point]:
    """The rows of which both the primary metric and a cost are known."""
    name = board.primary.name if board.primary else ""
    return [
        Point(max(row.cost[cost], SMALLEST), row.values[name], row.label, row.model)
        for row in board.rows
        if name in row.values and cost in row.cost
    ]


def beside_figure(board: Leaderboard, column: Column, styles: dict[str, Style]) -> Figure | None:
    """The primary metric (upward) and another one (to the right), one point a row; None without any.

    The best ten and the floors have their name beside it, the others their mark only.
    """
    primary = board.primary
    if primary is None:
        return None
    points = [
        Point(row.values[column.name], row.values[primary.name], row.label, row.model)
        for row in board.rows
        if column.name in row.values and primary.name in row.values
    ]
    if not points:
        return None
    named = [*points[:MOST_NAMED], *(point for point in points[MOST_NAMED:] if point.model in FLOORS)]
    with drawing():
        return _draw(points, styles, column.title, better(primary), logarithmic_x=False, named=named)


def better(column: Column) -> str:
    return column.title + ("" if column.higher_is_better else " (lower is better)")


def _draw(
    points: Sequence[Point],
    styles: dict[str, Style],
    x_title: str,
    y_title: str,
    *,
    logarithmic_x: bool,
    front: Collection[str] = (),
    named: Sequence[Point] | None = None,
) -> Figure:
    named = points if named is None else named
    figure, axes = canvas(4.6, top=22)
    on_front = sorted((point.x, point.y) for point in points if point.label in front)
    if len(on_front) > 1:
        axes.plot(*zip(*on_front, strict=True), color=INK, alpha=0.35, linewidth=1, drawstyle="steps-post", zorder=1)
    for point in points:
        mark(axes, point.x, point.y, styles[point.model])
    if logarithmic_x:
        axes.set_xscale("log")
    axes.margins(x=0.1, y=0.07)
    if logarithmic_x:
        logarithmic(axes.xaxis, axes.get_xlim())
    axis_title(axes, x_title, y_title)
    places, rest = [(point.x, point.y) for point in named], [(point.x, point.y) for point in points]
    label_points(axes, places, [point.label for point in named], bold=front, others=rest)
    return figure


def mark(axes: Any, x: Any, y: Any, style: Style, size: float = 7) -> None:
    """Draw a model's marker."""
    axes.plot(x, y, style.marker, color=style.colour, markersize=size, markeredgewidth=0, linestyle="none", zorder=3)
