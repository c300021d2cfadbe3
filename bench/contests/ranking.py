"""One round of the contest of what comes after learning: lists, AUC and metrics of all test users."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from time import perf_counter
from typing import Any

import numpy as np
import scipy.sparse as sp
from threadpoolctl import threadpool_limits

from bench import metrics
from bench.baselines.missing import import_library
from bench.contests.clock import settle
from bench.contests.rows import Reading
from bench.contests.table import (
    DIVERSITY_COST,
    METRICS_COST,
    RANKING,
    RANKING_COST,
    TOP_20_COST,
    Contender,
    Contest,
    Measure,
)
from bench.ranking import Catalogue, Ranked, rank
from bench.registry import METRICS, resolve
from bench.runner import Material

K = 20
BLOCK_BYTES = 8 * 2**20  # of scores, as in rank
REPEATS = 3  # of each, in a round: they are short


def warm_up(contest: Contest, peers: Sequence[Contender], material: Material) -> None:
    """One round that nobody reads."""
    with threadpool_limits(1, user_api="blas"):
        play(contest, peers, material, 1)


def play(
    contest: Contest, peers: Sequence[Contender], material: Material, threads: int, judged: object = None
) -> list[Reading]:
    """The readings of one round. The AUC is left out where nothing is relevant, so that it has nothing to count."""
    model = contest.ours.build(threads).fit(material.positives, show_progress=False)
    users = material.test_users[material.has_relevant]
    nothing = sp.csr_matrix(material.relevant.shape, dtype=np.float32)

    def ranked(relevant: sp.csr_matrix) -> Ranked:
        tables = (material.seen, relevant)
        return rank(model.score, users, *tables, K, seed=0, block_bytes=BLOCK_BYTES, threads=threads, concurrent=True)

    lists = ranked(material.relevant)
    work: dict[str, Callable[[], object]] = {
        "product": _bare_product(model, users),
        "top-20": lambda: ranked(nothing),
        "ranking": lambda: ranked(material.relevant),
        "metrics": lambda: _all_metrics(_fresh(lists), without=("diversity",)),
        "diversity": lambda: metrics.diversity(_fresh(lists), K),
    }
    if peers:
        work["implicit"] = _implicit_evaluation(model, material, threads)
    seconds = _in_turn(work)
    seconds["metrics"] += max(0.0, seconds["ranking"] - seconds["top-20"])  # the AUC, counted while ranking
    pairs: list[tuple[Measure, str, str, str]] = [
        (TOP_20_COST, "top-20", "product", "bare product"),
        (RANKING_COST, "ranking", "product", "bare product"),
        (METRICS_COST, "metrics", "top-20", "top-20"),
        (DIVERSITY_COST, "diversity", "top-20", "top-20"),
    ]
    if peers:
        pairs.insert(0, (RANKING, "ranking", "implicit", "implicit"))
    return [
        Reading(contest.name, measure, name, threads, seconds[ours], seconds[peer])
        for measure, ours, peer, name in pairs
    ]


def _in_turn(work: dict[str, Callable[[], object]]) -> dict[str, float]:
    """The median seconds of each, all of them one after the other, a few times."""
    times: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(REPEATS):
        for name, do in work.items():
            settle()
            started = perf_counter()
            do()
            times[name].append(perf_counter() - started)
    return {name: float(np.median(each)) for name, each in times.items()}


def _bare_product(model: Any, users: np.ndarray) -> Callable[[], None]:
    """x·y of all users and items, the same blocks as in rank, into one buffer."""
    rows, columns = model.user_factors[users], model.item_factors.T
    block = max(2, BLOCK_BYTES // (4 * columns.shape[1]))
    buffer = np.empty((min(block, len(rows)), columns.shape[1]), np.float32)

    def multiply() -> None:
        for start in range(0, len(rows), block):
            part = rows[start : start + block]
            np.matmul(part, columns, out=buffer[: len(part)])

    return multiply


def _fresh(ranked: Ranked) -> Ranked:
    """The same lists with nothing remembered from the metrics before."""
    return replace(ranked, catalogue=Catalogue(ranked.catalogue.user_items))


def _all_metrics(ranked: Ranked, without: Sequence[str]) -> None:
    """Every metric of the registry that a ranking gives, put together over the users."""
    for name, row in METRICS.items():
        if row.needs != "ratings" and name not in without:
            arguments = (K,) if row.needs == "lists" else ()
            metrics.put_together(row.put_together, resolve(row.target)(ranked, *arguments))


def _implicit_evaluation(model: Any, material: Material, threads: int) -> Callable[[], object]:
    """implicit's evaluation of the same factors, which its own model holds; BLAS on one thread, as the library asks."""
    library = import_library("implicit.cpu.als", "implicit", "implicit")
    evaluation = import_library("implicit.evaluation", "implicit", "implicit")
    with threadpool_limits(1, user_api="blas"):
        theirs = library.AlternatingLeastSquares(factors=model.user_factors.shape[1], num_threads=threads)
    theirs.user_factors, theirs.item_factors = model.user_factors, model.item_factors

    def evaluate() -> None:
        with threadpool_limits(1, user_api="blas"):
            evaluation.ranking_metrics_at_k(
                theirs, material.seen, material.relevant, K=K, show_progress=False, num_threads=threads
            )

    return evaluate
