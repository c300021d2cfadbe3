"""Floors on real data, so tight that a broken line shows: ML-100K, random split, seed 0 (a fit is the same everywhere
but for the last digits of floats). The figure beside each floor is what was measured when it was set.
"""

import numpy as np
import pytest
import scipy.sparse as sp

import bench
from bench.building import build, model_parameters
from bench.metrics import ndcg
from bench.ranking import rank
from bench.registry import MODELS
from bench.runner import Material

FLOORS = {  # NDCG@10: (floor, measured)
    "random": (0.003, 0.0076),
    "popularity": (0.177, 0.1797),
    "als": (0.388, 0.3933),
    "bpr": (0.343, 0.3480),
    "warp": (0.356, 0.3612),
    "ease": (0.376, 0.3793),
    "sklearn-pure-svd": (0.342, 0.3475),
}


@pytest.fixture(scope="module")
def ml_100k(data_folder):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BENCH_DATA", str(data_folder))
        return bench.load("ml-100k")


@pytest.fixture(scope="module")
def split(ml_100k):
    return bench.split(ml_100k, "random", seed=0)


def fitted(name, material):
    row = MODELS[name]
    return build(row, model_parameters(name, row, {}), 0, 2).fit(material.fitted_on, show_progress=False)


@pytest.mark.parametrize("name", FLOORS)
def test_ndcg_stays_above_its_floor(name, split):
    material = Material(split, "positives")
    model = fitted(name, material)
    users = material.test_users[material.has_relevant]
    ranked = rank(model.score, users, material.seen, material.relevant, 10, seed=0)
    floor, measured = FLOORS[name]
    assert floor <= ndcg(ranked, 10).mean() < measured + 0.02


def five_folds(interactions):
    """Surprise's KFold(5, random_state=0): rows in file order, shuffled, contiguous folds."""
    order = np.arange(len(interactions))
    np.random.RandomState(0).shuffle(order)
    return np.array_split(order, 5)


@pytest.mark.parametrize(
    ("name", "seeds", "published"),
    [
        ("svd", range(3), (0.934, 0.737)),
        ("svdpp", range(3), (0.919, 0.721)),
        ("bias", range(1), (0.944, 0.748)),
    ],
)
def test_rating_errors_are_those_of_surprises_table(name, seeds, published, ml_100k):
    """Within .003, as a mean over model seeds: Surprise's own SVD moves by .003 from seed to seed."""
    errors = []
    for fold in five_folds(ml_100k):
        train = np.setdiff1d(np.arange(len(ml_100k)), fold)
        users, items, ratings = ml_100k.users, ml_100k.items, ml_100k.ratings
        shape = (ml_100k.n_users, ml_100k.n_items)
        matrix = sp.csr_matrix((ratings[train], (users[train], items[train])), shape=shape)
        for seed in seeds:
            row = MODELS[name]
            model = build(row, model_parameters(name, row, {}), seed, 2).fit(matrix, show_progress=False)
            difference = np.clip(model.predict(users[fold], items[fold]), 1, 5) - ratings[fold]
            errors.append((np.sqrt(np.mean(difference**2)), np.abs(difference).mean()))
    assert np.mean(errors, axis=0) == pytest.approx(published, abs=0.003)


def test_what_a_person_expects_is_similar_to_star_wars(ml_100k):
    item = ml_100k.titles.tolist().index("Star Wars (1977)")
    material = Material(bench.split(ml_100k, "random", seed=0), "positives")
    ids, _ = fitted("als", material).similar_items(item, N=6)
    assert {"Empire Strikes Back, The (1980)", "Return of the Jedi (1983)"} <= set(ml_100k.titles[ids])
