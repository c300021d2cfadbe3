"""One cell of an epoch of stochastic gradient descent on ratings."""

import numpy as np

from recsys_impl.kernels.compile import kernel


@kernel(fastmath={"reassoc", "contract", "nsz"})
def svd_cell(users, items, ratings, mean, x, y, b_u, b_i, rate, ridge):
    """Each rating r of the cell once: e = r - (μ + b_u + b_i + x_u·y_i), then a step of ``rate`` down the gradient of
    e² + ridge (b_u² + b_i² + |x_u|² + |y_i|²), halved. users, items, ratings (n,), x, y factors, b_u, b_i biases.
    """
    for n in range(len(ratings)):
        user, item = users[n], items[n]
        p, q = x[user], y[item]
        predicted = np.float32(0)
        for f in range(len(p)):
            predicted += p[f] * q[f]
        error = ratings[n] - (mean + b_u[user] + b_i[item] + predicted)
        b_u[user] += rate * (error - ridge * b_u[user])
        b_i[item] += rate * (error - ridge * b_i[item])
        for f in range(len(p)):
            u, i = p[f], q[f]
            p[f] += rate * (error * i - ridge * u)
            q[f] += rate * (error * u - ridge * i)
