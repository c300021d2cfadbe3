"""SVD++: biased matrix factorisation that also learns from *which* items a user rated, whatever the rating.

Koren, "Factorization meets the neighborhood: a multifaceted collaborative filtering model", KDD 2008.
"""

from __future__ import annotations

from typing import Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys_impl.base import ModelError
from recsys_impl.kernels.ratings import svdpp_users, svdpp_users_as_learned
from recsys_impl.progress import Callback, epochs
from recsys_impl.randomness import generator
from recsys_impl.svd import SVD

Float = NDArray[np.float32]


class SVDpp(SVD):
    """Minimises Σ (r_ui - μ - b_u - b_i - (x_u + n_u^-½ Σ_j w_j)·y_i)² + λ (squares of all these parameters).

    The inner sum is over the n_u items that the user rated. In one step of the gradient all of their w_j move alike:
    that gives a closed form (``recsys_impl/kernels/ratings.py``), and an epoch that costs about as much as SVD's.
    Users come one after the other, each in a random place of every epoch, on one thread: whoever is next needs the
    w_j that the one before has left, and a popular item has to do with everybody.

    The defaults are those of Surprise's ``SVDpp``.

    Parameters
    ----------
    factors, iterations, learning_rate, regularization
        Length of the vectors, epochs, step, λ.
    init_std
        Standard deviation of the initial factors.
    random_state
        Seed of initial factors and order.

    Attributes
    ----------
    user_factors
        x_u + n_u^-½ Σ_j w_j, so that a prediction is that of SVD.
    implicit_factors
        The w_j, float32 (n_items, factors); zeros for an item without ratings.
    """

    implicit_factors: Float

    def __init__(
        self,
        factors: int = 20,
        iterations: int = 20,
        learning_rate: float = 0.007,
        regularization: float = 0.02,
        init_std: float = 0.1,
        random_state: int = 0,
    ):
        super().__init__(factors, iterations, learning_rate, regularization, init_std, 1, random_state)

    def fit(self, ratings: sp.csr_matrix, show_progress: bool = True, callback: Callback | None = None) -> Self:
        """Learn from a users x items CSR whose stored values are ratings.

        Raises
        ------
        ModelError
            No CSR, no ratings, values that are not finite, or factors that diverged.
        """
        ratings = self._checked(ratings)
        random = generator(self.random_state, "svdpp")
        x, y = self._initialise(ratings, random)
        w = self._initial_factors(np.bincount(ratings.indices, minlength=ratings.shape[1]), random)
        self.implicit_factors = w[:, : self.factors]
        self.user_factors = np.zeros((ratings.shape[0], self.factors), np.float32)
        observed = (ratings.indptr, ratings.indices)
        steps = (np.float32(self.learning_rate), np.float32(self.regularization))
        arguments = (np.float32(self.global_bias), self.factors, x, y, w, self.user_factors, *steps)
        for iteration in epochs(self.iterations, "SVDpp", show_progress, callback):
            users = random.permutation(ratings.shape[0])
            svdpp_users(users, *observed, ratings.data, *arguments)
            if not np.isfinite(self.item_factors).all():
                raise ModelError(f"SVDpp diverged in iteration {iteration + 1}: lower learning_rate")
            if iteration == self.iterations - 1:  # before it, a callback sees users as the epoch left them
                svdpp_users_as_learned(*observed, x, w, self.user_factors)
        self.item_factors, self.implicit_factors = self.item_factors.copy(), self.implicit_factors.copy()
        self.user_biases, self.item_biases = x[:, self.factors].copy(), y[:, self.factors].copy()
        return self
