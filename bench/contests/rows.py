"""From readings, one a round, to rows: medians with their spread, the ratio, whether the goal is reached."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Literal

import numpy as np

from bench.contests.table import THREADS, THREADS_GOAL, Contest, Measure

if TYPE_CHECKING:
    import pandas as pd

NAN = float("nan")


@dataclass(frozen=True)
class Reading:
    """What one round gave: ours and the peer's value of a measure, and what they are worth.

    ``measure`` None and ``peer_name`` "" is ours alone: the seconds of an iteration, to compare numbers of threads.
    """

    contest: str
    measure: Measure | None
    peer_name: str
    threads: int
    ours: float
    peer: float
    our_quality: float = NAN
    peer_quality: float = NAN
    quality_name: str = ""
    note: str = ""


@dataclass(frozen=True)
class Row:
    """One line of speed.csv; NaN (an empty field there) where there is nothing.

    ``ratio`` is that of the medians: how many times faster ours is, for a "cost" (``goal_is`` "at most") how many times
    as long ours takes as what stands in ``peer_name``. ``reached`` is "yes", "no" or "" without a goal.
    """

    contest: str
    measure: str
    unit: str
    kind: str
    threads: int
    ours: float = NAN
    ours_low: float = NAN
    ours_high: float = NAN
    peer: float = NAN
    peer_name: str = ""
    peer_low: float = NAN
    peer_high: float = NAN
    ratio: float = NAN
    goal: float = NAN
    goal_is: Literal["at least", "at most"] = "at least"
    reached: Literal["yes", "no", ""] = ""
    our_quality: float = NAN
    peer_quality: float = NAN
    quality_name: str = ""
    status: Literal["ok", "not reached", "skipped"] = "ok"
    note: str = ""
    contest_note: str = ""


def rows_of(contest: Contest, readings: Iterable[Reading]) -> list[Row]:
    """The rows of a contest in the order of its table, the fewest threads first; then ours on one thread and on two."""
    grouped: dict[tuple[Measure | None, str, int], list[Reading]] = {}
    for reading in readings:
        grouped.setdefault((reading.measure, reading.peer_name, reading.threads), []).append(reading)
    rows = [
        _row(contest, measure, peer, threads, grouped[measure, peer, threads], goal)
        for threads in sorted({threads for _, _, threads in grouped})
        for measure, goals in contest.counted.items()
        for peer, goal in goals.items()
        if (measure, peer, threads) in grouped
    ]
    alone = {threads: grouped[None, "", threads] for threads in (1, 2) if (None, "", threads) in grouped}
    return [*rows, *([_threads_row(contest, alone[1], alone[2])] if len(alone) == 2 else [])]


def skipped(contest: Contest, measure: Measure, peer: str, threads: int, reason: str) -> Row:
    """A row without figures, and why."""
    goal = contest.counted[measure][peer]
    return Row(
        contest.name,
        measure.name,
        measure.unit,
        measure.kind,
        threads,
        peer_name=peer,
        goal=NAN if goal is None else goal,
        goal_is=_direction(measure),
        quality_name=contest.quality,
        status="skipped",
        note=reason,
        contest_note=contest.note,
    )


def to_frame(rows: Sequence[Row], about: Mapping[str, str | int]) -> pd.DataFrame:
    """Rows as a data frame; ``about`` are columns that are the same in all of them."""
    import pandas as pd

    columns = [field.name for field in fields(Row)]
    frame = pd.DataFrame([[getattr(row, name) for name in columns] for row in rows], columns=columns)
    return frame.assign(**about)


def _row(
    contest: Contest, measure: Measure, peer: str, threads: int, readings: Sequence[Reading], goal: float | None
) -> Row:
    ours, theirs = _spread([each.ours for each in readings]), _spread([each.peer for each in readings])
    ratio = _ratio(measure, ours[0], theirs[0])
    return Row(
        contest.name,
        measure.name,
        measure.unit,
        measure.kind,
        threads,
        *ours,
        theirs[0],
        peer,
        *theirs[1:],
        ratio,
        NAN if goal is None else goal,
        _direction(measure),
        "" if goal is None else _reached(measure, ratio, goal),
        float(np.median([each.our_quality for each in readings])),
        float(np.median([each.peer_quality for each in readings])),
        readings[0].quality_name,
        "ok" if np.isfinite(ratio) else "not reached",
        readings[0].note,
        contest.note,
    )


def _threads_row(contest: Contest, one: Sequence[Reading], two: Sequence[Reading]) -> Row:
    """Ours with two threads beside ours with one."""
    peer = f"{contest.ours.name}, 1 thread"
    readings = [
        Reading(contest.name, THREADS, peer, 2, with_two.ours, with_one.ours)
        for with_one, with_two in zip(one, two, strict=True)
    ]
    return _row(contest, THREADS, peer, 2, readings, THREADS_GOAL)


def _spread(values: Sequence[float]) -> tuple[float, float, float]:
    """(median, smallest, largest); NaN where a round has none."""
    return float(np.median(values)), float(np.min(values)), float(np.max(values))


def _ratio(measure: Measure, ours: float, peer: float) -> float:
    above, below = (peer, ours) if measure.kind in ("time", "threads") else (ours, peer)
    return above / below if below > 0 else NAN


def _direction(measure: Measure) -> Literal["at least", "at most"]:
    return "at most" if measure.kind == "cost" else "at least"


def _reached(measure: Measure, ratio: float, goal: float) -> Literal["yes", "no"]:
    return "yes" if (ratio <= goal if measure.kind == "cost" else ratio >= goal) else "no"
