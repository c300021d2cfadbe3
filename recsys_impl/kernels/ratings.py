"""The cells of an epoch of stochastic gradient descent on ratings."""

import numpy as np

from recsys_impl.kernels.blocks import BLOCKS, block_of
from recsys_impl.kernels.compile import kernel

FAST = {"reassoc", "contract", "nsz"}  # sums may be reordered, so that they become vector code; NaN stays NaN


@kernel(fastmath=FAST)
def svd_cells(dealt, stage, first, last, mean, factors, x, y, rate, ridge):
    """Each rating r of a stage's cells of user blocks first..last once: e = r - (μ + b_u + b_i + x_u·y_i), then a step
    of ``rate`` down the gradient of e² + ridge (b_u² + b_i² + |x_u|² + |y_i|²), halved.

    dealt.values are the ratings. x (n_users, > factors) and y (n_items, > factors): factors, then the bias.
    """
    keep = np.float32(1) - rate * ridge  # a plain 1 would make everything float64, at half the speed
    segments, items, ratings = dealt.segments, dealt.items, dealt.values
    for user_block in range(first, last):
        item_block = (user_block + stage) % BLOCKS
        for user in block_of(dealt.user_order, dealt.user_starts, user_block):
            x_u = x[user]
            for n in range(segments[user, item_block], segments[user, item_block + 1]):
                y_i = y[items[n]]
                predicted = mean + x_u[factors] + y_i[factors]
                for f in range(factors):
                    predicted += x_u[f] * y_i[f]
                step = rate * (ratings[n] - predicted)
                x_u[factors] = keep * x_u[factors] + step
                y_i[factors] = keep * y_i[factors] + step
                for f in range(factors):
                    u, i = x_u[f], y_i[f]
                    x_u[f] = keep * u + step * i
                    y_i[f] = keep * i + step * u
