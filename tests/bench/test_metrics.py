import math
from itertools import combinations

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, mean_absolute_error, ndcg_score, root_mean_squared_error

from bench import metrics
from bench.metrics import RatingErrors, put_together
from bench.ranking import Ranked, rank

ACCURACY = ["precision", "recall", "recall_min", "ndcg", "average_precision", "mrr", "hit_rate"]
GROW_WITH_K = ["recall", "mrr", "hit_rate"]


# Slow second versions: one list and the set of relevant items, as the definitions are read aloud


def slow_precision(items, relevant, k):
    return sum(item in relevant for item in items[:k]) / k


def slow_recall(items, relevant, k):
    return len(set(items[:k]) & relevant) / len(relevant)


def slow_recall_min(items, relevant, k):
    return len(set(items[:k]) & relevant) / min(k, len(relevant))


def slow_ndcg(items, relevant, k):
    gained = sum(1 / math.log2(rank + 1) for rank, item in enumerate(items[:k], 1) if item in relevant)
    return gained / sum(1 / math.log2(rank + 1) for rank in range(1, min(k, len(relevant)) + 1))


def slow_average_precision(items, relevant, k):
    ranks = [rank for rank, item in enumerate(items[:k], 1) if item in relevant]
    return sum(slow_precision(items, relevant, rank) for rank in ranks) / min(k, len(relevant))


def slow_mrr(items, relevant, k):
    return next((1 / rank for rank, item in enumerate(items[:k], 1) if item in relevant), 0)


def slow_hit_rate(items, relevant, k):
    return float(any(item in relevant for item in items[:k]))


def slow_novelty(items, users_of, n_users, k):
    values = [-math.log2((len(users_of[item]) + 1) / (n_users + 1)) for item in items[:k]]
    return sum(values) / len(values) if values else math.nan


def slow_popularity(items, users_of, n_users, k):
    return sum(len(users_of[item]) for item in items[:k]) / len(items[:k]) if items[:k] else math.nan


def slow_diversity(items, users_of, n_users, k):
    cosines = [
        len(users_of[a] & users_of[b]) / math.sqrt(len(users_of[a]) * len(users_of[b]) or 1)
        for a, b in combinations(items[:k], 2)
    ]
    return 1 - sum(cosines) / len(cosines) if cosines else math.nan


def slow_coverage(lists, n_items, k):
    return len({item for items in lists for item in items[:k]}) / n_items


def slow_gini(lists, n_items, k):
    """Half the mean absolute difference of all pairs, over the mean."""
    shown = [sum(item in items[:k] for items in lists) for item in range(n_items)]
    differences = sum(abs(a - b) for a in shown for b in shown)
    return differences / (2 * n_items * sum(shown)) if sum(shown) else math.nan


def padded(lists, k):
    return np.array([list(items) + [-1] * (k - len(items)) for items in lists], np.int32).reshape(len(lists), k)


def as_rows(sets, n_items):
    dense = np.zeros((len(sets), n_items))
    for row, items in enumerate(sets):
        dense[row, list(items)] = 1
    return sp.csr_matrix(dense)


def judged(lists, relevant, n_items=10, seen=None, k=None):
    """Lists of items and sets of relevant items as Ranked; nothing in train unless given."""
    seen = as_rows([set()] * len(lists), n_items) if seen is None else seen
    k = max(map(len, lists)) if k is None else k
    return Ranked.from_lists(np.arange(len(lists)), padded(lists, k), seen, as_rows(relevant, n_items))


def some_case(seed, n_users=30, n_items=25, k=10):
    """Random lists, some short and some empty, and users with 0, 1, 2, ... relevant items, some with more than k."""
    rng = np.random.default_rng(seed)
    lists = [rng.permutation(n_items)[: rng.integers(0, k + 1)].tolist() for _ in range(n_users)]
    lists[0], lists[1] = [], [3]
    relevant = [set(rng.permutation(n_items)[:size].tolist()) for size in rng.integers(0, 16, size=n_users)]
    relevant[:5] = [{1, 2}, {3}, set(), {4}, {5, 6}]
    seen = sp.csr_matrix((rng.random((n_users, n_items)) < rng.random(n_items) ** 2).astype(np.float32))
    return lists, relevant, seen


@pytest.mark.parametrize("name", ACCURACY)
@pytest.mark.parametrize("k", [1, 2, 5, 10])
@pytest.mark.parametrize("seed", range(4))
def test_accuracy_is_that_of_the_slow_version(name, k, seed):
    lists, relevant, seen = some_case(seed)
    values = getattr(metrics, name)(judged(lists, relevant, 25, seen, k=10), k)
    slow = globals()[f"slow_{name}"]
    expected = [slow(items, own, k) if own else math.nan for items, own in zip(lists, relevant, strict=True)]
    assert values.dtype == np.float64
    np.testing.assert_allclose(values, expected, rtol=1e-12)


@pytest.mark.parametrize("name", ["novelty", "popularity", "diversity"])
@pytest.mark.parametrize("k", [1, 2, 5, 10])
@pytest.mark.parametrize("seed", range(4))
def test_what_lists_are_made_of_is_that_of_the_slow_version(name, k, seed):
    lists, relevant, seen = some_case(seed)
    values = getattr(metrics, name)(judged(lists, relevant, 25, seen, k=10), k)
    users_of = [set(seen[:, [item]].nonzero()[0].tolist()) for item in range(25)]
    expected = [globals()[f"slow_{name}"](items, users_of, 30, k) for items in lists]
    np.testing.assert_allclose(values, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", ["coverage", "gini"])
@pytest.mark.parametrize("k", [1, 2, 5, 10])
@pytest.mark.parametrize("seed", range(4))
def test_figures_of_the_catalogue_are_those_of_the_slow_version(name, k, seed):
    lists, relevant, seen = some_case(seed)
    value = getattr(metrics, name)(judged(lists, relevant, 25, seen, k=10), k)
    assert isinstance(value, float)
    assert value == pytest.approx(globals()[f"slow_{name}"](lists, 25, k))


def test_accuracy_of_a_list_worked_out_by_hand():
    ranked = judged([[7, 0, 8, 1, 9]], [{0, 1, 2}])  # hits at ranks 2 and 4, one relevant item missed
    expected = {
        "precision": 2 / 5,
        "recall": 2 / 3,
        "recall_min": 2 / 3,
        "ndcg": (1 / math.log2(3) + 1 / math.log2(5)) / (1 + 1 / math.log2(3) + 1 / 2),
        "average_precision": (1 / 2 + 2 / 4) / 3,
        "mrr": 1 / 2,
        "hit_rate": 1,
    }
    for name, value in expected.items():
        assert getattr(metrics, name)(ranked, 5) == pytest.approx([value]), name
    assert metrics.recall_min(ranked, 2) == pytest.approx([1 / 2])
    assert metrics.hit_rate(ranked, 1) == [0]


def test_more_relevant_items_than_places_bound_recall_but_not_the_others():
    ranked = judged([[0, 1]], [{0, 1, 2, 3}])
    values = {name: getattr(metrics, name)(ranked, 2)[0] for name in ACCURACY}
    assert values == {name: 0.5 if name == "recall" else 1.0 for name in ACCURACY}


@pytest.mark.parametrize("name", ACCURACY)
def test_an_empty_list_is_a_miss_and_a_user_without_relevant_items_has_no_accuracy(name):
    values = getattr(metrics, name)(judged([[], [1, 2]], [{1}, set()]), 2)
    assert values[0] == 0
    assert np.isnan(values[1])
    assert put_together("mean", values) == 0


def test_the_empty_places_of_a_short_list_count_as_misses_in_precision():
    assert metrics.precision(judged([[1]], [{1}], k=4), 4) == [0.25]


@pytest.mark.parametrize("name", [*ACCURACY, "novelty", "popularity", "diversity", "coverage", "gini"])
@pytest.mark.parametrize("k", [0, 3])
def test_a_cut_off_beyond_the_lists_is_an_error(name, k):
    with pytest.raises(ValueError, match=f"k = {k} needs lists of at least {k} places, these have 2"):
        getattr(metrics, name)(judged([[1, 2]], [{1}]), k)


def scored(seed):
    """Scores without ties, some relevant items, nothing seen; and the ranking of it."""
    rng = np.random.default_rng(seed)
    scores, labels = rng.random((20, 40)), rng.random((20, 40)) < 0.2
    labels[:, 0] = True
    nothing = sp.csr_matrix((20, 40))
    ranked = rank(lambda users: scores[users], np.arange(20), nothing, sp.csr_matrix(labels), k=40, seed=0)
    return scores, labels.astype(int), ranked


@pytest.mark.parametrize("k", [1, 5, 10, 40])
def test_ndcg_is_scikit_learns(k):
    scores, labels, ranked = scored(1)
    expected = [ndcg_score([own], [row], k=k) for own, row in zip(labels, scores, strict=True)]
    np.testing.assert_allclose(metrics.ndcg(ranked, k), expected, rtol=1e-12)


def test_average_precision_over_the_whole_catalogue_is_scikit_learns():
    scores, labels, ranked = scored(2)
    expected = [average_precision_score(own, row) for own, row in zip(labels, scores, strict=True)]
    np.testing.assert_allclose(metrics.average_precision(ranked, 40), expected, rtol=1e-12)


def test_auc_is_what_the_ranking_pass_found():
    _, _, ranked = scored(3)
    np.testing.assert_array_equal(metrics.auc(ranked), ranked.auc)
    assert np.isnan(metrics.auc(judged([[1]], [{1}]))).all()


one_user = st.tuples(
    st.permutations(range(8)), st.integers(0, 8), st.sets(st.integers(0, 7), min_size=1), st.integers(1, 8)
)


@settings(max_examples=300, deadline=None)
@given(one_user)
def test_accuracy_lies_between_0_and_1_and_what_can_only_grow_grows_with_k(case):
    items, length, relevant, k = case
    ranked = judged([items[:length]], [relevant], k=8)
    for name in ACCURACY:
        assert 0 <= getattr(metrics, name)(ranked, k)[0] <= 1, name
    for name in GROW_WITH_K:
        values = [getattr(metrics, name)(ranked, cut)[0] for cut in range(1, 9)]
        assert values == sorted(values), name
    assert metrics.recall(ranked, k)[0] <= metrics.recall_min(ranked, k)[0]
    assert metrics.average_precision(ranked, k)[0] <= metrics.recall_min(ranked, k)[0] + 1e-12


@settings(max_examples=300, deadline=None)
@given(one_user)
def test_ndcg_and_average_precision_are_1_for_perfect_lists_alone(case):
    items, length, relevant, k = case
    ranked = judged([items[:length]], [relevant], k=8)
    best = min(k, len(relevant))
    perfect = length >= best and set(items[:best]) <= relevant
    assert (metrics.ndcg(ranked, k)[0] == 1) == perfect
    assert (metrics.average_precision(ranked, k)[0] == 1) == perfect


@settings(max_examples=200, deadline=None)
@given(one_user, st.integers(0, 6))
def test_moving_a_hit_up_by_one_never_lowers_accuracy(case, place):
    items, _, relevant, k = case
    swapped = list(items)
    if items[place] not in relevant and items[place + 1] in relevant:
        swapped[place], swapped[place + 1] = items[place + 1], items[place]
    before, after = judged([items], [relevant], k=8), judged([swapped], [relevant], k=8)
    for name in ACCURACY:
        assert getattr(metrics, name)(after, k)[0] >= getattr(metrics, name)(before, k)[0] - 1e-12, name


def test_novelty_and_popularity_follow_the_train_counts():
    seen = sp.csr_matrix([[1, 1, 0], [1, 0, 0], [1, 0, 0]])  # counts 3, 1, 0 of three users
    ranked = judged([[0], [1], [2, 0]], [{1}] * 3, 3, seen)
    assert metrics.novelty(ranked, 2) == pytest.approx([0, 1, (2 + 0) / 2])
    assert metrics.popularity(ranked, 2).tolist() == [3, 1, 1.5]


def test_diversity_of_twins_strangers_and_items_that_nobody_has():
    seen = sp.csr_matrix([[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 0]])
    ranked = judged([[0, 1], [1, 2], [0, 3], [0], []], [{1}] * 5, 4, sp.vstack([seen, sp.csr_matrix((2, 4))]).tocsr())
    np.testing.assert_allclose(metrics.diversity(ranked, 2), [0, 1, 1, math.nan, math.nan], atol=1e-12)
    assert np.isnan(metrics.diversity(ranked, 1)).all()


def test_diversity_does_not_read_the_ratings():
    lists, relevant, seen = some_case(0)
    rated = seen.copy()
    rated.data = np.arange(len(rated.data)) % 6.0  # a stored rating of 0 is an interaction, too
    one, other = (metrics.diversity(judged(lists, relevant, 25, rows), 10) for rows in (seen, rated))
    np.testing.assert_array_equal(one, other)


def test_diversity_adds_up_over_more_users_than_a_chunk_of_bits_holds():
    rng = np.random.default_rng(0)
    seen = sp.random(9000, 12, density=0.2, random_state=1, format="csr")
    lists = [rng.permutation(12)[:6].tolist() for _ in range(50)]
    ranked = Ranked.from_lists(np.arange(50), padded(lists, 6), seen, sp.csr_matrix((9000, 12)))
    columns = (seen > 0).astype(float).toarray()
    cosines = columns.T @ columns / np.sqrt(np.outer(columns.sum(axis=0), columns.sum(axis=0)))
    expected = [1 - np.mean([cosines[a, b] for a, b in combinations(items, 2)]) for items in lists]
    np.testing.assert_allclose(metrics.diversity(ranked, 6), expected, rtol=1e-12)


def test_a_gini_of_0_is_equal_exposure_and_one_item_for_all_is_nearly_1():
    each_its_own = judged([[0], [1], [2], [3]], [{1}] * 4, 4)
    all_the_same = judged([[2], [2], [2], [2]], [{1}] * 4, 4)
    assert metrics.gini(each_its_own, 1) == 0
    assert metrics.gini(all_the_same, 1) == pytest.approx(1 - 1 / 4)
    assert (metrics.coverage(each_its_own, 1), metrics.coverage(all_the_same, 1)) == (1, 0.25)


def test_without_any_list_coverage_is_0_and_gini_unknown():
    ranked = judged([[], []], [{1}, {2}], k=3)
    assert metrics.coverage(ranked, 3) == 0
    assert math.isnan(metrics.gini(ranked, 3))


@pytest.mark.parametrize("name", [*ACCURACY, "novelty", "popularity", "diversity"])
def test_a_users_value_depends_on_no_other_user(name):
    lists, relevant, seen = some_case(5)
    ranked, rows = judged(lists, relevant, 25, seen, k=10), np.random.default_rng(0).permutation(30)[:11]
    metric = getattr(metrics, name)
    np.testing.assert_array_equal(metric(ranked.take(rows), 10), metric(ranked, 10)[rows])


def rating_errors(seed=0, n_users=8):
    rng = np.random.default_rng(seed)
    users = rng.integers(0, n_users - 1, size=60)  # the last user has no rating
    return RatingErrors(users, rng.uniform(1, 5, 60).astype(np.float32), rng.integers(1, 6, 60), n_users)


@pytest.mark.parametrize(
    ("metric", "rule", "reference"),
    [(metrics.rmse, "root_of_ratio", root_mean_squared_error), (metrics.mae, "ratio", mean_absolute_error)],
)
def test_rating_errors_put_together_are_scikit_learns(metric, rule, reference):
    errors = rating_errors()
    parts = metric(errors)
    assert parts.shape == (8, 2)
    assert parts[7].tolist() == [0, 0]
    assert put_together(rule, parts) == pytest.approx(reference(errors.actual, errors.predicted))
    own = errors.users == 3
    assert put_together(rule, parts[[3]]) == pytest.approx(reference(errors.actual[own], errors.predicted[own]))


def test_rating_errors_by_hand():
    errors = RatingErrors(np.array([0, 0, 1]), np.array([1.0, 2, 5]), np.array([2, 4, 5]), 2)
    assert metrics.rmse(errors).tolist() == [[5, 2], [0, 1]]
    assert metrics.mae(errors).tolist() == [[3, 2], [0, 1]]


@pytest.mark.filterwarnings("error")
def test_putting_together_leaves_out_users_without_a_value():
    assert put_together("mean", np.array([1, np.nan, 0.5])) == 0.75
    assert math.isnan(put_together("mean", np.array([np.nan])))
    assert math.isnan(put_together("mean", np.array([])))
    assert put_together("ratio", np.array([[6.0, 2], [3, 1], [0, 0]])) == 3
    assert put_together("root_of_ratio", np.array([[6.0, 1], [6, 2]])) == 2
    assert math.isnan(put_together("ratio", np.zeros((2, 2))))
    assert math.isnan(put_together("root_of_ratio", np.zeros((0, 2))))
    assert put_together("catalogue", 0.25) == 0.25


def test_a_constant_scorer_gets_what_chance_gives():
    rng = np.random.default_rng(0)
    labels = rng.random((200, 300)) < 0.05
    labels[:, 0] = True
    nothing, relevant = sp.csr_matrix(labels.shape), sp.csr_matrix(labels)
    rankings = [
        rank(lambda users: np.ones((len(users), 300)), np.arange(200), nothing, relevant, k=10, seed=seed)
        for seed in range(20)
    ]
    found = {name: np.mean([getattr(metrics, name)(ranked, 10) for ranked in rankings]) for name in ACCURACY}
    shares = labels.mean(axis=1)
    assert found["precision"] == pytest.approx(shares.mean(), rel=0.05)
    assert found["recall"] == pytest.approx(10 / 300, rel=0.05)
    missed_by_all = [math.prod((300 - n - i) / (300 - i) for i in range(10)) for n in labels.sum(axis=1)]
    assert found["hit_rate"] == pytest.approx(1 - np.mean(missed_by_all), rel=0.05)
    assert all(metrics.auc(ranked).tolist() == [0.5] * 200 for ranked in rankings)
    assert min(metrics.coverage(ranked, 10) for ranked in rankings) > 0.9
