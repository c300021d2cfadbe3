"""scikit-learn's matrix decompositions as recommenders: PureSVD and NMF."""

from __future__ import annotations

import warnings
from typing import Any, Self

import numpy as np
import scipy.sparse as sp
from threadpoolctl import threadpool_limits

from recsys_impl.base import FactorModel, check_user_items
from recsys_impl.parameters import require
from recsys_impl.progress import Callback


def _decomposition() -> Any:
    from sklearn import decomposition  # up to three seconds

    return decomposition


class PureSVD(FactorModel):
    """The unweighted low-rank approximation X ≈ X V V', V from ``sklearn.decomposition.TruncatedSVD``.

    Cremonesi, Koren & Turrin, "Performance of recommender algorithms on top-N recommendation tasks", RecSys 2010.
    ``iterations`` is the number of power iterations of the randomised solver.
    """

    def __init__(self, factors: int = 20, iterations: int = 5, random_state: int = 0):
        _decomposition()
        require("PureSVD", factors=factors, iterations=iterations, at_least=1)
        self.factors = factors
        self.iterations = iterations
        self.random_state = random_state

    def fit(self, user_items: sp.csr_matrix, show_progress: bool = True, callback: Callback | None = None) -> Self:
        """Learn from a users x items CSR of interactions; no progress is shown and ``callback`` isn't called."""
        user_items = check_user_items(self, user_items)
        model = _decomposition().TruncatedSVD(
            n_components=self.factors, n_iter=self.iterations, random_state=self.random_state
        )
        with threadpool_limits(1, user_api="blas"):
            model.fit(user_items)
        self.item_factors = np.ascontiguousarray(model.components_.T, dtype=np.float32)
        self.user_factors = np.asarray(user_items @ self.item_factors)
        return self

    def _score_again(self, user_items: sp.csr_matrix) -> Any:
        return (user_items @ self.item_factors) @ self.item_factors.T


class NMF(FactorModel):
    """The non-negative approximation X ≈ W H of ``sklearn.decomposition.NMF`` by coordinate descent.

    ``regularization`` is its alpha_W and alpha_H, a squared penalty that scikit-learn multiplies by the number of items
    for the users and of users for the items; ``iterations`` is its max_iter.
    """

    def __init__(self, factors: int = 64, regularization: float = 0.0, iterations: int = 200, random_state: int = 0):
        _decomposition()
        require("NMF", factors=factors, iterations=iterations, at_least=1)
        require("NMF", regularization=regularization, at_least=0)
        self.factors = factors
        self.regularization = regularization
        self.iterations = iterations
        self.random_state = random_state

    def fit(self, user_items: sp.csr_matrix, show_progress: bool = True, callback: Callback | None = None) -> Self:
        """Learn from a users x items CSR of interactions; no progress is shown and ``callback`` isn't called."""
        user_items = check_user_items(self, user_items)
        model = _decomposition().NMF(
            n_components=self.factors,
            alpha_W=self.regularization,
            max_iter=self.iterations,
            random_state=self.random_state,
        )
        with threadpool_limits(1, user_api="blas"), warnings.catch_warnings():
            # To stop after so many iterations is what was asked for.
            warnings.filterwarnings("ignore", message="Maximum number of iterations")
            self.user_factors = np.asarray(model.fit_transform(user_items), np.float32)
        self.item_factors = np.ascontiguousarray(model.components_.T, dtype=np.float32)
        return self
