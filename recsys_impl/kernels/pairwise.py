"""The cells of an epoch of pairwise ranking: BPR's logarithmic loss, WARP's weighted hinge.

A cell holds all positives of its users within its item block, and negatives are drawn from the same block. So a byte
per item, set for the positives of the user at hand, answers "is it a positive?" without any matrix of users x items.

Steps are Adagrad's (Duchi et al. 2011) with one rate for a whole vector, the learning rate over the root of the sum of
its gradients' squared lengths: one root and one quotient instead of one for each coordinate, which made an epoch six
times slower and reached no better lists. The rate doesn't wait for the present gradient, and an item's bias goes at
its item's rate: the next pair of the same user has to wait for this one, so what counts is the chain from scalar
product to step. Loops over factors and scalar work stand in helpers apart; in one, they are compiled to half the speed.
"""

import numpy as np

from recsys_impl.kernels.blocks import BLOCKS, block_of, random_below
from recsys_impl.kernels.compile import kernel

FAST = {"reassoc", "contract", "nsz"}  # sums may be reordered, so that they become vector code; NaN stays NaN


@kernel(fastmath=FAST, inline="always")
def _score(x, y, factors):
    total = y[factors]
    for f in range(factors):
        total += x[f] * y[f]
    return total


@kernel(fastmath=FAST, inline="always")
def _compare(x, y_i, y_j, factors):
    """x·(y_i - y_j), |x|² and |y_i - y_j|², in one pass."""
    product, squared_x, squared_d = np.float32(0), np.float32(0), np.float32(0)
    for f in range(factors):
        difference = y_i[f] - y_j[f]
        product += x[f] * difference
        squared_x += x[f] * x[f]
        squared_d += difference * difference
    return product, squared_x, squared_d


@kernel(fastmath=FAST, inline="always")
def _adapt(x, y_i, y_j, factors, pull, squared_x, squared_d, rate, ridge):
    """The rates of a user and two items; their sums of squares and the items' biases take the step."""
    bias, sum_y, sum_x = factors, factors + 1, factors
    rate_x, rate_i, rate_j = rate / np.sqrt(x[sum_x]), rate / np.sqrt(y_i[sum_y]), rate / np.sqrt(y_j[sum_y])
    x[sum_x] += pull * pull * squared_d
    y_i[sum_y] += pull * pull * squared_x
    y_j[sum_y] += pull * pull * squared_x
    y_i[bias] += rate_i * (pull - ridge * y_i[bias])
    y_j[bias] -= rate_j * (pull + ridge * y_j[bias])
    return rate_x, rate_i, rate_j


@kernel(fastmath=FAST, inline="always")
def _move(x, y_i, y_j, factors, rate_x, rate_i, rate_j, pull, ridge):
    """Ascend pull * x·(y_i - y_j) - ridge/2 (|x|² + |y_i|² + |y_j|²)."""
    for f in range(factors):
        u, p, n = x[f], y_i[f], y_j[f]
        x[f] = u + rate_x * (pull * (p - n) - ridge * u)
        y_i[f] = p + rate_i * (pull * u - ridge * p)
        y_j[f] = n - rate_j * (pull * u + ridge * n)


@kernel
def _mark(items, start, stop, is_positive, mark):
    for n in range(start, stop):
        is_positive[items[n]] = mark


@kernel(fastmath=FAST)
def bpr_cells(dealt, stage, first, last, is_positive, factors, x, y, rate, ridge):
    """Bayesian personalised ranking over a stage's cells of user blocks first..last.

    Each positive comes once, against one uniform negative. is_positive uint8 (n_items,), all zero on entry and exit. x
    (n_users, >= factors + 1): factors and their sum of squared gradients. y (n_items, >= factors + 2): factors, bias
    and sum.
    """
    segments, items = dealt.segments, dealt.items
    for user_block in range(first, last):
        item_block = (user_block + stage) % BLOCKS
        state = dealt.seeds[user_block, item_block].copy()  # its neighbours are other threads'
        block = block_of(dealt.item_order, dealt.item_starts, item_block)
        for user in block_of(dealt.user_order, dealt.user_starts, user_block):
            start, stop = segments[user, item_block], segments[user, item_block + 1]
            if start == stop or stop - start == len(block):
                continue
            _mark(items, start, stop, is_positive, 1)
            x_u = x[user]
            for n in range(start, stop):
                i, j = items[n], block[random_below(state, len(block))]
                while is_positive[j]:
                    j = block[random_below(state, len(block))]
                y_i, y_j = y[i], y[j]
                product, squared_x, squared_d = _compare(x_u, y_i, y_j, factors)
                pull = np.float32(1) / (np.float32(1) + np.exp(product + y_i[factors] - y_j[factors]))
                rates = _adapt(x_u, y_i, y_j, factors, pull, squared_x, squared_d, rate, ridge)
                _move(x_u, y_i, y_j, factors, rates[0], rates[1], rates[2], pull, ridge)
            _mark(items, start, stop, is_positive, 0)


@kernel(fastmath=FAST)
def warp_cells(dealt, stage, first, last, is_positive, factors, x, y, rate, ridge, max_sampled, weights):
    """Weighted approximate-rank pairwise loss over a stage's cells; arguments as in ``bpr_cells``.

    Negatives are drawn until one scores above the positive minus the margin of 1, at most max_sampled times. After t
    draws the positive's rank is estimated as (n_items - 1) / t, and weights[t] is the loss of that rank.
    """
    segments, items = dealt.segments, dealt.items
    for user_block in range(first, last):
        item_block = (user_block + stage) % BLOCKS
        state = dealt.seeds[user_block, item_block].copy()  # its neighbours are other threads'
        block = block_of(dealt.item_order, dealt.item_starts, item_block)
        for user in block_of(dealt.user_order, dealt.user_starts, user_block):
            start, stop = segments[user, item_block], segments[user, item_block + 1]
            if start == stop or stop - start == len(block):
                continue
            _mark(items, start, stop, is_positive, 1)
            x_u = x[user]
            for n in range(start, stop):
                y_i = y[items[n]]
                bar = _score(x_u, y_i, factors) - np.float32(1)
                for draw in range(1, max_sampled + 1):
                    j = block[random_below(state, len(block))]
                    y_j = y[j]
                    if is_positive[j] or _score(x_u, y_j, factors) <= bar:
                        continue
                    pull = weights[draw]
                    _, squared_x, squared_d = _compare(x_u, y_i, y_j, factors)
                    rates = _adapt(x_u, y_i, y_j, factors, pull, squared_x, squared_d, rate, ridge)
                    _move(x_u, y_i, y_j, factors, rates[0], rates[1], rates[2], pull, ridge)
                    break
            _mark(items, start, stop, is_positive, 0)
