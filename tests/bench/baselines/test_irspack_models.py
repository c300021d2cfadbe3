"""The adapter of irspack against irspack itself and against the equations of its two losses."""

import numpy as np
import pytest
import scipy.sparse as sp

from bench.baselines.irspack_models import IrspackALS
from recsys_impl.base import ModelError

pytest.importorskip("irspack", reason="irspack isn't installed")
from irspack.recommenders import IALSRecommender


@pytest.fixture
def counts(tastes):
    """The tastes with values of 1, 2 and 3."""
    random = np.random.default_rng(2)
    return sp.csr_matrix((random.integers(1, 4, tastes.nnz).astype(np.float32), tastes.indices, tastes.indptr))


def gradient_of_items(model, observed, target, everywhere, ridge):
    """Half the derivative of Σ observed (target - x·y)² + everywhere Σ (x·y)² + ridge |y|², dense and obvious."""
    users, items = model.user_factors.astype(np.float64), model.item_factors.astype(np.float64)
    predicted = users @ items.T
    return (observed * (predicted - target) + everywhere * predicted).T @ users + ridge * items


@pytest.mark.parametrize(("alpha", "unobserved_weight"), [(1.0, 1.0), (3.0, 1.0), (2.0, 0.5)])
def test_the_original_loss_is_the_objective_of_implicit(counts, alpha, unobserved_weight):
    parameters = {"unobserved_weight": unobserved_weight, "regularization_scaling": 0, "loss": "original"}
    model = IrspackALS(6, 0.3, alpha, iterations=4, use_cg=False, **parameters).fit(counts, show_progress=False)
    confidence = alpha * counts.toarray()
    extra = np.where(confidence > 0, confidence - unobserved_weight, 0)
    target = np.where(confidence > 0, confidence / np.where(extra == 0, 1, extra), 0)
    # c (1 - s)² = (c - w) (c / (c - w) - s)² + w s² + a constant; where c = w the first is the linear term -2 c s
    gradient = gradient_of_items(model, extra, target, unobserved_weight, 0.3)
    users = model.user_factors.astype(np.float64)
    gradient -= (np.where((confidence > 0) & (extra == 0), confidence, 0)).T @ users
    assert np.abs(gradient).max() < 1e-3
    assert np.abs(model.item_factors).max() > 0.1


def test_the_loss_of_2021_adds_to_what_an_unobserved_pair_costs(tastes):
    model = IrspackALS(6, 0.01, 2.0, iterations=4, use_cg=False, unobserved_weight=0.2).fit(tastes, show_progress=False)
    weights = 2.0 * tastes.toarray()
    n_users, entries = len(weights), np.diff(tastes.tocsc().indptr)
    ridge = 0.01 * (entries + 0.2 * n_users)
    assert np.abs(gradient_of_items(model, weights, 1.0, 0.2, ridge[:, None])).max() < 1e-3


@pytest.mark.parametrize("solver", ["CG", "CHOLESKY"])
def test_factors_are_those_of_the_library(tastes, solver):
    model = IrspackALS(6, 0.02, iterations=5, use_cg=solver == "CG", random_state=3).fit(tastes, show_progress=False)
    library = IALSRecommender(
        tastes, n_components=6, alpha0=0.1, reg=0.02, train_epochs=5, solver_type=solver, random_seed=3, n_threads=1
    )
    library.start_learning()
    for _ in range(5):
        library.run_epoch()
    assert np.array_equal(model.user_factors, library.get_user_embedding())
    assert np.array_equal(model.item_factors, library.get_item_embedding())


def test_more_steps_of_conjugate_gradient_come_nearer_to_cholesky(tastes):
    exact, few, many = (
        IrspackALS(6, 0.02, iterations=1, use_cg=cg, cg_steps=steps).fit(tastes, show_progress=False)
        for cg, steps in ((False, 1), (True, 1), (True, 12))
    )
    distance = [np.abs(exact.item_factors - other.item_factors).max() for other in (few, many)]
    assert distance[1] < distance[0] / 10


def test_an_interaction_that_weighs_less_than_none_is_refused_with_the_original_loss(tastes):
    with pytest.raises(ModelError, match="raise alpha"):
        IrspackALS(4, alpha=0.5, unobserved_weight=1.0, loss="original").fit(tastes, show_progress=False)
    with pytest.raises(ModelError, match="'original'"):
        IrspackALS(loss="hinge")
