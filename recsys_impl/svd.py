"""Biased matrix factorisation of ratings by stochastic gradient descent, the "SVD" of the Netflix prize.

Funk, "Netflix update: try this at home", 2006; Koren, Bell & Volinsky, "Matrix factorization techniques for recommender
systems", IEEE Computer 42(8), 2009. (PureSVD, a singular value decomposition of the matrix, is another model.)
"""

from __future__ import annotations

from typing import Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray

from recsys_impl.base import FactorModel, ModelError, check_user_items
from recsys_impl.blocks import Cells
from recsys_impl.kernels.ratings import svd_cells
from recsys_impl.parameters import require
from recsys_impl.progress import Callback, epochs
from recsys_impl.randomness import generator
from recsys_impl.rows import separate_rows
from recsys_impl.threads import thread_count, workers

Float = NDArray[np.float32]


class SVD(FactorModel):
    """Minimises Σ (r_ui - μ - b_u - b_i - x_u·y_i)² + λ (b_u² + b_i² + |x_u|² + |y_i|²) over the observed ratings.

    The defaults are those of Surprise's ``SVD``.

    Parameters
    ----------
    factors, iterations, learning_rate, regularization
        Length of the vectors, epochs, step, λ.
    init_std
        Standard deviation of the initial factors.
    num_threads
        0: all cores. The result does not depend on it.
    random_state
        Seed of initial factors, blocks and order.
    """

    def __init__(
        self,
        factors: int = 100,
        iterations: int = 20,
        learning_rate: float = 0.005,
        regularization: float = 0.02,
        init_std: float = 0.1,
        num_threads: int = 0,
        random_state: int = 0,
    ):
        name = type(self).__name__
        require(name, factors=factors, iterations=iterations, at_least=1)
        require(name, regularization=regularization, init_std=init_std, at_least=0)
        require(name, learning_rate=learning_rate, above=0)
        self.factors = factors
        self.iterations = iterations
        self.learning_rate = learning_rate
        self.regularization = regularization
        self.init_std = init_std
        self.num_threads = num_threads
        self.random_state = random_state

    def fit(self, ratings: sp.csr_matrix, show_progress: bool = True, callback: Callback | None = None) -> Self:
        """Learn from a users x items CSR whose stored values are ratings.

        Raises
        ------
        ModelError
            No CSR, no ratings, values that are not finite, or factors that diverged.
        """
        ratings = self._checked(ratings)
        random = generator(self.random_state, "svd")
        x, y = self._initialise(ratings, random)
        steps = (np.float32(self.learning_rate), np.float32(self.regularization))
        arguments = (np.float32(self.global_bias), self.factors, x, y, *steps)
        cells = Cells(ratings, thread_count(self.num_threads))
        with workers(self.num_threads) as executor:
            dealt = cells.deal(random, executor)
            for iteration in epochs(self.iterations, "SVD", show_progress, callback):
                cells.visit(lambda stage, first, last: svd_cells(dealt, stage, first, last, *arguments), executor)
                if not np.isfinite(self.item_factors).all():
                    raise ModelError(f"SVD diverged in iteration {iteration + 1}: lower learning_rate")
        self._publish(x.copy(), y.copy())
        return self

    def predict(self, user_ids: ArrayLike, item_ids: ArrayLike) -> NDArray[np.float32]:
        """Predicted ratings of pairs, float32 (n,), not clipped to a scale."""
        return self._of_pairs(user_ids, item_ids)

    def _checked(self, ratings: sp.csr_matrix) -> sp.csr_matrix:
        ratings = check_user_items(self, ratings)
        if ratings.nnz == 0:
            raise ModelError(f"{type(self).__name__}.fit was given a matrix without ratings")
        return ratings

    def _initialise(self, ratings: sp.csr_matrix, random: np.random.Generator) -> tuple[Float, Float]:
        """Both sides: factors, then the biases, which are zero."""
        self.global_bias = float(ratings.data.mean(dtype=np.float64))
        x = self._initial_factors(np.diff(ratings.indptr), random)
        y = self._initial_factors(np.bincount(ratings.indices, minlength=ratings.shape[1]), random)
        self._publish(x, y)
        return x, y

    def _initial_factors(self, counts: NDArray[np.integer], random: np.random.Generator) -> Float:
        """Rows of normal factors; those without a rating are zero: there biases alone predict."""
        side = separate_rows(len(counts), self.factors + 1)
        factors = np.float32(self.init_std) * random.standard_normal((len(side), self.factors), np.float32)
        side[:, : self.factors] = np.where(counts[:, None] > 0, factors, 0)
        return side

    def _publish(self, x: Float, y: Float) -> None:
        self.user_factors, self.item_factors = x[:, : self.factors], y[:, : self.factors]
        self.user_biases, self.item_biases = x[:, self.factors], y[:, self.factors]
