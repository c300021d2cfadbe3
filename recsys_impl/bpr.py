"""Bayesian personalised ranking.

Rendle, Freudenthaler, Gantner & Schmidt-Thieme, "BPR: Bayesian personalized ranking from implicit feedback", UAI 2009.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from recsys_impl.kernels.blocks import Dealt
from recsys_impl.kernels.pairwise import bpr_cells
from recsys_impl.pairwise import PairwiseModel


class BPR(PairwiseModel):
    """Maximises Σ ln σ(r̂_ui - r̂_uj) - λ/2 (|x_u|² + |y_i|² + |y_j|²), r̂_ui = x_u·y_i + b_i, over pairs (i, j).

    i is a positive of user u, j an item drawn uniformly from the others; an epoch visits each positive once.

    Parameters
    ----------
    factors, learning_rate, regularization, iterations
        Length of the vectors, Adagrad's step, λ, epochs.
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
        iterations: int = 60,
        num_threads: int = 0,
        random_state: int = 0,
    ):
        super().__init__(factors, learning_rate, regularization, iterations, num_threads, random_state)

    def _step(self, dealt: Dealt) -> Callable[[int, int, int], None]:
        arguments, n_items = self._arguments(), len(self._y)

        def step(stage: int, first: int, last: int) -> None:
            bpr_cells(dealt, stage, first, last, np.zeros(n_items, np.uint8), *arguments)

        return step
