"""Nothing compiles inside a timing: after the warm-up, fits and ranking find every kernel compiled."""

import importlib
import pkgutil

import numpy as np
import pytest

import bench
from bench.building import build, model_parameters
from bench.ranking import rank
from bench.registry import MODELS
from bench.runner import Material, warm_up
from recsys_impl import kernels

OURS = [name for name, row in MODELS.items() if str(row.target).startswith("recsys_impl.")]


def compiled():
    """Every compiled version of every kernel."""
    modules = [
        importlib.import_module(f"recsys_impl.kernels.{found.name}") for found in pkgutil.iter_modules(kernels.__path__)
    ]
    return {
        (module.__name__, name, signature)
        for module in modules
        for name, function in vars(module).items()
        for signature in getattr(function, "signatures", ())
    }


@pytest.mark.parametrize("shape", [(60, 120), (120, 60)], ids=["more items", "more users"])
@pytest.mark.parametrize("name", OURS)
def test_the_warm_up_compiles_all_that_a_cell_needs(name, shape):
    n_users, n_items = shape
    data = bench.load("synthetic", n_users=n_users, n_items=n_items, n_interactions=1500)
    row = MODELS[name]
    material = Material(bench.split(data, "random", seed=0), row.learns_from)

    parameters = model_parameters(name, row, {})
    if "iterations" in parameters:
        parameters["iterations"] = 1

    def fresh():
        return build(row, parameters, 0, 2)

    warm_up(fresh, material)
    before = compiled()
    model = fresh().fit(material.fitted_on, show_progress=False)
    rank(model.score, np.arange(n_users), material.seen, material.relevant, k=5, seed=0, threads=2, concurrent=True)
    assert compiled() == before
