"""What holds for every adapter, whatever its library."""

import warnings

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from recsys_impl.base import ModelError, NoSimilarityError, NotFittedError


def test_the_held_out_square_of_the_checkerboard_comes_first(adapter, checkerboard, learn):
    model, (positives, _) = learn(adapter()), checkerboard
    users = np.arange(20)
    ids, scores = model.recommend(users, positives, N=1)
    assert ids[:, 0].tolist() == users.tolist()
    assert np.isfinite(scores).all()


def test_items_of_one_parity_are_similar_and_an_item_is_most_similar_to_itself(adapter, learn):
    model = learn(adapter())
    for item in (0, 7):
        ids, scores = model.similar_items(item, N=8)
        assert ids[0] == item
        assert (ids % 2 == item % 2).all()
        assert (np.diff(scores) <= 0).all()


def test_factor_models_know_similar_users_and_neighbourhoods_do_not(adapter, learn):
    model = learn(adapter())
    if hasattr(model, "item_weights"):
        with pytest.raises(NoSimilarityError):
            model.similar_users(4)
        return
    ids, _ = model.similar_users(4, N=8)
    assert ids[0] == 4
    assert (ids % 2 == 0).all()


def test_scores_are_finite_float32_for_users_and_items_without_anything(adapter, tastes):
    model = adapter().fit(tastes, show_progress=False)
    scores = model.score(np.arange(80))
    assert scores.shape == (80, 50)
    assert scores.dtype == np.float32
    assert np.isfinite(scores).all()


def test_fit_returns_the_model_and_leaves_the_matrix_alone(adapter, tastes):
    model, before = adapter(), tastes.copy()
    assert model.fit(tastes, show_progress=False) is model
    assert (tastes != before).nnz == 0
    assert np.array_equal(tastes.indices, before.indices)


def test_the_same_seed_gives_the_same_bytes(adapter, tastes):
    first, second = (adapter().fit(tastes, show_progress=False).score(np.arange(80)) for _ in range(2))
    assert np.array_equal(first, second)


def test_another_seed_gives_another_model_where_there_is_a_seed(adapter, tastes):
    if not hasattr(adapter(), "random_state"):
        pytest.skip("nothing in this model is random")
    first, second = (adapter(random_state=s, factors=6).fit(tastes, show_progress=False) for s in (0, 1))
    assert not np.array_equal(first.score(np.arange(80)), second.score(np.arange(80)))


def test_a_second_fit_starts_anew(adapter, tastes):
    model = adapter().fit(tastes, show_progress=False)
    first = model.score(np.arange(80))
    assert np.array_equal(model.fit(tastes, show_progress=False).score(np.arange(80)), first)


def test_save_and_load_give_the_same_model(adapter, learn, tmp_path):
    model = learn(adapter())
    model.save(tmp_path / "model.npz")
    loaded = type(model).load(tmp_path / "model.npz")
    assert type(loaded) is type(model)
    assert np.array_equal(loaded.score(np.arange(20)), model.score(np.arange(20)))
    assert np.array_equal(loaded.similar_items(3)[0], model.similar_items(3)[0])


def test_a_model_that_is_not_fitted_says_so(adapter):
    with pytest.raises(NotFittedError, match=type(adapter()).__name__):
        adapter().score([0])


def test_what_is_no_sparse_matrix_is_refused_by_name(adapter):
    with pytest.raises(ModelError, match=type(adapter()).__name__):
        adapter().fit(np.eye(3))


def test_fit_is_silent_without_progress_and_never_prints_to_stdout(adapter, learn, capfd):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        learn(adapter())
    assert capfd.readouterr() == ("", "")
    learn(adapter(), show_progress=True)
    assert capfd.readouterr().out == ""


def test_the_number_of_blas_threads_is_put_back(adapter, learn):
    model, before = adapter(), blas_threads()
    learn(model)
    assert blas_threads() == before


def test_the_callback_sees_each_epoch_and_its_seconds_where_the_library_has_epochs_to_see(adapter, learn):
    seen = []
    model = learn(adapter(), callback=lambda iteration, seconds, *_: seen.append((iteration, seconds)))
    shows_epochs = type(model).__name__.startswith(("ImplicitALS", "ImplicitBPR", "IrspackALS", "LightFM", "Notebook"))
    assert [iteration for iteration, _ in seen] == list(range(model.iterations if shows_epochs else 0))
    assert all(seconds >= 0 for _, seconds in seen)


def test_the_callback_can_ask_the_model_what_it_learned_so_far(adapter, tastes):
    model, seen = adapter(), []
    model.fit(tastes, show_progress=False, callback=lambda *_: seen.append(model.score([0, 1])))
    if not seen:
        pytest.skip("this library has no epochs to see")
    assert not np.array_equal(seen[0], seen[-1])
    assert np.array_equal(seen[-1], model.score([0, 1]))


def test_threads_that_race_are_asked_for_by_that_name_and_learn_too(adapter, learn, checkerboard):
    if not hasattr(adapter(), "racing_threads"):
        pytest.skip("its threads don't race, or there is one only")
    assert adapter().racing_threads == 1
    model, (positives, _) = learn(adapter(racing_threads=2)), checkerboard
    assert model.recommend(np.arange(20), positives, N=1)[0][:, 0].tolist() == list(range(20))


def blas_threads():
    return sorted((api["filepath"], api["num_threads"]) for api in threadpool_info() if api["user_api"] == "blas")
