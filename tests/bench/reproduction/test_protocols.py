"""The published protocols, on data whose answer is known."""

import numpy as np
import pytest

from bench.reproduction.child import measure_row
from bench.reproduction.outcome import judge
from bench.reproduction.protocols import (
    PROTOCOLS,
    Protocol,
    not_candidates,
    published_split,
    sampled_candidates,
    surprise_folds,
    surprise_parts,
)
from bench.reproduction.suite import PROTOCOLS as ALLOWED
from bench.reproduction.suite import Suite, SuiteRow
from splits.interactions import Interactions
from splits.split import Split


def of_rows(n):
    return Interactions.from_columns("rows", np.arange(n) % 7, np.arange(n), np.ones(n))


@pytest.mark.parametrize("n", [100, 103])
def test_folds_are_those_of_surprise_itself(n):
    """Row numbers of the test sets, as Surprise's KFold gives them."""
    surprise = pytest.importorskip("surprise")
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"user": np.arange(n) % 7, "item": np.arange(n), "rating": np.ones(n)})
    data = surprise.Dataset.load_from_df(frame, surprise.Reader())
    theirs = [
        sorted(item for _, item, _ in test) for _, test in surprise.model_selection.KFold(5, random_state=0).split(data)
    ]
    ours = [np.flatnonzero(part).tolist() for part in surprise_parts(of_rows(n), 5)]
    assert ours == theirs


def test_every_row_is_held_out_once():
    assert np.array_equal(np.sum(surprise_parts(of_rows(103), 5), axis=0), np.ones(103))


def test_all_but_the_candidates_are_left_out_of_the_ranking():
    left_out = not_candidates(np.array([[2, 0, -1], [1, -1, -1]], np.int32), 4)
    assert left_out.toarray().tolist() == [[0, 1, 0, 1], [1, 0, 1, 1]]


def test_a_held_out_item_is_ranked_among_the_candidates_and_beside_among_all():
    """Items 0..3 are popular in this order; user 3's item 3 is second of two candidates and last of four."""
    users, items = [0, 0, 0, 1, 1, 2, 3, 0, 3], [0, 1, 2, 0, 1, 0, 4, 3, 3]
    data = Interactions.from_columns("few", users, items, held_out=[False] * 8 + [True])
    protocol = Protocol([Split(data, data.held_out)], np.array([[-1, -1]] * 3 + [[3, 2]], np.int32))
    found = measure_row(protocol, "popularity", {}, ["mrr@4", "hit_rate@1"], 1)
    assert found["values"]["mrr@4"] in (0.5, 1.0)  # items 2 and 3 have one user each: a tie
    assert found["full_ranking"]["mrr@4"] in (1 / 3, 1 / 4)
    assert found["peak_memory_mb"] > 0


def test_values_are_means_over_the_splits():
    users, items = np.divmod(np.arange(60), 10)
    data = Interactions.from_columns("grid", users, items, 1.0 + (users + items) % 5, rating_scale=(1, 5))
    splits = [Split(data, part) for part in surprise_parts(data, 5)]
    each = [measure_row(Protocol([split]), "bias", {}, ["rmse", "mae"], 1)["values"] for split in splits]
    together = measure_row(Protocol(splits), "bias", {}, ["rmse", "mae"], 1)["values"]
    assert together["rmse"] == pytest.approx(np.mean([values["rmse"] for values in each]))
    assert together["rmse"] >= together["mae"] > 0


def test_the_mean_of_several_model_seeds_is_judged_and_their_spread_told():
    users, items = np.divmod(np.arange(60), 10)
    data = Interactions.from_columns("grid", users, items, 1.0 + (users + items) % 5, rating_scale=(1, 5))
    protocol = Protocol([Split(data, part) for part in surprise_parts(data, 3)])
    own = {"factors": 2, "iterations": 3}
    one, three = (measure_row(protocol, "svd", own, ["rmse"], 1, seeds) for seeds in (1, 3))
    values = [of_seed["rmse"] for of_seed in three["by_seed"]]
    assert len(set(values)) == 3
    assert one["values"]["rmse"] == values[0]
    assert three["values"]["rmse"] == pytest.approx(np.mean(values))
    row = SuiteRow("svd", {"rmse": "0.9"}, settings_from="us")
    suite = Suite("title", "grid", "surprise-folds", "", "", [row])
    assert judge(suite, row, one).settings_from == "us"
    told = f"us; mean of 3 seeds (rmse {min(values):.4f} to {max(values):.4f})"
    assert judge(suite, row, three).settings_from == told


@pytest.fixture
def real(data_folder, monkeypatch):
    """A function: skips where the machine hasn't this data."""
    monkeypatch.setenv("BENCH_DATA", str(data_folder))

    def need(*names):
        if missing := [name for name in names if not (data_folder / name).is_dir()]:
            pytest.skip(f"no {missing[0]}")

    return need


def test_the_folds_of_the_real_file_hold_a_fifth_each(real):
    real("ml-100k")
    splits = surprise_folds("ml-100k").splits
    assert [split.in_test.sum() for split in splits] == [20_000] * 5
    assert np.array_equal(np.sum([split.in_test for split in splits], axis=0), np.ones(100_000))
    assert all(split.interactions.rating_scale == (1, 5) for split in splits)


def test_the_published_split_is_the_one_that_came_with_the_data(real):
    real("gowalla")
    protocol = published_split("gowalla")
    (split,) = protocol.splits
    assert protocol.candidates is None
    assert (np.count_nonzero(~split.in_test), np.count_nonzero(split.in_test)) == (810_128, 217_242)


def test_the_held_out_item_is_among_its_sampled_candidates(real):
    real("ml-1m", "ml-1m-ncf")
    protocol = sampled_candidates("ml-1m")
    (split,) = protocol.splits
    assert protocol.candidates.shape == (6040, 100)
    held_out = np.empty(6040, np.int32)
    held_out[split.interactions.users[split.in_test]] = split.interactions.items[split.in_test]
    assert (protocol.candidates == held_out[:, None]).any(axis=1).all()


def test_suites_may_name_the_protocols_that_there_are():
    assert set(ALLOWED) == set(PROTOCOLS)
