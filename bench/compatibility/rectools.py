"""RecTools' ``rectools.metrics`` with their default arguments, where they aren't ours."""

from __future__ import annotations

import numpy as np

from bench.compatibility.parts import Values, divided, sum_of_precisions
from bench.ranking import Ranked


def ndcg(ranked: Ranked, k: int) -> Values:
    """Σ hit(r) / log2(r + 1), over that of a list with k hits, whether there are as many relevant items or not."""
    discounts = 1 / np.log2(np.arange(2, k + 2))
    return np.asarray(ranked.hits[:, :k] @ discounts / discounts.sum())


def average_precision(ranked: Ranked, k: int) -> Values:
    """Σ hit(r) · precision@r / |R|."""
    return divided(sum_of_precisions(ranked, k), ranked.n_relevant)
