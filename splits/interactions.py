"""Who interacted with what: the one container that data sets give and splits divide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import blake2b
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray


class InteractionsError(ValueError):
    """The columns do not make a set of interactions; the message says which row and why."""


@dataclass(frozen=True, eq=False)
class Interactions:
    """A set of (user, item) pairs in file order, at most one row a pair.

    Build it with :meth:`from_columns`, which checks everything; the code after that trusts it.

    Attributes
    ----------
    name
        The data set's name.
    users, items
        int32 (n,), codes into ``user_ids`` and ``item_ids``.
    ratings
        float32 (n,) or None for data without ratings.
    timestamps
        int64 (n,) seconds since 1970, or None.
    user_ids, item_ids
        The ids as they are in the file, sorted; int64 or str.
    titles
        str (n_items,) beside ``item_ids``, or None.
    genres
        One tuple of genres an item, or None.
    relevance_threshold
        A held-out rating of at least this is relevant; None: every interaction is.
    rating_scale
        (lowest, highest) possible rating; None where ratings are counts or absent.
    held_out
        bool (n,), the test rows of a published split, or None.
    """

    name: str
    users: NDArray[np.int32]
    items: NDArray[np.int32]
    ratings: NDArray[np.float32] | None
    timestamps: NDArray[np.int64] | None
    user_ids: NDArray[Any]
    item_ids: NDArray[Any]
    titles: NDArray[np.str_] | None = None
    genres: tuple[tuple[str, ...], ...] | None = None
    relevance_threshold: float | None = None
    rating_scale: tuple[float, float] | None = None
    held_out: NDArray[np.bool_] | None = None

    @classmethod
    def from_columns(
        cls,
        name: str,
        users: ArrayLike,
        items: ArrayLike,
        ratings: ArrayLike | None = None,
        timestamps: ArrayLike | None = None,
        *,
        titles: dict[Any, str] | None = None,
        genres: dict[Any, tuple[str, ...]] | None = None,
        relevance_threshold: float | None = None,
        rating_scale: tuple[float, float] | None = None,
        held_out: ArrayLike | None = None,
    ) -> Interactions:
        """Check raw columns and turn ids into codes.

        Repeated (user, item) rows are collapsed to the last by time or, without time, to the last in file order.
        ``titles`` and ``genres`` map item ids as they are in ``items``; an item without one has "" and ().

        Raises
        ------
        InteractionsError
            Columns of different lengths, no rows, an empty id, or a rating that is not a finite number.
        """
        user_column, item_column = _id_column("user", users), _id_column("item", items)
        n = len(user_column)
        rating_column = _number_column("rating", ratings, np.float32)
        time_column = _number_column("timestamp", timestamps, np.int64)
        test_column = None if held_out is None else np.asarray(held_out, dtype=bool)
        for column, values in [("item", item_column), ("rating", rating_column), ("timestamp", time_column),
                               ("held_out", test_column)]:
            if values is not None and len(values) != n:
                raise InteractionsError(f"{name}: {n} users but {len(values)} values in column '{column}'")
        if n == 0:
            raise InteractionsError(f"{name}: no interactions")
        user_ids, user_codes = np.unique(user_column, return_inverse=True)
        item_ids, item_codes = np.unique(item_column, return_inverse=True)
        keep = _last_of_each_pair(user_codes, item_codes, len(item_ids), time_column)
        known = item_ids.tolist()
        return cls(
            name=name,
            users=user_codes[keep].astype(np.int32),
            items=item_codes[keep].astype(np.int32),
            ratings=None if rating_column is None else rating_column[keep],
            timestamps=None if time_column is None else time_column[keep],
            user_ids=user_ids,
            item_ids=item_ids,
            titles=None if titles is None else np.array([titles.get(item, "") for item in known], dtype=np.str_),
            genres=None if genres is None else tuple(tuple(genres.get(item, ())) for item in known),
            relevance_threshold=relevance_threshold,
            rating_scale=rating_scale,
            held_out=None if test_column is None else test_column[keep],
        )

    def __len__(self) -> int:
        return len(self.users)

    @property
    def n_users(self) -> int:
        return len(self.user_ids)

    @property
    def n_items(self) -> int:
        return len(self.item_ids)

    @cached_property
    def relevant(self) -> NDArray[np.bool_]:
        """bool (n,): which interactions count as positive."""
        if self.relevance_threshold is None or self.ratings is None:
            return np.ones(len(self), dtype=bool)
        return np.asarray(self.ratings >= self.relevance_threshold)

    def select(self, rows: NDArray[Any]) -> Interactions:
        """The interactions of a mask or index of rows, with all users, items and titles kept."""
        return replace(
            self,
            users=self.users[rows],
            items=self.items[rows],
            ratings=None if self.ratings is None else self.ratings[rows],
            timestamps=None if self.timestamps is None else self.timestamps[rows],
            held_out=None if self.held_out is None else self.held_out[rows],
        )

    def to_csr(self, values: ArrayLike | None = None) -> sp.csr_matrix:
        """Users x items, float32, with ``values`` (ones when None) at the interactions; column indices sorted."""
        data = np.ones(len(self), np.float32) if values is None else np.asarray(values, dtype=np.float32)
        matrix = sp.csr_matrix((data, (self.users, self.items)), shape=(self.n_users, self.n_items))
        matrix.sort_indices()
        return matrix

    def positives(self) -> sp.csr_matrix:
        """Users x items: what implicit models learn from.

        1 at each relevant interaction; log(1 + count) for data whose "ratings" are counts (no threshold).
        """
        counts = self.ratings is not None and self.relevance_threshold is None
        values = np.log1p(self.ratings) if counts and self.ratings is not None else np.ones(len(self), np.float32)
        return self.select(self.relevant).to_csr(values[self.relevant])

    @cached_property
    def content_hash(self) -> str:
        """A hash of all that a split or a metric reads, and of nothing else (no titles)."""
        digest = blake2b(digest_size=16)
        for values in (self.users, self.items, self.ratings, self.timestamps, self.held_out):
            digest.update(b"none" if values is None else np.ascontiguousarray(values).tobytes())
        for ids in (self.user_ids, self.item_ids):
            digest.update("\0".join(map(str, ids.tolist())).encode())
        digest.update(repr((self.relevance_threshold, self.rating_scale)).encode())
        return digest.hexdigest()


def _id_column(column: str, values: ArrayLike) -> NDArray[Any]:
    """Ids as int64 where all are whole numbers, else as str."""
    array = np.asarray(values)
    if array.ndim != 1:
        raise InteractionsError(f"column '{column}' must be one-dimensional, not of shape {array.shape}")
    if array.dtype.kind in "iu":
        return array.astype(np.int64)
    text = array.astype(np.str_)
    empty = np.flatnonzero((text == "") | (text == "nan") | (text == "None"))
    if len(empty):
        raise InteractionsError(f"column '{column}': row {empty[0] + 1} is empty")
    return text


def _number_column(column: str, values: ArrayLike | None, dtype: type) -> NDArray[Any] | None:
    if values is None:
        return None
    try:
        numbers = np.asarray(values, dtype=np.float64 if dtype is np.float32 else None)
    except (TypeError, ValueError) as error:
        raise InteractionsError(f"column '{column}' has a value that is not a number: {error}") from error
    wrong = np.flatnonzero(~np.isfinite(numbers))
    if len(wrong):
        raise InteractionsError(f"column '{column}': row {wrong[0] + 1} is {numbers[wrong[0]]}, not a finite number")
    return numbers.astype(dtype)


def _last_of_each_pair(
    users: NDArray[Any], items: NDArray[Any], n_items: int, timestamps: NDArray[Any] | None
) -> NDArray[np.int64]:
    """Rows to keep, in file order: of each (user, item) the last by time, else the last in the file."""
    pairs = users.astype(np.int64) * n_items + items
    order = np.arange(len(pairs)) if timestamps is None else np.argsort(timestamps, kind="stable")
    _, first_from_the_end = np.unique(pairs[order][::-1], return_index=True)
    return np.sort(order[len(pairs) - 1 - first_from_the_end])


def labels(ids: Sequence[Any] | NDArray[Any]) -> list[Any]:
    """Ids as plain Python values, for JSON and messages."""
    return np.asarray(ids).tolist()
