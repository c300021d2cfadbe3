"""Which definition each program uses for each of our metrics, and what the difference is in one sentence."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from bench import metrics
from bench.compatibility import implicit, lenskit, rectools, trec_eval
from bench.ranking import Ranked
from bench.registry import METRICS, look_up, resolve

SAME = "The same."
DEEPEST = 1000  # as far as lists are looked at where a program has no cut-off


@dataclass(frozen=True)
class Definition:
    """A program's metric: its name there, {k} for the cut-off; a function (ranked, k) -> parts of each user."""

    name: str
    function: Callable[[Ranked, int], Any]
    difference: str = SAME
    put_together: Literal["mean", "ratio"] = "mean"


@dataclass(frozen=True)
class Beside:
    """One metric of some lists by our definition and by another program's; None where lists don't give it."""

    metric: str
    ours: float | None
    theirs: float | None
    name: str
    difference: str


OF_LISTS = "its mean is over the users that have a list, ours over all with a relevant item"

TOOLS: dict[str, dict[str, Definition]] = {
    "implicit": {
        "precision": Definition(
            "precision",
            implicit.precision,
            "It adds up all users' hits and divides by all users' min(k, |R|): a recall, in which users with many "
            "relevant items count more.",
            "ratio",
        ),
        "ndcg": Definition("ndcg", metrics.ndcg),
        "map": Definition("map", metrics.average_precision),
        "auc": Definition(
            "auc",
            implicit.auc,
            "It sees k places only, takes all items below them for equally likely, and train items for negatives; here "
            "AUC comes from all scores, which lists don't have.",
        ),
    },
    "rectools": {
        "precision": Definition("Precision(k={k})", metrics.precision),
        "recall": Definition("Recall(k={k})", metrics.recall),
        "ndcg": Definition(
            "NDCG(k={k})",
            rectools.ndcg,
            "Its ideal list has k hits, also for a user with fewer relevant items, who can't reach 1 then "
            "(divide_by_achievable=True gives ours).",
        ),
        "map": Definition(
            "MAP(k={k})",
            rectools.average_precision,
            "It divides by |R|, not by min(k, |R|): a user with more than k relevant items can't reach 1.",
        ),
        "mrr": Definition("MRR(k={k})", metrics.mrr),
        "hit_rate": Definition("HitRate(k={k})", metrics.hit_rate),
    },
    "lenskit": {
        "precision": Definition(
            "Precision(n={k})",
            lenskit.precision,
            f"It divides by the list's own length, so that empty places aren't misses; {OF_LISTS}.",
        ),
        "recall": Definition(
            "Recall(n={k})", lenskit.recall, f"It divides by min(k, |R|), as recall_min here; {OF_LISTS}."
        ),
        "ndcg": Definition(
            "NDCG(n={k})",
            lenskit.ndcg,
            f"It discounts by log2(rank), and so not at all at ranks 1 and 2, ours by log2(rank + 1); {OF_LISTS}.",
        ),
        "map": Definition(
            "ranking.AveragePrecision(n={k})",
            lenskit.average_precision,
            f"It divides by min(the list's own length, |R|), ours by min(k, |R|); {OF_LISTS}.",
        ),
        "mrr": Definition("RecipRank(n={k})", lenskit.reciprocal_rank, f"The same of a user; {OF_LISTS}."),
        "hit_rate": Definition("Hit(n={k})", lenskit.hit, f"The same of a user; {OF_LISTS}."),
    },
    "trec_eval": {
        "precision": Definition("P_{k}", trec_eval.precision, f"The same of a user; {OF_LISTS}."),
        "recall": Definition("recall_{k}", trec_eval.recall, f"The same of a user; {OF_LISTS}."),
        "ndcg": Definition("ndcg_cut_{k}", trec_eval.ndcg, f"The same of a user; {OF_LISTS}."),
        "map": Definition(
            "map_cut_{k}", trec_eval.average_precision, f"It divides by |R|, ours by min(k, |R|); {OF_LISTS}."
        ),
        "mrr": Definition(
            "recip_rank",
            trec_eval.reciprocal_rank,
            f"It has no cut-off: a first hit below rank k counts, here down to rank {DEEPEST:,}; {OF_LISTS}.",
        ),
        "hit_rate": Definition("success_{k}", trec_eval.success, f"The same of a user; {OF_LISTS}."),
    },
}


def beside(tool: str, ranked: Ranked, ks: Sequence[int]) -> list[Beside]:
    """Each metric that the program has, at each cut-off, by our definition and by its own.

    Raises
    ------
    UnknownNameError
        There is no such program in the table.
    """
    found = []
    for metric, definition in look_up(TOOLS, "program", tool).items():
        for k in ks:
            theirs = metrics.put_together(definition.put_together, definition.function(ranked, k))
            name = definition.name.format(k=k)
            found.append(Beside(f"{metric}@{k}", _ours(metric, ranked, k), _known(theirs), name, definition.difference))
    return found


def _ours(metric: str, ranked: Ranked, k: int) -> float | None:
    row = METRICS[metric]
    return (
        _known(metrics.put_together(row.put_together, resolve(row.target)(ranked, k))) if row.needs == "lists" else None
    )


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None
