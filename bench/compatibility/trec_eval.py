"""trec_eval's measures, where they aren't ours, as it averages them without ``-c``: over users that have a list."""

from __future__ import annotations

from bench import metrics
from bench.compatibility.parts import Values, divided, over_lists, sum_of_precisions
from bench.ranking import Ranked


def precision(ranked: Ranked, k: int) -> Values:
    """Σ hit(r) / k."""
    return over_lists(metrics.precision, ranked, k)


def recall(ranked: Ranked, k: int) -> Values:
    """Σ hit(r) / |R|."""
    return over_lists(metrics.recall, ranked, k)


def ndcg(ranked: Ranked, k: int) -> Values:
    """Σ hit(r) / log2(r + 1), over that of min(k, |R|) hits."""
    return over_lists(metrics.ndcg, ranked, k)


def average_precision(ranked: Ranked, k: int) -> Values:
    """Σ hit(r) · precision@r / |R|, over the first k places."""
    return over_lists(lambda lists, k: divided(sum_of_precisions(lists, k), lists.n_relevant), ranked, k)


def reciprocal_rank(ranked: Ranked, k: int) -> Values:
    """1 / rank of the first hit of the whole list, whatever k is."""
    return over_lists(metrics.mrr, ranked, ranked.lists.shape[1])


def success(ranked: Ranked, k: int) -> Values:
    """1 where there is a hit in the first k places."""
    return over_lists(metrics.hit_rate, ranked, k)
