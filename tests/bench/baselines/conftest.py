"""Data with a known answer, and every adapter with parameters small enough for a test."""

from importlib import import_module
from importlib.util import find_spec

import numpy as np
import pytest
import scipy.sparse as sp

# name: (module, class, parameters that learn a small checkerboard, the library that it needs)
ADAPTERS = {
    "implicit-als": ("implicit_models", "ImplicitALS", {"factors": 2, "regularization": 1, "alpha": 1}, "implicit"),
    "irspack-als": (
        "irspack_models",
        "IrspackALS",
        {"factors": 2, "regularization": 1, "loss": "original", "unobserved_weight": 1, "regularization_scaling": 0},
        "irspack",
    ),
    "implicit-bpr": (
        "implicit_models",
        "ImplicitBPR",
        {"factors": 8, "learning_rate": 0.1, "regularization": 0.001, "iterations": 150},
        "implicit",
    ),
    "implicit-item-cosine": ("implicit_models", "ImplicitItemCosine", {"K": 20}, "implicit"),
    "implicit-item-bm25": ("implicit_models", "ImplicitItemBM25", {"K": 20, "K1": 100, "B": 0.2}, "implicit"),
    "lightfm-warp": (
        "lightfm_models",
        "LightFMWARP",
        {"factors": 2, "learning_rate": 0.1, "iterations": 40},
        "lightfm",
    ),
    "lightfm-bpr": ("lightfm_models", "LightFMBPR", {"factors": 8, "learning_rate": 0.1, "iterations": 40}, "lightfm"),
    "surprise-svd": (
        "surprise_models",
        "SurpriseSVD",
        {"factors": 4, "iterations": 200, "learning_rate": 0.02},
        "surprise",
    ),
    "surprise-svdpp": (
        "surprise_models",
        "SurpriseSVDpp",
        {"factors": 4, "iterations": 200, "learning_rate": 0.02},
        "surprise",
    ),
    "sklearn-pure-svd": ("sklearn_models", "PureSVD", {"factors": 2}, "sklearn"),
    "notebook-svd": (
        "notebook_models",
        "NotebookSVD",
        {"num_threads": 1, "factors": 4, "learning_rate": 0.003, "iterations": 1500},
        "torch",
    ),
    "notebook-als": (
        "notebook_models",
        "NotebookALS",
        {"num_threads": 1, "factors": 2, "regularization": 0.1},
        "torch",
    ),
    "notebook-bpr": (
        "notebook_models",
        "NotebookBPR",
        {"num_threads": 1, "factors": 8, "learning_rate": 1, "iterations": 150},
        "torch",
    ),
    "notebook-warp": (
        "notebook_models",
        "NotebookWARP",
        {"num_threads": 1, "factors": 8, "learning_rate": 1, "iterations": 60, "samples": 8},
        "torch",
    ),
    "sklearn-nmf": ("sklearn_models", "NMF", {"factors": 2}, "sklearn"),
}


@pytest.fixture(params=ADAPTERS)
def adapter(request):
    """A function that makes one of the adapters, with other parameters where they are given."""
    module, name, parameters, library = ADAPTERS[request.param]
    if find_spec(library) is None:
        pytest.skip(f"{library} isn't installed")
    model_class = getattr(import_module(f"bench.baselines.{module}"), name)
    return lambda **others: model_class(**{**parameters, **others})


@pytest.fixture
def learn(checkerboard):
    """A function that fits a model on the checkerboard: as positives or, for rating models, as ratings 5 and 1."""
    positives, ratings = checkerboard

    def fit(model, **keywords):
        matrix = ratings if hasattr(model, "predict") else positives
        return model.fit(matrix, **{"show_progress": False, **keywords})

    return fit


@pytest.fixture
def checkerboard():
    """(positives, ratings) of 20 users who like the items of their own parity; (u, u) and (u, u + 1) are held out."""
    n = 20
    users, items = np.indices((n, n))
    liked = (users + items) % 2 == 0
    known = (items != users) & (items != (users + 1) % n)
    positives = sp.csr_matrix((liked & known).astype(np.float32))
    ratings = sp.csr_matrix(np.where(known, np.where(liked, 5, 1), 0).astype(np.float32))
    return positives, ratings


@pytest.fixture
def tastes():
    """80 users x 50 items of six tastes with noise, in which the last user and the last item have nothing."""
    random = np.random.default_rng(7)
    same_taste = random.integers(0, 6, 80)[:, None] == random.integers(0, 6, 50)
    liked = random.random((80, 50)) < np.where(same_taste, 0.7, 0.08)
    liked[-1] = liked[:, -1] = False
    return sp.csr_matrix(liked.astype(np.float32))
