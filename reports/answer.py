"""The answer of a leaderboard in a few figures: what to take, what is as good, what it costs, who is whose twin."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from reports.table import Column, Leaderboard, Row

CLOSE = 0.01  # relative: another random split moves a model by 2 to 4%
NEARLY = 0.05  # what many would give up for a faster model
LIBRARIES = ("implicit", "irspack", "lightfm", "surprise")


@dataclass(frozen=True)
class Answer:
    """Which row to take, and what speaks for it.

    Attributes
    ----------
    best
        The first row of the leaderboard.
    rivals
        Rows that are as good as the best: those that can't be told from it where that was tested (``tested``), else
        those within 1% of it.
    take
        The fastest to fit of the best and its rivals, but not one that is more than 5% worse: few users make many
        rivals.
    runner_up
        The next row that isn't as good, None where there is none.
    fastest
        The fastest to fit within 5% of the best.
    popularity
        The floor.
    """

    best: Row
    rivals: tuple[Row, ...]
    tested: bool
    take: Row
    runner_up: Row | None
    fastest: Row
    popularity: Row | None


Judgement = Literal["better", "worse", "equal", ""]


@dataclass(frozen=True)
class Twins:
    """A hand-rolled model beside the library's, by one metric.

    ``library`` and ``change`` are None where the library's row didn't finish; ``change`` is relative to the library's
    value and positive where ours is better. ``judgement`` says what ours is: by the paired test of the primary metric
    where there is one, else by whether the 95% intervals share a value, else by the digits shown.
    """

    own: Row
    library: Row | None
    library_name: str
    library_status: str
    metric: Column
    change: float | None
    judgement: Judgement


def answer(board: Leaderboard) -> Answer | None:
    """The board's answer; None where nothing was measured."""
    if board.primary is None or not board.rows or board.primary.name not in board.rows[0].values:
        return None
    best = board.rows[0]
    loss = {row.label: _loss(board.primary, best, row) for row in board.rows}
    tested = board.uncertainty is not None and any(pair.first == best.label for pair in board.uncertainty.pairs)
    rivals = [row for row in board.rows[1:] if (board.is_like_best(row) if tested else loss[row.label] <= CLOSE)]
    others = [row for row in board.rows[1:] if row not in rivals and loss[row.label] < math.inf]
    return Answer(
        best=best,
        rivals=tuple(rivals),
        tested=tested,
        take=_fastest([best, *(row for row in rivals if loss[row.label] <= NEARLY)]),
        runner_up=others[0] if others else None,
        fastest=_fastest([row for row in board.rows if loss[row.label] <= NEARLY]),
        popularity=next((row for row in board.rows if row.model == "popularity"), None),
    )


def twins(board: Leaderboard, pairs: Mapping[str, str] | None = None) -> list[Twins]:
    """Hand-rolled models beside the libraries' of the same algorithm, best rows of each.

    ``pairs`` maps a library's model to ours; without it the pairs are those that the cells stored, else those that the
    names say.
    """
    if board.primary is None:
        return []
    found = {row.model: row for row in reversed(board.rows)}
    unfinished = {row.model: row for row in reversed(board.problems)}
    if pairs is None:
        pairs = stored_twins([*board.rows, *board.problems]) or guessed_twins([*found, *unfinished])
    result = []
    for library_name, own_name in sorted(pairs.items(), key=lambda pair: (pair[1], pair[0])):
        own, library = found.get(own_name), found.get(library_name)
        if own is None or (library is None and library_name not in unfinished):
            continue
        metric = _shared_metric(board, own, library)
        change = _change(metric, own, library)
        status = "ok" if library else unfinished[library_name].status
        judgement = _judgement(board, metric, own, library, change)
        result.append(Twins(own, library, library_name, status, metric, change, judgement))
    return result


def stored_twins(rows: Iterable[Row]) -> dict[str, str]:
    """Library's model -> ours, as the cells say: a model with a library names its twin, or ours names it."""
    kin = {row.model: row.results[-1].identity for row in rows}
    named = {model: str(identity["twin"]) for model, identity in kin.items() if identity.get("twin")}
    pairs = {model: twin for model, twin in named.items() if kin[model].get("library")}
    return pairs | {twin: model for model, twin in named.items() if model not in pairs and twin not in pairs}


def guessed_twins(models: Iterable[str]) -> dict[str, str]:
    """Library's model -> ours, where a name is a library's, a hyphen and the name of another model."""
    names = set(models)
    parts = {name: name.partition("-") for name in names}
    return {name: own for name, (library, _, own) in parts.items() if library in LIBRARIES and own in names}


def _fastest(rows: Sequence[Row]) -> Row:
    """The first of the fastest to fit; the first of all where no time was stored."""
    timed = [row for row in rows if "fit_seconds" in row.cost]
    return min(timed, key=lambda row: row.cost["fit_seconds"], default=rows[0])


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


def _judgement(board: Leaderboard, metric: Column, own: Row, library: Row | None, change: float | None) -> Judgement:
    """Better or worse only where the users say so, and not by chance."""
    if library is None or change is None:
        return ""
    better: Judgement = "better" if change > 0 else "worse"
    if board.uncertainty is not None and metric == board.primary:
        labels = own.label, library.label
        if board.uncertainty.between(*labels) or board.uncertainty.between(*reversed(labels)):
            alike = board.uncertainty.alike(*labels) or board.uncertainty.alike(*reversed(labels))
            return "equal" if alike else better
    ours, theirs = board.interval(own, metric), board.interval(library, metric)
    if ours is not None and theirs is not None:
        return "equal" if ours.low <= theirs.high and theirs.low <= ours.high else better
    return "equal" if board.text(own, metric) == board.text(library, metric) else better


def _loss(primary: Column, best: Row, row: Row) -> float:
    """How much worse than the best, relative to it."""
    value, top = row.values.get(primary.name), best.values[primary.name]
    if value is None:
        return float("inf")
    return abs(value - top) / abs(top) if top else float(value != top)
