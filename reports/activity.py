"""Quality by users' activity: users in groups of about the same size, by their training interactions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from reports.cells import mean, ratio
from reports.per_user import Parts, parts_of
from reports.result import Result
from reports.table import Row, encodable

if TYPE_CHECKING:
    import pandas as pd

N_GROUPS = 4  # quarters


class ByActivity:
    """Adds up a metric by users' training interactions.

    The bounds of the groups are quantiles of the first cell's users and hold for all cells, so that a group is the same
    kind of user on every split; who has as many interactions is in the same group. Means are over a row's cells.

    Attributes
    ----------
    ranges
        The smallest and the largest number of training interactions in each group.
    values
        Row's label -> float64 (n_groups,) for each of its cells; NaN where a group has nobody.
    """

    def __init__(self, metric: str, n_groups: int = N_GROUPS):
        self.metric = metric
        self.n_groups = n_groups
        self.edges: NDArray[Any] | None = None
        self.ranges: list[tuple[int, int]] = []
        self.values: dict[str, list[NDArray[np.float64]]] = {}
        self._users: dict[int, NDArray[np.int64]] = {}
        self._seed = 0

    @property
    def n_users(self) -> list[int]:
        """Users of each group, added up over the split seeds."""
        totals: list[int] = np.sum(list(self._users.values()), axis=0).tolist() if self._users else []
        return totals

    @property
    def n_splits(self) -> int:
        return len(self._users)

    def begin(self, seed: int, dataset: dict[str, Any]) -> None:
        self._seed = seed

    def add(self, row: Row, result: Result) -> None:
        parts = parts_of(result, self.metric)
        n_train = training_counts(result, parts)
        if parts is None or n_train is None:
            return
        if self.edges is None:
            self.edges = quantile_edges(n_train, self.n_groups)
            self.ranges = [(int(n_train.max()), int(n_train.min()))] * (len(self.edges) + 1)
        groups = np.searchsorted(self.edges, n_train)
        n = len(self.edges) + 1
        if self._seed not in self._users:
            self._count(groups, n_train, n)
        sums, counts = (np.bincount(groups, weights=values, minlength=n) for values in (parts.sums, parts.counts))
        figures = ratio(sums, counts)
        self.values.setdefault(row.label, []).append(np.sqrt(figures) if parts.root else figures)

    def end(self) -> None: ...

    def frame(self) -> pd.DataFrame:
        """One line a row and group.

        Columns model (the row's label), group (0: the least active), smallest, largest (training interactions),
        n_users (added up over the split seeds), metric, value.
        """
        import pandas as pd

        lines = [
            (encodable(label), group, *self.ranges[group], self.n_users[group], self.metric, float(value))
            for label, cells in self.values.items()
            for group, value in enumerate(mean(cells))
        ]
        columns = ["model", "group", "smallest", "largest", "n_users", "metric", "value"]
        return pd.DataFrame(lines, columns=pd.Index(columns))

    def _count(self, groups: NDArray[Any], n_train: NDArray[Any], n: int) -> None:
        self._users[self._seed] = np.bincount(groups, minlength=n)
        for group in np.unique(groups):
            inside, (low, high) = n_train[groups == group], self.ranges[group]
            self.ranges[group] = (min(low, int(inside.min())), max(high, int(inside.max())))


def quantile_edges(counts: NDArray[Any], n_groups: int) -> NDArray[Any]:
    """Upper bounds of all groups but the last: counts that occur, fewer where many users have the same."""
    shares = np.arange(1, n_groups) / n_groups
    edges = np.unique(np.quantile(counts, shares, method="inverted_cdf"))
    return np.asarray(edges[edges < counts.max()])


def training_counts(result: Result, parts: Parts | None) -> NDArray[Any] | None:
    """int (n,): the training interactions of the users that a metric is over; None where they weren't stored."""
    counts = result.per_user.get("n_train")
    if parts is None or counts is None or result.users is None:
        return None
    order = np.argsort(result.users, kind="stable")
    return np.asarray(counts)[order][np.searchsorted(result.users[order], parts.users)]
