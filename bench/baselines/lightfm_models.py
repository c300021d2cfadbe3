"""LightFM's models without features (https://github.com/lyst/lightfm, maintained as lightfm-next): WARP and BPR."""

from __future__ import annotations

from typing import Any, Self

import scipy.sparse as sp

from bench.baselines.missing import import_library
from recsys_impl.base import FactorModel, check_user_items
from recsys_impl.parameters import require
from recsys_impl.progress import Callback, epochs


def _lightfm() -> Any:
    return import_library("lightfm", library="lightfm-next", extra="lightfm")


class LightFMWARP(FactorModel):
    """``lightfm.LightFM(loss="warp")`` with Adagrad, on one thread: more of them race.

    ``factors`` is LightFM's no_components, ``regularization`` its item_alpha and user_alpha, ``iterations`` its epochs.
    ``racing_threads`` lets more threads race where only speed is asked for: then a seed doesn't give the same model.
    """

    loss = "warp"

    def __init__(
        self,
        factors: int = 10,
        learning_rate: float = 0.05,
        regularization: float = 0.0,
        iterations: int = 30,
        max_sampled: int = 10,
        random_state: int = 0,
        racing_threads: int = 1,
    ):
        _lightfm()
        require(type(self).__name__, factors=factors, iterations=iterations, max_sampled=max_sampled, at_least=1)
        require(type(self).__name__, learning_rate=learning_rate, above=0)
        require(type(self).__name__, regularization=regularization, at_least=0)
        self.factors = factors
        self.learning_rate = learning_rate
        self.regularization = regularization
        self.iterations = iterations
        self.max_sampled = max_sampled
        self.random_state = random_state
        self.racing_threads = racing_threads

    def fit(self, user_items: sp.csr_matrix, show_progress: bool = True, callback: Callback | None = None) -> Self:
        """Learn from a users x items CSR of positives; ``callback(iteration, seconds)`` is called after each epoch."""
        interactions = check_user_items(self, user_items).tocoo()
        model = _lightfm().LightFM(
            loss=self.loss,
            no_components=self.factors,
            learning_rate=self.learning_rate,
            item_alpha=self.regularization,
            user_alpha=self.regularization,
            max_sampled=self.max_sampled,
            random_state=self.random_state,
        )
        for _ in epochs(self.iterations, type(self).__name__, show_progress, callback):
            model.fit_partial(interactions, epochs=1, num_threads=self.racing_threads)  # the state goes on
            self.user_factors, self.user_biases = model.user_embeddings, model.user_biases
            self.item_factors, self.item_biases = model.item_embeddings, model.item_biases
        return self


class LightFMBPR(LightFMWARP):
    """``lightfm.LightFM(loss="bpr")``: as :class:`LightFMWARP`, one negative a positive."""

    loss = "bpr"

    def __init__(
        self,
        factors: int = 10,
        learning_rate: float = 0.05,
        regularization: float = 0.0,
        iterations: int = 30,
        random_state: int = 0,
        racing_threads: int = 1,
    ):
        super().__init__(
            factors, learning_rate, regularization, iterations, random_state=random_state, racing_threads=racing_threads
        )
