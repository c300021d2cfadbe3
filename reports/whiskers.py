"""An interval as a line of a few pixels beside its number: all of a column on one scale."""

from __future__ import annotations

from dataclasses import dataclass

from reports.table import Column, Leaderboard

WIDTH = 36.0  # units of the drawing, about pixels
LEAST_ROWS = 3


@dataclass(frozen=True)
class Whisker:
    """Where the interval begins and ends and where its value stands, from 0 to WIDTH.

    ``beyond`` is -1 or 1 where all of it lies left or right of the scale.
    """

    low: float
    high: float
    value: float
    beyond: int


def whiskers(board: Leaderboard, column: Column) -> dict[str, Whisker]:
    """Label -> the interval of that column, where there is one.

    The scale holds the better half of the rows: with the worst on it the best would be dots in a corner.
    """
    found = {
        row.label: (row.values[column.name], board.interval(row, column))
        for row in board.rows
        if column.name in row.values
    }
    known = {label: (value, interval) for label, (value, interval) in found.items() if interval is not None}
    if not known:
        return {}
    best_first = sorted(known.values(), key=lambda pair: pair[0], reverse=column.higher_is_better)
    shown = [interval for _, interval in best_first[: max(LEAST_ROWS, (len(best_first) + 1) // 2)]]
    left, right = min(interval.low for interval in shown), max(interval.high for interval in shown)
    scale = (WIDTH - 4) / (right - left) if right > left else 0.0

    def at(figure: float) -> float:
        return round(min(WIDTH, max(0.0, 2 + (figure - left) * scale)), 1)

    return {
        label: Whisker(at(interval.low), at(interval.high), at(value), (interval.low > right) - (interval.high < left))
        for label, (value, interval) in known.items()
    }
