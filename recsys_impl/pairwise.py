"""What BPR and WARP share: parameters, blocks, epochs. The two differ in what they do with a cell of positives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys_impl.base import FactorModel, ModelError, check_user_items
from recsys_impl.blocks import Cells
from recsys_impl.parameters import require
from recsys_impl.progress import Callback, epochs
from recsys_impl.randomness import generator
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
        step = self._cell_step(cells, positives.shape[1])
        with workers(self.num_threads) as executor:
            for iteration in epochs(self.iterations, name, show_progress, callback):
                cells.deal(random, executor)
                cells.visit(step, executor)
                if not np.isfinite(self.item_factors).all():
                    raise ModelError(f"{name} diverged in iteration {iteration + 1}: lower learning_rate")
        del self._squares
        return self

    def _cell_step(self, cells: Cells, n_items: int) -> Callable[[tuple[int, int]], None]:
        """The function that learns from one cell."""
        raise NotImplementedError

    def _initialise(self, shape: tuple[int, int], random: np.random.Generator) -> None:
        n_users, n_items = shape
        scale = np.float32(0.5 / self.factors)
        self.user_factors = scale * random.standard_normal((n_users, self.factors), np.float32)
        self.item_factors = scale * random.standard_normal((n_items, self.factors), np.float32)
        self.item_biases = np.zeros(n_items, np.float32)
        # Adagrad's sums of |gradient|² begin with a mean square of 1: first steps are of the size learning_rate.
        self._squares = [np.full(n, self.factors, np.float32) for n in shape]

    def _numbers(self) -> tuple[np.float32, np.float32]:
        """Learning rate, for gradients' lengths instead of their mean squares, and regularization."""
        return np.float32(self.learning_rate * self.factors**0.5), np.float32(self.regularization)

    def _arrays(self) -> tuple[Any, ...]:
        return (self.user_factors, self.item_factors, self.item_biases, *self._squares)


def only_positive(user_items: sp.csr_matrix) -> sp.csr_matrix:
    """The entries above 0; the matrix itself where it has no others."""
    if (user_items.data > 0).all():
        return user_items
    positives = user_items.copy()
    positives.data[positives.data < 0] = 0
    positives.eliminate_zeros()
    return positives
