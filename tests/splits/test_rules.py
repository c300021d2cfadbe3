"""What every rule promises, checked on random small data: many ties in time, users with one and two interactions."""

from decimal import ROUND_HALF_UP, Decimal
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import splits
from splits import Interactions, Split, SplitError

PER_USER = {
    "random": splits.random,
    "random-half": partial(splits.random, test_fraction=0.5),
    "leave-k-out": splits.leave_k_out,
    "leave-2-out": partial(splits.leave_k_out, k=2),
    "leave-one-out": splits.leave_one_out,
    "leave-one-out-random": partial(splits.leave_one_out, by="random"),
    "temporal": splits.temporal,
    "temporal-most": partial(splits.temporal, test_fraction=0.9),
    "k-fold": partial(splits.k_fold, folds=2),
}
OTHERS = {
    "global-temporal": splits.global_temporal,
    "k-fold-by-row": partial(splits.k_fold, folds=2, by="row"),
    "fixed": splits.fixed,
}
EVERY = PER_USER | OTHERS
PAST_AND_FUTURE = {name: EVERY[name] for name in ("leave-one-out", "temporal", "temporal-most", "global-temporal")}

SEEDS = st.integers(0, 1000)
FRACTIONS = st.integers(1, 99).map(lambda hundredths: hundredths / 100)


@st.composite
def small_interactions(draw):
    """1 to 40 rows of at most 6 users and 12 items, in any order, with 5 different times at most."""
    pairs = draw(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 11)), min_size=1, max_size=40, unique=True))
    times = draw(st.lists(st.integers(0, 4), min_size=len(pairs), max_size=len(pairs)))
    held_out = draw(st.lists(st.booleans(), min_size=len(pairs), max_size=len(pairs)))
    users, items = zip(*pairs, strict=True)
    return Interactions.from_columns("drawn", users, items, None, times, held_out=held_out)


def split_or_none(rule, interactions, seed):
    """The split, or None where the rule says that it has nothing to hold out."""
    try:
        return rule(interactions, seed)
    except SplitError:
        return None


def pairs(part):
    return sorted(zip(part.users.tolist(), part.items.tolist(), strict=True))


def sizes(part):
    return np.bincount(part.users, minlength=part.n_users)


def over(rules):
    return pytest.mark.parametrize("rule", rules.values(), ids=rules.keys())


@over(EVERY)
@given(interactions=small_interactions(), seed=SEEDS)
def test_nothing_is_lost_nothing_is_in_both_halves_and_neither_is_empty(rule, interactions, seed):
    split = split_or_none(rule, interactions, seed)
    if split is None:
        return
    assert isinstance(split, Split)
    assert split.interactions is interactions
    assert sorted(pairs(split.train) + pairs(split.test)) == pairs(interactions)
    assert not set(pairs(split.train)) & set(pairs(split.test))
    assert len(split.train) > 0
    assert len(split.test) > 0


@over(EVERY)
@given(interactions=small_interactions(), seed=SEEDS)
def test_the_same_seed_gives_the_same_split(rule, interactions, seed):
    first, second = (split_or_none(rule, interactions, seed) for _ in range(2))
    assert (first is None) == (second is None)
    if first is not None and second is not None:
        assert np.array_equal(first.in_test, second.in_test)
        assert first.content_hash == second.content_hash


@over(EVERY)
def test_numpys_global_state_is_neither_read_nor_changed(rule, of_sizes):
    interactions = of_sizes(8, 9, times=range(17), held_out=[True] * 5 + [False] * 12)
    np.random.seed(1)  # noqa: NPY002 - the global state is the subject
    state = np.random.get_state()[1].tolist()  # noqa: NPY002
    first = rule(interactions, 3)
    assert np.random.get_state()[1].tolist() == state  # noqa: NPY002
    np.random.seed(2)  # noqa: NPY002
    assert np.array_equal(rule(interactions, 3).in_test, first.in_test)


@over({name: rule for name, rule in EVERY.items() if name not in ("fixed", "global-temporal")})
def test_different_seeds_give_different_splits(rule, of_sizes):
    interactions = of_sizes(*[12] * 20, times=np.zeros(240))  # all at once: the order is the seed's alone
    found = {rule(interactions, seed).content_hash for seed in range(8)}
    assert len(found) == 8


@over({"fixed": splits.fixed, "global-temporal": splits.global_temporal})
def test_rules_without_chance_ignore_the_seed(rule, of_sizes):
    interactions = of_sizes(6, 6, times=range(12), held_out=[True, False] * 6)
    assert len({rule(interactions, seed).content_hash for seed in range(5)}) == 1


@over(PER_USER)
@given(interactions=small_interactions(), seed=SEEDS)
def test_every_user_keeps_a_training_interaction(rule, interactions, seed):
    split = split_or_none(rule, interactions, seed)
    if split is None:
        return
    assert sizes(split.train).min() >= 1
    assert len(split.cold_users) == 0


@over(PER_USER)
def test_users_with_one_interaction_are_never_held_out_and_users_with_two_once_at_most(rule, of_sizes):
    interactions = of_sizes(1, 2, 1, 2, 30, times=np.arange(36) % 7)
    for seed in range(10):
        held_out = sizes(rule(interactions, seed).test)
        assert held_out[[0, 2]].tolist() == [0, 0]
        assert held_out[[1, 3]].max() <= 1
        assert held_out[4] >= 1


@over(PER_USER)
def test_a_user_without_interactions_is_no_trouble(rule, of_sizes):
    """Users without rows come from selecting rows of a larger set."""
    interactions = of_sizes(4, 5, 6, times=np.arange(15))
    without_the_middle_one = interactions.select(interactions.users != 1)
    split = rule(without_the_middle_one, 0)
    assert sizes(split.train)[1] == sizes(split.test)[1] == 0
    assert sizes(split.train)[[0, 2]].min() >= 1


@over(PER_USER)
def test_where_every_user_has_one_interaction_the_error_says_so(rule, of_sizes):
    with pytest.raises(SplitError, match=r"small.*(every user has one interaction|users with two or more)"):
        rule(of_sizes(1, 1, 1, times=range(3)), 0)


@over({"random": splits.random, "temporal": splits.temporal})
@given(interactions=small_interactions(), seed=SEEDS, fraction=FRACTIONS)
def test_each_user_gives_the_fraction_rounded_half_up_and_keeps_one(rule, interactions, seed, fraction):
    n = sizes(interactions).tolist()
    exact = [int((Decimal(str(fraction)) * m).quantize(Decimal(1), ROUND_HALF_UP)) for m in n]
    expected = [min(wanted, max(m - 1, 0)) for wanted, m in zip(exact, n, strict=True)]
    if not any(expected):
        with pytest.raises(SplitError, match=r"drawn: nothing (is|can be) held out"):
            rule(interactions, seed, test_fraction=fraction)
    else:
        assert sizes(rule(interactions, seed, test_fraction=fraction).test).tolist() == expected


@given(interactions=small_interactions(), seed=SEEDS, k=st.integers(1, 8))
def test_leave_k_out_takes_k_or_all_but_one(interactions, seed, k):
    split = split_or_none(partial(splits.leave_k_out, k=k), interactions, seed)
    n = sizes(interactions)
    if split is None:
        assert n.max() == 1
    else:
        assert sizes(split.test).tolist() == [min(k, max(m - 1, 0)) for m in n.tolist()]


@pytest.mark.parametrize("by", ["time", "random"])
@given(interactions=small_interactions(), seed=SEEDS)
def test_leave_one_out_takes_one_of_each_user_with_two_or_more(by, interactions, seed):
    split = split_or_none(partial(splits.leave_one_out, by=by), interactions, seed)
    n = sizes(interactions)
    if split is None:
        assert n.max() == 1
    else:
        assert sizes(split.test).tolist() == (n >= 2).astype(int).tolist()


@over(PAST_AND_FUTURE)
@given(interactions=small_interactions(), seed=SEEDS)
def test_no_user_is_trained_on_the_future(rule, interactions, seed):
    split = split_or_none(rule, interactions, seed)
    if split is None:
        return
    for user in np.intersect1d(split.train.users, split.test.users):
        last_known = split.train.timestamps[split.train.users == user].max()
        first_asked = split.test.timestamps[split.test.users == user].min()
        assert last_known <= first_asked


@given(interactions=small_interactions(), seed=SEEDS, fraction=FRACTIONS)
def test_global_temporal_trains_strictly_before_it_tests_and_no_other_border_is_nearer(interactions, seed, fraction):
    times = interactions.timestamps
    if times.min() == times.max():
        with pytest.raises(SplitError, match="every interaction has the timestamp"):
            splits.global_temporal(interactions, seed, test_fraction=fraction)
        return
    split = splits.global_temporal(interactions, seed, test_fraction=fraction)
    assert split.train.timestamps.max() < split.test.timestamps.min()
    wanted = fraction * len(interactions)
    distances = [abs((times >= border).sum() - wanted) for border in set(times.tolist()) - {times.min()}]
    assert abs(len(split.test) - wanted) == min(distances)


@given(interactions=small_interactions(), seed=SEEDS)
def test_temporal_holds_out_what_leave_one_out_by_time_does_and_more(interactions, seed):
    one = split_or_none(splits.leave_one_out, interactions, seed)
    more = split_or_none(partial(splits.temporal, test_fraction=0.5), interactions, seed)
    assert (one is None) == (more is None)
    if one is not None and more is not None:
        assert np.all(more.in_test[one.in_test])


@pytest.mark.parametrize("by", ["user", "row"])
@given(interactions=small_interactions(), partition=st.integers(0, 50), folds=st.integers(2, 7))
def test_folds_hold_out_every_interaction_once_but_a_users_only_one(by, interactions, partition, folds):
    dealt = (sizes(interactions) >= 2)[interactions.users] if by == "user" else np.ones(len(interactions), dtype=bool)
    seeds = range(partition * folds, (partition + 1) * folds)
    if dealt.sum() < folds:
        for seed in seeds:
            with pytest.raises(SplitError, match=f"{folds} folds, but only {dealt.sum()} interactions"):
                splits.k_fold(interactions, seed, folds=folds, by=by)
        return
    parts = [splits.k_fold(interactions, seed, folds=folds, by=by) for seed in seeds]
    assert np.array_equal(sum(part.in_test.astype(int) for part in parts), dealt.astype(int))
    held_out = [len(part.test) for part in parts]
    assert max(held_out) - min(held_out) <= 1
    if by == "user":
        per_fold = np.array([sizes(part.test) for part in parts])
        assert (per_fold.max(axis=0) - per_fold.min(axis=0)).max() <= 1


@given(interactions=small_interactions(), seed=SEEDS)
def test_fixed_holds_out_what_the_data_says(interactions, seed):
    split = split_or_none(splits.fixed, interactions, seed)
    if split is None:
        assert interactions.held_out.all() or not interactions.held_out.any()
    else:
        assert np.array_equal(split.in_test, interactions.held_out)


WRONG = [
    (splits.random, {"test_fraction": 0}, "test_fraction must be a number strictly between 0 and 1.*not 0"),
    (splits.random, {"test_fraction": 1.0}, "not 1.0"),
    (splits.random, {"test_fraction": -0.2}, "not -0.2"),
    (splits.random, {"test_fraction": float("nan")}, "not nan"),
    (splits.random, {"test_fraction": "a fifth"}, "not 'a fifth'"),
    (splits.random, {"test_fraction": None}, "not None"),
    (splits.random, {"test_fraction": 0.01}, "rounds to 0; give a higher test_fraction"),
    (splits.temporal, {"test_fraction": 20}, "strictly between 0 and 1.*not 20"),
    (splits.temporal, {"test_fraction": 0.01}, "rounds to 0; give a higher test_fraction"),
    (splits.global_temporal, {"test_fraction": 1}, "strictly between 0 and 1.*not 1"),
    (splits.leave_k_out, {"k": 0}, "k must be a whole number of at least 1, not 0"),
    (splits.leave_k_out, {"k": -1}, "not -1"),
    (splits.leave_k_out, {"k": 2.5}, "not 2.5"),
    (splits.leave_k_out, {"k": True}, "not True"),
    (splits.leave_one_out, {"by": "rating"}, "by must be one of time, random, not 'rating'"),
    (splits.k_fold, {"folds": 1}, "folds must be a whole number of at least 2, not 1"),
    (splits.k_fold, {"folds": 2.0}, "not 2.0"),
    (splits.k_fold, {"folds": 40}, "40 folds, but only 16 interactions to deal.*users with two or more.*fewer folds"),
    (splits.k_fold, {"folds": 40, "by": "row"}, "40 folds, but only 17 interactions to deal to them; give fewer folds"),
    (splits.k_fold, {"by": "item"}, "by must be one of user, row, not 'item'"),
]


@pytest.mark.parametrize(("rule", "parameters", "message"), WRONG)
def test_a_wrong_parameter_gets_what_was_given_and_what_is_allowed(rule, parameters, message, of_sizes):
    with pytest.raises(SplitError, match=message):
        rule(of_sizes(7, 9, 1, times=range(17)), 0, **parameters)


def test_numbers_of_numpy_are_numbers(of_sizes):
    interactions = of_sizes(10, 10)
    assert len(splits.random(interactions, 0, test_fraction=np.float32(0.5)).test) == 10
    assert len(splits.leave_k_out(interactions, np.int64(0), k=np.int64(3)).test) == 6


@over({name: EVERY[name] for name in ("temporal", "global-temporal", "leave-one-out")})
def test_rules_by_time_say_what_to_do_without_timestamps(rule, of_sizes):
    with pytest.raises(SplitError, match=r"small has no timestamps.*random"):
        rule(of_sizes(5, 5), 0)
