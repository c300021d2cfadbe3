"""A division of interactions into train and test."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from splits.interactions import Interactions


class SplitError(ValueError):
    """The rule cannot be applied to this data; the message says why and what to try."""


@dataclass(frozen=True, eq=False)
class Split:
    """Train and test as one mask, so that they are disjoint and lose nothing by construction.

    Attributes
    ----------
    interactions
        All of them.
    in_test
        bool (n,), True where the interaction is held out.

    Raises
    ------
    SplitError
        ``in_test`` isn't a mask of the interactions.
    """

    interactions: Interactions
    in_test: NDArray[np.bool_]

    def __post_init__(self) -> None:
        n, mask = len(self.interactions), self.in_test
        if mask.dtype != np.bool_ or mask.shape != (n,):
            raise SplitError(f"in_test must be bool of shape ({n},), not {mask.dtype} of shape {mask.shape}")

    @cached_property
    def train(self) -> Interactions:
        return self.interactions.select(~self.in_test)

    @cached_property
    def test(self) -> Interactions:
        return self.interactions.select(self.in_test)

    @cached_property
    def content_hash(self) -> str:
        """A hash of the data and of which rows are held out: the same hash, the same experiment."""
        digest = blake2b(self.interactions.content_hash.encode(), digest_size=16)
        digest.update(np.packbits(self.in_test).tobytes())
        return digest.hexdigest()

    @cached_property
    def cold_users(self) -> NDArray[np.int32]:
        """Users with a test interaction and none in train."""
        return self._in_test_alone(self.interactions.users, self.interactions.n_users)

    @cached_property
    def cold_items(self) -> NDArray[np.int32]:
        """Items with a test interaction and none in train."""
        return self._in_test_alone(self.interactions.items, self.interactions.n_items)

    def _in_test_alone(self, codes: NDArray[np.int32], n: int) -> NDArray[np.int32]:
        alone = np.zeros(n, dtype=bool)
        alone[codes[self.in_test]] = True
        alone[codes[~self.in_test]] = False
        return np.flatnonzero(alone).astype(np.int32)
