"""Models that lie about their shapes fail by name; odd ones that keep to the contract get their numbers."""

import numpy as np
import pytest
import scipy.sparse as sp

import splits
from bench.curve import Watch
from bench.ranking import RankingError
from bench.registry import METRICS, resolve
from bench.runner import ContractError, Material, Task, fit, run_cell
from reports.result import Cell
from splits import Interactions


class Honest:
    """The base of the models below: popularity by hand, and ratings that are all 3."""

    def fit(self, user_items):
        self.counts = np.asarray(user_items.sum(axis=0), np.float32).ravel()
        return self

    def score(self, user_ids):
        return np.tile(self.counts, (len(user_ids), 1))

    def predict(self, user_ids, item_ids):
        return np.full(len(user_ids), 3.0)

    def similar_items(self, item_ids, N=10):
        return np.tile(np.arange(3), (len(item_ids), 1)), np.ones((len(item_ids), 3))


def liar(**methods):
    return type("Liar", (Honest,), methods)()


def toy():
    """40 users x 12 items with ratings."""
    random = np.random.default_rng(0)
    users, items = np.array([(user, item) for user in range(40) for item in random.permutation(12)[:6]]).T
    ratings = random.integers(1, 6, len(users))
    return Interactions.from_columns("toy", users, items, ratings, relevance_threshold=3, rating_scale=(1, 5))


def cell(model, learns_from="ratings"):
    """The result of a model on the toy set."""
    data = toy()
    metrics = {name: (row, resolve(row.target)) for name, row in METRICS.items()}
    task = Task(
        Cell("toy", "random", 0, "liar", {}, 0), "k", {}, learns_from, [3, 5], metrics, known_items=[0, 1], threads=2
    )
    return run_cell(lambda: model, splits.random(data, 0), task)


class BadAttribute(Honest):
    @property
    def predict(self):
        raise RuntimeError("not here")


LIES = {
    "scores of the wrong shape": (liar(score=lambda self, users: np.zeros((len(users), 3))), r"shape \(2, 3\)"),
    "scores turned": (liar(score=lambda self, users: np.zeros((12, len(users)))), r"shape \(12, 2\)"),
    "one score a user": (liar(score=lambda self, users: np.zeros(len(users))), r"shape \(2,\)"),
    "no scores": (liar(score=lambda self, users: None), "NoneType"),
    "a list of scores": (liar(score=lambda self, users: [[0.0] * 12] * len(users)), "list for 2 users"),
    "sparse scores": (liar(score=lambda self, users: sp.csr_matrix((len(users), 12))), "expected"),
    "masked scores": (liar(score=lambda self, users: np.ma.zeros((len(users), 12))), "masked"),
    "objects": (liar(score=lambda self, users: np.full((len(users), 12), "a", object)), "type object"),
    "texts": (liar(score=lambda self, users: np.full((len(users), 12), "1")), "expected numbers"),
    "complex scores": (liar(score=lambda self, users: np.full((len(users), 12), 1j)), "complex128"),
    "scores that aren't numbers": (liar(score=lambda self, users: np.full((len(users), 12), np.nan)), "is nan"),
    "endless scores": (liar(score=lambda self, users: np.full((len(users), 12), np.inf)), "is inf"),
    "scores beyond float32": (liar(score=lambda self, users: np.full((len(users), 12), 1e300)), "is inf"),
    "the right shape for two users": (liar(score=lambda self, users: np.zeros((2, 12))), r"shape \(2, 12\)"),
    "one prediction": (liar(predict=lambda self, users, items: 3.0), r"float64 of shape \(\): expected"),
    "one prediction in a list": (liar(predict=lambda self, users, items: [3.0]), r"of shape \(1,\): expected"),
    "too few predictions": (liar(predict=lambda self, users, items: np.zeros(len(users) - 1)), "expected numbers of"),
    "predictions a column": (liar(predict=lambda self, users, items: np.zeros((len(users), 1))), "expected numbers"),
    "masked predictions": (liar(predict=lambda self, users, items: np.ma.zeros(len(users))), "expected numbers"),
    "predicted texts": (liar(predict=lambda self, users, items: ["3"] * len(users)), "expected numbers"),
    "predictions that aren't numbers": (liar(predict=lambda self, users, items: users * np.nan), "not finite"),
    "no neighbours": (liar(similar_items=lambda self, items, N: None), "similar_items.* must give"),
    "neighbours alone": (liar(similar_items=lambda self, items, N: np.zeros((2, 3), int)), "similar_items.* must give"),
    "too few neighbours": (liar(similar_items=lambda self, items, N: ([[1]], [[1]])), "2 rows"),
    "neighbours that aren't items": (liar(similar_items=lambda self, items, N: ([[99]] * 2, [[1]] * 2)), "below 12"),
    "neighbours that aren't numbers": (liar(similar_items=lambda self, items, N: ([["a"]] * 2, [])), "whole numbers"),
    "an attribute that raises": (BadAttribute(), "not here"),
}  # fmt: skip


@pytest.mark.parametrize("lie", LIES)
def test_a_model_that_lies_is_refused_by_name(lie):
    model, message = LIES[lie]
    with pytest.raises((ContractError, RankingError, RuntimeError), match=message):
        cell(model)


def spoil(self, user_items):
    Honest.fit(self, user_items)
    user_items.data[:] = 0
    return  # not self


def shared_buffer(self, users):
    """The same memory each time, as a model does that saves allocations; it is overwritten by the next call."""
    if getattr(self, "buffer", None) is None:
        self.buffer = np.empty((10_000, 12), np.float32)
    self.buffer[:] = -self.counts
    self.buffer[: len(users)] = self.counts
    return self.buffer[: len(users)]


def kept_matrices(self, user_items):
    self.lists, self.places, self.keys = user_items.tolil(), user_items.tocoo(), user_items.todok()
    return Honest.fit(self, user_items)


def overwrite_arguments(self, users):
    scores = Honest.score(self, users)
    users[:] = 0
    return scores


ODD = {
    "writes into the matrix and gives None": liar(fit=spoil),
    "one buffer for all": liar(score=shared_buffer),
    "keeps other sparse matrices": liar(fit=kept_matrices),
    "writes into the users": liar(score=overwrite_arguments),
    "half precision": liar(score=lambda self, users: Honest.score(self, users).astype(np.float16)),
    "whole numbers": liar(score=lambda self, users: Honest.score(self, users).astype(np.int64)),
    "not in one piece": liar(score=lambda self, users: np.asfortranarray(Honest.score(self, users))),
    "read-only": liar(score=lambda self, users: np.broadcast_to(self.counts, (len(users), 12))),
    "no similar item": liar(similar_items=lambda self, items, N: (np.full((2, 3), -1), np.zeros((2, 3)))),
}  # fmt: skip


@pytest.mark.parametrize("oddity", ODD)
def test_an_odd_model_gets_the_numbers_of_the_plain_one(oddity):
    plain, odd = cell(Honest()), cell(ODD[oddity])
    np.testing.assert_array_equal(odd.lists, plain.lists)
    assert {name: value.value for name, value in odd.metrics.items()} == {
        name: value.value for name, value in plain.metrics.items()
    }


def test_a_callback_may_be_called_with_what_a_loop_has():
    heard = []

    class Calls(Honest):
        def fit(self, user_items, callback=None):
            callback(np.int64(0))
            callback(1, 0.5, loss=3.0)
            return super().fit(user_items)

    model = Calls()
    task = Task(Cell("toy", "random", 0, "calls", {}, 0), "", {}, "positives", [3], {}, tell=lambda *e: heard.append(e))
    fit(
        model, Material(splits.random(toy(), 0), "positives"), task, Watch(tell=lambda epoch: task.tell("epoch", epoch))
    )
    assert heard == [("epoch", 1), ("epoch", 2)]
    assert [type(value) for _, value in heard] == [int, int]
