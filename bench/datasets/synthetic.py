"""Made-up ratings of any size in which there is something to learn.

Every user draws items without replacement with chances

    p(i | u)  ~  popularity_i * (w_i taste_u[main genre of i] + (1 - w_i) taste_u[second genre of i]),

where popularity and activity follow power laws and each user likes few genres. The items that a user has drawn are
those with the smallest of the exponential times E_i / p_i, E_i ~ Exp(1): the same as drawing one after the other
(Efraimidis and Spirakis 2006), without any rejection. Users go through it in blocks, so that memory doesn't grow with
users x items.

Chances and times are products, sums and quotients of float32, which no vector unit rounds in its own way: a seed gives
the same data on every machine.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.datasets.errors import DatasetError
from splits.interactions import Interactions
from splits.randomness import generator

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]

# Offsets of the power laws as shares of the ranks. With .02 the first has about 13 times the mean and the median half
# of it, as MovieLens' users have; items are steeper, for taste flattens them.
ACTIVITY_OFFSET, POPULARITY_OFFSET = 0.02, 0.005
TASTE_SHAPE = 0.15  # of the gamma distribution: the smaller, the fewer genres a user likes
STRANGE = 0.01  # what a genre that the user doesn't like is still worth
RELEVANT = 4.0
BLOCK_CELLS = 2**22  # users x items at once: 16 MB an array
THREADS = 2  # beside the one that draws: more would wait for it
FIRST_DAY, DAYS, DAY = 1_356_998_400, 1_000, 86_400  # 1 January 2013, and when the last user arrives

GENRES = {
    "Adventure": ("Voyage", "Island", "Expedition", "Compass"),
    "Animation": ("Fox", "Balloon", "Puppet", "Kingdom"),
    "Comedy": ("Wedding", "Neighbour", "Holiday", "Cousin"),
    "Crime": ("Heist", "Alibi", "Witness", "Ledger"),
    "Documentary": ("Glacier", "Orchestra", "Reef", "Archive"),
    "Drama": ("Letter", "Daughter", "Harvest", "Silence"),
    "Fantasy": ("Dragon", "Spell", "Throne", "Lantern"),
    "Horror": ("Cellar", "Shadow", "Asylum", "Scream"),
    "Musical": ("Refrain", "Waltz", "Chorus", "Violin"),
    "Mystery": ("Riddle", "Cipher", "Manor", "Stranger"),
    "Romance": ("Kiss", "Promise", "Summer", "Garden"),
    "Science Fiction": ("Orbit", "Android", "Signal", "Colony"),
    "Thriller": ("Deadline", "Hostage", "Agent", "Chase"),
    "War": ("Trench", "Regiment", "Bridge", "Armistice"),
    "Western": ("Ranch", "Sheriff", "Canyon", "Saddle"),
}
ADJECTIVES = (
    *("Silent", "Golden", "Hidden", "Last", "Broken", "Crimson", "Distant", "Endless", "Forgotten", "Frozen"),
    *("Gentle", "Hollow", "Iron", "Lonely", "Northern", "Painted", "Restless", "Second", "Velvet", "Wild"),
)


@dataclass(frozen=True)
class _Items:
    """What is hidden behind the items: float32 or int64 arrays of n_items."""

    popularity: Floats
    main: Integers
    second: Integers
    main_share: Floats
    quality: Floats


@dataclass(frozen=True)
class _Users:
    """What is hidden behind the users: tastes are float32 (n_users, genres), the rest arrays of n_users."""

    tastes: Floats
    activity: Integers
    generosity: Floats
    arrival: Integers
    span: Integers


def synthetic(
    n_users: int = 1_000,
    n_items: int = 500,
    n_interactions: int = 50_000,
    seed: int = 0,
    min_interactions: int = 5,
) -> Interactions:
    """Ratings 1 to 5 with titles, genres and times; the same for the same numbers.

    Every user has at least ``min_interactions``. An item that nobody drew isn't in the data, which only happens where
    there are few interactions an item.

    Raises
    ------
    DatasetError
        The interactions don't fit: fewer than min_interactions for every user, or more than users x items.
    """
    _check_size(n_users, n_items, n_interactions, min_interactions)
    items = _make_items(n_items, seed)
    users = _make_users(n_users, n_items, n_interactions, min_interactions, seed)
    drawn, ratings, timestamps = _draw(users, items, seed)
    drawn += 1
    return Interactions.from_columns(
        "synthetic",
        np.repeat(np.arange(1, n_users + 1, dtype=np.int32), users.activity),
        drawn,
        ratings,
        timestamps,
        titles=dict(enumerate(_titles(items), 1)),
        genres=dict(enumerate(_genres(items), 1)),
        relevance_threshold=RELEVANT,
        rating_scale=(1.0, 5.0),
    )


def _check_size(n_users: int, n_items: int, n_interactions: int, min_interactions: int) -> None:
    least, most = n_users * min_interactions, n_users * n_items
    if min(n_users, n_items, min_interactions) < 1 or not least <= n_interactions <= most:
        raise DatasetError(
            f"synthetic: {n_interactions:,} interactions don't fit {n_users:,} users and {n_items:,} items with at "
            f"least {min_interactions} a user. Allowed are {least:,} to {most:,}, and 1 or more of everything."
        )


def _make_items(n_items: int, seed: int) -> _Items:
    random = generator(seed, "synthetic items")
    main = random.integers(len(GENRES), size=n_items)
    return _Items(
        popularity=_power_law(n_items, POPULARITY_OFFSET, random).astype(np.float32),
        main=main,
        second=(main + random.integers(1, len(GENRES), size=n_items)) % len(GENRES),
        main_share=random.uniform(0.6, 1.0, n_items).astype(np.float32),
        quality=random.normal(0, 0.4, n_items).astype(np.float32),
    )


def _make_users(n_users: int, n_items: int, n_interactions: int, least: int, seed: int) -> _Users:
    random = generator(seed, "synthetic users")
    # Nobody draws more than half of the items where the rest can take it: such a user has nothing left to be ranked.
    most = max(n_items // 2, -(-n_interactions // n_users))
    tastes = random.gamma(TASTE_SHAPE, size=(n_users, len(GENRES)))
    tastes = np.maximum(tastes / tastes.max(axis=1, keepdims=True), STRANGE)
    return _Users(
        tastes=tastes.astype(np.float32),
        activity=_activity(_power_law(n_users, ACTIVITY_OFFSET, random), least, most, n_interactions),
        generosity=random.normal(0, 0.4, n_users).astype(np.float32),
        arrival=FIRST_DAY + random.integers(DAYS * DAY, size=n_users),
        span=(DAY + random.exponential(60 * DAY, n_users)).astype(np.int64),
    )


def _power_law(n: int, offset: float, random: np.random.Generator) -> NDArray[np.float64]:
    """1 / (rank + offset n), Zipf's and Mandelbrot's law, the ranks dealt at random."""
    return np.asarray(1 / (random.permutation(n) + 1 + offset * n))


def _activity(weights: NDArray[np.float64], least: int, most: int, total: int) -> Integers:
    """Whole numbers that add up to ``total``, from ``least`` to ``most``, between these proportional to the weights."""

    def at(scale: float) -> Integers:
        return np.clip(np.floor(scale * weights), least, most).astype(np.int64)

    low, high = 0.0, (most + 1) / weights.min()
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if at(middle).sum() <= total else (low, middle)
    activity = at(low)
    # What rounding left over goes to the most active users that have room, one each; ties go to the first user.
    while (missing := total - activity.sum()) > 0:
        with_room = np.flatnonzero(activity < most)
        activity[with_room[np.argsort(-weights[with_room], kind="stable")[:missing]]] += 1
    return activity


def _draw(users: _Users, items: _Items, seed: int) -> tuple[NDArray[np.int32], Floats, Integers]:
    """Items, ratings and times, one after the other for all users; a user's rows in the order of time.

    Random numbers come from one generator, block after block, while other threads make the rows of earlier blocks.
    """
    random = generator(seed, "synthetic draws")
    total = int(users.activity.sum())
    table = _Table(np.empty(total, np.int32), np.empty(total, np.float32), np.empty(total, np.int64))
    # Users of one block have about the same activity, so that the longest list of a block is no longer than needed.
    by_activity = np.argsort(users.activity, kind="stable")
    block_size = max(1, BLOCK_CELLS // len(items.popularity))
    with ThreadPoolExecutor(THREADS) as pool:
        waiting: deque[Future[None]] = deque()
        for start in range(0, len(by_activity), block_size):
            block = by_activity[start : start + block_size]
            draws = _Draws.made_by(random, len(block), len(items.popularity), int(users.activity[block].sum()))
            waiting.append(pool.submit(_fill, table, block, draws, users, items))
            if len(waiting) > THREADS:  # no more blocks in memory than that
                waiting.popleft().result()
        for block_done in waiting:
            block_done.result()
    return table.items, table.ratings, table.timestamps


@dataclass(frozen=True)
class _Table:
    """The columns of all users, which blocks fill."""

    items: NDArray[np.int32]
    ratings: Floats
    timestamps: Integers


@dataclass(frozen=True)
class _Draws:
    """The random numbers of one block of users: exponential (users, n_items), then one of each for every row."""

    exponential: Floats
    noise: Floats
    moments: NDArray[np.float64]

    @classmethod
    def made_by(cls, random: np.random.Generator, n_users: int, n_items: int, n_rows: int) -> _Draws:
        return cls(
            exponential=random.standard_exponential((n_users, n_items), dtype=np.float32),
            noise=random.standard_normal(n_rows, dtype=np.float32),
            moments=random.random(n_rows),
        )


def _fill(table: _Table, block: Integers, draws: _Draws, users: _Users, items: _Items) -> None:
    """The rows of one block's users."""
    activity = users.activity[block]
    chosen = _choose(users.tastes[block], items, activity, draws.exponential)
    ends = np.cumsum(users.activity)[block]
    rows = np.repeat(ends - np.cumsum(activity), activity) + np.arange(len(chosen))
    who = np.repeat(block, activity)
    table.items[rows] = chosen
    table.ratings[rows] = _rate(who, chosen, users, items, draws.noise)
    table.timestamps[rows] = _times(who, activity, users, draws.moments)


def _choose(tastes: Floats, items: _Items, activity: Integers, exponential: Floats) -> Integers:
    """For each user of the block ``activity`` different items, one user after the other; overwrites ``exponential``."""
    chances = tastes[:, items.main]
    chances *= items.main_share
    chances += tastes[:, items.second] * (1 - items.main_share)
    chances *= items.popularity
    times = np.divide(exponential, chances, out=exponential)
    longest = int(activity.max())
    first = np.argpartition(times, longest - 1, axis=1)[:, :longest]
    first = np.take_along_axis(first, np.argsort(np.take_along_axis(times, first, axis=1), axis=1), axis=1)
    return first[np.arange(longest) < activity[:, None]]


def _rate(who: Integers, chosen: Integers, users: _Users, items: _Items, noise: Floats) -> Floats:
    """1 to 5: higher for genres that the user likes, good items and generous users, plus normal noise."""
    liking = users.tastes[who, items.main[chosen]]
    noise *= np.float32(0.7)
    opinion = np.float32(2.9) + np.float32(1.4) * liking + items.quality[chosen] + users.generosity[who] + noise
    return np.asarray(np.clip(np.rint(opinion), 1, 5))


def _times(who: Integers, activity: Integers, users: _Users, moments: NDArray[np.float64]) -> Integers:
    """Seconds since 1970 from a user's arrival on, increasing for each."""
    order = np.lexsort((moments, np.repeat(np.arange(len(activity)), activity)))
    return users.arrival[who] + (moments[order] * users.span[who]).astype(np.int64)


def _titles(items: _Items) -> list[str]:
    """A title of its own for every item, with a noun of its main genre."""
    names, titles, count = list(GENRES), [], [0] * len(GENRES)
    for main in items.main.tolist():
        nouns = GENRES[names[main]]
        part, place = divmod(count[main], len(nouns) * len(ADJECTIVES))
        noun, adjective = nouns[place % len(nouns)], ADJECTIVES[place // len(nouns)]
        titles.append(f"The {adjective} {noun}" + (f" {part + 1}" if part else ""))
        count[main] += 1
    return titles


def _genres(items: _Items) -> list[tuple[str, ...]]:
    """The main genre, and the second where it has a real share."""
    names = list(GENRES)
    pairs = zip(items.main.tolist(), items.second.tolist(), (items.main_share < 0.8).tolist(), strict=True)
    return [(names[main], names[second]) if mixed else (names[main],) for main, second, mixed in pairs]
