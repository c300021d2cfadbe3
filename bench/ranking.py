"""From scores to lists: every user's k best unseen items, which of them are relevant, and the AUC.

The model scores, the harness ranks, so that masking, ties and padding are the same for every model.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import cached_property
from threading import Lock
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray
from threadpoolctl import threadpool_limits

from recsys_impl.kernels import measures

Scorer = Callable[[NDArray[Any]], ArrayLike]

# BLAS computes a very small product another way, which differs in the last digit and so in the order of near ties:
# OpenBLAS 0.3.31 up to about 1,200 scores, and any product of one row. No call asks for fewer scores than this.
FEWEST_SCORES = 4096
# It also takes the rows of a product by twelve (three times four; on some CPUs three times eight), and the last digits
# of a row depend on its place among them (seen with OpenBLAS's kernels for AVX2). A user always sits in the same place.
SEATS = 24
MOST_USERS = 170 * SEATS  # of one product; it takes larger ones in parts of its own choice


class RankingError(ValueError):
    """A model's scores can't be ranked; the message says which user's and what was expected."""


@dataclass(frozen=True, eq=False)
class Catalogue:
    """What the training data say of the items. ``user_items`` has an entry for each pair in train, at any rating."""

    user_items: sp.csr_matrix

    @property
    def n_users(self) -> int:
        return int(self.user_items.shape[0])

    @property
    def n_items(self) -> int:
        return int(self.user_items.shape[1])

    @cached_property
    def train_counts(self) -> NDArray[np.int64]:
        """int64 (n_items,): how many users have each item."""
        return np.bincount(self.user_items.indices, minlength=self.n_items).astype(np.int64)


@dataclass(frozen=True, eq=False)
class Ranked:
    """The lists of the evaluated users, and all that the metrics need to judge them.

    Attributes
    ----------
    users
        int64 (n,), the users' codes.
    lists
        int32 (n, K), the best item first; -1 where no candidate was left.
    hits
        bool (n, K), which listed items are relevant.
    n_relevant
        int64 (n,), |R|: how many relevant test items the user has, those unknown to train included.
    auc
        float64 (n,); NaN where a user has no candidate that isn't relevant, or where there were no scores.
    catalogue
        Counts and columns of the training data.
    """

    users: NDArray[np.int64]
    lists: NDArray[np.int32]
    hits: NDArray[np.bool_]
    n_relevant: NDArray[np.int64]
    auc: NDArray[np.float64]
    catalogue: Catalogue

    @classmethod
    def from_lists(
        cls,
        users: ArrayLike,
        lists: ArrayLike,
        seen: sp.csr_matrix,
        relevant: sp.csr_matrix,
        auc: NDArray[np.float64] | None = None,
    ) -> Ranked:
        """Judge finished lists (n, K) without repeated items, -1 at their ends where they are short.

        Raises
        ------
        RankingError
            A list has an item code that isn't in the catalogue.
        """
        user_codes = np.asarray(users, np.int64)
        items = np.ascontiguousarray(lists, np.int32)
        unknown = (items < -1) | (items >= relevant.shape[1])
        if unknown.any():
            found = items[unknown][0]
            raise RankingError(
                f"a list has the item code {found}: there are 0 to {relevant.shape[1] - 1}, and -1 for none"
            )
        indptr, indices = _structure(_distinct(relevant))
        hits = np.empty(items.shape, bool)
        measures.mark_hits(items, user_codes, indptr, indices, relevant.shape[1], hits)
        n_relevant = indptr[user_codes + 1] - indptr[user_codes]
        no_auc = np.full(len(user_codes), np.nan)
        return cls(user_codes, items, hits, n_relevant, no_auc if auc is None else auc, Catalogue(_distinct(seen)))

    def __len__(self) -> int:
        return len(self.users)

    def take(self, rows: NDArray[Any]) -> Ranked:
        """The users of a mask or index of rows."""
        parts = ("users", "lists", "hits", "n_relevant", "auc")
        return replace(self, **{name: getattr(self, name)[rows] for name in parts})

    @cached_property
    def cumulative_hits(self) -> NDArray[np.int64]:
        """int64 (n, K): hits in the first 1, 2, ... K places."""
        return np.cumsum(self.hits, axis=1, dtype=np.int64)

    @cached_property
    def similarity_to_better(self) -> NDArray[np.float64]:
        """float64 (n, K): the sum of an item's cosines with the items before it in the list; 0 at empty places."""
        similarity = np.empty(self.lists.shape, np.float64)
        table = _structure(self.catalogue.user_items)
        measures.similarity_to_better(self.lists, *table, self.catalogue.n_items, similarity)
        return similarity


def rank(
    score: Scorer,
    users: ArrayLike,
    seen: sp.csr_matrix,
    relevant: sp.csr_matrix,
    k: int,
    seed: int,
    block_bytes: int = 8 * 2**20,
    threads: int = 1,
    concurrent: bool = False,
) -> Ranked:
    """Each user's k best items among those not seen, ties by a hash of (seed, user, item).

    The result depends neither on the order of the users nor on the block's size or the number of threads; memory grows
    with threads x block, not with users x items. BLAS has one thread meanwhile: each of ours has a block to itself.

    Parameters
    ----------
    score
        Takes an array of b user codes (some may be repeated) and gives (b, n_items) finite numbers, higher is better.
    users
        Codes of the users to rank for: those with a relevant test item.
    seen
        Users x items, every training interaction at any rating: no candidates.
    relevant
        Users x items, the relevant test interactions; none of them is in ``seen``.
    block_bytes
        Of scores at a time: with smaller blocks, products take longer.
    concurrent
        Whether ``score`` may be called by several threads at once. If not, they score in turn and rank side by side.

    Raises
    ------
    RankingError
        The scores have the wrong shape, aren't numbers or aren't finite.
    """
    user_codes = np.asarray(users, np.int64)
    seen, relevant = _distinct(seen), _distinct(relevant)
    tables = (*_structure(seen), *_structure(relevant))
    lists = np.empty((len(user_codes), k), np.int32)
    auc = np.empty(len(user_codes), np.float64)
    block = min(max(1, block_bytes // (4 * seen.shape[1] * SEATS)) * SEATS, MOST_USERS)
    order = np.argsort(user_codes, kind="stable")  # users whose codes follow each other leave no seat empty
    sorted_codes = user_codes[order]
    # A plug-in may give the same buffer each time: what another thread's turn writes there is not for this one's lists.
    scoring = nullcontext() if concurrent else Lock()

    def rank_block(start: int) -> None:
        rows = slice(start, start + block)
        with scoring:
            scores = _scores_of(score, sorted_codes[rows], seen.shape[1])
        wrong = int(measures.rank_rows(scores, sorted_codes[rows], seed, *tables, lists[rows], auc[rows]))
        if wrong >= 0:
            raise _not_finite(int(sorted_codes[rows][wrong]), scores[wrong])

    with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(threads) as pool:
        list(pool.map(rank_block, range(0, len(user_codes), block)))
    back = np.argsort(order, kind="stable")
    return Ranked.from_lists(user_codes, lists[back], seen, relevant, auc[back])


def _seats(users: NDArray[np.int64]) -> NDArray[np.int64]:
    """int64 (b,): the row of what is asked for in which each user sits, always its code's remainder modulo SEATS."""
    remainder = users % SEATS
    order = np.argsort(remainder, kind="stable")
    counts = np.bincount(remainder, minlength=SEATS)
    seats = np.empty(len(users), np.int64)
    seats[order] = (np.arange(len(users)) - np.repeat(np.cumsum(counts) - counts, counts)) * SEATS + remainder[order]
    return seats


def _scores_of(score: Scorer, users: NDArray[np.int64], n_items: int) -> NDArray[np.float32]:
    """The scores of a block, float32 (b, n_items) of our own; repeated users are asked for to fill the seats."""
    seats = _seats(users)
    asked = max(int(seats.max()) // SEATS + 1, -(-FEWEST_SCORES // (n_items * SEATS))) * SEATS
    company = np.resize(users, asked)
    company[seats] = users
    found = score(company)
    scores = np.asarray(found)
    if np.ma.isMaskedArray(found):
        raise RankingError("score(user_ids) gave a masked array: every item needs a score")
    if scores.shape != (asked, n_items):
        raise RankingError(
            f"score(user_ids) gave an array of shape {scores.shape} for {asked} users and {n_items} items: "
            f"it must give ({asked}, {n_items}), one row a user and one column an item"
        )
    if scores.dtype.kind not in "fiub":
        raise RankingError(f"score(user_ids) gave an array of {scores.dtype}: it must give numbers (float32)")
    with np.errstate(over="ignore"):  # a float64 beyond float32's range becomes inf, which is reported as such
        return np.require(scores[seats], np.float32, ["C", "W"])


def _not_finite(user: int, scores: NDArray[np.float32]) -> RankingError:
    item = int(np.flatnonzero(~np.isfinite(scores))[0])
    return RankingError(
        f"the score of user {user} for item {item} (codes) is {scores[item]}: scores must be finite float32 numbers; "
        "lower the learning rate or raise the regularization if the model diverged"
    )


def _distinct(matrix: sp.csr_matrix) -> sp.csr_matrix:
    """The matrix with every pair stored once; a copy only where one is stored twice."""
    if matrix.has_canonical_format:
        return matrix
    matrix = matrix.copy()
    matrix.sum_duplicates()
    return matrix


def _structure(matrix: sp.csr_matrix) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """(indptr, indices) in the one type the kernels are compiled for."""
    return matrix.indptr.astype(np.int64), matrix.indices.astype(np.int32, copy=False)
