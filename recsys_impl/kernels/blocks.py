"""Stochastic gradient descent in parallel with a result that doesn't depend on the threads.

Users and items are dealt into BLOCKS blocks each, anew every epoch; cell (b, c) holds the interactions of user block
b with item block c. In stage s the cells (b, (b + s) mod BLOCKS), for all b, touch disjoint users and disjoint items:
they may run at the same time, in any order, on any number of threads. Each cell has a random stream of its own.
(Gemulla et al., "Large-scale matrix factorization with distributed stochastic gradient descent", KDD 2011, for the
stages.)

A user's interactions stay together: each row of the CSR is sorted by item block, and a cell takes one segment of each
of its users' rows. So a user's vector stays in the nearest cache, dealing anew takes two passes over the rows and no
other memory than theirs, and rows can be dealt side by side.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recsys_impl.kernels.compile import kernel

BLOCKS = 8


class Dealt(NamedTuple):
    """An epoch's cells.

    Attributes
    ----------
    seeds
        uint64 (BLOCKS, BLOCKS, 1), the state of each cell's random stream.
    user_order, user_starts, item_order, item_starts
        int32 (n_users,), users in random order, and int64 (BLOCKS + 1,), where each block of them starts; so for items.
    segments, items, values
        The CSR with each row sorted by item block: row r's entries of block b stand at segments[r, b] up to
        segments[r, b + 1] (int64, (n_users, BLOCKS + 1)) of items and values.
    """

    seeds: NDArray[np.uint64]
    user_order: NDArray[np.int32]
    user_starts: NDArray[np.int64]
    item_order: NDArray[np.int32]
    item_starts: NDArray[np.int64]
    segments: NDArray[np.int64]
    items: NDArray[np.int32]
    values: NDArray[np.float32]


@kernel(inline="always")
def block_of(order, starts, block):
    """The users or the items of a block."""
    return order[starts[block] : starts[block + 1]]


@kernel(inline="always")
def next_random(state):
    """The next uint64 of a SplitMix64 stream (Steele et al. 2014); state uint64 (1,) is advanced."""
    state[0] += np.uint64(0x9E3779B97F4A7C15)
    x = state[0]
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


@kernel(inline="always")
def random_below(state, n):
    """A uniform integer in [0, n), n < 2^32, by multiplication instead of the remainder (Lemire 2019)."""
    return np.int64(((next_random(state) >> np.uint64(32)) * np.uint64(n)) >> np.uint64(32))


@kernel
def shuffle(values, state):
    """Fisher and Yates, in place."""
    for last in range(len(values) - 1, 0, -1):
        other = random_below(state, last + 1)
        values[last], values[other] = values[other], values[last]


@kernel
def deal(first, last, indptr, indices, values, item_block, segments, dealt_indices, dealt_values):
    """Sort rows first..last of a CSR by item block: a counting sort of each row.

    item_block int8 (n_items,). Written: segments, dealt_indices and dealt_values as in :class:`Dealt`.
    """
    free = np.empty(BLOCKS, np.int64)
    for row in range(first, last):
        start, stop = indptr[row], indptr[row + 1]
        free[:] = 0
        for position in range(start, stop):
            free[item_block[indices[position]]] += 1
        for block in range(BLOCKS):
            segments[row, block] = start
            start += free[block]
            free[block] = segments[row, block]
        segments[row, BLOCKS] = stop
        for position in range(indptr[row], stop):
            item = indices[position]
            place = free[item_block[item]]
            dealt_indices[place], dealt_values[place] = item, values[position]
            free[item_block[item]] += 1
