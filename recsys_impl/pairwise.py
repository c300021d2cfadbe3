"""What BPR and WARP share: parameters, blocks, epochs. The two differ in what they do with a cell of positives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys_impl.base import FactorModel, ModelError, check_user_items
from recsys_impl.blocks import Cells
from recsys_impl.kernels.blocks import Dealt
from recsys_impl.parameters import require
from recsys_impl.progress import Callback, epochs
from recsys_impl.randomness import generator
from recsys_impl.rows import separate_rows
from recsys_impl.threads import thread_count, workers

Float = NDArray[np.float32]


class PairwiseModel(FactorModel):
    """Factors and item biases learned from pairs (a positive above a negative) by Adagrad over blocks."""

    def __init__(
        self,
        factors: int,
        learning_rate: float,
        regularization: float,
        iterations: int,
        num_threads: int,
        random_state: int,
    ):
        name = type(self).__name__
        require(name, factors=factors, iterations=iterations, at_least=1)
        require(name, learning_rate=learning_rate, above=0)
        require(name, regularization=regularization, at_least=0)
        self.factors = factors
        self.learning_rate = learning_rate
        self.regularization = regularization
        self.iterations = iterations
        self.num_threads = num_threads
        self.random_state = random_state

    def fit(self, user_items: sp.csr_matrix, show_progress: bool = True, callback: Callback | None = None) -> Self:
        """Learn from a users x items CSR; every stored value above 0 is a positive.

        Raises
        ------
        ModelError
            No CSR, values that are not finite, or factors that diverged.
        """
        positives = only_positive(check_user_items(self, user_items))
        name = type(self).__name__
        random = generator(self.random_state, name)
        self._initialise(positives.shape, random)
        cells = Cells(positives, thread_count(self.num_threads))
        with workers(self.num_threads) as executor:
            for iteration in epochs(self.iterations, name, show_progress, callback):
                cells.visit(self._step(cells.deal(random, executor)), executor)
                if not np.isfinite(self.item_factors).all():
                    raise ModelError(f"{name} diverged in iteration {iteration + 1}: lower learning_rate")
        self._keep_factors()
        return self

    def _step(self, dealt: Dealt) -> Callable[[int, int, int], None]:
        """The function (stage, first, last) that learns from a stage's cells of user blocks first..last."""
        raise NotImplementedError

    def _initialise(self, shape: tuple[int, int], random: np.random.Generator) -> None:
        """Small random factors, zero biases, and a place in each row for Adagrad's sum of |gradient|².

        The sums begin with a mean square of 1, so that first steps are of the size learning_rate.
        """
        n_users, n_items = shape
        d = self.factors
        self._x, self._y = separate_rows(n_users, d + 1), separate_rows(n_items, d + 2)
        scale = np.float32(0.5 / d)
        self._x[:, :d] = scale * random.standard_normal((n_users, d), np.float32)
        self._y[:, :d] = scale * random.standard_normal((n_items, d), np.float32)
        self._x[:, d] = self._y[:, d + 1] = d
        self.user_factors, self.item_factors, self.item_biases = self._x[:, :d], self._y[:, :d], self._y[:, d]

    def _keep_factors(self) -> None:
        """Copy what was learned out of the rows that learning needed."""
        self.user_factors, self.item_factors = self.user_factors.copy(), self.item_factors.copy()
        self.item_biases = self._y[:, self.factors].copy()
        del self._x, self._y

    def _arguments(self) -> tuple[Any, ...]:
        """What both kernels take: the rows, and the learning rate for sums of squares instead of their means."""
        rate, ridge = np.float32(self.learning_rate * self.factors**0.5), np.float32(self.regularization)
        return self.factors, self._x, self._y, rate, ridge


def only_positive(user_items: sp.csr_matrix) -> sp.csr_matrix:
    """The entries above 0; the matrix itself where it has no others."""
    if (user_items.data > 0).all():
        return user_items
    positives = user_items.copy()
    positives.data[positives.data < 0] = 0
    positives.eliminate_zeros()
    return positives
