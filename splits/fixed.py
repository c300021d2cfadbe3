"""The division that comes with the data."""

from __future__ import annotations

from splits.interactions import Interactions
from splits.split import Split, SplitError


def fixed(interactions: Interactions, seed: int) -> Split:
    """Hold out what the data set's test file holds; ``seed`` changes nothing. Users and items may be cold.

    Raises
    ------
    SplitError
        The data came without a test file, or one of its two parts is empty.
    """
    held_out = interactions.held_out
    if held_out is None:
        raise SplitError(
            f"{interactions.name} comes without a split of its own; give the test file of your own data with "
            "--test FILE, or take a data set with a published split, such as gowalla"
        )
    if held_out.all() or not held_out.any():
        empty = "train" if held_out.all() else "test"
        raise SplitError(
            f"{interactions.name}: the {empty} part is empty; of a pair (user, item) that is in both files the last "
            "by time or, without time, the one in the test file counts"
        )
    return Split(interactions, held_out)
