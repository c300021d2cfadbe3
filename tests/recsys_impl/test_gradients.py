"""The kernels' steps against torch's autograd: each objective is written down once more, and torch differentiates it.

(The same by finite differences, without torch, is in ``test_pairwise.py``, ``test_closed_forms.py`` and
``test_svdpp.py``.)
"""

import numpy as np
import pytest
import scipy.sparse as sp

from recsys_impl import ALS
from recsys_impl.kernels.blocks import BLOCKS, Dealt
from recsys_impl.kernels.pairwise import bpr_cells, warp_cells
from recsys_impl.kernels.ratings import svd_cells, svdpp_users

torch = pytest.importorskip("torch", reason="torch isn't installed: pip install 'recsys-bench[torch]'")

F, RIDGE, MEAN = 4, 0.3, 3.5


def random_arrays(*shapes, seed=3):
    random = np.random.default_rng(seed)
    return [random.normal(size=shape).astype(np.float32) for shape in shapes]


def gradients(objective, arrays):
    """d objective / d array for each, in float64."""
    parameters = [torch.tensor(array.astype(np.float64), requires_grad=True) for array in arrays]
    objective(*parameters).backward()
    return [parameter.grad.numpy() for parameter in parameters]


def assert_steps(after, before, rate, wanted, tolerance=5e-3):
    for new, old, gradient in zip(after, before, wanted, strict=True):
        np.testing.assert_allclose((new - old.astype(np.float64)) / rate, gradient, rtol=tolerance, atol=tolerance)


def one_interaction(value=1.0, n_items=1):
    """One user with one interaction, with item 0, everything in the first cell."""
    starts = np.array([0] + [1] * BLOCKS)
    return Dealt(
        seeds=np.ones((BLOCKS, BLOCKS, 1), np.uint64),
        user_order=np.zeros(1, np.int32),
        user_starts=starts,
        item_order=np.arange(n_items, dtype=np.int32),
        item_starts=n_items * starts,
        segments=starts[None],
        items=np.zeros(1, np.int32),
        values=np.array([value], np.float32),
    )


def test_svd():
    x, y = before = random_arrays((1, F + 1), (1, F + 1))

    def objective(x, y):
        error = 5 - (MEAN + x[0, F] + y[0, F] + x[0, :F] @ y[0, :F])
        return -(error**2 + RIDGE * (x.square().sum() + y.square().sum())) / 2

    wanted, before = gradients(objective, before), [x.copy(), y.copy()]
    rate = 1e-3
    numbers = [np.float32(number) for number in (rate, RIDGE)]
    svd_cells(one_interaction(5.0), 0, 0, BLOCKS, np.float32(MEAN), F, x, y, *numbers)
    assert_steps([x, y], before, rate, wanted)


def test_svdpp():
    """To the first order an epoch is the gradient of the sum over all ratings."""
    random = np.random.default_rng(4)
    dense = np.where(random.random((6, 5)) < 0.6, random.integers(1, 6, (6, 5)), 0).astype(np.float32)
    ratings = sp.csr_matrix(dense)
    arrays = x, y, w = random_arrays((6, F + 1), (5, F + 1), (5, F))
    rated = torch.tensor(dense > 0, dtype=torch.float64)
    counts = rated.sum(dim=1, keepdim=True)

    def objective(x, y, w):
        users = x[:, :F] + rated @ w / counts.sqrt()
        errors = rated * (torch.tensor(dense) - (MEAN + x[:, F:] + y[:, F] + users @ y[:, :F].T))
        squares = (
            x.square().sum(dim=1, keepdim=True) + y.square().sum(dim=1) + (rated @ w.square()).sum(1, keepdim=True)
        )
        return -(errors.square().sum() + RIDGE * (rated * squares).sum()) / 2

    wanted, before = gradients(objective, arrays), [array.copy() for array in arrays]
    rate = 1e-5
    csr = (ratings.indptr, ratings.indices, ratings.data)
    combined = np.zeros((6, F), np.float32)
    svdpp_users(np.arange(6), *csr, np.float32(MEAN), F, x, y, w, combined, np.float32(rate), np.float32(RIDGE))
    assert_steps(arrays, before, rate, wanted, tolerance=0.05)


def margin(x, y):
    return x[0, :F] @ (y[0, :F] - y[1, :F]) + y[0, F] - y[1, F]


def penalty(x, y):
    return RIDGE / 2 * (x[:, :F].square().sum() + y[:, : F + 1].square().sum())


@pytest.mark.parametrize(
    ("cells", "extra", "objective"),
    [
        (bpr_cells, (), lambda x, y: torch.nn.functional.logsigmoid(margin(x, y)) - penalty(x, y)),
        (
            warp_cells,
            (10, np.full(11, 1.7, np.float32)),
            lambda x, y: -1.7 * torch.relu(1 - margin(x, y)) - penalty(x, y),
        ),
    ],
    ids=["bpr", "warp"],
)
def test_pairwise(cells, extra, objective):
    """With sums of squared gradients so large (a million) that the step is a thousandth of the gradient."""
    arrays = x, y = random_arrays((1, F + 1), (2, F + 2), seed=2)
    x[:, F] = y[:, F + 1] = 0
    assert margin(x, y) < 1, "the seed must give a pair that violates WARP's margin"
    wanted = gradients(objective, arrays)
    x[:, F] = y[:, F + 1] = 1e6
    before = [array.copy() for array in arrays]
    is_positive = np.zeros(2, np.uint8)
    cells(one_interaction(n_items=2), 0, 0, BLOCKS, is_positive, F, x, y, np.float32(1), np.float32(RIDGE), *extra)
    assert_steps(
        [x[:, :F], y[:, : F + 1]],
        [before[0][:, :F], before[1][:, : F + 1]],
        1e-3,
        [wanted[0][:, :F], wanted[1][:, : F + 1]],
    )


@pytest.mark.parametrize(
    "variant", [{}, {"unobserved_weight": 0.2, "regularization_scaling": 0.5}, {"use_bias": True, "alpha": 0.3}]
)
def test_als(tastes, variant):
    """The objective is torch's, and after the last half-step its gradient vanishes for the items, not for the users."""
    model = ALS(factors=6, iterations=3, use_cg=False, **{"regularization": 0.5, "alpha": 3.0, **variant})
    model.fit(tastes, show_progress=False)
    sides = [model.user_factors, model.item_factors]
    if model.use_bias:
        sides = [
            np.column_stack([side, biases])
            for side, biases in zip(sides, (model.user_biases, model.item_biases), strict=True)
        ]
    p = torch.tensor(tastes.toarray(), dtype=torch.float64)
    c = torch.where(p > 0, model.alpha * p, model.unobserved_weight)
    observed = torch.where(p > 0, c, 0)

    def objective(x, y):
        predicted = x[:, :6] @ y[:, :6].T
        if model.use_bias:
            predicted = predicted + x[:, 6:] + y[:, 6]
        ridges = [
            model.regularization
            * (observed.sum(axis) + model.unobserved_weight * p.shape[axis]) ** model.regularization_scaling
            for axis in (1, 0)
        ]
        penalties = [(ridge[:, None] * side.square()).sum() for ridge, side in zip(ridges, (x, y), strict=True)]
        return (c * (p - predicted).square()).sum() + sum(penalties)

    value = float(objective(*(torch.tensor(side, dtype=torch.float64) for side in sides)))
    assert model.objective(tastes) == pytest.approx(value, rel=1e-5)
    of_users, of_items = gradients(objective, sides)
    assert np.abs(of_items).max() < 0.02
    assert np.abs(of_users).max() > 0.5
