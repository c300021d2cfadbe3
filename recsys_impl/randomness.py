"""Random generators derived from a seed and a purpose, never from global state."""

from zlib import crc32

import numpy as np


def generator(seed: int, purpose: str) -> np.random.Generator:
    """A generator of its own for every (seed, purpose), so that two uses of one seed are never correlated."""
    return np.random.default_rng(np.random.SeedSequence([seed, crc32(purpose.encode())]))
