"""The metrics: one short pure function each, one value a user; :func:`put_together` makes the value of all users.

In the formulas k is the cut-off, R the user's set of relevant test items, hit(r) is 1 where the item at rank r is
relevant and else 0, ranks start at 1, and sums run over r = 1..k. A list that is shorter than k misses at its empty
places. The accuracy of a user without relevant items is NaN, which a mean over users leaves out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from bench.ranking import Ranked

Values = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class RatingErrors:
    """Held-out ratings beside their predictions.

    Attributes
    ----------
    users
        int (m,), the user's code of each held-out rating.
    predicted
        float (m,), clipped to the data set's scale.
    actual
        float (m,).
    n_users
        The number of user codes: the rows of what a rating metric gives.
    """

    users: NDArray[Any]
    predicted: NDArray[Any]
    actual: NDArray[Any]
    n_users: int

    @property
    def differences(self) -> Values:
        """float64 (m,): predicted minus actual."""
        return np.asarray(self.predicted, np.float64) - np.asarray(self.actual, np.float64)


# Accuracy of lists


def precision(ranked: Ranked, k: int) -> Values:
    """Σ hit(r) / k. The empty places of a short list count as misses; an empty list gives 0."""
    return _where_relevant(ranked, _hits(ranked, k) / k)


def recall(ranked: Ranked, k: int) -> Values:
    """Σ hit(r) / |R|. Can't reach 1 where |R| > k; an empty list gives 0."""
    return _where_relevant(ranked, _hits(ranked, k) / _at_least_1(ranked.n_relevant))


def recall_min(ranked: Ranked, k: int) -> Values:
    """Σ hit(r) / min(k, |R|). An empty list gives 0."""
    return _where_relevant(ranked, _hits(ranked, k) / _ideal_hits(ranked, k))


def ndcg(ranked: Ranked, k: int) -> Values:
    """Σ hit(r) / log2(r + 1), over its largest possible value Σ_{r <= min(k, |R|)} 1 / log2(r + 1).

    An empty list gives 0. Both sums add up in the same order, so that a perfect list gives exactly 1.
    """
    discounts = 1 / np.log2(_ranks(k) + 1)
    gained = np.cumsum(_first(ranked.hits, k) * discounts, axis=1)[:, -1]
    return _where_relevant(ranked, gained / np.cumsum(discounts)[_ideal_hits(ranked, k) - 1])


def average_precision(ranked: Ranked, k: int) -> Values:
    """Σ hit(r) · precision@r / min(k, |R|). An empty list gives 0; its mean over users is MAP."""
    precisions = _first(ranked.cumulative_hits, k) / _ranks(k)
    found = np.cumsum(precisions * _first(ranked.hits, k), axis=1)[:, -1]
    return _where_relevant(ranked, found / _ideal_hits(ranked, k))


def mrr(ranked: Ranked, k: int) -> Values:
    """1 / rank of the first hit, 0 where the first k places have none (an empty list, too)."""
    hits = _first(ranked.hits, k)
    return _where_relevant(ranked, np.where(hits.any(axis=1), 1 / (hits.argmax(axis=1) + 1), 0.0))


def hit_rate(ranked: Ranked, k: int) -> Values:
    """1 where Σ hit(r) > 0, else 0 (an empty list, too)."""
    return _where_relevant(ranked, (_hits(ranked, k) > 0).astype(np.float64))


def auc(ranked: Ranked) -> Values:
    """P(a relevant item scores above another candidate) + P(both score the same) / 2, as the ranking pass found it.

    Over all candidates, whatever the lists' length. NaN where a user has no other candidate, or where there are only
    lists and no scores.
    """
    return _where_relevant(ranked, ranked.auc)


# What the lists are made of


def novelty(ranked: Ranked, k: int) -> Values:
    """Mean over the list of -log2((item's train count + 1) / (users + 1)). An empty list gives NaN."""
    catalogue = ranked.catalogue
    return _mean_over_list(ranked, k, -np.log2((catalogue.train_counts + 1) / (catalogue.n_users + 1)))


def popularity(ranked: Ranked, k: int) -> Values:
    """Mean over the list of the item's train count. An empty list gives NaN."""
    return _mean_over_list(ranked, k, ranked.catalogue.train_counts)


def diversity(ranked: Ranked, k: int) -> Values:
    """1 - mean over the list's pairs of |users of both| / sqrt(|users of one| · |users of the other|), in train.

    That is the cosine of their columns of zeros and ones. Lists of fewer than two items give NaN; an item that nobody
    has is similar to none.
    """
    similarity = np.cumsum(_first(ranked.similarity_to_better, k), axis=1)[:, -1]
    length = _lengths(ranked, k)
    pairs = length * (length - 1) / 2
    return 1 - _ratio_or_nan(similarity, pairs)


# Figures of the whole catalogue: resampling users means taking them and computing the figure again


def coverage(ranked: Ranked, k: int) -> float:
    """|items in some user's first k places| / |items|. Without any list 0."""
    return float((_exposure(ranked, k) > 0).mean())


def gini(ranked: Ranked, k: int) -> float:
    """Σ_i (2i - m - 1) x_i / (m Σ x_i) over the m items, x_1 <= x_2 <= ... how many first k places each has.

    0 where all items are recommended equally often, 1 - 1/m where one item takes all; NaN without any list.
    """
    exposure = np.sort(_exposure(ranked, k))
    m, total = len(exposure), exposure.sum()
    return float(((2 * _ranks(m) - m - 1) * exposure).sum() / (m * total)) if total > 0 else float("nan")


# Rating metrics: (sum, number) for each user code, zeros for users without a held-out rating


def rmse(errors: RatingErrors) -> Values:
    """sqrt(Σ (predicted - actual)² / number) over all held-out ratings; here the parts of each user."""
    return _sums_and_counts(errors, errors.differences**2)


def mae(errors: RatingErrors) -> Values:
    """Σ |predicted - actual| / number over all held-out ratings; here the parts of each user."""
    return _sums_and_counts(errors, np.abs(errors.differences))


def put_together(rule: Literal["mean", "ratio", "root_of_ratio", "catalogue"], parts: Any) -> float:
    """The figure of all users: the mean of their values, a ratio of sums or its root, or the figure as it is.

    The mean leaves out users whose value is NaN; NaN where nobody has a value.
    """
    rules: dict[str, Callable[[Any], float]] = {
        "mean": _mean,
        "ratio": _ratio,
        "root_of_ratio": lambda sums: float(np.sqrt(_ratio(sums))),
        "catalogue": float,
    }
    return rules[rule](parts)


def _mean(values: Values) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")


def _ratio(sums_and_counts: Values) -> float:
    total, number = sums_and_counts.sum(axis=0)
    return float(total / number) if number > 0 else float("nan")


def _first(places: NDArray[Any], k: int) -> NDArray[Any]:
    """The first k columns."""
    if not 1 <= k <= places.shape[1]:
        raise ValueError(f"a metric at k = {k} needs lists of at least {k} places, these have {places.shape[1]}")
    return places[:, :k]


def _hits(ranked: Ranked, k: int) -> NDArray[np.int64]:
    return _first(ranked.cumulative_hits, k)[:, -1]


def _ranks(k: int) -> NDArray[np.int64]:
    return np.arange(1, k + 1)


def _at_least_1(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Denominators: where they were 0 the value will be NaN, see :func:`_where_relevant`."""
    return np.maximum(counts, 1)


def _ideal_hits(ranked: Ranked, k: int) -> NDArray[np.int64]:
    return _at_least_1(np.minimum(ranked.n_relevant, k))


def _where_relevant(ranked: Ranked, values: Values) -> Values:
    return np.where(ranked.n_relevant > 0, values, np.nan)


def _lengths(ranked: Ranked, k: int) -> NDArray[np.int64]:
    return np.asarray((_first(ranked.lists, k) >= 0).sum(axis=1))


def _mean_over_list(ranked: Ranked, k: int, of_items: NDArray[Any]) -> Values:
    padded = np.append(of_items, 0).astype(np.float64)  # -1, an empty place, finds the 0 at the end
    total, length = padded[_first(ranked.lists, k)].sum(axis=1), _lengths(ranked, k)
    return _ratio_or_nan(total, length)


def _ratio_or_nan(above: Values, below: NDArray[Any]) -> Values:
    """above / below, NaN where below is 0."""
    quotient = np.full(len(above), np.nan)
    np.divide(above, below, out=quotient, where=below > 0)
    return quotient


def _exposure(ranked: Ranked, k: int) -> NDArray[np.int64]:
    """int64 (n_items,): in how many lists' first k places each item is."""
    lists = _first(ranked.lists, k)
    return np.bincount(lists[lists >= 0], minlength=ranked.catalogue.n_items)


def _sums_and_counts(errors: RatingErrors, values: Values) -> Values:
    users = np.asarray(errors.users)
    sums = np.bincount(users, weights=values, minlength=errors.n_users)
    return np.column_stack([sums, np.bincount(users, minlength=errors.n_users)])
