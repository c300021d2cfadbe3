"""One cell of an epoch of stochastic gradient descent on ratings."""

import numpy as np

from recsys_impl.kernels.compile import kernel

FAST = {"reassoc", "contract", "nsz"}  # sums may be reordered, so that they become vector code; NaN stays NaN


@kernel(fastmath=FAST)
def svd_cell(users, item_block, segments, items, ratings, mean, x, y, b_u, b_i, rate, ridge):
    """Each rating r of the cell once: e = r - (μ + b_u + b_i + x_u·y_i), then a step of ``rate`` down the gradient of
    e² + ridge (b_u² + b_i² + |x_u|² + |y_i|²), halved.

    users, item_block, segments, items: the cell, see ``deal``; ratings like items. x, y factors, b_u, b_i biases.
    """
    keep = np.float32(1) - rate * ridge  # a plain 1 would make everything float64, at half the speed
    for user in users:
        x_u = x[user]
        for n in range(segments[user, item_block], segments[user, item_block + 1]):
            item = items[n]
            y_i = y[item]
            predicted = np.float32(0)
            for f in range(len(x_u)):
                predicted += x_u[f] * y_i[f]
            step = rate * (ratings[n] - (mean + b_u[user] + b_i[item] + predicted))
            b_u[user] = keep * b_u[user] + step
            b_i[item] = keep * b_i[item] + step
            for f in range(len(x_u)):
                u, i = x_u[f], y_i[f]
                x_u[f] = keep * u + step * i
                y_i[f] = keep * i + step * u
