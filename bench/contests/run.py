"""A run of contests: who is there, round after round, rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from threadpoolctl import threadpool_limits

from bench.baselines.missing import MissingLibraryError
from bench.contests import fitting, ranking
from bench.contests.clock import Fit
from bench.contests.rows import Reading, Row, rows_of, skipped, to_frame
from bench.contests.table import CONTESTS, TO_QUALITY, Contender, Contest
from bench.environment import key_versions, package_versions, processor
from bench.registry import MODELS, look_up
from bench.runner import Material
from splits.split import Split

if TYPE_CHECKING:
    import pandas as pd

Say = Callable[[str], None]
PEER_LIBRARIES = sorted({row.library for row in MODELS.values() if row.library})
PARTS = {"fit": (fitting.play, fitting.warm_up), "ranking": (ranking.play, ranking.warm_up)}


class SpeedError(ValueError):
    """A number of rounds or threads that can't be run."""


def chosen(only: Sequence[str]) -> list[Contest]:
    """The contests whose names begin with one of the words, in the table's order; all without a word.

    Raises
    ------
    UnknownNameError
        No contest's name begins with a word.
    """
    table = {contest.name: contest for contest in CONTESTS}
    for word in only:
        if not any(name.startswith(word) for name in table):
            look_up(table, "contest", word)
    return [contest for name, contest in table.items() if not only or name.startswith(tuple(only))]


def run(split: Split, contests: Sequence[Contest], threads: Sequence[int], rounds: int, say: Say) -> pd.DataFrame:
    """The rows of all contests on a split, with the machine and the versions.

    Raises
    ------
    SpeedError
        No round, or no thread.
    """
    if rounds < 1 or not threads or min(threads) < 1:
        raise SpeedError(f"rounds and threads must be at least 1, not {rounds} and {list(threads)}")
    rows = [row for contest in contests for row in _run_contest(contest, split, sorted(set(threads)), rounds, say)]
    versions = {**key_versions(), **package_versions(*PEER_LIBRARIES)}
    about: dict[str, str | int] = {
        "rounds": rounds,
        "dataset": split.interactions.name,
        "processor": processor(),
        "versions": "; ".join(f"{name} {number}" for name, number in versions.items()),
    }
    return to_frame(rows, about)


def _run_contest(contest: Contest, split: Split, threads: Sequence[int], rounds: int, say: Say) -> list[Row]:
    """Everybody with every number of threads, in turn, as many rounds as asked for."""
    data = split.interactions
    if contest.learns_from == "ratings" and (data.ratings is None or data.rating_scale is None):
        reason = f"'{data.name}' has no ratings"
        return [
            skipped(contest, measure, peer, n, reason)
            for n in threads
            for measure, goals in contest.counted.items()
            for peer in goals
        ]
    play, warm_up = PARTS[contest.part]
    material = Material(split, contest.learns_from)
    peers, missing = _who_is_there(contest)
    say(f"{contest.name}: compiling")
    warm_up(contest, peers, material)
    readings: list[Reading] = []
    judged: dict[tuple[str, int], Fit] = {}
    for n_round in range(rounds):
        for n in threads:
            say(f"{contest.name}: round {n_round + 1} of {rounds}, {n} thread{'s' if n > 1 else ''}")
            with threadpool_limits(n, user_api="blas"):
                readings += play(contest, peers, material, n, judged)
    return [*rows_of(contest, readings), *_skipped_rows(contest, missing, threads)]


def _who_is_there(contest: Contest) -> tuple[list[Contender], dict[str, str]]:
    """The peers whose libraries are installed, and for the others why they aren't."""
    peers, missing = [], {}
    for peer in contest.peers:
        try:
            peer.build(1)
        except MissingLibraryError as error:
            missing[peer.name] = str(error)
        else:
            peers.append(peer)
    return peers, missing


def _skipped_rows(contest: Contest, missing: dict[str, str], threads: Sequence[int]) -> list[Row]:
    """Rows of who isn't there, and of those for whom nobody set the quality to be reached."""
    lead = contest.peers[0].name
    rows = []
    for n in threads:
        for measure, goals in contest.counted.items():
            for peer in goals:
                reason = missing.get(peer)
                if reason is None and measure is TO_QUALITY and lead in missing:
                    reason = f"{lead} sets the quality: {missing[lead]}"
                if reason is not None:
                    rows.append(skipped(contest, measure, peer, n, reason))
    return rows
