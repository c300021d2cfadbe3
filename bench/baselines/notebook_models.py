"""The models of the notebook that this project began with, dense and written in torch: what sparse kernels save.

A course's exercise of 2020, in which ready solutions were forbidden: SVD by gradient descent, ALS with biases, BPR and
WARP. Written anew (``notebook_training.py``) with its objectives and its way, all users and all items in every step.
Two faults of it are mended: of the users of a batch who had drawn the same item only one moved it, and ALS learnt
biases but ranked without them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray

from bench.baselines.missing import import_library
from recsys_impl.base import FactorModel, ModelError, check_user_items
from recsys_impl.memory import require_memory
from recsys_impl.parameters import require
from recsys_impl.progress import Callback, epochs

if TYPE_CHECKING:
    from bench.baselines.notebook_training import Factors

WORKING_BYTES = 32 * 2**20  # beside the matrices that are users x items


def _torch() -> Any:
    return import_library("torch", library="torch", extra="torch")


class NotebookModel(FactorModel):
    """What the four have in common: the loop over iterations, and the memory that dense matrices take.

    Parameters
    ----------
    num_threads
        Of torch; 0: all cores. Sums may be added up in another order with another number.
    """

    iterations: int
    num_threads: int
    bytes_per_pair: int  # of users x items, at the worst moment

    def memory_needed(self, user_items: sp.csr_matrix) -> int:
        """The bytes that ``fit`` takes for its matrices of users x items."""
        n_users, n_items = user_items.shape
        return int(self.bytes_per_pair * n_users * n_items) + WORKING_BYTES

    def fit(self, user_items: sp.csr_matrix, show_progress: bool = True, callback: Callback | None = None) -> Self:
        """Learn from a users x items CSR.

        Raises
        ------
        NotEnoughMemoryError
            More is needed than there is; nothing has been allocated yet.
        ModelError
            No CSR, values that are not finite, or factors that diverged.
        """
        name = type(self).__name__
        matrix = self._checked(check_user_items(self, user_items))
        shape = " x ".join(f"{n:,}" for n in matrix.shape)
        require_memory(
            name, self.memory_needed(matrix), f"its matrices are dense, {shape}; the sparse models take less"
        )
        with _threads(self.num_threads):
            training = self._training(matrix)
            for iteration in epochs(self.iterations, name, show_progress, callback):
                self._publish(*next(training))
                if not np.isfinite(self.item_factors).all():
                    raise ModelError(f"{name} diverged in iteration {iteration + 1}: lower learning_rate")
        return self

    def _checked(self, user_items: sp.csr_matrix) -> sp.csr_matrix:
        """Positives only, a value of 1 each."""
        positives = sp.csr_matrix(user_items > 0, dtype=np.float32)
        positives.sort_indices()
        return positives

    def _training(self, user_items: sp.csr_matrix) -> Iterator[Factors]:
        raise NotImplementedError

    def _publish(self, users: Any, items: Any) -> None:
        self.user_factors, self.item_factors = users.numpy(), items.numpy()


class NotebookSVD(NotebookModel):
    """Factors without biases, learned by plain gradient descent on the squared error of all ratings at once.

    ``learning_rate`` multiplies the gradient of the sum over ratings (the notebook's 100 was for the mean over a
    million: 0.0001).
    """

    bytes_per_pair = 18  # ratings, which of them there are, errors, and a transposed copy for a product

    def __init__(
        self,
        factors: int = 64,
        iterations: int = 500,
        learning_rate: float = 1e-4,
        regularization: float = 0.02,
        num_threads: int = 0,
        random_state: int = 0,
    ):
        _torch()
        require("NotebookSVD", factors=factors, iterations=iterations, at_least=1)
        require("NotebookSVD", regularization=regularization, at_least=0)
        require("NotebookSVD", learning_rate=learning_rate, above=0)
        self.factors = factors
        self.iterations = iterations
        self.learning_rate = learning_rate
        self.regularization = regularization
        self.num_threads = num_threads
        self.random_state = random_state

    def predict(self, user_ids: ArrayLike, item_ids: ArrayLike) -> NDArray[np.float32]:
        """Predicted ratings of pairs, float32 (n,), not clipped to a scale."""
        return self._of_pairs(user_ids, item_ids)

    def _checked(self, user_items: sp.csr_matrix) -> sp.csr_matrix:
        if user_items.nnz == 0:
            raise ModelError("NotebookSVD.fit was given a matrix without ratings")
        return user_items

    def _training(self, user_items: sp.csr_matrix) -> Iterator[Factors]:
        from bench.baselines.notebook_training import svd

        return svd(user_items, self.factors, self.learning_rate, self.regularization, self.random_state)


class NotebookALS(NotebookModel):
    """Weighted least squares with user and item biases over all pairs, the weights a dense matrix."""

    bytes_per_pair = 18  # preferences, weights and a transposed copy of each

    def memory_needed(self, user_items: sp.csr_matrix) -> int:
        """As above, with the products of factors: of all rows of the longer side, and the equations of a batch."""
        from bench.baselines.notebook_training import USERS_AT_ONCE

        d, rows = self.factors + 1, min(USERS_AT_ONCE, max(user_items.shape))
        triangle = d * (d + 1) // 2
        # The product and what it is of; the batch's triangles, its matrices, those with the ridge, their factorisation.
        products = 3 * triangle * max(user_items.shape) + rows * (triangle + 3 * d * d)
        return super().memory_needed(user_items) + int(4 * products)

    def __init__(
        self,
        factors: int = 64,
        iterations: int = 8,
        alpha: float = 10.0,
        regularization: float = 0.01,
        num_threads: int = 0,
        random_state: int = 0,
    ):
        _torch()
        require("NotebookALS", factors=factors, iterations=iterations, at_least=1)
        require("NotebookALS", alpha=alpha, regularization=regularization, above=0)
        self.factors = factors
        self.iterations = iterations
        self.alpha = alpha
        self.regularization = regularization
        self.num_threads = num_threads
        self.random_state = random_state

    def _training(self, user_items: sp.csr_matrix) -> Iterator[Factors]:
        from bench.baselines.notebook_training import als

        return als(user_items, self.factors, self.alpha, self.regularization, self.random_state)

    def _publish(self, users: Any, items: Any) -> None:
        super()._publish(users[:, :-1], items[:, :-1])
        self.user_biases, self.item_biases = users[:, -1].numpy(), items[:, -1].numpy()


class NotebookBPR(NotebookModel):
    """Bayesian personalised ranking: a step takes ``pairs`` pairs of every user, with the scores of all items."""

    bytes_per_pair = 9  # scores, before and after, and which are positive

    def __init__(
        self,
        factors: int = 64,
        iterations: int = 500,
        learning_rate: float = 0.1,
        regularization: float = 0.01,
        pairs: int = 16,
        num_threads: int = 0,
        random_state: int = 0,
    ):
        _torch()
        require("NotebookBPR", factors=factors, iterations=iterations, pairs=pairs, at_least=1)
        require("NotebookBPR", regularization=regularization, at_least=0)
        require("NotebookBPR", learning_rate=learning_rate, above=0)
        self.factors = factors
        self.iterations = iterations
        self.learning_rate = learning_rate
        self.regularization = regularization
        self.pairs = pairs
        self.num_threads = num_threads
        self.random_state = random_state

    def _training(self, user_items: sp.csr_matrix) -> Iterator[Factors]:
        from bench.baselines.notebook_training import bpr

        steps = (self.learning_rate, self.regularization, self.pairs)
        return bpr(user_items, self.factors, *steps, self.random_state)


class NotebookWARP(NotebookModel):
    """Weighted approximate-rank pairwise loss: each positive's rank is estimated from ``samples`` negatives."""

    bytes_per_pair = 9

    def __init__(
        self,
        factors: int = 64,
        iterations: int = 200,
        learning_rate: float = 0.1,
        regularization: float = 0.01,
        pairs: int = 8,
        samples: int = 32,
        margin: float = 1.0,
        num_threads: int = 0,
        random_state: int = 0,
    ):
        _torch()
        require("NotebookWARP", factors=factors, iterations=iterations, pairs=pairs, samples=samples, at_least=1)
        require("NotebookWARP", regularization=regularization, margin=margin, at_least=0)
        require("NotebookWARP", learning_rate=learning_rate, above=0)
        self.factors = factors
        self.iterations = iterations
        self.learning_rate = learning_rate
        self.regularization = regularization
        self.pairs = pairs
        self.samples = samples
        self.margin = margin
        self.num_threads = num_threads
        self.random_state = random_state

    def _training(self, user_items: sp.csr_matrix) -> Iterator[Factors]:
        from bench.baselines.notebook_training import warp

        steps = (self.learning_rate, self.regularization, self.pairs, self.samples, self.margin)
        return warp(user_items, self.factors, *steps, self.random_state)


@contextmanager
def _threads(num_threads: int) -> Iterator[None]:
    """torch on that many threads, 0 for as many as it takes itself."""
    torch = _torch()
    before = torch.get_num_threads()
    torch.set_num_threads(num_threads or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)
