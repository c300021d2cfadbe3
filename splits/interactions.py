"""Who interacted with what: the one container that data sets give and splits divide."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import blake2b
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray

from splits.columns import InteractionsError, coded, flag_column, id_column, rating_column, time_column

__all__ = ["Interactions", "InteractionsError", "labels"]


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
        A held-out rating of at least this is relevant. None: the ratings are counts, and every count above 0 is
        relevant; without ratings every interaction is.
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

        Repeated (user, item) rows are collapsed to the last by time or, without time, to the last in file order; so
        are two that stand on either side of ``held_out``. Ids that are all whole numbers become int64, others str.
        Timestamps are seconds; a column of dates (datetime64) is converted. ``titles`` and ``genres`` map item ids as
        they are in ``items``; an item without one has "" and ().

        Raises
        ------
        InteractionsError
            Columns of different lengths, no rows, an empty id, or a rating or timestamp that is not a finite number.
            Rows are counted from 1.
        """
        if relevance_threshold is not None and not math.isfinite(relevance_threshold):
            raise InteractionsError(f"{name}: relevance_threshold is {relevance_threshold}, not a finite number")
        user_column = id_column(f"{name}: column 'user'", users)
        item_column = id_column(f"{name}: column 'item'", items)
        rating_values = rating_column(f"{name}: column 'rating'", ratings)
        time_values = time_column(f"{name}: column 'timestamp'", timestamps)
        test_rows = flag_column(f"{name}: column 'held_out'", held_out)
        others = {"item": item_column, "rating": rating_values, "timestamp": time_values, "held_out": test_rows}
        _check_lengths(name, user_column, others)
        user_ids, user_codes = coded(user_column)
        item_ids, item_codes = coded(item_column)
        keep = _last_of_each_pair(user_codes, item_codes, len(item_ids), time_values)
        known = item_ids.tolist()
        return cls(
            name=name,
            users=user_codes[keep],
            items=item_codes[keep],
            ratings=None if rating_values is None else rating_values[keep],
            timestamps=None if time_values is None else time_values[keep],
            user_ids=user_ids,
            item_ids=item_ids,
            titles=None if titles is None else np.array([titles.get(item, "") for item in known], dtype=np.str_),
            genres=None if genres is None else tuple(tuple(genres.get(item, ())) for item in known),
            relevance_threshold=None if relevance_threshold is None else float(relevance_threshold),
            rating_scale=None if rating_scale is None else (float(rating_scale[0]), float(rating_scale[1])),
            held_out=None if test_rows is None else test_rows[keep],
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
        if self.ratings is None:
            return np.ones(len(self), dtype=bool)
        if self.relevance_threshold is None:
            return np.asarray(self.ratings > 0)
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

        1 at each relevant interaction; log(1 + count) for data whose "ratings" are counts (no threshold, no
        scale).
        """
        relevant = self.select(self.relevant)
        are_counts = self.relevance_threshold is None and self.rating_scale is None
        counts = relevant.ratings if are_counts else None
        return relevant.to_csr(None if counts is None else np.log1p(counts))

    @cached_property
    def content_hash(self) -> str:
        """A hash of all that a split or a metric reads, and of nothing else (no titles)."""
        digest = blake2b(digest_size=16)
        for column in ("users", "items", "ratings", "timestamps", "held_out"):
            values = getattr(self, column)
            content = b"" if values is None else _bytes_of(values)
            _add_part(digest, column, content)
        for column in ("user_ids", "item_ids"):
            _add_part(digest, column, json.dumps(getattr(self, column).tolist()).encode())
        _add_part(digest, "relevance", json.dumps([self.relevance_threshold, self.rating_scale]).encode())
        return digest.hexdigest()


def _bytes_of(column: NDArray[Any]) -> NDArray[np.uint8]:
    """The column's bytes, little end first; no copy where they are so already."""
    return np.ascontiguousarray(column, column.dtype.newbyteorder("<")).view(np.uint8)


def _add_part(digest: blake2b, name: str, content: bytes | NDArray[np.uint8]) -> None:
    """Name and length go before the content, so that two different sets of parts never join to the same bytes."""
    digest.update(f"{name}:{len(content)}:".encode())
    digest.update(content)


def _check_lengths(name: str, users: NDArray[Any], others: dict[str, NDArray[Any] | None]) -> None:
    for column, values in others.items():
        if values is not None and len(values) != len(users):
            raise InteractionsError(f"{name}: {len(users)} users but {len(values)} values in column '{column}'")
    if len(users) == 0:
        raise InteractionsError(f"{name}: no interactions")


def _last_of_each_pair(
    users: NDArray[Any], items: NDArray[Any], n_items: int, timestamps: NDArray[Any] | None
) -> NDArray[np.int64] | slice:
    """Rows to keep, in file order: of each (user, item) the last by time, else the last in the file."""
    if not _any_repeated(users, items, n_items):
        return slice(None)
    pairs = users.astype(np.int64) * n_items + items
    order = np.arange(len(pairs)) if timestamps is None else np.argsort(timestamps, kind="stable")
    _, first_from_the_end = np.unique(pairs[order][::-1], return_index=True)
    return np.sort(order[len(pairs) - 1 - first_from_the_end])


def _any_repeated(users: NDArray[Any], items: NDArray[Any], n_items: int) -> bool:
    """Whether a pair (user, item) occurs twice; sorting in place is far cheaper than finding out which row is last."""
    pairs = users.astype(np.int64) * n_items + items
    pairs.sort()
    return bool((pairs[1:] == pairs[:-1]).any())


def labels(ids: Sequence[Any] | NDArray[Any]) -> list[Any]:
    """Ids as plain Python values, for JSON and messages."""
    return list(np.asarray(ids).tolist())
