"""One cell of an epoch of pairwise ranking: BPR's logarithmic loss, WARP's weighted hinge.

A cell holds all positives of its users within its item block, and negatives are drawn from the same block. So a byte
per item, set for the positives of the user at hand, answers "is it a positive?" without any matrix of users x items.

Steps are Adagrad's (Duchi et al. 2011): each coordinate's step is learning_rate / sqrt(sum of its squared gradients).
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
def _step(x, y_i, y_j, g_x, g_i, g_j, pull, rate, ridge):
    """Raise x·y_i - x·y_j: ascend pull * (x·y_i - x·y_j) - ridge/2 (|x|² + |y_i|² + |y_j|²) by Adagrad."""
    for f in range(len(x)):
        u, i, j = x[f], y_i[f], y_j[f]
        d_u = pull * (i - j) - ridge * u
        d_i = pull * u - ridge * i
        d_j = -pull * u - ridge * j
        g_x[f] += d_u * d_u
        g_i[f] += d_i * d_i
        g_j[f] += d_j * d_j
        x[f] = u + rate * d_u / np.sqrt(g_x[f])
        y_i[f] = i + rate * d_i / np.sqrt(g_i[f])
        y_j[f] = j + rate * d_j / np.sqrt(g_j[f])


@kernel(inline="always")
def _step_bias(bias, g, item, gradient, rate):
    g[item] += gradient * gradient
    bias[item] += rate * gradient / np.sqrt(g[item])


@kernel(fastmath=FAST)
def bpr_cell(state, users, items, block, is_positive, x, y, b, g_x, g_y, g_b, rate, ridge):
    """Bayesian personalised ranking over one cell: each positive once, against one uniform negative.

    users, items (n,): the cell's positives, users in runs. block: the item block's items. is_positive uint8 (n_items,),
    all zero on entry and exit. x, y, b: factors and item biases, g_*: their sums of squared gradients.
    """
    start = 0
    while start < len(users):
        user, stop = users[start], start
        while stop < len(users) and users[stop] == user:
            is_positive[items[stop]] = 1
            stop += 1
        if stop - start < len(block):
            for n in range(start, stop):
                i, j = items[n], block[random_below(state, len(block))]
                while is_positive[j]:
                    j = block[random_below(state, len(block))]
                margin = _score(x[user], y[i]) - _score(x[user], y[j]) + b[i] - b[j]
                pull = np.float32(1) / (np.float32(1) + np.exp(margin))
                _step(x[user], y[i], y[j], g_x[user], g_y[i], g_y[j], pull, rate, ridge)
                _step_bias(b, g_b, i, pull - ridge * b[i], rate)
                _step_bias(b, g_b, j, -pull - ridge * b[j], rate)
        for n in range(start, stop):
            is_positive[items[n]] = 0
        start = stop


@kernel(fastmath=FAST)
def warp_cell(state, users, items, block, is_positive, x, y, b, g_x, g_y, g_b, rate, ridge, max_sampled, weights):
    """Weighted approximate-rank pairwise loss over one cell; arguments as in ``bpr_cell``.

    Negatives are drawn until one scores above the positive minus the margin of 1, at most max_sampled times. After t
    draws the positive's rank is estimated as (n_items - 1) / t, and weights[t] is the loss of that rank.
    """
    start = 0
    while start < len(users):
        user, stop = users[start], start
        while stop < len(users) and users[stop] == user:
            is_positive[items[stop]] = 1
            stop += 1
        if stop - start < len(block):
            for n in range(start, stop):
                i = items[n]
                bar = _score(x[user], y[i]) + b[i] - np.float32(1)
                for draw in range(1, max_sampled + 1):
                    j = block[random_below(state, len(block))]
                    if is_positive[j] or _score(x[user], y[j]) + b[j] <= bar:
                        continue
                    pull = weights[draw]
                    _step(x[user], y[i], y[j], g_x[user], g_y[i], g_y[j], pull, rate, ridge)
                    _step_bias(b, g_b, i, pull - ridge * b[i], rate)
                    _step_bias(b, g_b, j, -pull - ridge * b[j], rate)
                    break
        for n in range(start, stop):
            is_positive[items[n]] = 0
        start = stop
