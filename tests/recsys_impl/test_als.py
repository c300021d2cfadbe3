"""ALS against its equations, written a second time with dense float64 matrices."""

import numpy as np
import pytest
import scipy.sparse as sp

from recsys_impl import ALS, ModelError


def dense_objective(model, user_items):
    """Σ c (p - b_u - b_i - x·y)² + Σ λ_row (|x|² + b²) over all pairs, the slow way."""
    r = user_items.toarray().astype(np.float64)
    c = np.where(r != 0, np.abs(r) * model.alpha, model.unobserved_weight)
    predicted = model.user_factors.astype(np.float64) @ model.item_factors.T.astype(np.float64)
    sides = [model.user_factors.astype(np.float64), model.item_factors.astype(np.float64)]
    if model.use_bias:
        predicted = predicted + model.user_biases[:, None] + model.item_biases
        sides = [np.column_stack([sides[0], model.user_biases]), np.column_stack([sides[1], model.item_biases])]
    totals = [np.where(r != 0, c, 0).sum(axis) + model.unobserved_weight * r.shape[axis] for axis in (1, 0)]
    penalty = sum(
        np.sum(model.regularization * (total**model.regularization_scaling)[:, None] * side**2)
        for total, side in zip(totals, sides, strict=True)
    )
    return np.sum(c * ((r > 0) - predicted) ** 2) + penalty


VARIANTS = [
    {},
    {"unobserved_weight": 0.2},
    {"regularization_scaling": 1.0, "regularization": 0.01},
    {"use_bias": True},
    {"use_bias": True, "unobserved_weight": 0.5, "regularization_scaling": 0.5},
    {"alpha": 0.3},  # observed confidence below that of the unobserved
]


@pytest.fixture
def counts(tastes):
    """The tastes with counts, and some dislikes (negative values)."""
    matrix = tastes.copy()
    random = np.random.default_rng(2)
    matrix.data = random.integers(1, 6, matrix.nnz).astype(np.float32)
    matrix.data[random.random(matrix.nnz) < 0.1] *= -1
    return matrix


@pytest.mark.parametrize("variant", VARIANTS)
def test_objective_is_the_sum_over_all_pairs(counts, variant):
    model = ALS(factors=6, iterations=2, **{"regularization": 0.5, "alpha": 3.0, **variant})
    model.fit(counts, show_progress=False)
    assert model.objective(counts) == pytest.approx(dense_objective(model, counts), rel=1e-5)


@pytest.mark.parametrize("use_cg", [False, True])
@pytest.mark.parametrize("variant", VARIANTS)
def test_objective_falls_in_every_iteration(counts, variant, use_cg):
    model = ALS(factors=6, iterations=8, use_cg=use_cg, **{"regularization": 0.5, "alpha": 3.0, **variant})
    objectives = []
    model.fit(counts, show_progress=False, callback=lambda *_: objectives.append(model.objective(counts)))
    falls = -np.diff(objectives)
    assert (falls > -1e-5 * objectives[0]).all()
    assert objectives[-1] < 0.9 * objectives[0]


@pytest.mark.parametrize("variant", VARIANTS)
def test_items_solve_their_normal_equations(counts, variant):
    """After the last half-step the gradient with respect to every item vanishes."""
    model = ALS(factors=6, iterations=3, use_cg=False, **{"regularization": 0.5, "alpha": 3.0, **variant})
    model.fit(counts, show_progress=False)
    r = counts.toarray().astype(np.float64)
    c = np.where(r != 0, np.abs(r) * model.alpha, model.unobserved_weight)
    x, y = model.user_factors.astype(np.float64), model.item_factors.astype(np.float64)
    b_u = model.user_biases if model.use_bias else np.zeros(len(x))
    if model.use_bias:
        x, y = np.column_stack([x, np.ones(len(x))]), np.column_stack([y, model.item_biases])
    total = np.where(r != 0, c, 0).sum(axis=0) + model.unobserved_weight * len(x)
    ridge = model.regularization * total**model.regularization_scaling
    for item in range(len(y)):
        weighted = c[:, item, None] * x
        left, right = weighted.T @ x + ridge[item] * np.eye(x.shape[1]), weighted.T @ ((r[:, item] > 0) - b_u)
        np.testing.assert_allclose(y[item], np.linalg.solve(left, right), rtol=2e-3, atol=2e-4)


def test_enough_conjugate_gradient_steps_are_the_exact_solution(counts):
    settings = {"factors": 6, "iterations": 3, "alpha": 3.0, "regularization": 1.0}
    exact = ALS(use_cg=False, **settings).fit(counts, show_progress=False)
    steps = ALS(use_cg=True, cg_steps=30, **settings).fit(counts, show_progress=False)
    np.testing.assert_allclose(steps.score(np.arange(50)), exact.score(np.arange(50)), atol=2e-3)


@pytest.mark.parametrize("use_bias", [False, True])
def test_a_user_is_recalculated_from_a_row(tastes, use_bias):
    """The fitted row gives nearly the fitted user's list; another user's row gives the other user's."""
    settings = {"factors": 8, "regularization": 2.0, "alpha": 10.0, "iterations": 30, "use_cg": False}
    model = ALS(use_bias=use_bias, **settings).fit(tastes, show_progress=False)
    users = [100, 200, 250]
    ids, _ = model.recommend(users, tastes[users], recalculate_user=True, N=10)
    known, _ = model.recommend(users, tastes[users], N=10)
    assert np.mean([len(set(a) & set(b)) / 10 for a, b in zip(ids, known, strict=True)]) >= 0.9


def test_a_row_without_a_unique_solution_is_an_error():
    matrix = sp.csr_matrix(np.zeros((3, 4), np.float32))
    with pytest.raises(ModelError, match="raise regularization"):
        ALS(factors=4, regularization=0, unobserved_weight=0, use_cg=False).fit(matrix, show_progress=False)


def test_users_and_items_without_interactions_have_zero_factors(tastes):
    model = ALS(factors=8, regularization=1.0).fit(tastes, show_progress=False)
    assert not model.user_factors[0].any()
    assert not model.item_factors[7].any()
