"""The baselines that know nothing of the user: what any model must beat."""

from __future__ import annotations

from typing import Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray

from recsys_impl.base import NotFittedError, Recommender, check_user_items
from recsys_impl.kernels.topk import random_scores
from recsys_impl.progress import Callback


class Popularity(Recommender):
    """Every user gets the items that most users interacted with.

    Attributes
    ----------
    item_counts
        float32 (n_items,), interactions of each item.
    """

    item_counts: NDArray[np.float32] | None = None

    def fit(self, user_items: sp.csr_matrix, show_progress: bool = True, callback: Callback | None = None) -> Self:
        """Count each item's interactions."""
        matrix = check_user_items(self, user_items)
        self.item_counts = np.bincount(matrix.indices, minlength=matrix.shape[1]).astype(np.float32)
        return self

    def score(self, user_ids: ArrayLike) -> NDArray[np.float32]:
        if self.item_counts is None:
            raise NotFittedError("Popularity isn't fitted: call fit(user_items) first")
        return np.tile(self.item_counts, (np.size(user_ids), 1))


class Random(Recommender):
    """Every user gets items at random: what chance gives.

    Parameters
    ----------
    random_state
        Seed; the scores depend on it, on the user and on the item alone.
    """

    n_items: int = 0

    def __init__(self, random_state: int = 0):
        self.random_state = random_state

    def fit(self, user_items: sp.csr_matrix, show_progress: bool = True, callback: Callback | None = None) -> Self:
        """Remember how many items there are."""
        self.n_items = check_user_items(self, user_items).shape[1]
        return self

    def score(self, user_ids: ArrayLike) -> NDArray[np.float32]:
        if not self.n_items:
            raise NotFittedError("Random isn't fitted: call fit(user_items) first")
        users = np.atleast_1d(np.asarray(user_ids, dtype=np.int64))
        scores = np.empty((len(users), self.n_items), np.float32)
        random_scores(self.random_state, users, scores)
        return scores
