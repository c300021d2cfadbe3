"""The answer of a leaderboard in a few figures: what to take, what is as good, what it costs, who is whose twin."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from reports.table import Column, Leaderboard, Row

CLOSE = 0.01  # relative: another random split moves a model by 2 to 4%
NEARLY = 0.05  # what many would give up for a faster model
LIBRARIES = ("implicit", "irspack", "lightfm", "surprise")


@dataclass(frozen=True)
class Answer:
    """The best row, those within 1% of it, the fastest to fit within 5%, and popularity as the floor."""

    best: Row
    close: tuple[Row, ...]
    fastest: Row
    popularity: Row | None


@dataclass(frozen=True)
class Twins:
    """A hand-rolled model beside the library's, by one metric.

    ``library`` and ``change`` are None where the library's row didn't finish; ``change`` is relative to the library's
    value and positive where ours is better.
    """

    own: Row
    library: Row | None
    library_name: str
    library_status: str
    metric: Column
    change: float | None


def answer(board: Leaderboard) -> Answer | None:
    """The board's answer; None where nothing was measured."""
    if board.primary is None or not board.rows or board.primary.name not in board.rows[0].values:
        return None
    best = board.rows[0]
    nearly = [row for row in board.rows if _loss(board.primary, best, row) <= NEARLY]
    timed = [row for row in nearly if "fit_seconds" in row.cost]
    return Answer(
        best=best,
        close=tuple(row for row in nearly[1:] if _loss(board.primary, best, row) <= CLOSE),
        fastest=min(timed, key=lambda row: row.cost["fit_seconds"], default=best),
        popularity=next((row for row in board.rows if row.model == "popularity"), None),
    )


def twins(board: Leaderboard, pairs: Mapping[str, str] | None = None) -> list[Twins]:
    """Hand-rolled models beside the libraries' of the same algorithm, best rows of each.

    ``pairs`` maps a library's model to ours; without it ``implicit-als`` is taken for the twin of ``als``.
    """
    if board.primary is None:
        return []
    found = {row.model: row for row in reversed(board.rows)}
    unfinished = {row.model: row for row in reversed(board.problems)}
    pairs = pairs if pairs is not None else guessed_twins([*found, *unfinished])
    result = []
    for library_name, own_name in sorted(pairs.items(), key=lambda pair: (pair[1], pair[0])):
        own, library = found.get(own_name), found.get(library_name)
        if own is None or (library is None and library_name not in unfinished):
            continue
        metric = _shared_metric(board, own, library)
        status = "ok" if library else unfinished[library_name].status
        result.append(Twins(own, library, library_name, status, metric, _change(metric, own, library)))
    return result


def guessed_twins(models: Iterable[str]) -> dict[str, str]:
    """Library's model -> ours, where a name is a library's, a hyphen and the name of another model."""
    names = set(models)
    parts = {name: name.partition("-") for name in names}
    return {name: own for name, (library, _, own) in parts.items() if library in LIBRARIES and own in names}


def _shared_metric(board: Leaderboard, own: Row, library: Row | None) -> Column:
    """Models that predict ratings are compared by them, others by the primary metric."""
    assert board.primary is not None
    predict = [row for row in (own, library) if row is not None and "rmse" in row.values]
    if predict and len(predict) == 1 + (library is not None):
        return next(column for column in board.columns if column.name == "rmse")
    return board.primary


def _change(metric: Column, own: Row, library: Row | None) -> float | None:
    ours = own.values.get(metric.name)
    theirs = library.values.get(metric.name) if library else None
    if ours is None or not theirs:
        return None
    return (ours - theirs) / abs(theirs) * (1 if metric.higher_is_better else -1)


def _loss(primary: Column, best: Row, row: Row) -> float:
    """How much worse than the best, relative to it."""
    value, top = row.values.get(primary.name), best.values[primary.name]
    if value is None:
        return float("inf")
    return abs(value - top) / abs(top) if top else float(value != top)
