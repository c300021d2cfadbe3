"""The notebook's dense models: their steps against autograd, their memory, their threads."""

import numpy as np
import pytest
import scipy.sparse as sp

from recsys_impl import memory
from recsys_impl.base import ModelError
from recsys_impl.memory import GIB, NotEnoughMemoryError

pytest.importorskip("torch", reason="torch isn't installed: pip install 'recsys-bench[torch]'")
import torch

from bench.baselines import notebook_training as training
from bench.baselines.notebook_models import NotebookALS, NotebookBPR, NotebookSVD, NotebookWARP


def leaves(*arrays):
    return [array.clone().requires_grad_() for array in arrays]


def test_a_step_of_svd_is_that_of_autograd(checkerboard):
    _, ratings = checkerboard
    random = torch.Generator().manual_seed(3)
    x, y = leaves(*training.initial_factors(ratings.shape, 4, random))
    r = torch.tensor(ratings.toarray())
    errors = torch.where(r > 0, r - x @ y.T, 0)
    (errors.square().sum() / 2 + 0.1 * (x.square().sum() + y.square().sum()) / 2).backward()
    after_x, after_y = next(training.svd(ratings, 4, 0.01, 0.1, seed=3))
    torch.testing.assert_close(after_x, (x - 0.01 * x.grad).detach())
    torch.testing.assert_close(after_y, (y - 0.01 * y.grad).detach())


def test_the_gradient_of_pairs_adds_up_over_users_that_share_an_item():
    x, y = leaves(torch.randn(5, 3), torch.randn(4, 3))
    users, i, j = torch.arange(5), torch.tensor([0, 0, 0, 1, 2]), torch.tensor([1, 1, 3, 0, 3])
    torch.nn.functional.logsigmoid((x[users] * (y[i] - y[j])).sum(dim=1)).sum().backward()
    step_x, step_y = torch.zeros(5, 3), torch.zeros(4, 3)
    with torch.no_grad():
        pull = torch.sigmoid(-(x[users] * (y[i] - y[j])).sum(dim=1))[:, None]
        training.add_pairs(step_x, step_y, x, y, users, i, j, pull)
    torch.testing.assert_close(step_x, x.grad)
    torch.testing.assert_close(step_y, y.grad)


def test_a_half_step_of_als_is_where_the_gradient_vanishes(tastes):
    p = torch.tensor(tastes.toarray())
    weights = (1 + 10 * p) / 11
    fixed = torch.randn(p.shape[1], 4, generator=torch.Generator().manual_seed(0))
    (x,) = leaves(training.least_squares(p, weights, fixed, 0.5))
    predicted = x[:, :-1] @ fixed[:, :-1].T + x[:, -1:] + fixed[:, -1]
    ((weights * (p - predicted).square()).sum() + 0.5 * x.square().sum()).backward()
    assert x.grad.abs().max() < 1e-3


def test_a_sampler_draws_positives_and_negatives_of_each_user(tastes):
    full = tastes.tolil()
    full[3] = 1  # a user with nothing to draw as negative
    matrix = sp.csr_matrix(full, dtype=np.float32)
    sampler = training.Sampler(matrix, torch.Generator().manual_seed(0))
    dense, users = matrix.toarray(), sampler.users.numpy()
    assert set(range(80)) - set(users) == {3, *np.flatnonzero(dense.sum(axis=1) == 0)}
    for _ in range(20):
        assert dense[users, sampler.positives().numpy()].all()
        assert not dense[users, sampler.negatives().numpy()].any()


@pytest.mark.parametrize("model", [NotebookBPR, NotebookWARP])
@pytest.mark.parametrize("value", [0, 1])
def test_without_a_pair_to_draw_factors_only_shrink(model, value):
    """No positives at all, or no negatives."""
    matrix = sp.csr_matrix(np.full((3, 4), value, np.float32))
    fitted = model(factors=2, iterations=2, learning_rate=0.5, regularization=0.1).fit(matrix, show_progress=False)
    x, y = training.initial_factors((3, 4), 2, torch.Generator().manual_seed(0))
    np.testing.assert_allclose(fitted.user_factors, 0.95**2 * x.numpy(), rtol=1e-5)
    np.testing.assert_allclose(fitted.item_factors, 0.95**2 * y.numpy(), rtol=1e-5)


def test_a_matrix_that_does_not_fit_is_refused_before_anything_is_allocated(monkeypatch):
    monkeypatch.setattr(memory, "available_bytes", lambda: 4 * GIB)
    large = sp.csr_matrix((30_000, 41_000), dtype=np.float32)
    with pytest.raises(NotEnoughMemoryError, match=r"NotebookALS needs 21\.69 .* are dense, 30,000 x 41,000"):
        NotebookALS().fit(large, show_progress=False)


def test_torchs_threads_are_put_back(tastes):
    before = torch.get_num_threads()
    NotebookBPR(factors=4, iterations=1, num_threads=before + 1).fit(tastes, show_progress=False)
    assert torch.get_num_threads() == before


def test_svd_that_diverges_says_what_to_lower(checkerboard):
    with pytest.raises(ModelError, match="lower learning_rate"):
        NotebookSVD(learning_rate=10.0).fit(checkerboard[1], show_progress=False)
    with pytest.raises(ModelError, match="without ratings"):
        NotebookSVD().fit(sp.csr_matrix((3, 4), dtype=np.float32))


def test_biases_are_part_of_what_als_ranks_by(tastes):
    model = NotebookALS(factors=3, iterations=2).fit(tastes, show_progress=False)
    expected = model.user_factors @ model.item_factors.T + model.user_biases[:, None] + model.item_biases
    np.testing.assert_allclose(model.score(np.arange(80)), expected, atol=1e-5)
