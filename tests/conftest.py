"""Where tests find real data (the folder BENCH_DATA names, else ../shared/data), and made-up cells to compare."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from reports.result import Cell, MetricValue, Result
from reports.store import Store


def find_data_folder():
    named = os.environ.get("BENCH_DATA")
    folder = Path(named) if named else Path(__file__).parents[2] / "shared" / "data"
    return folder if folder.is_dir() else None


@pytest.fixture(scope="session")
def data_folder():
    """The folder with ml-100k, ml-1m, ...; skips where the machine has none."""
    folder = find_data_folder()
    if folder is None:
        pytest.skip("no real data: set BENCH_DATA to a folder laid out as README says")
    return folder


def make_measured(model, seed=0, values=None, *, model_seed=0, users=None, dataset="toy", split="random", **changes):
    """A finished cell with these values of ndcg@10 for its users, and all that a comparison looks at.

    ``data`` and ``parameters`` and fields of the result may be given; recall@10 is half of ndcg@10, rmse has parts.
    """
    values = np.asarray(values if values is not None else np.linspace(0.1, 0.9, 40), np.float64)
    users = np.arange(len(values), dtype=np.int32) if users is None else np.asarray(users, np.int32)
    counts = 1.0 + users % 3
    sums = counts * (1.5 - values) ** 2
    metrics = {
        "ndcg@10": MetricValue(float(values.mean()), None, True, 1, "ndcg@10"),
        "recall@10": MetricValue(float(values.mean() / 2), None, True, 1, "recall@10"),
        "coverage@10": MetricValue(0.3, None, True, 1),
        "rmse": MetricValue(float(np.sqrt(sums.sum() / counts.sum())), None, False, 1),
    }
    identity = {
        "data": changes.pop("data", f"data of {dataset}"),
        "split": f"{split} {seed} of {dataset}",
        "candidates": "all",
        "metrics": {"ndcg": 1},
        "source": "a1",
        "versions": {"numpy": "2.0"},
        "seeded": changes.pop("seeded", True),
    }
    result = Result(
        Cell(dataset, split, seed, model, changes.pop("parameters", {}), model_seed),
        f"{model}{seed}{model_seed}",
        identity,
        "ok",
        metrics=metrics,
        users=users,
        per_user={
            "warm": np.ones(len(users), bool),
            "ndcg@10": values,
            "recall@10": values / 2,
            "rmse_sum": sums,
            "rmse_count": counts,
        },
        lists=np.zeros((len(users), 1), np.int32),
        counts={"n_users": len(users)},
        measured={"environment": {"processor": "one", "versions": {"numpy": "2.0"}}},
    )
    return replace(result, **changes)


def make_runs(models, seeds=5, drop=0.0, noise=0.05, run=0, n_users=200, **options):
    """Cells of some models on some splits: users and splits are the same in every run, the noise is the run's own."""
    results = []
    for model in models:
        for seed in range(seeds):
            taste = np.random.default_rng([7, seed]).beta(2, 3, n_users)
            own = np.random.default_rng([run, seed, *model.encode()]).standard_normal(n_users)
            results.append(make_measured(model, seed, (taste + noise * own) * (1 - drop), **options))
    return results


@pytest.fixture(scope="session")
def measured():
    """The makers of cells with values per user: ``measured.cell``, ``measured.runs``, ``measured.folder``."""

    class Makers:
        cell = staticmethod(make_measured)
        runs = staticmethod(make_runs)

        @staticmethod
        def folder(path, results):
            store = Store(path)
            for result in results:
                store.write(result)
            return path

    return Makers
