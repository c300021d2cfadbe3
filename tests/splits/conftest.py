"""Small interactions with known counts, for every test of a rule."""

import numpy as np
import pytest
from hypothesis import settings

from splits import Interactions

# The same examples in every run, and no deadline: a busy machine is not a bug.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")


@pytest.fixture(scope="session")
def of_sizes():
    """A function: interactions of users 0, 1, ... with as many items as given; rows shuffled, time from ``times``."""

    def build(*sizes, times=None, seed=0, **columns):
        users = np.repeat(np.arange(len(sizes)), sizes)
        items = np.concatenate([np.arange(size) for size in sizes])
        order = np.random.default_rng(seed).permutation(len(users))
        timestamps = None if times is None else np.asarray(times)[order]
        return Interactions.from_columns("small", users[order], items[order], None, timestamps, **columns)

    return build
