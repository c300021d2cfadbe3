import threading
from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from bench.ranking import FEWEST_SCORES, SEATS, Ranked, RankingError, rank
from recsys_impl.base import top_k


def some_split(rng, n_users=40, n_items=30, seen_share=0.3, relevant_share=0.2):
    """Disjoint seen and relevant items of every user; users 0, 1 and 2 have no, one and two relevant items."""
    chance = rng.random((n_users, n_items))
    seen = chance < seen_share
    relevant = (chance >= seen_share) & (chance < seen_share + relevant_share)
    relevant[:3] = False
    for user, items in enumerate([[], [4], [5, 6]]):
        relevant[user, items] = True
        seen[user, items] = False
    return sp.csr_matrix(seen.astype(np.float32)), sp.csr_matrix(relevant.astype(np.float32))


def table_scorer(scores):
    return lambda users: scores[users]


def slow_auc(scores, seen, relevant):
    """Compare every relevant item with every other candidate."""
    others = [i for i in range(len(scores)) if i not in seen and i not in relevant]
    wins = [(scores[r] > scores[o]) + (scores[r] == scores[o]) / 2 for r in relevant for o in others]
    return sum(wins) / len(wins) if wins else np.nan


def same(one, other):
    for name in ("users", "lists", "hits", "n_relevant", "auc"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)


def in_user_order(ranked):
    return ranked.take(np.argsort(ranked.users))


@pytest.mark.parametrize("n_items", [30, 300])
@pytest.mark.parametrize("decimals", [0, 1, 6])
def test_lists_hits_and_auc_are_those_of_a_slow_version(n_items, decimals):
    rng = np.random.default_rng(n_items + decimals)
    seen, relevant = some_split(rng, n_items=n_items)
    scores = np.round(rng.normal(size=seen.shape), decimals).astype(np.float32)
    users = np.arange(1, 15)
    ranked = rank(table_scorer(scores), users, seen, relevant, k=12, seed=7)
    masked = np.where(seen.toarray() > 0, -np.inf, scores).astype(np.float32)
    expected, _ = top_k(masked[users], users, 12, seed=7)
    np.testing.assert_array_equal(ranked.lists, expected)
    for row, user in enumerate(users):
        own = set(relevant[user].indices.tolist())
        assert ranked.hits[row].tolist() == [item in own for item in ranked.lists[row].tolist()]
        assert ranked.n_relevant[row] == len(own)
        assert ranked.auc[row] == pytest.approx(
            slow_auc(scores[user], set(seen[user].indices), own), abs=1e-12, nan_ok=True
        )


@pytest.mark.parametrize("decimals", [0, 6])
def test_auc_is_scikit_learns_over_the_candidates(decimals):
    rng = np.random.default_rng(decimals)
    seen, relevant = some_split(rng, n_items=200)
    scores = np.round(rng.normal(size=seen.shape), decimals).astype(np.float32)
    users = np.arange(1, 40)
    ranked = rank(table_scorer(scores), users, seen, relevant, k=5, seed=0)
    candidates = seen.toarray() == 0
    for row, user in enumerate(users):
        labels = relevant[user].toarray()[0][candidates[user]]
        assert ranked.auc[row] == pytest.approx(roc_auc_score(labels, scores[user][candidates[user]]), abs=1e-12)


@pytest.mark.parametrize(("n_users", "n_items", "factors"), [(60, 7, 64), (60, 50, 64), (50, 101, 32), (50, 900, 48)])
def test_neither_user_order_nor_block_nor_threads_change_a_digit(n_users, n_items, factors):
    # Each item has a twin with the two halves of its factors swapped, each user twice the same half: twins' scores
    # differ by rounding only, so that a product with other digits would show in the order of the lists.
    rng = np.random.default_rng(n_items)
    half = rng.normal(size=(n_users, factors // 2)).astype(np.float32)
    users = np.hstack([half, half])
    items = rng.normal(size=(n_items, factors)).astype(np.float32)
    items[n_items // 2 :] = np.roll(items[: n_items - n_items // 2], factors // 2, axis=1)
    seen, relevant = some_split(rng, n_users, n_items, seen_share=0.1)

    def score(codes):
        return users[codes] @ items.T

    everyone = np.arange(n_users)
    reference = rank(score, everyone, seen, relevant, k=7, seed=1)
    for block in (1, 2, 3, 7, 16, 1000):
        for threads in (1, 2, 5):
            shuffled = rng.permutation(n_users)
            for concurrent in (False, True):
                how = {"block_bytes": 4 * n_items * block, "threads": threads, "concurrent": concurrent}
                same(in_user_order(rank(score, shuffled, seen, relevant, 7, 1, **how)), reference)
    alone = [rank(score, [user], seen, relevant, k=7, seed=1) for user in (0, 1, n_users - 1)]
    for user, ranked in zip((0, 1, n_users - 1), alone, strict=True):
        same(ranked, reference.take([user]))


@pytest.mark.parametrize("concurrent", [False, True])
def test_a_model_is_asked_by_several_threads_at_once_only_where_that_is_allowed(concurrent):
    seen, relevant = some_split(np.random.default_rng(0))
    asking, most, meeting = [], [], threading.Barrier(2 if concurrent else 1)

    def score(users):
        asking.append(None)
        meeting.wait(timeout=20)  # allowed to, two threads come here together
        most.append(len(asking))
        asking.pop()
        return np.zeros((len(users), relevant.shape[1]), np.float32)

    how = {"block_bytes": 4 * relevant.shape[1] * 20, "threads": 2, "concurrent": concurrent}
    rank(score, np.arange(40), seen, relevant, 3, 0, **how)
    assert max(most) == (2 if concurrent else 1)


def test_a_model_is_asked_for_no_more_users_than_a_block_and_never_for_one():
    rng = np.random.default_rng(0)
    seen, relevant = some_split(rng, n_users=101, n_items=6000)
    asked = []

    def score(users):
        asked.append(len(users))
        return np.zeros((len(users), 6000), np.float32)

    rank(score, np.arange(101), seen, relevant, k=3, seed=0, block_bytes=4 * 6000 * 50)
    assert asked == [48, 48, 24]
    asked.clear()
    rank(lambda users: score(users)[:, :30], [5], *some_split(rng), k=3, seed=0)
    assert asked == [144]
    assert FEWEST_SCORES <= 144 * 30


def test_a_user_sits_in_the_same_place_in_any_company():
    rng = np.random.default_rng(0)
    seen, relevant = some_split(rng, n_users=101, n_items=6000)
    places = {}

    def score(users):
        assert len(users) % SEATS == 0
        for place, user in enumerate(users.tolist()):
            places.setdefault(user, set()).add(place % SEATS)
        return np.zeros((len(users), 6000), np.float32)

    for users in ([7], [100, 7, 31], rng.permutation(101)):
        asked_for = set(users) if len(users) < 9 else set(range(101))
        rank(score, users, seen, relevant, k=3, seed=0)
        assert all(user % SEATS in places[user] for user in asked_for)


def test_seen_items_are_never_listed_whatever_their_rating():
    seen = sp.csr_matrix((np.array([0.0, 1.0, -2.0]), ([0, 0, 1], [0, 2, 1])), shape=(2, 4))  # a stored 0 counts
    relevant = sp.csr_matrix((np.ones(2), ([0, 1], [1, 0])), shape=(2, 4))
    ranked = rank(table_scorer(np.tile([4.0, 3, 2, 1], (2, 1))), [0, 1], seen, relevant, k=4, seed=0)
    assert ranked.lists.tolist() == [[1, 3, -1, -1], [0, 2, 3, -1]]
    assert ranked.hits.tolist() == [[True, False, False, False], [True, False, False, False]]
    assert ranked.auc.tolist() == [1, 1]


def test_pairs_stored_twice_or_out_of_order_count_once():
    once = sp.csr_matrix(([1.0, 1.0], ([0, 0], [0, 3])), shape=(1, 6))
    twice = sp.csr_matrix((np.ones(3), np.array([3, 0, 3]), np.array([0, 3])), shape=(1, 6))
    relevant = sp.csr_matrix(([1.0, 1.0], ([0, 0], [1, 4])), shape=(1, 6))
    untidy = sp.csr_matrix((np.ones(3), np.array([4, 1, 4]), np.array([0, 3])), shape=(1, 6))
    score = table_scorer(np.array([[1.0, 2, 3, 4, 5, 6]]))
    one, other = rank(score, [0], once, relevant, 4, 0), rank(score, [0], twice, untidy, 4, 0)
    same(one, other)
    same(replace(other, auc=one.auc), Ranked.from_lists([0], one.lists, twice, untidy, one.auc))
    assert one.auc.tolist() == [0.25]
    assert twice.nnz == 3
    assert other.catalogue.train_counts.tolist() == [1, 0, 0, 1, 0, 0]


def test_an_item_unknown_to_train_is_a_candidate_and_stays_in_the_denominator():
    seen = sp.csr_matrix([[1, 0, 0, 0], [1, 1, 0, 0]])
    relevant = sp.csr_matrix([[0, 1, 0, 1], [0, 0, 0, 1]])
    ranked = rank(table_scorer(np.tile([1.0, 4, 3, 2], (2, 1))), [0, 1], seen, relevant, k=1, seed=0)
    assert ranked.n_relevant.tolist() == [2, 1]
    assert ranked.lists.tolist() == [[1], [2]]
    assert ranked.auc.tolist() == [0.5, 0.0]


def test_there_is_no_auc_without_a_candidate_that_is_not_relevant():
    seen, relevant = sp.csr_matrix([[1, 0, 0], [1, 1, 1]]), sp.csr_matrix([[0, 1, 1], [0, 0, 0]])
    ranked = rank(lambda users: np.ones((len(users), 3)), [0, 1], seen, relevant, k=3, seed=0)
    assert np.isnan(ranked.auc).all()
    assert sorted(ranked.lists[0].tolist()) == [-1, 1, 2]
    assert ranked.lists[1].tolist() == [-1, -1, -1]


def test_no_users_give_no_lists():
    ranked = rank(lambda users: np.ones((len(users), 30)), [], *some_split(np.random.default_rng(0)), k=3, seed=0)
    assert ranked.lists.shape == ranked.hits.shape == (0, 3)
    assert len(ranked) == len(ranked.auc) == 0


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("threads", [1, 3])
def test_a_score_that_is_not_finite_is_an_error_that_names_the_user(value, threads):
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(40, 30)).astype(np.float32)
    scores[23, 11] = value
    with pytest.raises(RankingError, match=rf"user 23 for item 11 \(codes\) is {value}.*must be finite"):
        rank(table_scorer(scores), np.arange(40), *some_split(rng), k=5, seed=0, threads=threads)


def test_a_score_that_is_not_finite_is_an_error_even_at_a_seen_item():
    seen, relevant = sp.csr_matrix([[1, 0, 0]]), sp.csr_matrix([[0, 1, 0]])
    with pytest.raises(RankingError, match="user 0 for item 0"):
        rank(table_scorer(np.array([[np.nan, 1, 2]])), [0], seen, relevant, k=2, seed=0)


@pytest.mark.filterwarnings("error")
def test_a_score_beyond_float32_is_reported_as_not_finite():
    scores = np.ones((40, 30))
    scores[3, 4] = 1e40
    with pytest.raises(RankingError, match="user 3 for item 4"):
        rank(table_scorer(scores), np.arange(40), *some_split(np.random.default_rng(0)), k=5, seed=0)


@pytest.mark.parametrize(
    ("score", "message"),
    [
        (
            lambda users: np.zeros((len(users), 31)),
            r"shape \(144, 31\) for 144 users and 30 items.*must give \(144, 30\)",
        ),
        (lambda users: np.zeros(len(users)), r"shape \(144,\)"),
        (lambda users: sp.csr_matrix((len(users), 30)), r"shape \(\)"),
        (lambda users: np.zeros((len(users), 30), complex), "array of complex128.*must give numbers"),
        (lambda users: np.full((len(users), 30), "1"), "array of <U1"),
    ],
)
def test_scores_of_a_wrong_shape_or_kind_are_an_error_that_says_what_is_expected(score, message):
    with pytest.raises(RankingError, match=message):
        rank(score, np.arange(40), *some_split(np.random.default_rng(0)), k=5, seed=0)


@pytest.mark.parametrize(
    "kind", ["float32", "float64", "column order", "integers", "half", "read-only", "one row for all"]
)
def test_the_models_array_is_read_in_any_layout_and_never_written_to(kind):
    rng = np.random.default_rng(0)
    seen, relevant = some_split(rng, n_users=240)
    original = rng.permutation(240 * 30).reshape(240, 30) % 512  # whole numbers are the same in every type
    if kind == "one row for all":
        original[:] = original[0]
    kept = {
        "float32": lambda: original.astype(np.float32),
        "float64": lambda: original.astype(np.float64),
        "column order": lambda: np.asfortranarray(original, dtype=np.float32),
        "integers": lambda: original.copy(),
        "half": lambda: original.astype(np.float16),
        "read-only": lambda: original.astype(np.float32),
        "one row for all": lambda: np.broadcast_to(original[0].astype(np.float32), original.shape),
    }[kind]()
    if kind == "read-only":
        kept.flags.writeable = False
    ranked = rank(lambda users: kept[: len(users)], np.arange(240), seen, relevant, k=5, seed=0)
    np.testing.assert_array_equal(kept, original)
    same(ranked, rank(table_scorer(original.astype(np.float32)), np.arange(240), seen, relevant, k=5, seed=0))


def test_a_constant_scorer_gets_what_chance_gives_and_covers_the_catalogue():
    rng = np.random.default_rng(0)
    seen, relevant = some_split(rng, n_users=150, n_items=500, seen_share=0.2, relevant_share=0.05)
    users = np.arange(1, 150)
    candidates = 500 - np.diff(seen.indptr)[users]
    chance = (np.diff(relevant.indptr)[users] / candidates).mean()
    found = []
    for seed in range(20):
        ranked = rank(lambda users: np.ones((len(users), 500)), users, seen, relevant, k=10, seed=seed)
        assert (ranked.auc == 0.5).all()
        assert len(np.unique(ranked.lists)) > 0.9 * 500
        found.append(ranked.hits.mean())
    standard_error = np.sqrt(chance * (1 - chance) / (20 * len(users) * 10))
    assert abs(np.mean(found) - chance) < 4 * standard_error


def test_a_perfect_scorer_lists_the_relevant_items_first():
    seen, relevant = some_split(np.random.default_rng(0))
    users = np.arange(1, 40)
    ranked = rank(table_scorer(relevant.toarray()), users, seen, relevant, k=10, seed=0)
    assert (ranked.auc == 1).all()
    assert (ranked.cumulative_hits == np.minimum(ranked.n_relevant[:, None], np.arange(1, 11))).all()


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10**6), levels=st.integers(1, 50), n_items=st.integers(8, 60))
def test_turning_the_scores_round_turns_the_auc_round(seed, levels, n_items):
    rng = np.random.default_rng(seed)
    seen, relevant = some_split(rng, n_users=10, n_items=n_items + 2)
    scores = rng.integers(0, levels, size=seen.shape)
    up = rank(table_scorer(scores), np.arange(10), seen, relevant, k=3, seed=0).auc
    down = rank(table_scorer(-scores), np.arange(10), seen, relevant, k=3, seed=0).auc
    np.testing.assert_allclose(up + down, np.where(np.isnan(up), np.nan, 1), atol=1e-12)
    assert np.nanmin(up) >= 0
    assert np.nanmax(up) <= 1


def test_lists_of_another_program_are_judged_without_scores():
    seen, relevant = sp.csr_matrix([[1, 0, 0, 0], [0, 1, 0, 0]]), sp.csr_matrix([[0, 1, 1, 0], [0, 0, 0, 1]])
    ranked = Ranked.from_lists([1, 0], [[2, 3, -1], [1, -1, -1]], seen, relevant)
    assert ranked.hits.tolist() == [[False, True, False], [True, False, False]]
    assert ranked.n_relevant.tolist() == [1, 2]
    assert np.isnan(ranked.auc).all()
    assert (ranked.catalogue.n_users, ranked.catalogue.n_items) == (2, 4)
    assert ranked.catalogue.train_counts.tolist() == [1, 1, 0, 0]


@pytest.mark.parametrize("code", [-2, 4])
def test_a_list_with_an_item_that_does_not_exist_is_an_error(code):
    nothing = sp.csr_matrix((2, 4))
    with pytest.raises(RankingError, match=f"item code {code}: there are 0 to 3, and -1 for none"):
        Ranked.from_lists([0, 1], [[0, 1], [3, code]], nothing, nothing)


def test_taking_users_takes_all_that_is_known_of_them():
    rng = np.random.default_rng(0)
    seen, relevant = some_split(rng)
    scores = rng.normal(size=seen.shape)
    ranked = rank(table_scorer(scores), np.arange(40), seen, relevant, k=5, seed=0)
    ranked.cumulative_hits  # noqa: B018  (computed before, it must not be taken over)
    chosen = np.array([3, 30, 3])
    same(ranked.take(chosen), rank(table_scorer(scores), chosen, seen, relevant, k=5, seed=0))
    same(ranked.take(ranked.users % 2 == 0), ranked.take(np.arange(0, 40, 2)))
    np.testing.assert_array_equal(ranked.take(chosen).cumulative_hits, ranked.cumulative_hits[chosen])


def test_a_model_may_give_the_same_memory_each_time():
    """One thread's turn to score must not write into what another is ranking."""
    rng = np.random.default_rng(5)
    seen, relevant = some_split(rng, n_items=3000)
    table = rng.normal(size=seen.shape).astype(np.float32)
    memory = np.empty((1000, 3000), np.float32)

    def score(users):
        memory[: len(users)] = table[users]
        return memory[: len(users)]

    users = np.resize(np.arange(1, 15), 400)
    plain = rank(table_scorer(table), users, seen, relevant, k=5, seed=0)
    same(rank(score, users, seen, relevant, k=5, seed=0, block_bytes=1, threads=4), plain)
