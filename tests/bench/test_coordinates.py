"""The map of items: who is on it, that near items are alike, and that it is the same map each time."""

import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest

from bench import coordinates
from bench.coordinates import item_map
from bench.runner import run_cell
from recsys_impl import ALS, EASE, Popularity


def clusters(n=60, d=8, seed=0):
    """Factors in three directions, of all lengths, and to which each item belongs."""
    rng = np.random.default_rng(seed)
    kind = np.arange(n) % 3
    directions = np.eye(3, d)[kind] + 0.05 * rng.standard_normal((n, d))
    return (directions * rng.uniform(0.01, 100, (n, 1))).astype(np.float32), kind


def test_items_of_one_direction_are_near_each_other_whatever_their_lengths():
    factors, kind = clusters()
    found = item_map(factors, np.ones(60, int))
    distances = np.linalg.norm(found.places[:, None] - found.places[None], axis=2)
    np.fill_diagonal(distances, np.inf)
    assert (kind[found.items[distances.argmin(axis=1)]] == kind[found.items]).all()


def test_a_map_has_known_items_alone_the_most_popular_first():
    factors, _ = clusters()
    counts = np.arange(60)  # item 0 was never seen
    factors[7] = 0
    found = item_map(factors, counts)
    assert found.items.tolist() == [item for item in range(59, 0, -1) if item != 7]
    assert found.items.dtype == np.int32
    assert found.places.dtype == np.float32
    assert found.places.shape == (58, 2)
    assert np.isfinite(found.places).all()


def test_a_large_catalogue_is_cut_to_its_most_popular(monkeypatch):
    monkeypatch.setattr(coordinates, "ITEMS", 20)
    factors, _ = clusters()
    assert item_map(factors, np.arange(60)).items.tolist() == list(range(59, 39, -1))


@pytest.mark.parametrize(
    "factors",
    [
        np.ones((60, 1)),  # a line
        np.ones((60, 8)),  # one direction
        np.zeros((60, 8)),
        clusters(n=4)[0],
    ],
    ids=["one factor", "all alike", "zeros", "four items"],
)
def test_what_has_no_two_dimensions_has_no_map(factors):
    assert item_map(factors.astype(np.float32), np.ones(len(factors), int)) is None


@pytest.mark.parametrize("n", [5, 6, 10, 31])
def test_a_few_items_are_enough(n):
    factors = np.random.default_rng(0).standard_normal((n, 4), np.float32)
    found = item_map(factors, np.ones(n, int))
    assert found.places.shape == (n, 2)
    assert np.isfinite(found.places).all()


DIGEST = """
import hashlib
import numpy as np
from bench.coordinates import item_map

factors = np.random.default_rng(0).standard_normal((300, 16), np.float32)
print(hashlib.sha256(item_map(factors, np.arange(300)).places.tobytes()).hexdigest())
"""


def test_the_same_factors_give_the_same_bytes_on_any_number_of_threads():
    here = item_map(np.random.default_rng(0).standard_normal((300, 16), np.float32), np.arange(300))
    digests = {hashlib.sha256(here.places.tobytes()).hexdigest()}
    for threads in ("1", "2"):
        environment = {**os.environ, "OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads}
        done = subprocess.run(
            [sys.executable, "-c", DIGEST], env=environment, capture_output=True, text=True, check=True
        )
        digests.add(done.stdout.strip())
    assert len(digests) == 1


class TestCells:
    """Which cells have a map."""

    def make(self):
        return ALS(factors=8, iterations=2)

    def test_the_first_cell_of_a_model_with_factors(self, small_split, make_task):
        result = run_cell(self.make, small_split, make_task())
        known = np.unique(small_split.train.items)
        assert set(result.item_map.items.tolist()) == set(known.tolist())
        assert result.measured["map_seconds"] > 0

    @pytest.mark.parametrize("seeds", [{"split_seed": 1}, {"model_seed": 1}])
    def test_no_other_seed(self, small_split, make_task, seeds):
        result = run_cell(self.make, small_split, make_task(**seeds))
        assert result.item_map is None
        assert "map_seconds" not in result.measured

    @pytest.mark.parametrize("model", [EASE, Popularity])
    def test_no_model_without_factors(self, small_split, make_task, model):
        assert run_cell(model, small_split, make_task()).item_map is None
