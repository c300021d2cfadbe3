"""What each user adds to a metric, so that intervals and comparisons resample users through the metric's own rule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reports.result import Result

ROOTS = frozenset({"rmse"})  # metrics that are the root of a ratio of sums


@dataclass(frozen=True, eq=False)
class Parts:
    """A metric of one result as Σ sums / Σ counts over its users, or the root of that.

    Attributes
    ----------
    users
        int32 (n,), codes of the users that the metric's value is over (the warm ones that have a value), ascending.
    sums, counts
        float64 (n,).
    root
        Whether the figure is the root of the ratio.
    """

    users: NDArray[np.int32]
    sums: NDArray[np.float64]
    counts: NDArray[np.float64]
    root: bool

    @property
    def figure(self) -> float:
        """The metric's value."""
        ratio = float(self.sums.sum() / self.counts.sum())
        return float(np.sqrt(ratio)) if self.root else ratio

    @property
    def values(self) -> NDArray[np.float64]:
        """float64 (n,): one value a user, whose mean is the metric's value.

        A ratio or a root of one is linearised there (its influence function), so that the values also have the right
        variance; those of a mean are what they are.
        """
        if not self.root and (self.counts == 1).all():
            return self.sums
        figure, mean_count = self.figure, self.counts.mean()
        ratio = figure**2 if self.root else figure
        slope = 1 / (2 * figure) if self.root and figure > 0 else 1.0
        return np.asarray(figure + slope * (self.sums - ratio * self.counts) / mean_count)


def parts_of(result: Result, metric: str) -> Parts | None:
    """What the users add to a metric; None where nothing was stored per user (coverage) or there is no such metric.

    Raises
    ------
    ValueError
        The stored columns are of another length than the users.
    """
    if result.users is None or metric not in result.metrics:
        return None
    warm = np.asarray(result.per_user.get("warm", np.ones(len(result.users), bool)), bool)
    if metric in result.per_user:
        sums: NDArray[Any] = np.asarray(result.per_user[metric], np.float64)
        counts = np.isfinite(sums).astype(np.float64)
    elif f"{metric}_sum" in result.per_user and f"{metric}_count" in result.per_user:
        sums = np.asarray(result.per_user[f"{metric}_sum"], np.float64)
        counts = np.asarray(result.per_user[f"{metric}_count"], np.float64)
    else:
        return None
    chosen = warm & (counts > 0)
    if not chosen.any():
        return None
    order = np.argsort(result.users[chosen], kind="stable")
    return Parts(
        result.users[chosen][order].astype(np.int32), sums[chosen][order], counts[chosen][order], metric in ROOTS
    )
