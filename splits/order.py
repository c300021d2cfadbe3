"""Rows user by user, shuffled or by time, and the hold-out of the last few of each user.

The per-user rules are all one rule, "hold out the last c of each user's n rows", with another order or another c.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from splits.interactions import Interactions
from splits.randomness import generator
from splits.split import Split, SplitError

RULE_WITHOUT_TIME = "choose a rule without time, such as random"


def shuffled_by_user(interactions: Interactions, rng: np.random.Generator) -> NDArray[np.int64]:
    """Row numbers (n,), grouped by user, each user's in random order."""
    return stable_by(interactions.users, rng.permutation(len(interactions)))


def oldest_first_by_user(interactions: Interactions, seed: int, advice: str = RULE_WITHOUT_TIME) -> NDArray[np.int64]:
    """Row numbers (n,), grouped by user, each user's by time, equal timestamps in random order.

    Equal timestamps are common (ML-1M was rated by the page). File order within them would say something about the
    item, since many files are sorted by it, so a seed decides. It is the same order for every rule: the interaction
    that leave-one-out holds out is one of those that temporal holds out with the same seed.

    Raises
    ------
    SplitError
        There are no timestamps; ``advice`` says what to do instead.
    """
    timestamps = timestamps_of(interactions, advice)
    shuffled = generator(seed, "equal timestamps").permutation(len(interactions))
    return stable_by(interactions.users, stable_by(timestamps, shuffled))


def hold_out_last(interactions: Interactions, order: NDArray[np.int64], counts: ArrayLike) -> Split:
    """Hold out the last ``counts`` (one for all, or one a user) rows of each user; the user's first row stays in train.

    ``order`` is grouped by user, users ascending.

    Raises
    ------
    SplitError
        Nothing would be held out.
    """
    n = per_user(interactions)
    held_out = np.minimum(counts, np.maximum(n - 1, 0))
    if not held_out.any():
        raise SplitError(f"{interactions.name}: {_why_nothing(n)}")
    first_held_out = np.repeat(np.cumsum(n) - held_out, n)  # its place in the order, at each of the user's rows
    in_test = np.empty(len(order), dtype=bool)
    in_test[order] = np.arange(len(order)) >= first_held_out
    return Split(interactions, in_test)


def stable_by(key: NDArray[np.integer], rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """``rows`` by ascending ``key[row]``; equal keys stay in the order they come in.

    Key and place go into one integer, key first. These are all different, so that sorting them in place, without their
    indices, gives the same as a stable argsort, in a third of the time.
    """
    lowest = key.min()
    if int(key.max()) - int(lowest) >= 2**31 or len(rows) > 2**31:
        return rows[np.argsort(key[rows], kind="stable")]
    packed = key[rows].astype(np.int64)
    packed -= lowest
    packed <<= 32
    packed |= np.arange(len(rows))
    packed.sort()
    packed &= 2**32 - 1
    return rows[packed]


def per_user(interactions: Interactions) -> NDArray[np.int64]:
    """int64 (n_users,): how many interactions each user has."""
    return np.bincount(interactions.users, minlength=interactions.n_users)


def timestamps_of(interactions: Interactions, advice: str = RULE_WITHOUT_TIME) -> NDArray[np.int64]:
    """The timestamps of data that has them.

    Raises
    ------
    SplitError
        There are none; ``advice`` says what to do instead.
    """
    if interactions.timestamps is None:
        raise SplitError(f"{interactions.name} has no timestamps, which this rule orders by; {advice}")
    return interactions.timestamps


def _why_nothing(n: NDArray[np.int64]) -> str:
    if n.max() <= 1:
        return "nothing can be held out: every user has one interaction, and that one stays in train"
    return (
        f"nothing is held out: the fraction of even the most active user's {n.max()} interactions rounds to 0; "
        "give a higher test_fraction"
    )
