"""One pass over the cells of a leaderboard: each is read once, and what analyses keep of it is small."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from reports.result import Cell, Result
from reports.table import Leaderboard, Row

Read = Callable[[Result], Result]
ReadDataset = Callable[[Cell], "dict[str, Any] | None"]


class Analysis(Protocol):
    """What is told of every cell, a split seed after the other, rows in the order of the leaderboard."""

    def begin(self, seed: int, dataset: dict[str, Any]) -> None:
        """The cells that follow are of this split seed; ``dataset`` is what is stored of its data."""

    def add(self, row: Row, result: Result) -> None:
        """A cell of a row, with its tables."""

    def end(self) -> None:
        """That was the last cell of the split seed."""


def pass_over(board: Leaderboard, read: Read, read_dataset: ReadDataset, analyses: Sequence[Analysis]) -> None:
    """Tell the analyses of every cell of a leaderboard; one cell is in memory at a time."""
    for seed in sorted({seed for row in board.rows for seed in row.split_seeds}):
        cells = [(row, result) for row in board.rows for result in row.results if result.cell.split_seed == seed]
        dataset = read_dataset(cells[0][1].cell) or {}
        for analysis in analyses:
            analysis.begin(seed, dataset)
        for row, summary in cells:
            result = read(summary)
            for analysis in analyses:
                analysis.add(row, result)
        for analysis in analyses:
            analysis.end()


def mean(cells: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """The mean over cells, of each entry over the cells that have it."""
    table = np.array(cells)
    known = np.isfinite(table)
    return ratio(np.where(known, table, 0).sum(axis=0), known.sum(axis=0))


def ratio(above: NDArray[Any], below: NDArray[Any]) -> NDArray[np.float64]:
    """above / below, NaN where below is 0."""
    quotient = np.full(np.shape(above), math.nan)
    np.divide(above, below, out=quotient, where=np.asarray(below) > 0)
    return quotient
