"""What a run counts about its lists."""

import numpy as np
import scipy.sparse as sp

from bench.runner import count_faults


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
