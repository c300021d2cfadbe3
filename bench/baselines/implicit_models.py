"""implicit's models (https://github.com/benfred/implicit): ALS, BPR and item-item neighbours."""

from __future__ import annotations

import warnings
from typing import Any, Self

import numpy as np
import scipy.sparse as sp
from threadpoolctl import threadpool_limits

from bench.baselines.missing import import_library
from recsys_impl.base import FactorModel, ItemWeightModel, check_user_items
from recsys_impl.memory import require_memory
from recsys_impl.parameters import require
from recsys_impl.progress import Callback

WORKING_BYTES = 32 * 2**20  # the library itself, and a few arrays as long as there are users or items


def _implicit(module: str) -> Any:
    return import_library(f"implicit.{module}", library="implicit", extra="implicit")


class ImplicitALS(FactorModel):
    """``implicit.als.AlternatingLeastSquares`` on the CPU. Its rows are solved apart: any num_threads, same factors."""

    def __init__(
        self,
        factors: int = 100,
        regularization: float = 0.01,
        alpha: float = 1.0,
        iterations: int = 15,
        use_cg: bool = True,
        num_threads: int = 0,
        random_state: int = 0,
    ):
        _implicit("als")
        require(type(self).__name__, factors=factors, iterations=iterations, at_least=1)
        require(type(self).__name__, regularization=regularization, alpha=alpha, at_least=0)
        self.factors = factors
        self.regularization = regularization
        self.alpha = alpha
        self.iterations = iterations
        self.use_cg = use_cg
        self.num_threads = num_threads
        self.random_state = random_state

    def fit(self, user_items: sp.csr_matrix, show_progress: bool = True, callback: Callback | None = None) -> Self:
        """Learn from a users x items CSR of interactions; ``callback(iteration, seconds, loss)`` is the library's."""
        user_items = check_user_items(self, user_items)
        with threadpool_limits(1, user_api="blas"):
            model = _implicit("als").AlternatingLeastSquares(
                factors=self.factors,
                regularization=self.regularization,
                alpha=self.alpha,
                iterations=self.iterations,
                use_cg=self.use_cg,
                use_gpu=False,
                num_threads=self.num_threads,
                random_state=self.random_state,
            )

            def after_each(*progress: Any) -> None:
                self._publish(model)
                if callback is not None:
                    callback(*progress)

            model.fit(user_items, show_progress=show_progress, callback=after_each)
        self._publish(model)
        return self

    def _publish(self, model: Any) -> None:
        self.user_factors, self.item_factors = model.user_factors, model.item_factors


class ImplicitBPR(FactorModel):
    """``implicit.bpr.BayesianPersonalizedRanking`` on the CPU, on one thread: more of them race.

    ``racing_threads`` lets more of them race where only speed is asked for: then a seed doesn't give the same model.
    The library keeps an item's bias as the last of its factors, beside a 1 in the user's. Here it is a bias again, so
    that similar items are those of similar taste, not those of similar popularity.
    """

    def __init__(
        self,
        factors: int = 100,
        learning_rate: float = 0.01,
        regularization: float = 0.01,
        iterations: int = 100,
        random_state: int = 0,
        racing_threads: int = 1,
    ):
        _implicit("bpr")
        require(type(self).__name__, factors=factors, iterations=iterations, at_least=1)
        require(type(self).__name__, learning_rate=learning_rate, regularization=regularization, at_least=0)
        self.factors = factors
        self.learning_rate = learning_rate
        self.regularization = regularization
        self.iterations = iterations
        self.random_state = random_state
        self.racing_threads = racing_threads

    def fit(self, user_items: sp.csr_matrix, show_progress: bool = True, callback: Callback | None = None) -> Self:
        """Learn from a users x items CSR of positives; their values say nothing to this model.

        ``callback(iteration, seconds, share of correct pairs)`` is the library's.
        """
        user_items = check_user_items(self, user_items)
        with threadpool_limits(1, user_api="blas"):
            model = _implicit("bpr").BayesianPersonalizedRanking(
                factors=self.factors,
                learning_rate=self.learning_rate,
                regularization=self.regularization,
                iterations=self.iterations,
                use_gpu=False,
                num_threads=self.racing_threads,
                random_state=self.random_state,
            )

            def after_each(*progress: Any) -> None:
                self._publish(model)
                if callback is not None:
                    callback(*progress)

            model.fit(user_items, show_progress=show_progress, callback=after_each)
        self._publish(model)
        for name in ("user_factors", "item_factors", "item_biases"):
            setattr(self, name, np.ascontiguousarray(getattr(self, name)))
        return self

    def _publish(self, model: Any) -> None:
        self.user_factors, self.item_factors = model.user_factors[:, :-1], model.item_factors[:, :-1]
        self.item_biases = model.item_factors[:, -1]


class ImplicitItemCosine(ItemWeightModel):
    """``implicit.nearest_neighbours.CosineRecommender``: each item's K nearest by the cosine of their columns."""

    def __init__(self, K: int = 20, num_threads: int = 0):
        _implicit("nearest_neighbours")
        require(type(self).__name__, K=K, at_least=1)
        self.K = K
        self.num_threads = num_threads

    def fit(self, user_items: sp.csr_matrix, show_progress: bool = True, callback: Callback | None = None) -> Self:
        """Weigh all pairs of items of a users x items CSR; ``callback`` isn't called, there are no iterations.

        Raises
        ------
        NotEnoughMemoryError
            More is needed than there is; nothing has been allocated yet.
        """
        user_items = check_user_items(self, user_items)
        require_memory(type(self).__name__, self.memory_needed(user_items), f"lower K, which is {self.K}")
        self.user_items = user_items
        model = self._library_model()
        with threadpool_limits(1, user_api="blas"), warnings.catch_warnings():
            # The library turns the matrix into COO and warns itself of that.
            warnings.filterwarnings("ignore", message="Method expects CSR input")
            model.fit(self.user_items, show_progress=show_progress)
        self.item_weights = model.similarity.astype(np.float32)
        return self

    def memory_needed(self, user_items: sp.csr_matrix) -> int:
        """An upper bound of the bytes that ``fit`` takes on top of ``user_items``.

        The library never has all pairs of items at once. It keeps K for each as triples of 16 bytes, then as a CSR of
        12, where K items have been seen together or not; empty places all belong to the first row of that, whose
        sorting takes 16 each. The weighted interactions are there three times, in float64.
        """
        neighbours = user_items.shape[1] * self.K
        return int(44 * neighbours + 48 * user_items.nnz + WORKING_BYTES)

    def _library_model(self) -> Any:
        return _implicit("nearest_neighbours").CosineRecommender(K=self.K, num_threads=self.num_threads)


class ImplicitItemBM25(ImplicitItemCosine):
    """``implicit.nearest_neighbours.BM25Recommender``: each item's K nearest by BM25, with its K1 and B."""

    def __init__(self, K: int = 20, K1: float = 1.2, B: float = 0.75, num_threads: int = 0):
        super().__init__(K, num_threads)
        self.K1 = K1
        self.B = B

    def _library_model(self) -> Any:
        library = _implicit("nearest_neighbours")
        return library.BM25Recommender(K=self.K, K1=self.K1, B=self.B, num_threads=self.num_threads)
