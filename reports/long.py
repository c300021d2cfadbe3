"""report-long.csv: one line for each row of a leaderboard and each of its figures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reports.csv import as_text
from reports.store import write_text
from reports.table import COSTS, Column, Leaderboard, Row, encodable, parameters_text

if TYPE_CHECKING:
    import pandas as pd

NAMES = (
    "dataset", "split", "model", "parameters", "status", "split_seeds", "model_seeds",
    "metric", "k", "value", "low", "high", "value_all", "higher_is_better", "best", "like_best",
)  # fmt: skip
TEXT = ("dataset", "split", "model", "parameters")


def long_frame(boards: Iterable[Leaderboard]) -> pd.DataFrame:
    """One line for each row and figure, means over the row's cells.

    Returns
    -------
    Columns dataset, split, model, parameters (JSON), status, split_seeds and model_seeds (``0 1 2``), metric (without
    its cut-off; times, memory and sizes too), k (missing where there is none), value (over warm users), low and high
    (its 95% interval, missing where there is none), value_all (over all users, missing where none is cold),
    higher_is_better, best (no other row is better by the digits that the leaderboard shows) and like_best (can't be
    told from the best by the primary metric). A row that didn't finish has one line without a metric.
    """
    import pandas as pd

    lines = [line for board in boards for row in (*board.rows, *board.problems) for line in _lines(board, row)]
    frame = pd.DataFrame(lines, columns=pd.Index(NAMES))
    types = {"k": "Int64", "value": "float64", "low": "float64", "high": "float64", "value_all": "float64"}
    return frame.astype(types | dict.fromkeys(("higher_is_better", "best", "like_best"), "boolean"))


def write_long_csv(boards: Iterable[Leaderboard], path: str | Path) -> Path:
    """Write :func:`long_frame` as UTF-8 CSV with full precision; texts as in report.csv."""
    frame = long_frame(boards)
    for name in TEXT:
        frame[name] = [as_text(value) for value in frame[name]]
    path = Path(path)
    write_text(path, frame.to_csv(index=False, lineterminator="\n"))
    return path


def _lines(board: Leaderboard, row: Row) -> Iterator[tuple[Any, ...]]:
    model_seeds = sorted({result.cell.model_seed for result in row.results})
    who = (
        *map(encodable, (board.dataset, board.split, row.model, parameters_text(row.parameters))),
        str(row.status), " ".join(map(str, row.split_seeds)), " ".join(map(str, model_seeds)),
    )  # fmt: skip
    if row.status != "ok":
        yield (*who, *[None] * 9)
        return
    for column in board.columns:
        if column.name in row.values:
            yield (*who, *_figures(board, row, column))
    for name in COSTS:
        if name in row.cost:
            yield (*who, name, None, row.cost[name], None, None, None, False, None, None)


def _figures(board: Leaderboard, row: Row, column: Column) -> tuple[Any, ...]:
    found = board.interval(row, column)
    bounds = (found.low, found.high) if found else (None, None)
    beside = column.group == "beside"
    like = board.is_like_best(row) if column == board.primary and board.uncertainty else None
    return (
        column.metric, column.k, row.values[column.name], *bounds, row.values_all.get(column.name),
        column.higher_is_better, None if beside else board.is_best(row, column), like,
    )  # fmt: skip
