"""What every hand-rolled model must do, asked of all of them."""

import inspect

import numpy as np
import pytest
import scipy.sparse as sp

import recsys_impl
from recsys_impl import ALS, BPR, EASE, SVD, WARP, Bias, ModelError, Popularity, Random, SVDpp
from recsys_impl.base import NoSimilarityError, NotFittedError

FACTOR_MODELS = {
    "als": lambda **kw: ALS(factors=16, regularization=1.0, alpha=10.0, **kw),
    "als-exact": lambda **kw: ALS(factors=16, regularization=1.0, alpha=10.0, use_cg=False, **kw),
    "als-bias": lambda **kw: ALS(factors=16, regularization=1.0, alpha=10.0, use_bias=True, **kw),
    "bpr": lambda **kw: BPR(factors=16, learning_rate=0.1, iterations=60, **kw),
    "warp": lambda **kw: WARP(factors=16, regularization=0.1, iterations=30, **kw),
    "svd": lambda **kw: SVD(factors=16, iterations=30, **kw),
    "svdpp": lambda **kw: SVDpp(factors=16, iterations=30, **kw),
}
RATED = ("svd", "svdpp")
PERSONAL = {name: make for name, make in FACTOR_MODELS.items() if name not in RATED} | {"ease": lambda: EASE(10.0)}
ALL = FACTOR_MODELS | {"ease": lambda: EASE(10.0), "popularity": Popularity, "random": Random, "bias": Bias}
WITH_SIMILARITY = FACTOR_MODELS | {"ease": lambda: EASE(10.0)}


def fitted(name, matrix, **keywords):
    return ALL[name](**keywords).fit(matrix, show_progress=False)


@pytest.mark.parametrize("name", PERSONAL)
def test_checkerboard_is_completed(name, checkerboard):
    """Each user's one missing item of the own kind comes first."""
    user_items, missing = checkerboard
    model = fitted(name, user_items)
    users = np.arange(user_items.shape[0])
    ids, _ = model.recommend(users, user_items, N=1)
    assert np.mean(ids[:, 0] == missing) > 0.95


@pytest.mark.parametrize("model_class", [SVD, SVDpp])
def test_ratings_of_a_checkerboard_are_predicted(model_class):
    """It learns that ratings are 5 on one kind and 1 on the other, also where it saw none."""
    random = np.random.default_rng(0)
    truth = np.where(np.add.outer(np.arange(60), np.arange(40)) % 2 == 0, 5.0, 1.0)
    known = random.random(truth.shape) < 0.7
    ratings = sp.csr_matrix(np.where(known, truth, 0))
    model = model_class(factors=8, iterations=200, learning_rate=0.02).fit(ratings, show_progress=False)
    users, items = np.nonzero(~known)
    assert np.abs(np.clip(model.predict(users, items), 1, 5) - truth[users, items]).mean() < 0.1


@pytest.mark.parametrize("name", ALL)
def test_scores_are_finite_and_the_same_for_a_seed(name, tastes):
    first, again = fitted(name, tastes), fitted(name, tastes)
    users = np.arange(tastes.shape[0])
    scores = first.score(users)
    assert scores.shape == tastes.shape
    assert np.isfinite(scores).all()
    np.testing.assert_array_equal(scores, again.score(users))


@pytest.mark.parametrize("name", [*FACTOR_MODELS, "random"])
def test_another_seed_gives_other_scores(name, tastes):
    users = np.arange(20)
    one = fitted(name, tastes).score(users)
    assert not np.array_equal(one, fitted(name, tastes, random_state=1).score(users))


@pytest.mark.parametrize("name", sorted(set(FACTOR_MODELS) - {"svdpp"}))  # which has one thread
def test_factors_do_not_depend_on_the_number_of_threads(name, tastes):
    one = fitted(name, tastes, num_threads=1)
    for threads in (2, 3):
        other = fitted(name, tastes, num_threads=threads)
        np.testing.assert_array_equal(one.user_factors, other.user_factors)
        np.testing.assert_array_equal(one.item_factors, other.item_factors)


@pytest.mark.parametrize("shape", [(900, 700), (700, 900)], ids=["item weights", "user inverse"])
def test_ease_does_not_depend_on_the_number_of_threads(shape):
    """Large enough that a Cholesky on several threads adds up in another order."""
    matrix = sp.random(*shape, density=0.1, format="csr", dtype=np.float32, random_state=0)
    one, two, three = (
        EASE(10.0, num_threads=threads).fit(matrix, show_progress=False).score(np.arange(50)) for threads in (1, 2, 3)
    )
    np.testing.assert_array_equal(one, two)
    np.testing.assert_array_equal(one, three)


@pytest.mark.parametrize("name", ALL)
def test_one_user_gets_what_the_user_gets_in_a_batch(name, tastes):
    model = fitted(name, tastes)
    ids, scores = model.recommend(np.arange(50), tastes[:50], N=7)
    assert ids.shape == scores.shape == (50, 7)
    for user in (0, 1, 2, 30):
        own_ids, own_scores = model.recommend(user, tastes[user], N=7)
        assert own_ids.shape == (7,)
        np.testing.assert_array_equal(own_ids, ids[user])
        np.testing.assert_allclose(own_scores, scores[user], rtol=1e-5)


@pytest.mark.parametrize("name", ALL)
def test_what_was_seen_or_filtered_is_never_recommended(name, tastes):
    model = fitted(name, tastes)
    users = np.arange(tastes.shape[0])
    ids, scores = model.recommend(users, tastes, N=100, filter_items=[3, 4])
    assert not np.isin(ids, [3, 4]).any()
    for user in users:
        given = ids[user][ids[user] >= 0]
        assert len(np.unique(given)) == len(given)
        assert not np.isin(given, tastes[user].indices).any()
        assert (np.diff(scores[user][: len(given)]) <= 0).all()
    full = len(set(range(tastes.shape[1])) - {3, 4} - set(tastes[299].indices))
    assert (ids[299] >= 0).sum() == min(100, full)
    assert (ids[299][full:] == -1).all()


def test_items_restricts_the_candidates(tastes):
    model = fitted("als", tastes)
    ids, _ = model.recommend(5, tastes[5], N=10, items=[1, 2, 3, 50])
    allowed = {1, 2, 3, 50} - set(tastes[5].indices)
    assert set(ids[ids >= 0]) == allowed


@pytest.mark.parametrize("name", WITH_SIMILARITY)
def test_an_item_is_most_similar_to_itself_and_then_to_its_kind(name, checkerboard):
    user_items, _ = checkerboard
    ratings = sp.csr_matrix(user_items.toarray() * 4 + 1) if name in RATED else user_items
    model = fitted(name, ratings)
    ids, scores = model.similar_items([0, 5], N=6)
    assert ids.shape == (2, 6)
    assert ids[:, 0].tolist() == [0, 5]
    assert (ids[0] % 2 == 0).all()
    assert (ids[1] % 2 == 1).all()
    assert (np.diff(scores, axis=1) <= 0).all()
    alone, _ = model.similar_items(5, N=6)
    np.testing.assert_array_equal(alone, ids[1])


@pytest.mark.parametrize("name", FACTOR_MODELS)
def test_a_user_is_most_similar_to_itself(name, tastes):
    ids, _ = fitted(name, tastes).similar_users([4, 9], N=5)
    assert ids[:, 0].tolist() == [4, 9]


@pytest.mark.parametrize("name", sorted(set(ALL) - set(WITH_SIMILARITY)))
def test_models_without_similarity_say_so(name, tastes):
    model = fitted(name, tastes)
    with pytest.raises(NoSimilarityError, match="no notion of similar items"):
        model.similar_items(0)


@pytest.mark.parametrize("name", ALL)
def test_a_saved_model_is_the_model(name, tastes, tmp_path):
    model = fitted(name, tastes)
    model.save(tmp_path / "model.npz")
    loaded = type(model).load(tmp_path / "model.npz")
    users = np.arange(40)
    np.testing.assert_array_equal(model.score(users), loaded.score(users))
    for parameter in inspect.signature(type(model).__init__).parameters:
        if parameter not in ("self", "args", "kwargs"):
            assert getattr(loaded, parameter) == getattr(model, parameter)


def test_a_file_of_another_class_is_refused(tastes, tmp_path):
    fitted("ease", tastes).save(tmp_path / "model.npz")
    with pytest.raises(ModelError, match="holds a EASE, not a ALS"):
        ALS.load(tmp_path / "model.npz")


@pytest.mark.parametrize("name", ALL)
def test_an_unfitted_model_says_so(name):
    with pytest.raises(NotFittedError, match="call fit"):
        ALL[name]().score([0])


@pytest.mark.parametrize("name", ALL)
def test_bad_matrices_are_refused(name):
    model = ALL[name]()
    with pytest.raises(ModelError, match="not ndarray"):
        model.fit(np.ones((3, 3)))
    with pytest.raises(ModelError, match="no users or no items"):
        model.fit(sp.csr_matrix((0, 3)))
    with pytest.raises(ModelError, match="not finite"):
        model.fit(sp.csr_matrix([[1.0, np.nan]]))


@pytest.mark.parametrize("name", sorted(set(ALL) - {*RATED, "bias"}))
def test_a_matrix_without_interactions_is_no_error(name):
    """Nothing is known of anybody: any finite scores will do."""
    scores = fitted(name, sp.csr_matrix((4, 5), dtype=np.float32)).score(np.arange(4))
    assert np.isfinite(scores).all()


@pytest.mark.parametrize("name", [*RATED, "bias"])
def test_rating_models_need_ratings(name):
    with pytest.raises(ModelError, match="without ratings"):
        fitted(name, sp.csr_matrix((4, 5), dtype=np.float32))


@pytest.mark.parametrize("name", PERSONAL)
def test_users_with_everything_and_a_single_item_are_no_error(name):
    model = fitted(name, sp.csr_matrix(np.ones((3, 1), np.float32)))
    assert np.isfinite(model.score(np.arange(3))).all()


def test_callback_hears_of_every_epoch(tastes):
    heard = []
    ALS(factors=4, iterations=3).fit(tastes, show_progress=False, callback=lambda *a: heard.append(a))
    assert [iteration for iteration, _ in heard] == [0, 1, 2]
    assert all(seconds > 0 for _, seconds in heard)


@pytest.mark.parametrize("name", [*FACTOR_MODELS, "bias"])
def test_the_callback_can_ask_the_model_what_it_learned_so_far_and_changes_nothing(name, tastes):
    """Scores agree but for the last digit: during a fit BLAS has one thread and rows lie further apart."""
    values = tastes.copy()
    values.data[:] = 1 + np.arange(values.nnz) % 5
    users, seen, model = np.arange(tastes.shape[0]), [], ALL[name]()
    model.fit(values, show_progress=False, callback=lambda *_: seen.append(model.score(users)))
    assert len(seen) == model.iterations
    assert not np.allclose(seen[0], seen[-1], rtol=1e-5)
    np.testing.assert_allclose(seen[-1], model.score(users), rtol=1e-5, atol=1e-6)
    unwatched = fitted(name, values)
    for learned in ("user_factors", "item_factors", "user_biases", "item_biases"):
        if getattr(model, learned, None) is not None:
            np.testing.assert_array_equal(getattr(model, learned), getattr(unwatched, learned))


@pytest.mark.parametrize(
    ("model", "parameter", "value"),
    [
        (ALS, "factors", 0),
        (ALS, "regularization", -1),
        (ALS, "alpha", 0),
        (ALS, "iterations", 0),
        (BPR, "learning_rate", 0),
        (BPR, "regularization", float("nan")),
        (WARP, "max_sampled", 0),
        (SVD, "learning_rate", -0.1),
        (SVD, "factors", "many"),
        (SVDpp, "iterations", 0),
        (EASE, "regularization", 0),
        (Bias, "iterations", 0),
    ],
)
def test_a_wrong_parameter_is_named(model, parameter, value):
    with pytest.raises(ModelError, match=parameter):
        model(**{parameter: value})


@pytest.mark.parametrize("model", [SVD, SVDpp, BPR, WARP])
def test_a_model_that_diverges_says_what_to_lower(model, tastes):
    wild = model(learning_rate=1e30, iterations=50)
    with pytest.raises(ModelError, match="lower learning_rate"), np.errstate(all="ignore"):
        wild.fit(tastes, show_progress=False)


def test_recommend_wants_one_row_a_user(tastes):
    model = fitted("als", tastes)
    with pytest.raises(ModelError, match="pass user_items\\[userid\\]"):
        model.recommend([0, 1], tastes)
    with pytest.raises(ModelError, match="needs user_items"):
        model.recommend(0)


def test_the_package_names_what_it_has():
    with pytest.raises(AttributeError, match="it has ALS, BPR"):
        recsys_impl.Alz  # noqa: B018
