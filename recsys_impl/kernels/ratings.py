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


@kernel(fastmath=FAST)
def svdpp_users(users, indptr, indices, ratings, mean, factors, x, y, w, combined, rate, ridge):
    """All ratings of ``users`` once: a step of ``rate`` down the gradient of e² + ridge (squares of what predicted it).

    With n ratings, the user is x_u + z_u, z_u = n^-½ Σ_j w_j over the n rated items j, and e = r - (μ + b_u + b_i +
    (x_u + z_u)·y_i). Each step moves every w_j by rate e n^-½ y_i and shrinks it by k = 1 - rate ridge, that is n
    steps for n vectors. But all w_j move alike: z_u itself goes z ← k z + rate e y_i, and after the n steps

        w_j ← k^n w_j + n^-½ (z - k^n z_before),

    so that a rating costs as much as in ``svd_cells`` and a user two passes more over the w_j.

    x (n_users, > factors) and y (n_items, > factors): factors, then the bias. w (n_items, >= factors). Written beside
    them: combined (n_users, factors), the x_u + z_u with which each user was left.
    """
    keep = np.float32(1) - rate * ridge
    z, before = np.empty(factors, np.float32), np.empty(factors, np.float32)
    for user in users:
        first, last = indptr[user], indptr[user + 1]
        if first == last:
            continue
        items = indices[first:last]
        unit = np.float32(1 / np.sqrt(last - first))
        _sum_rows(w, items, unit, z)
        before[:] = z
        _svdpp_steps(items, ratings[first:last], mean, factors, x[user], y, z, rate, keep)
        shrink = keep ** np.float32(last - first)
        for f in range(factors):
            combined[user, f] = x[user, f] + z[f]
            before[f] = unit * (z[f] - shrink * before[f])
        for item in items:
            w_j = w[item]
            for f in range(factors):
                w_j[f] = shrink * w_j[f] + before[f]


@kernel(fastmath=FAST)
def svdpp_users_as_learned(indptr, indices, x, w, combined):
    """combined[u] = x_u + n^-½ Σ_j w_j over the user's n rated items (shapes as above)."""
    for user in range(len(combined)):
        items = indices[indptr[user] : indptr[user + 1]]
        unit = np.float32(1 / np.sqrt(max(1, len(items))))
        _sum_rows(w, items, unit, combined[user])
        for f in range(combined.shape[1]):
            combined[user, f] += x[user, f]


@kernel(fastmath=FAST)
def _sum_rows(w, items, unit, total):
    """total (factors,) <- unit times the sum of w's rows ``items``."""
    total[:] = 0
    for item in items:
        w_j = w[item]
        for f in range(len(total)):
            total[f] += w_j[f]
    for f in range(len(total)):
        total[f] *= unit


@kernel(fastmath=FAST)
def _svdpp_steps(items, ratings, mean, factors, x_u, y, z, rate, keep):
    """The steps of one user's ratings: x_u, the rated y_i and z are changed."""
    for n in range(len(items)):
        y_i = y[items[n]]
        predicted = mean + x_u[factors] + y_i[factors]
        for f in range(factors):
            predicted += (x_u[f] + z[f]) * y_i[f]
        step = rate * (ratings[n] - predicted)
        x_u[factors] = keep * x_u[factors] + step
        y_i[factors] = keep * y_i[factors] + step
        for f in range(factors):
            u, i, implicit = x_u[f], y_i[f], z[f]
            x_u[f] = keep * u + step * i
            z[f] = keep * implicit + step * i
            y_i[f] = keep * i + step * (u + implicit)
