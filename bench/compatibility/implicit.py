"""implicit's ``ranking_metrics_at_k`` (``implicit/evaluation.pyx``), where it isn't ours."""

from __future__ import annotations

import numpy as np

from bench.compatibility.parts import Values, achievable, divided, hits
from bench.ranking import Ranked


def precision(ranked: Ranked, k: int) -> Values:
    """Σ_users Σ hit(r) / Σ_users min(k, |R|): the two sums' parts of each user, (n, 2)."""
    return np.column_stack([hits(ranked, k), achievable(ranked, k)]).astype(np.float64)


def auc(ranked: Ranked, k: int) -> Values:
    """The area under the curve that a list of k draws and that goes on as a straight line to the last item.

    Each miss has the hits above it to its credit. Of the |items| - |R| that aren't relevant, train items included,
    those that aren't listed have half of what is left: (hits + |R|) / 2 each. A list's empty places are misses.
    """
    is_hit = ranked.hits[:, :k]
    n_misses = k - hits(ranked, k)
    above_misses = np.where(is_hit, 0, ranked.cumulative_hits[:, :k]).sum(axis=1)
    n_others = ranked.catalogue.n_items - ranked.n_relevant
    below = (hits(ranked, k) + ranked.n_relevant) / 2 * (n_others - n_misses)
    return divided(above_misses + below, ranked.n_relevant * n_others)
