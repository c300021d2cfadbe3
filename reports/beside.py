"""What lists are like beside their accuracy: coverage, Gini, novelty, diversity."""

from __future__ import annotations

from dataclasses import dataclass

from reports import figures
from reports.figures import Style
from reports.plot import Line, Plot, Table, make_plot, place_of, short
from reports.table import Column, Leaderboard, Row

METRICS = {  # and what a high figure means
    "coverage": "The share of the items that stand in somebody's list.",
    "gini": "How unevenly the items are recommended: 0 all equally often, 1 one item takes all.",
    "novelty": "How rare the recommended items are in train, in bits.",
    "diversity": "How little the items of a list have users in common.",
}
NEARLY = 0.05  # relative: who is as good as the best for this question


@dataclass(frozen=True)
class Beside:
    """Small figures, one for each metric beside accuracy, and all of their values."""

    plots: tuple[Plot, ...]
    table: Table


def beside(board: Leaderboard, styles: dict[str, Style]) -> Beside | None:
    """The section of one leaderboard; None where no such metric was measured."""
    columns = [column for column in board.select("beside") if column.metric in METRICS]
    plots = tuple(plot for column in columns if (plot := _plot(board, column, styles)) is not None)
    return Beside(plots, _table(board, columns)) if plots else None


def _plot(board: Leaderboard, column: Column, styles: dict[str, Style]) -> Plot | None:
    assert board.primary is not None or not board.rows
    return make_plot(
        figures.beside_figure(board, column, styles),
        place_of(board.dataset, board.split),
        f"beside-{column.metric}",
        f"{column.short_title} beside {board.primary.short_title if board.primary else ''}",
        _in_words(board, column),
        METRICS[column.metric],
    )


def _in_words(board: Leaderboard, column: Column) -> str:
    """Who has the best figure of all, and who of those that are nearly as accurate as the best."""
    known = [row for row in board.rows if column.name in row.values]
    near = [row for row in known if _is_near(board, row)]
    what = "Highest" if column.higher_is_better else "Lowest"
    text = f"{what}: {_told(board, column, known)}."
    if near and board.primary:
        text += f" Of those within 5% of the best {board.primary.title}: {_told(board, column, near)}."
    return text


def _told(board: Leaderboard, column: Column, rows: list[Row]) -> str:
    best = (max if column.higher_is_better else min)(rows, key=lambda row: row.values[column.name])
    return f"{short(best)} ({board.text(best, column)})"


def _is_near(board: Leaderboard, row: Row) -> bool:
    name = board.primary.name if board.primary else ""
    best, value = board.best.get(name), row.values.get(name)
    return best is not None and value is not None and abs(best - value) <= NEARLY * abs(best)


def _table(board: Leaderboard, columns: list[Column]) -> Table:
    shown = [*([board.primary] if board.primary else []), *columns]
    return Table(
        f"beside-{place_of(board.dataset, board.split)}-table",
        "Beside accuracy: no model is better by one of these alone",
        ("Model", *(column.title for column in shown)),
        tuple(Line(row.label, row.model, tuple(board.text(row, column) for column in shown)) for row in board.rows),
    )
