"""EASE, bias and popularity against their formulas; SVD's step against finite differences."""

from itertools import pairwise

import numpy as np
import pytest
import scipy.sparse as sp

from recsys_impl import EASE, Bias, Popularity, Random
from recsys_impl.kernels.blocks import BLOCKS, Dealt
from recsys_impl.kernels.ratings import svd_cells
from recsys_impl.kernels.symmetric import add_gram, mirror_lower, quadratic_forms


def test_ease_is_the_constrained_least_squares_solution(tastes):
    """Each column of B is a ridge regression of its item on all others."""
    x = tastes.toarray().astype(np.float64)
    weights = EASE(20.0).fit(tastes, show_progress=False).item_weights
    assert not np.diag(weights).any()
    for item in (0, 3, 7, 119):
        others = np.delete(np.arange(x.shape[1]), item)
        a = x[:, others]
        solution = np.linalg.solve(a.T @ a + 20 * np.eye(len(others)), a.T @ x[:, item])
        np.testing.assert_allclose(weights[others, item], solution, atol=2e-4)


def test_ease_scores_a_new_user_from_the_row(tastes):
    model = EASE(20.0).fit(tastes, show_progress=False)
    ids, scores = model.recommend(0, tastes[250], recalculate_user=True)
    expected, expected_scores = model.recommend(250, tastes[250])
    np.testing.assert_array_equal(ids, expected)
    np.testing.assert_allclose(scores, expected_scores, rtol=1e-5)


class TestEaseWithFewerUsersThanItems:
    """The inverse is users x users then; everything it gives must be what B gives."""

    @pytest.fixture
    def few(self, tastes):
        return (tastes[:50] * np.float32(0.5)).tocsr()

    @pytest.fixture
    def weights(self, few):
        """B by its definition, in float64."""
        x = few.toarray().astype(np.float64)
        p = np.linalg.inv(x.T @ x + 20 * np.eye(x.shape[1]))
        weights = -p / np.diag(p)
        np.fill_diagonal(weights, 0)
        return weights

    @pytest.fixture
    def model(self, few):
        return EASE(20.0).fit(few, show_progress=False)

    def test_no_items_squared(self, model):
        assert model.item_weights is None
        assert model.user_inverse.shape == (50, 50)

    def test_scores(self, model, few, weights):
        np.testing.assert_allclose(model.score(np.arange(50)), few @ weights, atol=2e-6)
        np.testing.assert_array_equal(model.score([7]), model.score(np.arange(50))[7:8])

    def test_scores_of_new_users(self, model, tastes, weights):
        new = tastes[100:120]
        _, scores = model.recommend(np.arange(20), new, recalculate_user=True, filter_already_liked_items=False)
        np.testing.assert_allclose(scores, -np.sort(-(new @ weights), axis=1)[:, :10], atol=2e-6)

    def test_neighbours(self, model, weights):
        ids, scores = model.similar_items([3, 11], N=6)
        assert ids[:, 0].tolist() == [3, 11]
        np.testing.assert_allclose(scores[:, 1:], -np.sort(-weights[[3, 11]], axis=1)[:, :5], atol=2e-6)

    def test_saved_and_loaded(self, model, tmp_path):
        model.save(tmp_path / "ease.npz")
        loaded = EASE.load(tmp_path / "ease.npz")
        np.testing.assert_array_equal(loaded.score([0, 4]), model.score([0, 4]))
        np.testing.assert_array_equal(loaded.similar_items(5)[0], model.similar_items(5)[0])

    def test_fitting_again_with_more_users(self, model, tastes):
        again = model.fit(tastes, show_progress=False)
        np.testing.assert_array_equal(again.score([0, 99]), EASE(20.0).fit(tastes, show_progress=False).score([0, 99]))


def test_ease_adds_up_pairs_that_are_stored_twice():
    once = sp.csr_matrix(np.array([[2, 1, 0], [0, 1, 1], [1, 0, 2], [1, 1, 1]], np.float32))
    twice = sp.csr_matrix((np.ones(11, np.float32), [0, 0, 1, 1, 2, 0, 2, 2, 0, 1, 2], [0, 3, 5, 8, 11]), shape=(4, 3))
    expected = EASE(1.0).fit(once, show_progress=False).item_weights
    np.testing.assert_array_equal(EASE(1.0).fit(twice, show_progress=False).item_weights, expected)


@pytest.mark.parametrize("bounds", [[0, 120], [0, 1, 64, 119, 120]])
def test_add_gram_adds_the_upper_triangle(tastes, bounds):
    random = np.random.default_rng(2)
    x = tastes.copy()
    x.data[:] = random.integers(-3, 4, x.nnz)
    columns = x.tocsc()
    gram = np.ones((120, 120), np.float32)
    for first, last in pairwise(bounds):
        add_gram(first, last, x.indptr, x.indices, x.data, columns.indptr, columns.indices, gram)
    np.testing.assert_array_equal(gram - 1, np.triu((x.T @ x).toarray()))


def test_quadratic_forms(tastes):
    random = np.random.default_rng(3)
    half = random.normal(size=(300, 300)).astype(np.float32)
    matrix = half + half.T
    columns, forms = tastes.tocsc(), np.empty(120)
    quadratic_forms(columns.indptr, columns.indices, columns.data, matrix, forms)
    x = tastes.toarray().astype(np.float64)
    np.testing.assert_allclose(forms, np.einsum("ui,uv,vi->i", x, matrix, x), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("n", [1, 2, 63, 64, 65, 200])
def test_mirror_lower_makes_a_symmetric_matrix(n):
    full = np.random.default_rng(n).normal(size=(n, n)).astype(np.float32)
    full += full.T
    half = np.asfortranarray(np.tril(full))
    mirror_lower(half)
    np.testing.assert_array_equal(half, full)


def test_bias_solves_its_own_equations():
    random = np.random.default_rng(0)
    ratings = sp.csr_matrix(np.where(random.random((40, 30)) < 0.3, random.integers(1, 6, (40, 30)), 0))
    model = Bias(item_regularization=10, user_regularization=15, iterations=200).fit(ratings, show_progress=False)
    r = ratings.toarray().astype(float)
    seen = r > 0
    centred = np.where(seen, r - r[seen].mean(), 0)
    b_u, b_i = model.user_biases, model.item_biases
    np.testing.assert_allclose(b_u, np.where(seen, centred - b_i, 0).sum(1) / (15 + seen.sum(1)), atol=1e-9)
    np.testing.assert_allclose(b_i, np.where(seen, centred - b_u[:, None], 0).sum(0) / (10 + seen.sum(0)), atol=1e-9)
    assert model.predict([3], [4])[0] == pytest.approx(r[seen].mean() + b_u[3] + b_i[4], rel=1e-6)
    assert model.score([3])[0, 4] == pytest.approx(model.predict([3], [4])[0])


def test_popularity_counts_users(tastes):
    scores = Popularity().fit(tastes).score([0, 5])
    np.testing.assert_array_equal(scores[0], tastes.toarray().sum(axis=0))
    np.testing.assert_array_equal(scores[0], scores[1])


def test_random_scores_are_uniform_and_belong_to_the_pair(tastes):
    model = Random(random_state=3).fit(tastes)
    scores = model.score(np.arange(300))
    np.testing.assert_array_equal(scores[[17, 4]], model.score([17, 4]))
    assert scores.min() >= 0
    assert scores.max() < 1
    counts = np.histogram(scores, bins=10, range=(0, 1))[0]
    assert np.sum((counts - 3600) ** 2 / 3600) < 27.9  # the 99.9% point for 9 degrees of freedom
    assert abs(np.corrcoef(scores[0], scores[1])[0, 1]) < 0.4


def test_svd_descends_the_gradient_of_the_squared_error():
    """One rating; a step of ``rate`` is half the negative gradient of e² + ridge (all squares)."""
    x, y = np.random.default_rng(1).normal(size=(2, 1, 5)).astype(np.float32)  # four factors and the bias
    mean, rating, ridge, rate = 3.5, 5.0, 0.1, 1e-3

    def loss(p):
        error = rating - (mean + p[4] + p[9] + p[:4] @ p[5:9])
        return error**2 + ridge * np.sum(p**2)

    before = np.concatenate([x[0], y[0]]).astype(np.float64)
    h = 1e-6
    gradient = np.array([(loss(before + h * e) - loss(before - h * e)) / (2 * h) for e in np.eye(10)])
    one, starts = np.zeros(1, np.int32), np.array([0] + [1] * BLOCKS)
    seeds, segments, ratings = np.ones((BLOCKS, BLOCKS, 1), np.uint64), starts[None], np.array([rating], np.float32)
    dealt = Dealt(seeds, one, starts, one, starts, segments, one, ratings)
    numbers = [np.float32(number) for number in (rate, ridge)]
    svd_cells(dealt, 0, 0, BLOCKS, np.float32(mean), 4, x, y, *numbers)
    after = np.concatenate([x[0], y[0]])
    np.testing.assert_allclose((after - before) / rate, -gradient / 2, rtol=5e-3, atol=5e-3)
