"""LensKit's ``lenskit.metrics``, as ``RunAnalysis`` averages them: over users that have a list."""

from __future__ import annotations

import numpy as np

from bench import metrics
from bench.compatibility.parts import Values, achievable, divided, hits, length, over_lists, sum_of_precisions
from bench.ranking import Ranked


def precision(ranked: Ranked, k: int) -> Values:
    """Σ hit(r) / length of the list, up to k."""
    return divided(hits(ranked, k), length(ranked, k))


def recall(ranked: Ranked, k: int) -> Values:
    """Σ hit(r) / min(k, |R|)."""
    return over_lists(metrics.recall_min, ranked, k)


def ndcg(ranked: Ranked, k: int) -> Values:
    """Σ hit(r) / max(1, log2(r)), over that of min(k, |R|) hits."""
    discounts = 1 / np.maximum(1, np.log2(np.arange(1, k + 1)))
    ideal = np.cumsum(discounts)[np.maximum(achievable(ranked, k), 1) - 1]
    return over_lists(lambda lists, k: lists.hits[:, :k] @ discounts / ideal, ranked, k)


def average_precision(ranked: Ranked, k: int) -> Values:
    """Σ hit(r) · precision@r / min(length of the list up to k, |R|)."""
    return divided(sum_of_precisions(ranked, k), np.minimum(length(ranked, k), ranked.n_relevant))


def reciprocal_rank(ranked: Ranked, k: int) -> Values:
    """1 / rank of the first hit in the first k places."""
    return over_lists(metrics.mrr, ranked, k)


def hit(ranked: Ranked, k: int) -> Values:
    """1 where there is a hit in the first k places."""
    return over_lists(metrics.hit_rate, ranked, k)
