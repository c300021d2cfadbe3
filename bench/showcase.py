"""What a report shows of a data set under one split, stored once, so that a report never reads the data again."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from splits.interactions import Interactions
from splits.randomness import generator
from splits.split import Split

KNOWN_TITLES = ("Toy Story (", "Star Wars", "Godfather, The (", "Silence of the Lambs", "Fargo (", "Matrix, The (")
KNOWN_USERS = ("4",)  # whose recommendations people know from the MovieLens 1M tutorials
N_USERS = 50
MOST_PERIODS = 120  # months, else years, of the activity over time
HISTORY = 50  # items of a user's history that are kept, best rated first


def known_items(interactions: Interactions, n: int = 6) -> list[int]:
    """Items that a reader is likely to know: by title where there are titles, filled up with the most popular."""
    counts = np.bincount(interactions.items, minlength=interactions.n_items)
    chosen = []
    for title in KNOWN_TITLES if interactions.titles is not None else ():
        assert interactions.titles is not None
        matches = np.flatnonzero(np.char.startswith(interactions.titles, title))
        if len(matches):
            chosen.append(int(matches[np.argmax(counts[matches])]))
    popular = [int(item) for item in np.argsort(-counts, kind="stable")]
    return list(dict.fromkeys([*chosen, *popular]))[:n]


def describe(split: Split, licence: str) -> dict[str, Any]:
    """The content of dataset.json.

    Beside figures that say themselves what they are, each a number or a list with an entry an item:

    - ``data``, ``split``: the hashes that cells of this data and split have, too;
    - ``rating_histogram``: [[rating, interactions], ...], None where ratings are counts or absent;
    - ``activity``: [["1997-09", interactions in train, in test], ...] by month, quiet ones included, by year over more
      than 120 months; None without timestamps, or where they span more years than that and so are no seconds;
    - ``user_counts``: [[training interactions, users who have as many], ...];
    - ``item_counts``, ``test_item_counts``, ``relevant_item_counts``: interactions in train, in test, relevant in test.
    """
    data, train, test = split.interactions, split.train, split.test
    return {
        "name": data.name,
        "data": data.content_hash,
        "split": split.content_hash,
        "licence": licence,
        "n_users": data.n_users,
        "n_items": data.n_items,
        "n_train": len(train),
        "n_test": len(test),
        "n_users_train": len(np.unique(train.users)),
        "n_users_test": len(np.unique(test.users)),
        "n_cold_users": len(split.cold_users),
        "n_cold_items": len(split.cold_items),
        "relevance_threshold": data.relevance_threshold,
        "rating_histogram": _histogram(data.ratings) if data.rating_scale is not None else None,
        "activity": _activity(split),
        "user_ids": data.user_ids.tolist(),
        "user_counts": _histogram_of_counts(train),
        "item_ids": data.item_ids.tolist(),
        "titles": None if data.titles is None else data.titles.tolist(),
        "genres": None if data.genres is None else [list(genres) for genres in data.genres],
        "item_counts": np.bincount(train.items, minlength=data.n_items).tolist(),
        "test_item_counts": np.bincount(test.items, minlength=data.n_items).tolist(),
        "relevant_item_counts": np.bincount(test.items[test.relevant], minlength=data.n_items).tolist(),
        "n_in_both": _n_in_both(train, test),
        "known_items": known_items(data),
        "showcase": [_user(split, int(user)) for user in _showcase_users(split)],
    }


def history(interactions: Interactions, user: int) -> NDArray[np.int64]:
    """Rows of a user's interactions, best rated first, then newest, then in file order."""
    rows = np.flatnonzero(interactions.users == user)
    keys: list[NDArray[Any]] = [rows]
    if interactions.timestamps is not None:
        keys.append(-interactions.timestamps[rows])
    if interactions.ratings is not None:
        keys.append(-interactions.ratings[rows])
    return np.asarray(rows[np.lexsort(keys)])


def _showcase_users(split: Split) -> list[int]:
    """Known users first, then a random sample of users with a relevant test item."""
    test = split.test
    candidates = np.unique(test.users[test.relevant])
    ids = [str(user) for user in split.interactions.user_ids[candidates].tolist()]
    known = [int(candidates[ids.index(user)]) for user in KNOWN_USERS if user in ids]
    sample = generator(0, "showcase users").permutation(candidates)[:N_USERS]
    return list(dict.fromkeys([*known, *(int(user) for user in sample)]))[:N_USERS]


def _user(split: Split, user: int) -> dict[str, Any]:
    train, test = split.train, split.test
    best = history(train, user)[:HISTORY]
    relevant = np.flatnonzero((test.users == user) & test.relevant)
    return {
        "user": user,
        "user_id": split.interactions.user_ids[user].item(),
        "history": train.items[best].tolist(),
        "ratings": None if train.ratings is None else train.ratings[best].tolist(),
        "test": test.items[relevant].tolist(),
    }


def _n_in_both(train: Interactions, test: Interactions) -> int:
    """Pairs of user and item that are in both halves: 0 for every rule that does what it says."""
    in_train, in_test = (part.users.astype(np.int64) * part.n_items + part.items for part in (train, test))
    return len(np.intersect1d(in_train, in_test))


def _histogram_of_counts(train: Interactions) -> list[list[int]]:
    counts = np.bincount(train.users, minlength=train.n_users)
    return np.stack(np.unique(counts, return_counts=True), axis=1).tolist()  # type: ignore[no-any-return]


def _activity(split: Split) -> list[tuple[str, int, int]] | None:
    timestamps = split.interactions.timestamps
    if timestamps is None:
        return None
    for unit in ("M", "Y"):
        periods = timestamps.astype("datetime64[s]").astype(f"datetime64[{unit}]")
        first, last = periods.min(), periods.max()
        n_periods = int(last.astype(np.int64)) - int(first.astype(np.int64)) + 1
        if n_periods <= MOST_PERIODS:
            break
    else:
        return None
    places = (periods - first).astype(np.int64)
    parts = (np.bincount(places[part], minlength=n_periods) for part in (~split.in_test, split.in_test))
    names = np.datetime_as_string(np.arange(first, last + 1))
    return list(zip(names.tolist(), *(part.tolist() for part in parts), strict=True))


def _histogram(ratings: NDArray[Any] | None) -> list[tuple[float, int]]:
    values, counts = np.unique(np.asarray(ratings), return_counts=True)
    return [(float(value), int(count)) for value, count in zip(values, counts, strict=True)][:50]
