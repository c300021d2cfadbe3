"""What a run counts about its lists, its items and its users."""

import numpy as np
import pytest
import scipy.sparse as sp

from bench.ranking import Ranked
from bench.runner import count_faults, count_per_item, run_cell
from recsys_impl import Popularity


class Lists:
    def __init__(self, users, lists):
        self.users, self.lists = np.array(users), np.array(lists, np.int32)


class Trained:
    """User 0 has seen nothing, user 1 items 0 and 1, user 2 all but item 3."""

    seen = sp.csr_matrix(np.array([[0, 0, 0, 0], [1, 1, 0, 0], [1, 1, 1, 0]]))


def test_complete_lists_have_no_faults():
    lists = Lists([0, 1, 2], [[0, 1, 2], [2, 3, -1], [3, -1, -1]])
    assert count_faults(lists, Trained()) == {"n_short_lists": 0, "n_seen_recommended": 0}


def test_an_empty_place_counts_only_where_there_was_a_candidate_for_it():
    lists = Lists([2, 1, 0], [[3, -1, -1], [2, -1, -1], [-1, -1, -1]])
    assert count_faults(lists, Trained()) == {"n_short_lists": 2, "n_seen_recommended": 0}


def test_seen_items_are_counted():
    lists = Lists([0, 1, 2], [[0, 1, 2], [1, 0, 3], [3, 2, -1]])
    assert count_faults(lists, Trained())["n_seen_recommended"] == 3


def test_items_are_counted_where_they_are_recommended_and_where_they_hit():
    relevant = sp.csr_matrix(np.array([[0, 1, 1, 0], [0, 0, 0, 1]]))
    ranked = Ranked.from_lists([0, 1], [[1, 0, 2], [3, 1, -1]], sp.csr_matrix((2, 4)), relevant)
    counts = count_per_item(ranked, [1, 3])
    assert {name: values.tolist() for name, values in counts.items()} == {
        "recommended@1": [0, 1, 0, 1],
        "hits@1": [0, 1, 0, 1],
        "recommended@3": [1, 2, 1, 1],
        "hits@3": [0, 1, 1, 1],
    }
    assert all(values.dtype == np.int32 for values in counts.values())


def test_a_cell_counts_per_item_over_evaluated_users_and_per_user_what_is_in_train(small_split, make_task):
    result = run_cell(Popularity, small_split, make_task())
    evaluated = result.per_user["n_relevant"] > 0
    n_items = small_split.interactions.n_items
    for k in (5, 10):
        expected = np.bincount(result.lists[evaluated, :k].ravel(), minlength=n_items)
        np.testing.assert_array_equal(result.per_item[f"recommended@{k}"], expected)
        hits = result.per_item[f"hits@{k}"].sum()
        assert hits / (k * evaluated.sum()) == pytest.approx(result.metrics[f"precision@{k}"].value)
    in_train = np.bincount(small_split.train.users, minlength=small_split.interactions.n_users)
    np.testing.assert_array_equal(result.per_user["n_train"], in_train[result.users])
    assert result.per_user["n_train"].dtype == np.int32
