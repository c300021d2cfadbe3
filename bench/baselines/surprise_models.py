"""Surprise's biased matrix factorisations of ratings, SVD and SVD++ (https://surpriselib.com)."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from typing import Any, Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray

from bench.baselines.missing import import_library
from recsys_impl.base import FactorModel, ModelError, check_user_items
from recsys_impl.parameters import require
from recsys_impl.progress import Callback


def _surprise() -> Any:
    return import_library("surprise", library="scikit-surprise", extra="surprise")


class SurpriseSVD(FactorModel):
    """``surprise.SVD``, whose prediction μ + b_u + b_i + p_u·q_i needs no library once it is learned.

    ``iterations`` is Surprise's n_epochs, ``learning_rate`` its lr_all, ``regularization`` its reg_all and ``init_std``
    its init_std_dev. It runs on one thread.
    """

    _algorithm = "SVD"

    def __init__(
        self,
        factors: int = 100,
        iterations: int = 20,
        learning_rate: float = 0.005,
        regularization: float = 0.02,
        init_std: float = 0.1,
        random_state: int = 0,
    ):
        _surprise()
        require(type(self).__name__, factors=factors, iterations=iterations, at_least=1)
        require(
            type(self).__name__,
            learning_rate=learning_rate,
            regularization=regularization,
            init_std=init_std,
            at_least=0,
        )
        self.factors = factors
        self.iterations = iterations
        self.learning_rate = learning_rate
        self.regularization = regularization
        self.init_std = init_std
        self.random_state = random_state

    def fit(self, ratings: sp.csr_matrix, show_progress: bool = True, callback: Callback | None = None) -> Self:
        """Learn from a users x items CSR whose stored values are ratings; ``callback`` isn't called.

        Raises
        ------
        ModelError
            No CSR, no ratings, or values that are not finite.
        """
        ratings = check_user_items(self, ratings)
        if ratings.nnz == 0:
            raise ModelError(f"{type(self).__name__}.fit was given a matrix without ratings")
        trainset = _trainset(ratings)
        model = getattr(_surprise(), self._algorithm)(
            n_factors=self.factors,
            n_epochs=self.iterations,
            lr_all=self.learning_rate,
            reg_all=self.regularization,
            init_std_dev=self.init_std,
            random_state=self.random_state,
            verbose=show_progress,
        )
        with redirect_stdout(sys.stderr):  # it prints its epochs, and stdout is for results
            model.fit(trainset)
        # Surprise numbers users and items as they come and knows only those with ratings: the others stay at 0.
        users = [trainset.to_raw_uid(user) for user in trainset.all_users()]
        items = [trainset.to_raw_iid(item) for item in trainset.all_items()]
        n_users, n_items = ratings.shape
        self.global_bias = float(trainset.global_mean)
        self.user_biases, self.user_factors = _place(model.bu, users, n_users), _place(model.pu, users, n_users)
        self.user_factors += self._implicit_part(model, items, ratings)
        self.item_biases, self.item_factors = _place(model.bi, items, n_items), _place(model.qi, items, n_items)
        return self

    def predict(self, user_ids: ArrayLike, item_ids: ArrayLike) -> NDArray[np.float32]:
        """Predicted ratings of pairs, float32 (n,), not clipped to a scale."""
        return self._of_pairs(user_ids, item_ids)

    def _implicit_part(self, model: Any, items: list[int], ratings: sp.csr_matrix) -> NDArray[np.float32] | np.float32:
        """What is added to the users' vectors for the items that they rated."""
        return np.float32(0)


class SurpriseSVDpp(SurpriseSVD):
    """``surprise.SVDpp``, with p_u + |I_u|^-½ Σ y_j in place of p_u; parameters as in :class:`SurpriseSVD`.

    A rating costs it as much as its user has ratings: minutes on a million of them.
    """

    _algorithm = "SVDpp"

    def __init__(
        self,
        factors: int = 20,
        iterations: int = 20,
        learning_rate: float = 0.007,
        regularization: float = 0.02,
        init_std: float = 0.1,
        random_state: int = 0,
    ):
        super().__init__(factors, iterations, learning_rate, regularization, init_std, random_state)

    def _implicit_part(self, model: Any, items: list[int], ratings: sp.csr_matrix) -> NDArray[np.float32]:
        counts = np.diff(ratings.indptr)
        rated = sp.csr_matrix((np.ones(ratings.nnz, np.float32), ratings.indices, ratings.indptr), shape=ratings.shape)
        total = rated @ _place(model.yj, items, ratings.shape[1])
        return np.asarray(total / np.sqrt(np.maximum(counts, 1, dtype=np.float32))[:, None], np.float32)


def _trainset(ratings: sp.csr_matrix) -> Any:
    """Surprise's own container, which it builds from a data frame of (user, item, rating)."""
    from pandas import DataFrame

    triples = ratings.tocoo()
    frame = DataFrame({"user": triples.row, "item": triples.col, "rating": triples.data})
    reader = _surprise().Reader(rating_scale=(triples.data.min(), triples.data.max()))
    return _surprise().Dataset.load_from_df(frame, reader).build_full_trainset()


def _place(values: NDArray[np.float64], places: list[int], n: int) -> NDArray[np.float32]:
    """float32 (n, ...): ``values`` at their places, zeros elsewhere."""
    placed = np.zeros((n, *values.shape[1:]), np.float32)
    placed[places] = values
    return placed
