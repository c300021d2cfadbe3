"""User and item means, shrunk: what a rating is before anybody's taste is looked at.

Koren, "Factor in the neighbors: scalable and accurate collaborative filtering", TKDD 4(1), 2010, section 2.1; fitted by
alternating least squares like Surprise's ``BaselineOnly``, with the same defaults.
"""

from __future__ import annotations

from typing import Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray

from recsys_impl.base import ModelError, NotFittedError, Recommender, check_user_items
from recsys_impl.parameters import require
from recsys_impl.progress import Callback, epochs


class Bias(Recommender):
    """r̂_ui = μ + b_u + b_i with b_i = Σ_u (r_ui - μ - b_u) / (λ_i + n_i), and b_u likewise with λ_u.

    Parameters
    ----------
    item_regularization, user_regularization
        λ_i and λ_u: as if each item (user) had that many more ratings, all of them average.
    iterations
        Rounds of items, then users.

    Attributes
    ----------
    global_bias, user_biases, item_biases
        μ, float64 (n_users,), float64 (n_items,).
    """

    global_bias: float
    user_biases: NDArray[np.float64] | None = None
    item_biases: NDArray[np.float64] | None = None

    def __init__(self, item_regularization: float = 10.0, user_regularization: float = 15.0, iterations: int = 10):
        require("Bias", item_regularization=item_regularization, user_regularization=user_regularization, at_least=0)
        require("Bias", iterations=iterations, at_least=1)
        self.item_regularization = item_regularization
        self.user_regularization = user_regularization
        self.iterations = iterations

    def fit(self, ratings: sp.csr_matrix, show_progress: bool = True, callback: Callback | None = None) -> Self:
        """Learn from a users x items CSR whose stored values are ratings."""
        observed = check_user_items(self, ratings).tocoo()
        if observed.nnz == 0:
            raise ModelError("Bias.fit was given a matrix without ratings")
        n_users, n_items = observed.shape
        users, items, values = observed.row, observed.col, observed.data.astype(np.float64)
        self.global_bias = float(values.mean())
        centred = values - self.global_bias
        b_u, b_i = np.zeros(n_users), np.zeros(n_items)
        user_weight = np.maximum(self.user_regularization + np.bincount(users, minlength=n_users), 1e-12)
        item_weight = np.maximum(self.item_regularization + np.bincount(items, minlength=n_items), 1e-12)
        for _ in epochs(self.iterations, "Bias", show_progress, callback):
            b_i = np.bincount(items, centred - b_u[users], n_items) / item_weight
            b_u = np.bincount(users, centred - b_i[items], n_users) / user_weight
            self.user_biases, self.item_biases = b_u, b_i
        return self

    def predict(self, user_ids: ArrayLike, item_ids: ArrayLike) -> NDArray[np.float32]:
        """Predicted ratings of pairs, float32 (n,), not clipped to a scale."""
        if self.user_biases is None or self.item_biases is None:
            raise NotFittedError("Bias isn't fitted: call fit(ratings) first")
        users, items = np.asarray(user_ids), np.asarray(item_ids)
        return np.asarray(self.global_bias + self.user_biases[users] + self.item_biases[items], np.float32)

    def score(self, user_ids: ArrayLike) -> NDArray[np.float32]:
        users = np.atleast_1d(np.asarray(user_ids))
        if self.user_biases is None or self.item_biases is None:
            raise NotFittedError("Bias isn't fitted: call fit(ratings) first")
        return (self.global_bias + self.user_biases[users, None] + self.item_biases).astype(np.float32)
