"""Rules that hold out some interactions of every user: a fraction, k, or one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from splits.interactions import Interactions
from splits.order import hold_out_last, oldest_first_by_user, per_user, shuffled_by_user
from splits.parameters import require_choice, require_count, require_fraction
from splits.randomness import generator
from splits.split import Split


def random(interactions: Interactions, seed: int, test_fraction: float = 0.2) -> Split:
    """Hold out a random ``test_fraction`` of each user's interactions, rounded half up; at least one stays in train.

    Raises
    ------
    SplitError
        ``test_fraction`` isn't strictly between 0 and 1, or is so low that it rounds to 0 for every user.
    """
    require_fraction("test_fraction", test_fraction)
    order = shuffled_by_user(interactions, generator(seed, "random"))
    return hold_out_last(interactions, order, fraction_of(per_user(interactions), test_fraction))


def leave_k_out(interactions: Interactions, seed: int, k: int = 5) -> Split:
    """Hold out ``k`` random interactions of each user, or all but one of a user with fewer than k + 1.

    Raises
    ------
    SplitError
        ``k`` is below 1, or every user has one interaction.
    """
    require_count("k", k, at_least=1)
    return hold_out_last(interactions, shuffled_by_user(interactions, generator(seed, "leave-k-out")), k)


def leave_one_out(interactions: Interactions, seed: int, by: str = "time") -> Split:
    """Hold out one interaction of each user who has two or more: the last by time, or a random one.

    Of several at the user's last timestamp the seed picks one (see :func:`splits.order.oldest_first_by_user`).

    Raises
    ------
    SplitError
        ``by`` is neither "time" nor "random", the data has no timestamps, or every user has one interaction.
    """
    require_choice("by", by, ("time", "random"))
    if by == "random":
        return hold_out_last(interactions, shuffled_by_user(interactions, generator(seed, "leave-one-out")), 1)
    order = oldest_first_by_user(interactions, seed, "hold out a random one with leave-one-out:by=random")
    return hold_out_last(interactions, order, 1)


def fraction_of(counts: NDArray[np.int64], fraction: float) -> NDArray[np.int64]:
    """fraction * counts, rounded half up.

    The tiny addend keeps a half a half: 0.29 * 50 is 14.499999999999998 in binary floating point.
    """
    rounded: NDArray[np.int64] = np.floor(fraction * counts + 0.5 + 1e-9).astype(np.int64)
    return rounded
