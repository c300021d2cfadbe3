"""Splits and tasks small enough to run a cell in a moment."""

import pytest

from bench import loading, registry
from bench.runner import Task
from reports.result import Cell


@pytest.fixture
def write_toml(tmp_path):
    """A function: a file with this text."""

    def write(text):
        path = tmp_path / "written.toml"
        path.write_text(text)
        return path

    return write


@pytest.fixture(scope="session")
def small_split():
    """A random split of made-up ratings: 120 users, 60 items."""
    return loading.split(loading.load("synthetic", n_users=120, n_items=60, n_interactions=3000))


@pytest.fixture(scope="session")
def make_task():
    """A function: the task of one cell, on positives or on ratings."""

    def make(learns_from="positives", split_seed=0, model_seed=0, **options):
        cell = Cell("synthetic", "random", split_seed, "mine", {}, model_seed)
        metrics = {name: (row, registry.resolve(row.target)) for name, row in registry.METRICS.items()}
        return Task(cell, "", {}, learns_from, (5, 10), metrics, **options)

    return make
