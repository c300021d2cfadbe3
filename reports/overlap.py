"""How much the lists of each two rows have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from reports.cells import mean, ratio
from reports.result import Result
from reports.table import Leaderboard, Row

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

        shares = mean(self._shares) if self._shares else np.zeros((0, 0))
        known = np.flatnonzero(np.isfinite(np.diag(shares)))
        names = pd.Index([self.labels[place] for place in known], name="model")
        return pd.DataFrame(shares[np.ix_(known, known)], index=names, columns=names)


def common_shares(lists: Sequence[Lists]) -> NDArray[np.float64]:
    """(n, n): the mean over users of |A ∩ B| / sqrt(|A| |B|), which of full lists is the share of common items.

    Parameters
    ----------
    lists
        For each row the users' codes and (n_users, k) items, -1 for an empty place. A mean is over the users of whom
        both rows have a list that isn't empty.
    """
    import scipy.sparse as sp

    n_items = 1 + max(int(items.max(initial=0)) for _, items in lists)
    everybody = np.unique(np.concatenate([users for users, _ in lists]))
    owners, keys, weights, listed = [], [], [], []
    for owner, (users, items) in enumerate(lists):
        filled = items >= 0
        lengths = filled.sum(axis=1)
        places = np.repeat(np.arange(len(users)), lengths)
        owners.append(np.full(len(places), owner))
        keys.append(users[places].astype(np.int64) * n_items + items[filled])
        weights.append(1 / np.sqrt(lengths[places]))
        listed.append(np.isin(everybody, users[lengths > 0]).astype(np.float64))
    pairs, columns = np.unique(np.concatenate(keys), return_inverse=True)
    shape = (len(lists), len(pairs))
    table = sp.csr_matrix((np.concatenate(weights), (np.concatenate(owners), columns)), shape)
    return ratio((table @ table.T).toarray(), np.array(listed) @ np.array(listed).T)
