"""Rules that train on the past and test on what came after: each user's own, or everybody's."""

from __future__ import annotations

import numpy as np

from splits.holdout import fraction_of
from splits.interactions import Interactions
from splits.order import RULE_WITHOUT_TIME, hold_out_last, oldest_first_by_user, per_user, timestamps_of
from splits.parameters import require_fraction
from splits.split import Split, SplitError


def temporal(interactions: Interactions, seed: int, test_fraction: float = 0.2) -> Split:
    """Hold out each user's last ``test_fraction`` by time, rounded half up; at least one stays in train.

    No user's training interaction is later than a test interaction of the same user. Where equal timestamps straddle
    the border, the seed decides which are held out (see :func:`splits.order.oldest_first_by_user`); leave-one-out by
    time shares that order.

    Raises
    ------
    SplitError
        ``test_fraction`` isn't strictly between 0 and 1 or rounds to 0 for every user, or there are no timestamps.
    """
    require_fraction("test_fraction", test_fraction)
    order = oldest_first_by_user(interactions, seed)
    return hold_out_last(interactions, order, fraction_of(per_user(interactions), test_fraction))


def global_temporal(interactions: Interactions, seed: int, test_fraction: float = 0.2) -> Split:
    """Hold out what happened at or after one point in time, the same for all users.

    The point is the timestamp that brings the test part nearest to ``test_fraction`` of all interactions; equal
    timestamps are never divided. Users and items may be cold: have test interactions and none in train. Nothing here
    is random; ``seed`` changes nothing.

    Raises
    ------
    SplitError
        ``test_fraction`` isn't strictly between 0 and 1, or there are fewer than two different timestamps.
    """
    require_fraction("test_fraction", test_fraction)
    timestamps = timestamps_of(interactions)
    moments, rows = np.unique(timestamps, return_counts=True)
    if len(moments) < 2:
        raise SplitError(
            f"{interactions.name}: every interaction has the timestamp {moments[0]}, so that no point in time divides "
            f"them; {RULE_WITHOUT_TIME}"
        )
    rows_from = np.cumsum(rows[::-1])[::-1]  # interactions at or after each moment
    nearest = np.argmin(np.abs(rows_from[1:] - test_fraction * len(interactions)))
    return Split(interactions, timestamps >= moments[1:][nearest])
