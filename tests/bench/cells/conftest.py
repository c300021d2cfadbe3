"""A split of made-up data in a folder, and jobs on it."""

import sys
from pathlib import Path
from tempfile import mkdtemp

import pytest

from bench.cells.job import Job
from bench.cells.running import run_in_child
from bench.cells.starting import Starter
from bench.datasets.synthetic import synthetic
from reports.result import Cell
from reports.store import Store
from splits.files import save_split
from splits.holdout import random

MODELS = Path(__file__).with_name("models.py")


@pytest.fixture(scope="session")
def split_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("split")
    save_split(random(synthetic(60, 40, 900), seed=0), folder)
    return str(folder)


@pytest.fixture(scope="module", params=["forked", "fresh"])
def starter(request):
    if request.param == "forked" and sys.platform != "linux":
        pytest.skip("only Linux forks")
    with Starter(fork=request.param == "forked") as starter:
        yield starter


@pytest.fixture(scope="module")
def forking():
    if sys.platform != "linux":
        pytest.skip("only Linux forks")
    with Starter() as starter:
        yield starter


@pytest.fixture
def job(split_folder):
    def make(model, **changes):
        cell = Cell("synthetic", "random", 0, model, {}, 0)
        plain = {"ks": [5], "threads": 1, "plugins": [str(MODELS)], "timeout": 60.0}
        return Job(cell, "a key", {"data": "synthetic"}, split_folder=split_folder, **plain | changes)

    return make


@pytest.fixture
def cell_of(job, tmp_path):
    """The stored cell that a model comes to."""

    def run(starter, model, **changes):
        folder = Path(mkdtemp(dir=tmp_path))
        run_in_child(starter, job(model, **changes), folder)
        return Store(tmp_path).read(folder)

    return run
