"""What quality costs: against time and memory, with the Pareto front, and over the epochs of a fit."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from reports import figures, numbers
from reports.figures import Style
from reports.figures.points import COST_TITLES
from reports.plot import Line, Plot, Table, make_plot, place_of, short
from reports.result import Curve, Result
from reports.table import Column, Leaderboard, Row, encodable
from reports.text import brief, listed

if TYPE_CHECKING:
    import pandas as pd

COSTS = {"fit_seconds": "time", "peak_memory_mb": "memory"}  # and what a figure's name calls them
CLOSE = 0.01  # relative: how near to its best a model counts as there


@dataclass(frozen=True)
class Trade:
    """What quality costs on one leaderboard: figures, and who is on a Pareto front."""

    plots: tuple[Plot, ...]
    front: Table | None


def trade(board: Leaderboard, styles: dict[str, Style]) -> Trade | None:
    """The section of one leaderboard; None where nothing was measured."""
    if board.primary is None:
        return None
    plots = [*(_cost_plot(board, styles, cost) for cost in COSTS), *_curve_plots(board, styles)]
    found = tuple(plot for plot in plots if plot is not None)
    return Trade(found, _front_table(board)) if found else None


# The Pareto front


def pareto(board: Leaderboard, cost: str = "fit_seconds") -> pd.DataFrame:
    """Every row with a figure of the primary metric and of a cost, and whether it is on the Pareto front.

    A row is on the front if no other is at least as good and costs at most as much, and is better in one of the two;
    rows with the same two figures are on it together. Means are compared, whatever their intervals.

    Returns
    -------
    Columns model (the row's label), metric, value, cost, cost_value, on_front, beaten_by (the best row of those that
    beat it, "" for who is on the front), in the leaderboard's order.
    """
    import pandas as pd

    rows, beaten_by = _raced(board, cost)
    name = board.primary.name if board.primary else ""
    return pd.DataFrame(
        {
            "model": [encodable(row.label) for row in rows],
            "metric": name,
            "value": [row.values[name] for row in rows],
            "cost": cost,
            "cost_value": [row.cost[cost] for row in rows],
            "on_front": [other is None for other in beaten_by],
            "beaten_by": ["" if other is None else encodable(other.label) for other in beaten_by],
        }
    )


def _raced(board: Leaderboard, cost: str) -> tuple[list[Row], list[Row | None]]:
    """The rows with a figure of both, and for each the best row of those that beat it."""
    name = board.primary.name if board.primary else ""
    sign = 1 if board.primary is None or board.primary.higher_is_better else -1
    rows = [row for row in board.rows if name in row.values and cost in row.cost]
    values = np.array([sign * row.values[name] for row in rows])
    costs = np.array([row.cost[cost] for row in rows])
    beaten_by = [_beaten_by(place, values, costs) for place in range(len(rows))]
    return rows, [None if other is None else rows[other] for other in beaten_by]


def _beaten_by(place: int, values: Any, costs: Any) -> int | None:
    """The first of the rows that are at least as good and as cheap, and better in one of the two."""
    as_good = (values >= values[place]) & (costs <= costs[place])
    better = (values > values[place]) | (costs < costs[place])
    found = np.flatnonzero(as_good & better)
    return int(found[0]) if len(found) else None


def front_of(board: Leaderboard, cost: str) -> list[str]:
    """Labels of the rows on the front, the cheapest first."""
    rows, beaten_by = _raced(board, cost)
    front = [row for row, other in zip(rows, beaten_by, strict=True) if other is None]
    return [row.label for row in sorted(front, key=lambda row: row.cost[cost])]


def _cost_plot(board: Leaderboard, styles: dict[str, Style], cost: str) -> Plot | None:
    front = front_of(board, cost)
    form, rows = COST_TITLES[cost][1], {row.label: row for row in board.rows}
    column = board.primary
    assert column is not None
    told = [
        f"{short(rows[label])} ({board.text(rows[label], column)}, {form(rows[label].cost[cost])})" for label in front
    ]
    what = "fast" if cost == "fit_seconds" else "small"
    finding = f"On the Pareto front: {listed(told)}."
    if len(front) < len(board.rows):
        finding += f" To every other row there is one that is at least as good and at least as {what}."
    way = "up" if column.higher_is_better else "down"
    reading = f"Better is {way} and to the left. Bold and joined by a line: the Pareto front, by the means."
    return make_plot(
        figures.quality_figure(board, styles, cost, front),
        place_of(board.dataset, board.split),
        f"trade-{COSTS[cost]}",
        f"{column.title} against {'the time to fit' if cost == 'fit_seconds' else 'peak memory'}",
        finding,
        reading,
    )


def _front_table(board: Leaderboard) -> Table | None:
    """Who is on a front, best first, with both costs."""
    assert board.primary is not None
    fronts = {cost: set(front_of(board, cost)) for cost in COSTS}
    lines = []
    for row in board.rows:
        on = [row.label in fronts[cost] for cost in COSTS]
        if any(on):
            figures_of = [COST_TITLES[cost][1](row.cost.get(cost)) for cost in COSTS]
            marks = ["yes" if one else "–" for one in on]
            lines.append(Line(row.label, row.model, (board.text(row, board.primary), *figures_of, *marks)))
    if not lines:
        return None
    return Table(
        f"front-{place_of(board.dataset, board.split)}",
        "Who is on a Pareto front: no other row is at least as good and as cheap, and better in one of the two",
        ("Model", board.primary.title, "Fit", "Peak memory", "Front by time", "by memory"),
        tuple(lines),
    )


# Learning curves


@dataclass(frozen=True, eq=False)
class MeanCurve:
    """The learning curve of a row: seconds and values, (n_epochs,), averaged over cells.

    ``n_users`` are the sizes of the samples that the values are over.
    """

    row: Row
    metric: str
    epochs: list[int]
    seconds: NDArray[np.float64]
    values: NDArray[np.float64]
    n_users: list[int]


def learning_curves(board: Leaderboard) -> pd.DataFrame:
    """Quality after epochs of the fit, one line for each epoch that was looked at in each cell.

    Returns
    -------
    Columns model (the row's label), split_seed, model_seed, metric, epoch, seconds (of the fit's clock, which stands
    still while the model is looked at), value, n_users (over how many, a sample).
    """
    import pandas as pd

    names = ("model", "split_seed", "model_seed", "metric", "epoch", "seconds", "value", "n_users")
    lines: list[tuple[Any, ...]] = []
    for row in board.rows:
        for result, curve in _curves_of(row):
            of_cell = (encodable(row.label), result.cell.split_seed, result.cell.model_seed, curve.metric)
            points = zip(curve.epochs, result.measured["curve_seconds"], curve.values, strict=True)
            lines += [(*of_cell, *point, curve.n_users) for point in points]
    return pd.DataFrame(lines, columns=pd.Index(names))


def mean_curves(board: Leaderboard) -> list[MeanCurve]:
    """One curve a row, over its cells that have the epochs of the first: a fit that ended elsewhere is left out."""
    means = []
    for row in board.rows:
        cells = _curves_of(row)
        alike = [cell for cell in cells if _shape(cell[1]) == _shape(cells[0][1])]
        if alike:
            seconds = np.mean([result.measured["curve_seconds"] for result, _ in alike], axis=0)
            values = np.mean([curve.values for _, curve in alike], axis=0)
            first = alike[0][1]
            n_users = [curve.n_users for _, curve in alike]
            means.append(MeanCurve(row, first.metric, first.epochs, seconds, values, n_users))
    return means


def _curves_of(row: Row) -> list[tuple[Result, Curve]]:
    found = [(result, result.curve) for result in row.results]
    return [
        (result, curve) for result, curve in found if curve is not None and curve.epochs and _is_drawn(result, curve)
    ]


def _is_drawn(result: Result, curve: Curve) -> bool:
    return all(map(numbers.is_figure, [*curve.values, *result.measured["curve_seconds"]]))


def _shape(curve: Curve) -> tuple[str, list[int]]:
    return curve.metric, curve.epochs


def _curve_plots(board: Leaderboard, styles: dict[str, Style]) -> Iterable[Plot | None]:
    """One figure for each metric that curves are of: NDCG of lists, RMSE of ratings."""
    curves = mean_curves(board)
    columns = [column for column in board.columns if column.name in {curve.metric for curve in curves}]
    for column in columns:
        of_metric = [curve for curve in curves if curve.metric == column.name]
        marks = [_milestone(curve, column) for curve in of_metric]
        name = "curves" if column == columns[0] else f"curves-{column.metric}"
        n_users = [n for curve in of_metric for n in curve.n_users]
        yield make_plot(
            figures.curves_figure(of_metric, column, styles),
            place := place_of(board.dataset, board.split),
            name,
            f"{column.title} over the epochs of a fit",
            _curves_in_words(marks, column),
            f"A mark is an epoch after which the model was asked, on a sample of {numbers.span(n_users)} users; "
            "the fit's clock stands still meanwhile. Models that aren't learned in epochs have no curve.",
            _curves_table(marks, column, f"{name}-{place}-table"),
        )


@dataclass(frozen=True)
class Milestone:
    """Where a model's curve comes to: its last and best value, and when it is within 1% of its best."""

    label: str
    model: str
    last_epoch: int
    last: float
    best_epoch: int
    best: float
    close_epoch: int
    close_seconds: float

    def lost(self, higher_is_better: bool) -> float:
        """How far the last value is behind the best, relative to it."""
        return (self.best - self.last if higher_is_better else self.last - self.best) / (abs(self.best) or 1.0)


def _milestone(curve: MeanCurve, column: Column) -> Milestone:
    values, epochs = curve.values, curve.epochs
    best = int(values.argmax() if column.higher_is_better else values.argmin())
    close = int(np.flatnonzero(np.abs(values[best] - values) <= CLOSE * abs(values[best]))[0])
    return Milestone(
        curve.row.label,
        curve.row.model,
        epochs[-1],
        float(values[-1]),
        epochs[best],
        float(values[best]),
        epochs[close],
        float(curve.seconds[close]),
    )


def _curves_in_words(marks: list[Milestone], column: Column) -> str:
    """Who is soonest within 1% of its own best, who last, and who was better before the end."""
    ordered = sorted(marks, key=lambda mark: mark.close_seconds)
    told = [
        f"{brief(mark.label, 40)} after {numbers.seconds(mark.close_seconds)} (epoch {mark.close_epoch})"
        for mark in ([ordered[0], ordered[-1]] if len(ordered) > 1 else ordered)
    ]
    text = f"Within 1% of its own best {column.title} is soonest {told[0]}"
    text += f", last {told[1]}." if len(told) > 1 else "."
    fallen = [mark for mark in marks if mark.lost(column.higher_is_better) > CLOSE]
    if fallen:
        names = [f"{brief(mark.label, 40)} (epoch {mark.best_epoch} of {mark.last_epoch})" for mark in fallen]
        text += f" Better by more than 1% before the end: {listed(names)}."
    return text


def _curves_table(marks: list[Milestone], column: Column, anchor: str) -> Table:
    lines = [
        Line(
            mark.label,
            mark.model,
            (
                numbers.fixed(mark.last, column.decimals),
                str(mark.last_epoch),
                numbers.fixed(mark.best, column.decimals),
                str(mark.best_epoch),
                numbers.seconds(mark.close_seconds),
                str(mark.close_epoch),
            ),
        )
        for mark in marks
    ]
    caption = "Where the curves come to: the last value, the best one, and when a model is within 1% of its best"
    heads = ("Model", f"Last {column.short_title}", "at epoch", "Best", "at epoch", "Within 1% after", "at epoch")
    return Table(anchor, caption, heads, tuple(lines))
