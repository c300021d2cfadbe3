"""What the definitions are made of. In all of them k is the cut-off, R the user's relevant test items."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.ranking import Ranked

Values = NDArray[np.float64]


def hits(ranked: Ranked, k: int) -> NDArray[np.int64]:
    """int64 (n,): relevant items in the first k places."""
    return ranked.cumulative_hits[:, k - 1]


def achievable(ranked: Ranked, k: int) -> NDArray[np.int64]:
    """int64 (n,): min(k, |R|)."""
    return np.minimum(ranked.n_relevant, k)


def length(ranked: Ranked, k: int) -> NDArray[np.int64]:
    """int64 (n,): filled places of the first k."""
    return np.asarray((ranked.lists[:, :k] >= 0).sum(axis=1))


def sum_of_precisions(ranked: Ranked, k: int) -> Values:
    """Σ hit(r) · precision@r over the first k places."""
    precisions = ranked.cumulative_hits[:, :k] / np.arange(1, k + 1)
    return np.asarray((precisions * ranked.hits[:, :k]).sum(axis=1))


def divided(above: NDArray[Any], below: NDArray[Any]) -> Values:
    """above / below, NaN where below is 0: a mean over users leaves these out."""
    quotient = np.full(len(above), np.nan)
    np.divide(above, below, out=quotient, where=below > 0)
    return quotient


def over_lists(metric: Callable[[Ranked, int], Values], ranked: Ranked, k: int) -> Values:
    """The metric, NaN for users without a list: a mean over users leaves them out."""
    return np.where(length(ranked, 1) > 0, metric(ranked, k), np.nan)
