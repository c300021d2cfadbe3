"""One cell of an epoch of pairwise ranking: BPR's logarithmic loss, WARP's weighted hinge.

A cell holds all positives of its users within its item block, and negatives are drawn from the same block. So a byte
per item, set for the positives of the user at hand, answers "is it a positive?" without any matrix of users x items.

Steps are Adagrad's (Duchi et al. 2011) with one rate for a whole vector, the learning rate over the root of the sum of
its gradients' squared lengths: one root and one quotient instead of one for each coordinate, which made an epoch six
times slower and reached no better lists. The rate doesn't wait for the present gradient, and an item's bias goes at
its item's rate: the next pair of the same user has to wait for this one, so what counts is the chain from scalar
product to step. Loops over factors and scalar work stand in helpers apart; in one, they are compiled to half the speed.
"""

import numpy as np

from recsys_impl.kernels.blocks import random_below
from recsys_impl.kernels.compile import kernel

FAST = {"reassoc", "contract", "nsz"}  # sums may be reordered, so that they become vector code; NaN stays NaN


@kernel(fastmath=FAST, inline="always")
def _score(x, y):
    total = np.float32(0)
    for f in range(len(x)):
        total += x[f] * y[f]
    return total


@kernel(fastmath=FAST, inline="always")
def _compare(x_u, y_i, y_j):
    """x_u·(y_i - y_j), |x_u|² and |y_i - y_j|², in one pass."""
    product, squared_u, squared_d = np.float32(0), np.float32(0), np.float32(0)
    for f in range(len(x_u)):
        difference = y_i[f] - y_j[f]
        product += x_u[f] * difference
        squared_u += x_u[f] * x_u[f]
        squared_d += difference * difference
    return product, squared_u, squared_d


@kernel(fastmath=FAST, inline="always")
def _adapt(user, i, j, b, g_x, g_y, pull, squared_u, squared_d, rate, ridge):
    """The rates of a user and two items; their sums of squares and the items' biases take the step.

    g_x, g_y: the sums of |gradient|² of each user and item; squared_u, squared_d: |x_u|² and |y_i - y_j|².
    """
    rate_u, rate_i, rate_j = rate / np.sqrt(g_x[user]), rate / np.sqrt(g_y[i]), rate / np.sqrt(g_y[j])
    g_x[user] += pull * pull * squared_d
    g_y[i] += pull * pull * squared_u
    g_y[j] += pull * pull * squared_u
    b[i] += rate_i * (pull - ridge * b[i])
    b[j] -= rate_j * (pull + ridge * b[j])
    return rate_u, rate_i, rate_j


@kernel(fastmath=FAST, inline="always")
def _move(x_u, y_i, y_j, rate_u, rate_i, rate_j, pull, ridge):
    """Ascend pull * x_u·(y_i - y_j) - ridge/2 (|x_u|² + |y_i|² + |y_j|²)."""
    for f in range(len(x_u)):
        u, p, n = x_u[f], y_i[f], y_j[f]
        x_u[f] = u + rate_u * (pull * (p - n) - ridge * u)
        y_i[f] = p + rate_i * (pull * u - ridge * p)
        y_j[f] = n - rate_j * (pull * u + ridge * n)


@kernel(fastmath=FAST)
def bpr_cell(state, users, item_block, segments, items, block, is_positive, x, y, b, g_x, g_y, rate, ridge):
    """Bayesian personalised ranking over one cell: each positive once, against one uniform negative.

    users, item_block, segments, items: the cell, see ``deal``. block: the item block's items. is_positive uint8
    (n_items,), all zero on entry and exit. x, y, b: factors and item biases, g_x, g_y: see ``_step``.
    """
    for user in users:
        start, stop = segments[user, item_block], segments[user, item_block + 1]
        if start == stop or stop - start == len(block):
            continue
        for n in range(start, stop):
            is_positive[items[n]] = 1
        x_u = x[user]
        for n in range(start, stop):
            i, j = items[n], block[random_below(state, len(block))]
            while is_positive[j]:
                j = block[random_below(state, len(block))]
            y_i, y_j = y[i], y[j]
            margin, squared_u, squared_d = _compare(x_u, y_i, y_j)
            pull = np.float32(1) / (np.float32(1) + np.exp(margin + b[i] - b[j]))
            rate_u, rate_i, rate_j = _adapt(user, i, j, b, g_x, g_y, pull, squared_u, squared_d, rate, ridge)
            _move(x_u, y_i, y_j, rate_u, rate_i, rate_j, pull, ridge)
        for n in range(start, stop):
            is_positive[items[n]] = 0


@kernel(fastmath=FAST)
def warp_cell(
    state, users, item_block, segments, items, block, is_positive, x, y, b, g_x, g_y, rate, ridge, max_sampled, weights
):
    """Weighted approximate-rank pairwise loss over one cell; arguments as in ``bpr_cell``.

    Negatives are drawn until one scores above the positive minus the margin of 1, at most max_sampled times. After t
    draws the positive's rank is estimated as (n_items - 1) / t, and weights[t] is the loss of that rank.
    """
    for user in users:
        start, stop = segments[user, item_block], segments[user, item_block + 1]
        if start == stop or stop - start == len(block):
            continue
        for n in range(start, stop):
            is_positive[items[n]] = 1
        x_u = x[user]
        for n in range(start, stop):
            i = items[n]
            y_i = y[i]
            bar = _score(x_u, y_i) + b[i] - np.float32(1)
            for draw in range(1, max_sampled + 1):
                j = block[random_below(state, len(block))]
                y_j = y[j]
                if is_positive[j] or _score(x_u, y_j) + b[j] <= bar:
                    continue
                pull = weights[draw]
                _, squared_u, squared_d = _compare(x_u, y_i, y_j)
                rate_u, rate_i, rate_j = _adapt(user, i, j, b, g_x, g_y, pull, squared_u, squared_d, rate, ridge)
                _move(x_u, y_i, y_j, rate_u, rate_i, rate_j, pull, ridge)
                break
        for n in range(start, stop):
            is_positive[items[n]] = 0
