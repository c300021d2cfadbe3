import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from recsys_impl.base import top_k
from recsys_impl.kernels import topk

WORD = 2**64


def slow_hash(seed, user, item):
    """The tie hash in Python's whole numbers."""

    def mix(x):
        x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9 % WORD
        x = (x ^ (x >> 27)) * 0x94D049BB133111EB % WORD
        return x ^ (x >> 31)

    golden = 0x9E3779B97F4A7C15
    return mix((mix((seed * golden + user) % WORD) + (item + 1) * golden) % WORD)


def slow_top_k(scores, users, k, seed):
    """Sort everything; the larger hash first among equal scores."""
    lists = np.full((len(scores), k), -1)
    best = np.full((len(scores), k), -np.inf)
    for row, user in enumerate(users):
        candidates = [item for item in range(scores.shape[1]) if scores[row, item] > -np.inf]
        candidates.sort(key=lambda item: (scores[row, item], slow_hash(seed, user, item)), reverse=True)
        for place, item in enumerate(candidates[:k]):
            lists[row, place], best[row, place] = item, scores[row, item]
    return lists, best


def assert_equals_slow(scores, users, k, seed=0):
    lists, best = top_k(scores, users, k, seed)
    slow_lists, slow_best = slow_top_k(scores, users.tolist(), k, seed)
    np.testing.assert_array_equal(lists, slow_lists)
    np.testing.assert_array_equal(best, slow_best)


def some_scores(kind, n_items, rng, n_users=6):
    """Scores without ties, with many, or with most of the catalogue masked."""
    scores = rng.normal(size=(n_users, n_items)).astype(np.float32)
    if kind == "ties":
        scores = np.round(scores)
    if kind == "masks":
        scores[rng.random(scores.shape) < 0.9] = -np.inf
    return scores


@pytest.mark.parametrize("kind", ["distinct", "ties", "masks"])
@pytest.mark.parametrize("n_items", [1, 2, 63, 64, 65, 127, 255, 256, 257, 1000])
@pytest.mark.parametrize("k", [1, 10, 127, 128, 129, 300])
def test_lists_are_those_of_a_full_sort(kind, n_items, k):
    rng = np.random.default_rng(n_items * 1000 + k)
    users = rng.integers(0, 10_000, size=6)
    assert_equals_slow(some_scores(kind, n_items, rng), users, k, seed=3)


@pytest.mark.parametrize("order", ["rising", "falling", "equal"])
def test_lists_are_those_of_a_full_sort_when_scores_are_already_in_order(order):
    scores = np.zeros((2, 700)) if order == "equal" else np.tile(np.arange(700.0), (2, 1))
    if order == "falling":
        scores = -scores
    assert_equals_slow(scores.astype(np.float32), np.array([4, 5]), 20)


def test_infinities_and_huge_scores_keep_their_order():
    scores = np.full((1, 400), -3e38, np.float32)
    scores[0, [7, 300]] = np.inf, 3e38
    scores[0, 9] = -np.inf
    lists, _ = top_k(scores, np.array([0]), 399)
    assert lists[0, :2].tolist() == [7, 300]
    assert 9 not in lists[0]
    assert lists[0].min() >= 0


@settings(max_examples=60, deadline=None)
@given(
    scores=arrays(
        np.float32, st.tuples(st.integers(1, 3), st.integers(1, 300)), elements=st.sampled_from([-np.inf, 0, 1, 2])
    ),
    k=st.integers(1, 140),
    seed=st.integers(0, 2**31 - 1),
)
def test_any_scores_with_ties_and_masks_are_ranked_as_by_a_full_sort(scores, k, seed):
    assert_equals_slow(scores, np.arange(len(scores)) * 17, k, seed)


def test_a_row_without_candidates_is_all_padding():
    lists, best = top_k(np.full((2, 300), -np.inf, np.float32), np.arange(2), 5)
    assert (lists == -1).all()
    assert (best == -np.inf).all()


def test_a_list_of_no_places_is_empty():
    lists, best = top_k(np.zeros((3, 10), np.float32), np.arange(3), 0)
    assert lists.shape == best.shape == (3, 0)


def test_rows_are_ranked_alike_in_any_block():
    rng = np.random.default_rng(5)
    scores, users = some_scores("ties", 600, rng, n_users=20), rng.permutation(20)
    whole, _ = top_k(scores, users, 15)
    for start, stop in [(0, 1), (1, 8), (8, 20)]:
        part, _ = top_k(scores[start:stop], users[start:stop], 15)
        np.testing.assert_array_equal(part, whole[start:stop])


def test_the_ties_hash_is_the_one_written_down():
    for seed, user, item in [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1), (2**31, 10**6, 10**5)]:
        assert int(topk.tie_hash(seed, user, item)) == slow_hash(seed, user, item)


def test_ties_follow_neither_item_order_nor_one_permutation_for_all():
    scores = np.zeros((500, 400), np.float32)
    lists, _ = top_k(scores, np.arange(500), 10)
    shares = np.bincount(lists.ravel(), minlength=400) / lists.size
    assert shares.max() < 4 / 400  # about 1 / 400 each; 1 / 10 under one permutation for all
    assert (shares > 0).all()
    first, second = shares[:200].sum(), shares[200:].sum()
    assert abs(first - second) < 0.05
    assert abs(np.corrcoef(lists[:-1].ravel(), lists[1:].ravel())[0, 1]) < 0.05


def test_another_seed_breaks_ties_another_way():
    scores = np.zeros((50, 100), np.float32)
    lists = [top_k(scores, np.arange(50), 10, seed)[0] for seed in (0, 1)]
    assert 0.05 < np.mean([np.isin(a, b).mean() for a, b in zip(*lists, strict=True)]) < 0.15


@pytest.mark.parametrize("k", [1, 2, 64, 127, 128])
def test_the_first_threshold_lets_k_items_pass(k):
    rng = np.random.default_rng(k)
    row = np.round(rng.normal(size=1000) * 20).astype(np.float32)
    threshold = topk._first_threshold(row, k, np.empty(topk.LANES, np.float32))
    lanes = np.sort(row[: 7 * topk.LANES].reshape(7, topk.LANES).max(axis=0))
    assert (row >= threshold).sum() >= (lanes >= threshold).sum() >= k
    assert threshold >= lanes[-k] - (lanes[-1] - lanes[0]) / 1000, "ten bisections come that near to the k-th largest"


def test_the_first_threshold_passes_over_lanes_that_are_masked():
    lanes = np.full(topk.LANES, -np.inf, np.float32)
    lanes[:40] = np.arange(40)
    assert 18.9 < topk._reached_by(lanes, 20) <= 20
    assert topk._reached_by(lanes, 41) == -np.inf


def test_mask_rows_writes_at_the_users_own_seen_items_only():
    seen = sp.csr_matrix([[1, 0, 0, 1], [0, 0, 0, 0], [0, 1, 1, 1]])
    scores = np.ones((3, 4), np.float32)
    topk.mask_rows(scores, np.array([2, 0, 1]), seen.indptr, seen.indices)
    masked = [np.flatnonzero(row == -np.inf).tolist() for row in scores]
    assert masked == [[1, 2, 3], [0, 3], []]
    assert scores[np.isfinite(scores)].tolist() == [1] * 7
