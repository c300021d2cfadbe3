"""Quality by items' popularity: head, middle and tail, each with a third of the training interactions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from reports.cells import mean, ratio
from reports.result import Result
from reports.table import Row, encodable

if TYPE_CHECKING:
    import pandas as pd

PARTS = ("head", "middle", "tail")


class ByPopularity:
    """Adds up hits and recommendations by items' popularity; means are over a row's cells.

    Attributes
    ----------
    sizes
        Split seed -> (items, training interactions, relevant test interactions) of head, middle and tail.
    recall
        Row's label -> float64 (3,) for each cell: of the relevant test items of a part, over all evaluated users, how
        many stand in their users' first k places.
    shares
        Row's label -> float64 (3,) for each cell: the part's share of all recommendations in the first k places.
    """

    def __init__(self, k: int | None):
        self.k = k
        self.sizes: dict[int, list[tuple[int, int, int]]] = {}
        self.recall: dict[str, list[NDArray[np.float64]]] = {}
        self.shares: dict[str, list[NDArray[np.float64]]] = {}
        self._part_of: NDArray[np.int64] | None = None
        self._relevant: NDArray[np.int64] = np.zeros(0, np.int64)

    def begin(self, seed: int, dataset: dict[str, Any]) -> None:
        counts, relevant = dataset.get("item_counts") or [], dataset.get("relevant_item_counts") or []
        self._part_of = parts_of_items(counts) if len(counts) == len(relevant) else None
        self._relevant = np.asarray(relevant, np.int64)
        if self._part_of is not None:
            of_parts = [self._sums(column) for column in (np.ones(len(counts)), counts, relevant)]
            self.sizes[seed] = [(int(n), int(train), int(test)) for n, train, test in zip(*of_parts, strict=True)]

    def add(self, row: Row, result: Result) -> None:
        hits, shown = (result.per_item.get(f"{name}@{self.k}") for name in ("hits", "recommended"))
        if self._part_of is None or hits is None or shown is None or len(hits) != len(self._part_of):
            return
        places = self._sums(shown)
        self.recall.setdefault(row.label, []).append(ratio(self._sums(hits), self._sums(self._relevant)))
        self.shares.setdefault(row.label, []).append(ratio(places, np.full(3, places.sum())))

    def end(self) -> None: ...

    def frame(self) -> pd.DataFrame:
        """One line a row and part.

        Columns model (the row's label), group, k, n_items, n_relevant (of the part, on the first split seed), recall,
        share_of_lists.
        """
        import pandas as pd

        sizes = next(iter(self.sizes.values()), [(0, 0, 0)] * 3)
        lines = [
            (encodable(label), PARTS[part], self.k, sizes[part][0], sizes[part][2], float(recall), float(share))
            for label, cells in self.recall.items()
            for part, recall, share in zip(range(3), mean(cells), mean(self.shares[label]), strict=True)
        ]
        columns = ["model", "group", "k", "n_items", "n_relevant", "recall", "share_of_lists"]
        return pd.DataFrame(lines, columns=pd.Index(columns))

    def _sums(self, values: Any) -> NDArray[np.float64]:
        assert self._part_of is not None
        return np.bincount(self._part_of, weights=values, minlength=3).astype(np.float64)


def parts_of_items(counts: Sequence[int]) -> NDArray[np.int64] | None:
    """int64 (n_items,): 0 for head, 1 for middle, 2 for tail; None without any training interaction.

    Items stand in the order of their training interactions, ties in the order of their codes. An item is in the head if
    those before it have less than a third of all interactions, else in the middle if they have less than two thirds.
    """
    array = np.asarray(counts, np.int64)
    total = int(array.sum())
    if not total:
        return None
    order = np.argsort(-array, kind="stable")
    before = np.cumsum(array[order]) - array[order]
    part_of = np.empty(len(array), np.int64)
    part_of[order] = np.searchsorted(np.array([total, 2 * total]), 3 * before, side="right")
    part_of[array == 0] = 2
    return part_of
