"""SVD++: the closed form against the plain loop, the step against finite differences."""

import numpy as np
import pytest
import scipy.sparse as sp

from recsys_impl import SVDpp
from recsys_impl.kernels.ratings import svdpp_users, svdpp_users_as_learned

FACTORS, RATE, RIDGE = 3, 0.03, 0.2


@pytest.fixture
def ratings():
    """12 users x 9 items; user 4 and item 6 have no ratings, user 5 has one."""
    random = np.random.default_rng(4)
    dense = np.where(random.random((12, 9)) < 0.5, random.integers(1, 6, (12, 9)), 0).astype(np.float32)
    dense[4], dense[5], dense[:, 6] = 0, 0, 0
    dense[5, 2] = 4
    return sp.csr_matrix(dense)


def parameters(ratings, seed=1):
    """x and y with biases, and w, all random: float32."""
    random = np.random.default_rng(seed)
    n_users, n_items = ratings.shape
    shapes = (n_users, FACTORS + 1), (n_items, FACTORS + 1), (n_items, FACTORS)
    return [random.normal(size=shape).astype(np.float32) for shape in shapes]


def after_an_epoch(ratings, order, mean, x, y, w, rate, ridge):
    combined = np.zeros((len(x), FACTORS), np.float32)
    numbers = np.float32(rate), np.float32(ridge)
    csr = ratings.indptr, ratings.indices, ratings.data
    svdpp_users(np.asarray(order), *csr, np.float32(mean), FACTORS, x, y, w, combined, *numbers)
    return combined


def plain_loop(ratings, order, mean, x, y, w, rate, ridge):
    """Koren's updates one by one, each moving the vectors of all items of the user."""
    for user in order:
        items = ratings[user].indices
        for item, rating in zip(items, ratings[user].data, strict=True):
            z = w[items].sum(axis=0) / np.sqrt(len(items))
            error = rating - (mean + x[user, -1] + y[item, -1] + (x[user, :-1] + z) @ y[item, :-1])
            u, i = x[user].copy(), y[item].copy()
            x[user, -1] += rate * (error - ridge * u[-1])
            y[item, -1] += rate * (error - ridge * i[-1])
            x[user, :-1] += rate * (error * i[:-1] - ridge * u[:-1])
            y[item, :-1] += rate * (error * (u[:-1] + z) - ridge * i[:-1])
            w[items] += rate * (error * i[:-1] / np.sqrt(len(items)) - ridge * w[items])


def test_an_epoch_is_that_of_the_plain_loop(ratings):
    order = np.random.default_rng(0).permutation(12)
    ours = parameters(ratings)
    theirs = [array.astype(np.float64) for array in ours]
    for _ in range(3):
        after_an_epoch(ratings, order, 3.4, *ours, RATE, RIDGE)
        plain_loop(ratings, order, 3.4, *theirs, RATE, RIDGE)
    for got, wanted in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-4, atol=1e-5)


def test_an_epoch_of_small_steps_descends_the_gradient_of_the_squared_error(ratings):
    """To the first order in ``rate`` an epoch is half the negative gradient of the sum over all ratings."""
    x, y, w = parameters(ratings)
    users, items = ratings.nonzero()
    values, counts, mean = ratings.data, np.diff(ratings.indptr), 3.4

    def loss(x, y, w):
        z = (ratings != 0) @ w / np.sqrt(np.maximum(counts, 1))[:, None]
        product = np.einsum("nf,nf->n", (x[:, :-1] + z)[users], y[items, :-1])
        errors = values - (mean + x[users, -1] + y[items, -1] + product)
        implicit = ((ratings != 0) @ np.sum(w**2, axis=1))[users]
        return np.sum(errors**2) + RIDGE * (np.sum(x[users] ** 2) + np.sum(y[items] ** 2) + implicit.sum())

    before = [array.astype(np.float64) for array in (x, y, w)]
    rate = 1e-5
    after_an_epoch(ratings, np.arange(12), mean, x, y, w, rate, RIDGE)
    for array, start in zip((x, y, w), before, strict=True):
        gradient = np.zeros_like(start)
        for place in np.ndindex(start.shape):
            old = start[place]
            start[place] = old + 1e-5
            above = loss(*before)
            start[place] = old - 1e-5
            gradient[place] = (above - loss(*before)) / 2e-5
            start[place] = old
        np.testing.assert_allclose((array - start) / rate, -gradient / 2, rtol=0.02, atol=0.1)


def test_a_users_vector_is_its_own_and_the_scaled_sum_of_its_items(ratings):
    x, y, w = parameters(ratings)
    combined = after_an_epoch(ratings, [5, 0], 3.4, x, y, w, RATE, RIDGE)
    expected = x[0, :-1] + w[ratings[0].indices].sum(axis=0) / np.sqrt(ratings[0].nnz)
    np.testing.assert_allclose(combined[0], expected, rtol=1e-5)
    assert not combined[1].any(), "not visited"
    svdpp_users_as_learned(ratings.indptr, ratings.indices, x, w, combined)
    np.testing.assert_allclose(combined[0], expected, rtol=1e-5)
    np.testing.assert_array_equal(combined[4], x[4, :-1])


def test_predictions_are_those_of_the_learned_parts(ratings):
    model = SVDpp(factors=4, iterations=5).fit(ratings, show_progress=False)
    assert not model.implicit_factors[6].any()
    predicted = model.predict([4, 0], [2, 6])
    assert predicted[0] == pytest.approx(model.global_bias + model.item_biases[2])
    assert predicted[1] == pytest.approx(model.global_bias + model.user_biases[0])
    assert model.score([3])[0, 5] == pytest.approx(model.predict([3], [5])[0], rel=1e-6)


def test_a_callback_can_ask_for_scores(ratings):
    """What each user was left with in an epoch; after the last one what was learned."""
    model, seen = SVDpp(factors=4, iterations=6), []
    model.fit(ratings, show_progress=False, callback=lambda *_: seen.append(model.score(np.arange(12))))
    assert len(seen) == 6
    assert not np.array_equal(seen[0], seen[-1])
    np.testing.assert_array_equal(seen[-1], model.score(np.arange(12)))
