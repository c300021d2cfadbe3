"""The adapters of implicit against implicit itself."""

import numpy as np
import pytest

from bench.baselines.implicit_models import ImplicitALS, ImplicitBPR, ImplicitItemBM25, ImplicitItemCosine
from recsys_impl import memory
from recsys_impl.base import NotFittedError

pytest.importorskip("implicit", reason="implicit isn't installed")
from implicit.cpu.als import AlternatingLeastSquares
from implicit.cpu.bpr import BayesianPersonalizedRanking
from implicit.nearest_neighbours import BM25Recommender, CosineRecommender

USERS = np.arange(79)  # the last user has nothing to recommend from


@pytest.mark.parametrize("use_cg", [True, False])
def test_als_ranks_as_the_library_does(tastes, use_cg):
    parameters = {"factors": 8, "regularization": 2.0, "alpha": 3.0, "iterations": 5, "random_state": 3}
    parameters["use_cg"] = use_cg
    model = ImplicitALS(**parameters).fit(tastes, show_progress=False)
    library = AlternatingLeastSquares(**parameters)
    library.fit(tastes, show_progress=False)
    check_lists(model, library, tastes)
    assert np.array_equal(model.item_factors, library.item_factors)
    assert np.array_equal(model.similar_items(4)[0], library.similar_items(4)[0])


def test_bpr_ranks_as_the_library_does(tastes):
    parameters = {"factors": 8, "learning_rate": 0.05, "regularization": 0.02, "iterations": 30, "random_state": 3}
    model = ImplicitBPR(**parameters).fit(tastes, show_progress=False)
    library = BayesianPersonalizedRanking(**parameters, num_threads=1)
    library.fit(tastes, show_progress=False)
    check_lists(model, library, tastes)
    assert model.user_factors.shape == (80, 8)
    assert model.item_biases.any()
    with_bias = model.score([0])[0]
    assert np.allclose(with_bias, library.item_factors @ library.user_factors[0], atol=1e-6)


@pytest.mark.filterwarnings("ignore:Method expects CSR input")
def test_the_neighbourhoods_rank_as_the_library_does(tastes):
    for model, library in [
        (ImplicitItemCosine(K=12), CosineRecommender(K=12)),
        (ImplicitItemBM25(K=12, K1=2.5, B=0.4), BM25Recommender(K=12, K1=2.5, B=0.4)),
    ]:
        model.fit(tastes, show_progress=False)
        library.fit(tastes, show_progress=False)
        check_lists(model, library, tastes)
        assert (np.diff(model.item_weights.indptr) <= 12).all()
        ids, _ = model.similar_items(4, N=6)
        assert np.array_equal(ids, library.similar_items(4, N=6)[0])


@pytest.mark.parametrize("use_cg", [True, False])
def test_als_gives_the_same_bytes_on_any_number_of_threads(tastes, use_cg):
    one, two, five = (
        ImplicitALS(16, 1.0, 2.0, 4, use_cg=use_cg, num_threads=threads).fit(tastes, show_progress=False)
        for threads in (1, 2, 5)
    )
    for other in (two, five):
        assert np.array_equal(one.user_factors, other.user_factors)
        assert np.array_equal(one.item_factors, other.item_factors)


@pytest.mark.parametrize("model_class", [ImplicitItemCosine, ImplicitItemBM25])
def test_neighbourhoods_are_the_same_bytes_on_any_number_of_threads(tastes, model_class):
    one, two, five = (
        model_class(K=10, num_threads=threads).fit(tastes, show_progress=False).item_weights for threads in (1, 2, 5)
    )
    for other in (two, five):
        assert np.array_equal(one.indices, other.indices)
        assert np.array_equal(one.data, other.data)


def test_counts_are_confidence_for_als(tastes):
    twice = ImplicitALS(4, 1.0, alpha=1.0).fit(2 * tastes, show_progress=False)
    alpha = ImplicitALS(4, 1.0, alpha=2.0).fit(tastes, show_progress=False)
    assert np.array_equal(twice.item_factors, alpha.item_factors)


def check_lists(model, library, user_items):
    """The same ten items in the same order with the same scores; equal scores may change places."""
    ids, scores = model.recommend(USERS, user_items[USERS], N=10)
    theirs, their_scores = library.recommend(USERS, user_items[USERS], N=10)
    assert np.allclose(scores, their_scores, rtol=1e-5, atol=1e-6)
    tied = np.isclose(np.diff(scores, axis=1), 0, rtol=0, atol=1e-6)
    untied = ~(np.pad(tied, ((0, 0), (0, 1)), constant_values=True) | np.pad(tied, ((0, 0), (1, 0))))
    assert np.array_equal(ids[untied], theirs[untied])
    assert untied.mean() > 0.8


@pytest.mark.parametrize("model_class", [ImplicitItemCosine, ImplicitItemBM25])
def test_neighbourhoods_refuse_what_does_not_fit(tastes, monkeypatch, model_class):
    monkeypatch.setattr(memory, "available_bytes", lambda: 2**30)
    model = model_class(K=1_000_000)
    with pytest.raises(
        memory.NotEnoughMemoryError, match=rf"{model_class.__name__} needs \d\.\d\d GiB.*lower K.*1000000"
    ):
        model.fit(tastes, show_progress=False)
    with pytest.raises(NotFittedError):
        model.score([0])
