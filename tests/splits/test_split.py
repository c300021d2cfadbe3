"""A split is a mask over interactions."""

import numpy as np
import pytest

from splits import Interactions, Split, SplitError


@pytest.fixture
def interactions():
    return Interactions.from_columns("four", ["a", "a", "b", "c"], [1, 2, 1, 3], [5, 4, 3, 2])


def split_of(interactions, *flags):
    return Split(interactions, np.array(flags))


def test_train_and_test_are_the_two_halves_of_the_mask(interactions):
    split = split_of(interactions, False, True, False, True)
    assert split.train.ratings.tolist() == [5, 3]
    assert split.test.ratings.tolist() == [4, 2]
    assert split.train.n_users == split.test.n_users == 3


def test_cold_users_and_items_have_test_interactions_only(interactions):
    split = split_of(interactions, False, True, False, True)
    assert interactions.user_ids[split.cold_users].tolist() == ["c"]
    assert interactions.item_ids[split.cold_items].tolist() == [2, 3]
    warm = split_of(interactions, True, False, False, False)
    assert len(warm.cold_users) == len(warm.cold_items) == 0


def test_the_hash_changes_with_the_mask_and_with_the_data(interactions):
    masks = [(False, True, False, True), (False, True, True, False), (True, False, False, False)]
    hashes = {split_of(interactions, *mask).content_hash for mask in masks}
    assert len(hashes) == 3
    assert split_of(interactions, *masks[0]).content_hash in hashes
    other = Interactions.from_columns("four", ["a", "a", "b", "c"], [1, 2, 1, 3], [5, 4, 3, 1])
    assert split_of(other, *masks[0]).content_hash not in hashes


@pytest.mark.parametrize("mask", [np.array([0, 1, 0, 1]), np.array([True, False]), np.ones((4, 1), dtype=bool)])
def test_what_is_no_mask_of_the_interactions_is_an_error(interactions, mask):
    """Integers would do the wrong thing silently: ~0 is -1, the last row."""
    with pytest.raises(SplitError, match=r"in_test must be bool of shape \(4,\), not"):
        Split(interactions, mask)


def test_columns_given_to_from_columns_are_not_shared():
    """Nothing that the caller does to the arrays later changes the interactions."""
    users, items = np.array([0, 0, 1]), np.array([0, 1, 1])
    ratings, times = np.array([3, 4, 5], np.float32), np.array([9, 8, 7])
    interactions = Interactions.from_columns("small", users, items, ratings, times)
    for column in (users, items, ratings, times):
        column[:] = 0
    assert interactions.ratings.tolist() == [3, 4, 5]
    assert interactions.timestamps.tolist() == [9, 8, 7]
    assert interactions.users.tolist() == [0, 0, 1]
    assert interactions.items.tolist() == [0, 1, 1]
