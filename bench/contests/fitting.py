"""One round of a contest of models that learn: the first peer, ours, the other peers, one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import scipy.sparse as sp

from bench.contests.clock import Fit, retimed, watch
from bench.contests.quality import Judge, judge_of
from bench.contests.rows import Reading
from bench.contests.table import EPOCH, ITERATION, RATINGS, SAMPLES, TO_QUALITY, Contender, Contest, Measure
from bench.runner import Material


def warm_up(contest: Contest, peers: Sequence[Contender], material: Material) -> None:
    """Compile (or load from the cache) everything with the same factors: on a tiny matrix, ours on the real one too.

    Ours has other kernels for rows that a tiny matrix doesn't have.
    """
    tiny = sp.csr_matrix(np.kron(np.eye(2), np.ones((8, 8))).astype(np.float32))
    for contender in (contest.ours, *peers):
        contender.build(1, iterations=1).fit(tiny, show_progress=False)
    contest.ours.build(1, iterations=1).fit(material.fitted_on, show_progress=False)


def play(
    contest: Contest, peers: Sequence[Contender], material: Material, threads: int, judged: dict[tuple[str, int], Fit]
) -> list[Reading]:
    """The readings of one round, those of ours alone (against peer "") among them.

    Who is judged while learning is so once, in the first round (``judged`` keeps it for the others), and timed without.
    Without the first peer nobody sets the quality to be reached: then only the times of iterations are read.
    """
    judge = judge_of(contest, material, threads)
    leads = peers[:1] if peers[:1] == list(contest.peers[:1]) else []
    fits: dict[str, Fit] = {}
    target: float | None = None
    for contender in (*leads, contest.ours, *peers[len(leads) :]):
        is_lead = contender in leads
        every = contender.judged_every if TO_QUALITY in contest.counted and (is_lead or target is not None) else 0
        build, key = partial(contender.build, threads), (contender.name, threads)
        if every == 0:
            fits[contender.name] = watch(build, material.fitted_on, judge)
        else:
            if key not in judged:
                judged[key] = watch(build, material.fitted_on, judge, every, target)
            fits[contender.name] = retimed(judged[key], build, material.fitted_on)
        if is_lead and TO_QUALITY in contest.counted:
            target = fits[contender.name].best(judge).quality
    ours = fits[contest.ours.name]
    n = material.fitted_on.nnz
    readings = [Reading(contest.name, None, "", threads, ours.iteration_seconds, np.nan)]
    for measure, peer in _pairs(contest, peers):
        if measure is not TO_QUALITY:
            readings.append(_iterations(contest, measure, peer, threads, ours, fits[peer], n))
        elif target is not None:
            readings.append(_to_quality(contest, peer, threads, ours, fits[peer], judge, target))
    return readings


def _pairs(contest: Contest, peers: Sequence[Contender]) -> list[tuple[Measure, str]]:
    """What is counted against whom, without the peers that aren't there."""
    names = {peer.name for peer in peers}
    return [(measure, peer) for measure, goals in contest.counted.items() for peer in goals if peer in names]


def _iterations(contest: Contest, measure: Measure, peer: str, threads: int, ours: Fit, theirs: Fit, n: int) -> Reading:
    """Seconds of an iteration, or how many of the n interactions it goes through in a second."""
    assert measure in (ITERATION, EPOCH, SAMPLES, RATINGS)
    our_value, their_value = (
        n / fit.iteration_seconds if measure.kind == "rate" else fit.iteration_seconds for fit in (ours, theirs)
    )
    qualities = ours.marks[-1].quality, theirs.marks[-1].quality
    return Reading(contest.name, measure, peer, threads, our_value, their_value, *qualities, contest.quality)


def _to_quality(
    contest: Contest, peer: str, threads: int, ours: Fit, theirs: Fit, judge: Judge, target: float
) -> Reading:
    marks = ours.first_as_good(judge, target), theirs.first_as_good(judge, target)
    (our_seconds, our_quality, ours_after), (their_seconds, their_quality, theirs_after) = (
        (mark.seconds, mark.quality, f"after {mark.iteration}")
        if mark is not None
        else (np.nan, fit.best(judge).quality, f"not within {fit.marks[-1].iteration}")
        for fit, mark in zip((ours, theirs), marks, strict=True)
    )
    note = f"iterations: {contest.ours.name} {ours_after}, {peer} {theirs_after}"
    qualities = our_quality, their_quality, contest.quality
    return Reading(contest.name, TO_QUALITY, peer, threads, our_seconds, their_seconds, *qualities, note)
