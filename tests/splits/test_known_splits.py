"""Hand-made data whose split is known."""

import time

import numpy as np
import pytest

import splits
from splits import Interactions, SplitError


def held_out(split):
    """{user: held-out items}, ids as in the data."""
    test = split.test
    users, items = test.user_ids[test.users].tolist(), test.item_ids[test.items].tolist()
    return {user: {item for other, item in zip(users, items, strict=True) if other == user} for user in set(users)}


@pytest.fixture
def diary():
    """anna has five moments, in a file that isn't in their order; ben has two at one moment; carl has one."""
    users = ["anna", "ben", "anna", "carl", "anna", "anna", "ben", "anna"]
    items = ["e", "x", "a", "a", "c", "b", "y", "d"]
    times = [50, 7, 10, 99, 30, 20, 7, 40]
    return Interactions.from_columns("diary", users, items, None, times)


def test_leave_one_out_takes_the_last_by_time_not_the_last_in_the_file(diary):
    for seed in range(5):
        assert held_out(splits.leave_one_out(diary, seed))["anna"] == {"e"}


def test_leave_one_out_picks_one_of_two_at_the_same_moment(diary):
    found = {frozenset(held_out(splits.leave_one_out(diary, seed))["ben"]) for seed in range(20)}
    assert found == {frozenset("x"), frozenset("y")}


def test_temporal_takes_each_users_last(diary):
    assert held_out(splits.temporal(diary, 0)) == {"anna": {"e"}}
    assert held_out(splits.temporal(diary, 0, test_fraction=0.4))["anna"] == {"d", "e"}
    assert held_out(splits.temporal(diary, 0, test_fraction=0.99))["anna"] == {"b", "c", "d", "e"}


def test_global_temporal_has_one_border_for_all_and_counts_who_is_cold(diary):
    split = splits.global_temporal(diary, 0, test_fraction=0.25)
    assert held_out(split) == {"anna": {"e"}, "carl": {"a"}}
    assert diary.user_ids[split.cold_users].tolist() == ["carl"]
    assert diary.item_ids[split.cold_items].tolist() == ["e"]


def test_global_temporal_never_divides_a_moment():
    interactions = Interactions.from_columns("burst", [1, 1, 1, 2, 2, 2], [1, 2, 3, 1, 2, 3], None, [1, 2, 2, 2, 2, 2])
    assert len(splits.global_temporal(interactions, 0, test_fraction=0.2).test) == 5


def test_global_temporal_works_on_times_before_1970():
    interactions = Interactions.from_columns("old", [1, 1, 2, 2], [1, 2, 1, 2], None, [-300, -200, -100, 5])
    assert splits.global_temporal(interactions, 0, test_fraction=0.5).in_test.tolist() == [False, False, True, True]


def test_half_an_interaction_is_rounded_up():
    """0.29 * 50 is exactly 14.5, which binary floating point puts just below."""
    interactions = Interactions.from_columns("fifty", [0] * 50, range(50))
    assert len(splits.random(interactions, 0, test_fraction=0.29).test) == 15
    assert len(splits.random(interactions, 0, test_fraction=0.25).test) == 13


def test_seed_7_of_five_folds_is_the_third_fold_of_the_second_partition(of_sizes):
    interactions = of_sizes(10, 10)
    second = [splits.k_fold(interactions, seed).in_test for seed in range(5, 10)]
    assert np.array_equal(np.sum(second, axis=0), np.ones(20))
    assert not any(np.array_equal(splits.k_fold(interactions, 2).in_test, part) for part in second)


def test_fixed_takes_the_published_test_rows():
    interactions = Interactions.from_columns("given", [1, 1, 2], [1, 2, 3], held_out=[False, True, True])
    split = splits.fixed(interactions, 0)
    assert held_out(split) == {1: {2}, 2: {3}}
    assert interactions.user_ids[split.cold_users].tolist() == [2]


def test_fixed_says_how_to_give_a_test_file():
    with pytest.raises(SplitError, match=r"given comes without a split.*--test FILE.*gowalla"):
        splits.fixed(Interactions.from_columns("given", [1], [1]), 0)


@pytest.mark.parametrize(("flags", "part"), [([False, False], "test"), ([True, True], "train")])
def test_fixed_says_which_part_is_empty(flags, part):
    with pytest.raises(SplitError, match=f"the {part} part is empty"):
        splits.fixed(Interactions.from_columns("given", [1, 2], [1, 2], held_out=flags), 0)


def test_a_million_interactions_split_in_well_under_a_second():
    """The bound is loose, for busy machines; a loop over users or rows in Python would still miss it."""
    rng = np.random.default_rng(0)
    users, items = np.divmod(rng.permutation(1_000_000), 170)
    interactions = Interactions.from_columns("large", users, items, None, rng.integers(0, 10**8, 1_000_000))
    for rule in (splits.random, splits.temporal, splits.k_fold, splits.global_temporal):
        start = time.perf_counter()
        rule(interactions, 0)
        assert time.perf_counter() - start < 2


def test_movielens_splits_have_the_counts_that_its_users_give(data_folder):
    path = data_folder / "ml-100k" / "u.data"
    if not path.exists():
        pytest.skip(f"no {path}")
    users, items, ratings, times = np.loadtxt(path, dtype=np.int64).T
    interactions = Interactions.from_columns("ml-100k", users, items, ratings, times, relevance_threshold=4)
    counts = np.bincount(users)[1:]
    fifth = np.sum((counts * 2 + 5) // 10)
    assert (len(interactions), interactions.n_users, interactions.n_items) == (100_000, 943, 1682)
    assert len(splits.random(interactions, 0).test) == fifth
    assert len(splits.temporal(interactions, 0).test) == fifth
    assert len(splits.leave_one_out(interactions, 0).test) == 943
    assert len(splits.leave_k_out(interactions, 0).test) == 943 * 5
    assert [len(splits.k_fold(interactions, seed).test) for seed in range(5)] == [20_000] * 5
    assert abs(len(splits.global_temporal(interactions, 0).test) - 20_000) < 100
    positives = interactions.select(interactions.relevant)
    split = splits.global_temporal(positives, 0)
    assert (len(split.cold_users), len(np.unique(split.test.users))) == (189, 280)
