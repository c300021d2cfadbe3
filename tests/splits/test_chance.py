"""Random rules give every interaction the same chance, and users' chances have nothing to do with each other."""

from functools import partial

import numpy as np
import pytest
from scipy.stats import chi2

import splits

SEEDS = 1500

RULES = {
    "random": (splits.random, 2),
    "leave-k-out": (partial(splits.leave_k_out, k=3), 3),
    "leave-one-out": (partial(splits.leave_one_out, by="random"), 1),
    "leave-one-out of equal times": (splits.leave_one_out, 1),
    "temporal of equal times": (splits.temporal, 2),
    "k-fold": (splits.k_fold, 2),
}


def p_value_of_equal_chances(held_out, times_drawn, n):
    """Chi-square for draws of ``held_out`` out of n without putting back: the variance is smaller by 1 - p."""
    observed = np.sum(times_drawn)
    p = observed / (SEEDS * n)
    statistic = np.sum((times_drawn - observed / n) ** 2) / (SEEDS * p * (1 - p)) * (n - 1) / n
    assert observed == held_out * SEEDS
    return chi2.sf(statistic, n - 1)


@pytest.mark.parametrize(("rule", "held_out"), RULES.values(), ids=RULES.keys())
def test_each_of_a_users_interactions_is_equally_likely_to_be_held_out(rule, held_out, of_sizes):
    interactions = of_sizes(3, 10, 6, 10, times=np.zeros(29))
    step = 5  # of k-fold's seeds: one partition, five folds
    drawn = sum(rule(interactions, step * seed).in_test.astype(int) for seed in range(SEEDS))
    for user in (1, 3):
        assert p_value_of_equal_chances(held_out, drawn[interactions.users == user], n=10) > 1e-3


def test_folds_by_row_take_every_interaction_with_equal_chances(of_sizes):
    interactions = of_sizes(1, 4, 6, 9)
    drawn = sum(splits.k_fold(interactions, 5 * seed, by="row").in_test.astype(int) for seed in range(SEEDS))
    assert p_value_of_equal_chances(4, drawn, n=20) > 1e-3


@pytest.mark.parametrize(
    "rule",
    [
        partial(splits.random, test_fraction=0.5),
        partial(splits.leave_one_out, by="random"),
        partial(splits.k_fold, folds=2),
        splits.leave_one_out,
    ],
)
def test_what_one_user_loses_says_nothing_about_another(rule, of_sizes):
    """Two users with the same two items: the four outcomes are equally frequent."""
    interactions = of_sizes(2, 2, times=np.zeros(4))
    outcomes = np.zeros((2, 2))
    for seed in range(SEEDS):
        test = rule(interactions, 2 * seed).test
        items = dict(zip(test.users.tolist(), test.items.tolist(), strict=True))
        outcomes[items[0], items[1]] += 1
    expected = SEEDS / 4
    assert chi2.sf(np.sum((outcomes - expected) ** 2) / expected, 3) > 1e-3


def test_a_user_of_seven_interactions_gives_one_or_two_to_each_fold_by_turns(of_sizes):
    """Which folds get the two is chance: no fold is the large one for everybody."""
    interactions = of_sizes(7, 8, 9, 11)
    large = [np.sum(splits.k_fold(interactions, 5 * seed).test.users == 0) == 2 for seed in range(SEEDS)]
    assert abs(np.mean(large) - 2 / 5) < 4 * np.sqrt(0.4 * 0.6 / SEEDS)


def test_whose_fold_is_the_large_one_is_chance_between_users_too(of_sizes):
    """Users are dealt to in random order: one user's large fold isn't always the next after another's."""
    interactions = of_sizes(6, 6, 7, 8, 9)
    distances = set()
    for partition in range(20):
        parts = [splits.k_fold(interactions, 5 * partition + fold).test.users for fold in range(5)]
        first, second = (np.argmax([np.sum(part == user) for part in parts]) for user in (0, 1))
        distances.add((second - first) % 5)
    assert len(distances) >= 3


def test_rules_do_not_share_their_random_numbers(of_sizes):
    """The same seed under two rules: overlaps are those of chance (k of n), not all or none."""
    interactions = of_sizes(*[10] * 200)
    one = splits.leave_one_out(interactions, 0, by="random").in_test
    k = splits.leave_k_out(interactions, 0, k=2).in_test
    fraction = splits.random(interactions, 0).in_test
    fold = splits.k_fold(interactions, 0).in_test
    for other in (k, fraction, fold):
        assert 15 < np.sum(one & other) < 70  # 40 expected
    assert 40 < np.sum(k & fraction) < 130  # 80 expected
