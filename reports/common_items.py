"""How much the lists of each two rows have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from reports.cells import mean
from reports.result import Result
from reports.table import Leaderboard, Row, encodable

if TYPE_CHECKING:
    import pandas as pd

MOST_ROWS = 30  # whose lists are compared: the best

Lists = tuple[NDArray[np.int32], NDArray[np.int32]]


class Overlap:
    """Compares the first k places of every two rows on each split, the first cell of a row there; means over splits.

    The first places of one split's lists are in memory at a time.
    """

    def __init__(self, board: Leaderboard, k: int | None):
        self.k = k
        self.labels = [row.label for row in board.rows[:MOST_ROWS]]
        self._lists: dict[str, Lists] = {}
        self._shares: list[NDArray[np.float64]] = []

    def begin(self, seed: int, dataset: dict[str, Any]) -> None:
        self._lists = {}

    def add(self, row: Row, result: Result) -> None:
        if self.k is None or result.users is None or result.lists is None:
            return
        if row.label in self.labels and row.label not in self._lists:
            self._lists[row.label] = (result.users, result.lists[:, : self.k])

    def end(self) -> None:
        if len(self._lists) > 1:
            shares = np.full((len(self.labels), len(self.labels)), np.nan)
            places = [self.labels.index(label) for label in self._lists]
            shares[np.ix_(places, places)] = common_shares(list(self._lists.values()))
            self._shares.append(shares)
        self._lists = {}

    def frame(self) -> pd.DataFrame:
        """Square: the mean share of common items, with the rows' labels as index and columns, best row first."""
        import pandas as pd

        labels, shares = self.shares()
        names = pd.Index(map(encodable, labels), name="model")
        return pd.DataFrame(shares, index=names, columns=names)

    def shares(self) -> tuple[list[str], NDArray[np.float64]]:
        """The labels of the rows that have lists, best first, and (n, n) mean shares of common items."""
        shares = mean(self._shares) if self._shares else np.zeros((0, 0))
        known = np.flatnonzero(np.isfinite(np.diag(shares)))
        return [self.labels[place] for place in known], shares[np.ix_(known, known)]


def common_shares(lists: Sequence[Lists]) -> NDArray[np.float64]:
    """(n, n): the mean over users of |A ∩ B| / sqrt(|A| |B|), which of full lists is the share of common items.

    Parameters
    ----------
    lists
        For each row the users' codes and (n_users, k) items, -1 for an empty place. A mean is over the users of whom
        both rows have a list that isn't empty.
    """
    everybody = np.unique(np.concatenate([users for users, _ in lists]))
    k = max(items.shape[1] for _, items in lists)
    items_of = np.full((len(lists), k, len(everybody)), -1, np.int32)  # places first: that is the faster way to compare
    for table, (users, items) in zip(items_of, lists, strict=True):
        table[: items.shape[1], np.searchsorted(everybody, users)] = items.T
    lengths = (items_of >= 0).sum(axis=1)
    shares = np.empty((len(lists), len(lists)))
    for first in range(len(lists)):
        for second in range(first + 1):
            both = np.sqrt(lengths[first] * lengths[second])
            common = _n_common(items_of[first], items_of[second])
            known = both > 0
            mean_share = float((common[known] / both[known]).mean()) if known.any() else np.nan
            shares[first, second] = shares[second, first] = mean_share
    return shares


def _n_common(first: NDArray[np.int32], second: NDArray[np.int32]) -> NDArray[np.int64]:
    """int64 (n_users,): how many items each user's two lists share, of (k, n_users); empty places share nothing."""
    found = np.zeros(first.shape[1], np.int64)
    for items in first:
        found += ((items == second) & (items >= 0)).any(axis=0)
    return found
