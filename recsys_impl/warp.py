"""Weighted approximate-rank pairwise loss.

Weston, Bengio & Usunier, "WSABIE: scaling up to large vocabulary image annotation", IJCAI 2011.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from recsys_impl.kernels.blocks import Dealt
from recsys_impl.kernels.pairwise import warp_cells
from recsys_impl.pairwise import PairwiseModel
from recsys_impl.parameters import require


class WARP(PairwiseModel):
    """Minimises Σ L(rank_ui) |1 - r̂_ui + r̂_uj|₊ over positives i, r̂_ui = x_u·y_i + b_i.

    For each positive, items are drawn until one, j, violates the margin. The number of draws t estimates the
    positive's rank as (n_items - 1) / t, and L(rank) = ln rank weighs the step: a positive far down counts more.

    Parameters
    ----------
    factors, learning_rate, regularization, iterations
        Length of the vectors, Adagrad's step, λ, epochs.
    max_sampled
        Most draws for one positive; after them it is left alone.
    num_threads
        0: all cores. The result does not depend on it.
    random_state
        Seed of initial factors, blocks and negatives.
    """

    def __init__(
        self,
        factors: int = 64,
        learning_rate: float = 0.05,
        regularization: float = 0.01,
        iterations: int = 30,
        max_sampled: int = 100,
        num_threads: int = 0,
        random_state: int = 0,
    ):
        super().__init__(factors, learning_rate, regularization, iterations, num_threads, random_state)
        require("WARP", max_sampled=max_sampled, at_least=1)
        self.max_sampled = max_sampled

    def _step(self, dealt: Dealt) -> Callable[[int, int, int], None]:
        arguments, n_items = self._arguments(), len(self._y)
        weights = self._weights(n_items)

        def step(stage: int, first: int, last: int) -> None:
            is_positive = np.zeros(n_items, np.uint8)
            warp_cells(dealt, stage, first, last, is_positive, *arguments, self.max_sampled, weights)

        return step

    def _weights(self, n_items: int) -> NDArray[np.float32]:
        """L(rank) for each number of draws t = 1..max_sampled, at [t]."""
        ranks = np.maximum(1, (n_items - 1) // np.arange(1, self.max_sampled + 1))
        return np.concatenate([[0], np.log(ranks)]).astype(np.float32)
