"""The adapter of Surprise against Surprise itself and its published figures."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from bench.baselines.surprise_models import SurpriseSVD, SurpriseSVDpp
from recsys_impl.base import ModelError

surprise = pytest.importorskip("surprise", reason="scikit-surprise isn't installed")


@pytest.fixture
def ratings():
    """300 ratings of 30 users and 25 items; user 4 and item 9 have none, so that Surprise's numbers aren't ours."""
    random = np.random.default_rng(3)
    matrix = np.where(random.random((30, 25)) < 0.4, random.integers(1, 6, (30, 25)), 0)
    matrix[4], matrix[:, 9] = 0, 0
    return sp.csr_matrix(matrix.astype(np.float32))


@pytest.mark.parametrize(("model_class", "algorithm"), [(SurpriseSVD, "SVD"), (SurpriseSVDpp, "SVDpp")])
def test_predictions_are_those_of_the_library_also_for_unknown_users_and_items(ratings, model_class, algorithm):
    model = model_class(factors=5, iterations=15, random_state=1).fit(ratings, show_progress=False)
    triples = ratings.tocoo()
    frame = pd.DataFrame({"user": triples.row, "item": triples.col, "rating": triples.data})
    library = getattr(surprise, algorithm)(n_factors=5, n_epochs=15, random_state=1)
    library.fit(surprise.Dataset.load_from_df(frame, surprise.Reader()).build_full_trainset())
    users, items = (grid.ravel() for grid in np.indices(ratings.shape))
    theirs = [library.predict(user, item, clip=False).est for user, item in zip(users, items, strict=True)]
    assert np.allclose(model.predict(users, items), theirs, rtol=0, atol=1e-5)
    assert np.allclose(model.score(np.arange(30)).ravel(), theirs, rtol=0, atol=1e-5)
    assert model.predict([4], [9])[0] == pytest.approx(ratings.data.mean())


def test_held_out_squares_are_predicted(checkerboard):
    _, ratings = checkerboard
    model = SurpriseSVD(factors=4, iterations=200, learning_rate=0.02).fit(ratings, show_progress=False)
    users = np.arange(20)
    assert np.allclose(model.predict(users, users), 5, atol=0.5)
    assert np.allclose(model.predict(users, (users + 1) % 20), 1, atol=0.5)


def test_a_matrix_without_ratings_is_refused():
    with pytest.raises(ModelError, match="without ratings"):
        SurpriseSVD().fit(sp.csr_matrix((3, 4), dtype=np.float32))


def test_progress_goes_to_stderr(ratings, capsys):
    SurpriseSVD(iterations=2).fit(ratings)
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "epoch 1" in printed.err


@pytest.mark.slow
def test_the_published_rmse_on_ml_100k(data_folder):
    """RMSE .934 and MAE .737 over five folds; over seeds of the model it is .937 with a standard deviation of .001."""
    columns = np.loadtxt(data_folder / "ml-100k" / "u.data", dtype=np.int64, usecols=(0, 1, 2)).T
    users, items, values = columns[0] - 1, columns[1] - 1, columns[2].astype(np.float32)
    rows = np.arange(len(values))
    np.random.RandomState(0).shuffle(rows)
    errors = []
    for test in np.array_split(rows, 5):
        train = np.setdiff1d(rows, test)
        matrix = sp.csr_matrix((values[train], (users[train], items[train])), shape=(943, 1682))
        model = SurpriseSVD().fit(matrix, show_progress=False)
        error = np.clip(model.predict(users[test], items[test]), 1, 5) - values[test]
        errors.append((np.sqrt(np.mean(error**2)), np.mean(np.abs(error))))
    rmse, mae = np.mean(errors, axis=0)
    assert rmse == pytest.approx(0.934, abs=0.004)
    assert mae == pytest.approx(0.737, abs=0.004)
