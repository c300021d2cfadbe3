"""Stochastic gradient descent in parallel with a result that doesn't depend on the threads.

Users and items are dealt into BLOCKS blocks each, anew every epoch; cell (b, c) holds the interactions of user block
b with item block c. In stage s the cells (b, (b + s) mod BLOCKS), for all b, touch disjoint users and disjoint items:
they may run at the same time, in any order, on any number of threads. Each cell has a random stream of its own.
(Gemulla et al., "Large-scale matrix factorization with distributed stochastic gradient descent", KDD 2011, for the
stages.)

Within a cell the interactions stand user after user, so that a user's vector stays in the nearest cache; the users
themselves are in random order.
"""

import numpy as np

from recsys_impl.kernels.compile import kernel

BLOCKS = 8


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
def deal(indptr, indices, user_order, user_block, item_block, cell_start, cell_users, cell_positions):
    """Sort interactions by cell, within a cell in the order of ``user_order``: a counting sort, one pass to count.

    indptr, indices: CSR. user_order (n_users,) a permutation; user_block (n_users,), item_block (n_items,) int8.
    Written: cell_start int64 (BLOCKS * BLOCKS + 1,), cell_users int32 (nnz,), cell_positions int64 (nnz,) into indices.
    """
    cell_start[:] = 0
    for user in range(len(user_block)):
        first = user_block[user] * BLOCKS + 1
        for position in range(indptr[user], indptr[user + 1]):
            cell_start[first + item_block[indices[position]]] += 1
    for cell in range(1, len(cell_start)):
        cell_start[cell] += cell_start[cell - 1]
    free = cell_start.copy()
    for user in user_order:
        first = user_block[user] * BLOCKS
        for position in range(indptr[user], indptr[user + 1]):
            cell = first + item_block[indices[position]]
            cell_users[free[cell]] = user
            cell_positions[free[cell]] = position
            free[cell] += 1
