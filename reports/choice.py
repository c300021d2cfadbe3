"""The columns that a reader of a leaderboard chooses from: metrics at every cut-off, then what they cost."""

from __future__ import annotations

from dataclasses import dataclass

from reports import numbers
from reports.table import Column, Leaderboard
from reports.whiskers import Whisker, whiskers

TITLES = {"accuracy": "Accuracy", "ratings": "Ratings", "beside": "Lists"}
COST = "Cost"
COSTS = {  # name -> its title and how it is told, in the order in which they are shown
    "fit_seconds": ("Fit", numbers.seconds),
    "recommend_seconds": ("All lists", numbers.seconds),
    "latency_median_ms": ("One user, median", numbers.milliseconds),
    "latency_p99_ms": ("One user, 99%", numbers.milliseconds),
    "compile_seconds": ("Compilation", numbers.seconds),
    "peak_memory_mb": ("Peak memory", numbers.megabytes),
    "model_size_mb": ("Model size", numbers.megabytes),
}
USUAL = {"ndcg", "recall", "auc", "rmse", "fit_seconds", "recommend_seconds", "peak_memory_mb"}


@dataclass(frozen=True)
class Choice:
    """Something to show or not: a metric, whatever its cut-off, or a cost. ``number`` is its place in the list."""

    number: int
    name: str
    title: str
    group: str

    @property
    def usual(self) -> bool:
        """Whether it is shown before anything was chosen."""
        return self.name in USUAL


@dataclass(frozen=True)
class Figure:
    """A cell of the table: its text, the number that sorts it (None where there is none), its drawn interval."""

    text: str
    value: float | None
    whisker: Whisker | None = None
    interval: str = ""


@dataclass(frozen=True)
class ShownColumn:
    """A column of the table: a metric at a cut-off (``column``) or a cost. ``cutoff`` is the place of its cut-off."""

    choice: Choice
    column: Column | None
    cutoff: int | None
    figures: dict[str, Figure]

    @property
    def title(self) -> str:
        return self.column.title if self.column else self.choice.title

    @property
    def higher_is_better(self) -> bool:
        return self.column is not None and self.column.higher_is_better

    @property
    def drawn(self) -> bool:
        """Whether intervals stand beside the numbers."""
        return any(figure.whisker for figure in self.figures.values())

    @property
    def classes(self) -> str:
        return f"m{self.choice.number}" + ("" if self.cutoff is None else f" k{self.cutoff}")


@dataclass(frozen=True)
class Choices:
    """All that can be shown of a leaderboard, in the table's order. ``cutoff`` is the place of the one shown first."""

    choices: tuple[Choice, ...]
    cutoffs: tuple[int, ...]
    cutoff: int
    columns: tuple[ShownColumn, ...]

    @property
    def groups(self) -> dict[str, list[Choice]]:
        groups: dict[str, list[Choice]] = {}
        for choice in self.choices:
            groups.setdefault(choice.group, []).append(choice)
        return groups

    def primary(self, board: Leaderboard) -> int | None:
        """The number of the column that the rows are sorted by."""
        return next((n for n, shown in enumerate(self.columns) if shown.column and shown.column == board.primary), None)


def choices(board: Leaderboard) -> Choices:
    """What a reader can choose for this leaderboard; costs that no row has are left out."""
    metrics = {column.metric: column for column in board.columns}
    costs = [name for name in COSTS if any(name in row.cost for row in board.rows)]
    told = [(name, column.short_title, TITLES[column.group]) for name, column in metrics.items()]
    told += [(name, COSTS[name][0], COST) for name in costs]
    found = {name: Choice(number, name, title, group) for number, (name, title, group) in enumerate(told)}
    columns = [
        ShownColumn(found[column.metric], column, None if column.k is None else board.cutoffs.index(column.k), figures)
        for column in board.columns
        for figures in [_metric_figures(board, column)]
    ]
    columns += [ShownColumn(found[name], None, None, _cost_figures(board, name)) for name in costs]
    first = board.cutoffs.index(board.k) if board.k is not None else 0
    return Choices(tuple(found.values()), board.cutoffs, first, tuple(columns))


def _metric_figures(board: Leaderboard, column: Column) -> dict[str, Figure]:
    drawn = whiskers(board, column)
    return {
        row.label: Figure(
            board.text(row, column),
            row.values.get(column.name),
            drawn.get(row.label),
            board.interval_text(row, column),
        )
        for row in board.rows
    }


def _cost_figures(board: Leaderboard, name: str) -> dict[str, Figure]:
    told = COSTS[name][1]
    return {row.label: Figure(told(row.cost.get(name)), row.cost.get(name)) for row in board.rows}
