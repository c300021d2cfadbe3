"""Statistics against known values, SciPy, statsmodels and simulation."""

import math
from itertools import combinations

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.power import TTestPower

from reports.statistics import (
    Interval,
    bootstrap_figures,
    bootstrap_intervals,
    holm,
    mean_of,
    paired,
    paired_effect,
    paired_effects,
    power,
    seeds_needed,
    smallest_visible_drop,
    squeeze,
    variance_components,
)


def bootstrap_interval(values, **options):
    """That of a mean over (n_users,) or (n_seeds, n_users) values, NaN where a user has none."""
    table = np.atleast_2d(np.asarray(values, np.float64))[None]
    (interval,) = bootstrap_intervals(table, np.isfinite(table), **options)
    return interval


def test_holm_gives_the_known_values_in_the_order_given():
    assert holm([0.001, 0.01, 0.02, 0.03, 0.04, 0.2]) == pytest.approx([0.006, 0.05, 0.08, 0.09, 0.09, 0.2])
    assert holm([0.2, 0.001, 0.04]) == pytest.approx([0.2, 0.003, 0.08])
    assert holm([]) == []


class TestBootstrap:
    def test_over_users_it_is_scipys(self):
        values = np.random.default_rng(0).beta(2, 5, 400)
        known = stats.bootstrap((values,), np.mean, method="percentile", n_resamples=9999, rng=1).confidence_interval
        ours = bootstrap_interval(values, n_resamples=9999)
        assert (ours.low, ours.high) == pytest.approx((known.low, known.high), abs=3e-4)

    def test_a_ratio_is_resampled_through_its_own_rule(self):
        rng = np.random.default_rng(0)
        counts = rng.integers(1, 30, 300).astype(float)
        sums = counts * rng.gamma(2, 0.5, 300)

        def rmse(above, below, axis):
            return np.sqrt(above.sum(axis=axis) / below.sum(axis=axis))

        known = stats.bootstrap(
            (sums, counts), rmse, paired=True, method="percentile", n_resamples=9999, rng=1
        ).confidence_interval
        (ours,) = bootstrap_intervals(sums[None, None], counts[None, None], True, n_resamples=9999)
        assert (ours.low, ours.high) == pytest.approx((known.low, known.high), abs=2e-3)

    def test_users_without_a_value_are_left_out(self):
        values = np.random.default_rng(0).random(50)
        with_gaps = np.concatenate([values, np.full(50, np.nan)])
        found, known = bootstrap_interval(with_gaps, n_resamples=5000), bootstrap_interval(values, n_resamples=5000)
        assert (found.low, found.high) == pytest.approx((known.low, known.high), abs=0.01)

    def test_it_is_the_same_every_time_and_in_blocks(self, monkeypatch):
        values = np.random.default_rng(0).random((3, 2, 30))
        first = bootstrap_figures(values, np.ones_like(values))
        np.testing.assert_array_equal(bootstrap_figures(values, np.ones_like(values)), first)
        monkeypatch.setattr("reports.statistics.BLOCK", 3000)
        assert bootstrap_figures(values, np.ones_like(values)).std(axis=0) == pytest.approx(first.std(axis=0), rel=0.1)

    def test_several_figures_have_each_the_interval_it_has_alone(self):
        values = np.random.default_rng(0).random((3, 2, 30))
        together = bootstrap_intervals(values, np.ones_like(values))
        alone = [bootstrap_interval(figure) for figure in values]
        assert [(i.low, i.high) for i in together] == [pytest.approx((i.low, i.high)) for i in alone]

    def test_equal_values_have_no_width(self):
        assert bootstrap_interval(np.full((3, 20), 0.25)) == Interval(0.25, 0.25)

    @pytest.mark.parametrize("n_seeds", [2, 3, 5])
    def test_few_seeds_do_not_make_it_too_narrow(self, n_seeds):
        """The resampled variance is right on average; drawing all S of them would give (S - 1) / S of it."""
        rng = np.random.default_rng(0)
        variances = []
        for trial in range(600):
            values = np.repeat(rng.standard_normal((1, n_seeds, 1)), 2, axis=2)
            variances.append(bootstrap_figures(values, np.ones_like(values), n_resamples=200, seed=trial).var())
        assert np.mean(variances) == pytest.approx(1 / n_seeds, rel=0.12)

    @pytest.mark.parametrize(("seed_noise", "n_seeds"), [(0.0, 1), (0.02, 4), (0.05, 6)])
    def test_its_intervals_cover(self, seed_noise, n_seeds):
        """95% of them, of the mean over all users and seeds; with few seeds it may be a little less."""
        rng = np.random.default_rng(3)
        covered = 0
        for trial in range(400):
            users = rng.normal(0.4, 0.2, 80)
            values = users + seed_noise * rng.standard_normal((n_seeds, 1)) + 0.1 * rng.standard_normal((n_seeds, 80))
            interval = bootstrap_interval(values, n_resamples=300, seed=trial)
            covered += interval.low <= 0.4 <= interval.high
        assert 0.90 <= covered / 400 <= 0.99


class TestPairedEffect:
    def test_with_one_seed_it_is_the_paired_t_test(self):
        rng = np.random.default_rng(0)
        first, second = rng.random(60), rng.random(60)
        effect, known = paired_effect(first, second), stats.ttest_rel(first, second)
        assert effect.p == pytest.approx(known.pvalue)
        bounds = known.confidence_interval(0.95)
        assert (effect.interval.low, effect.interval.high) == pytest.approx((bounds.low, bounds.high))
        assert effect.size == pytest.approx(effect.difference / (first - second).std(ddof=1))

    def test_without_a_change_it_is_significant_in_about_5_of_100(self):
        """Noise that a seed brings to all users at once makes a test over users alone wrong far more often."""
        rng = np.random.default_rng(5)
        ours = alone = 0
        for _ in range(600):
            common = 0.02 * rng.standard_normal((6, 1))
            differences = common + 0.05 * rng.standard_normal(100) + 0.1 * rng.standard_normal((6, 100))
            ours += paired_effect(differences, np.zeros((6, 100))).p < 0.05
            alone += stats.ttest_1samp(differences.ravel(), 0).pvalue < 0.05
        assert ours / 600 < 0.09
        assert alone / 600 > 0.2

    @pytest.mark.parametrize("seed_noise", [0.0, 0.01, 0.02])
    def test_pairs_lend_each_other_what_two_seeds_say_and_raise_no_more_alarms(self, seed_noise):
        """Eight equal models on two seeds and a ninth 0.2 better: it is told from all, the others aren't."""
        rng = np.random.default_rng(7)
        alarms = seen = alone = 0
        pairs = list(combinations(range(9), 2))
        for _ in range(20):
            values = seed_noise * rng.standard_normal((9, 2, 1)) + 0.1 * rng.standard_normal((9, 1, 300))
            values = values + 0.2 * rng.standard_normal((9, 2, 300))
            values[8] += 0.2
            effects = paired_effects([paired(values[a], values[b]) for a, b in pairs], 9)
            corrected = holm([effect.p for effect in effects])
            alarms += sum(effect.p < 0.05 for effect, pair in zip(effects, pairs, strict=True) if 8 not in pair)
            seen += sum(p < 0.05 for p, pair in zip(corrected, pairs, strict=True) if 8 in pair)
            alone += paired_effect(values[0], values[8]).p * len(pairs) < 0.05
        assert alarms / 560 < 0.09
        assert seen / 160 > 0.95
        assert alone / 20 < 0.95

    def test_a_user_that_a_seed_leaves_out_counts_where_it_is(self):
        first = np.array([[0.5, 0.7, np.nan, np.nan], [0.5, np.nan, 0.9, np.nan]])
        assert paired_effect(first, np.zeros((2, 4))).difference == pytest.approx((0.6 + 0.7) / 2)

    def test_equal_models_have_no_effect(self):
        effect = paired_effect(np.ones((2, 9)), np.ones((2, 9)))
        assert (effect.difference, effect.size, effect.p) == (0, 0, 1)
        assert math.isnan(paired_effect([0.5], [0.4]).p)


class TestMean:
    def test_its_bounds_and_p_are_those_of_the_one_sided_t_test(self):
        differences = np.random.default_rng(0).normal(-0.01, 0.02, 6)
        known = stats.ttest_1samp(differences, 0, alternative="less")
        mean = mean_of(differences)
        assert mean.p_drop == pytest.approx(known.pvalue)
        assert mean.upper(0.05) == pytest.approx(known.confidence_interval(0.95).high)
        assert mean.lower(0.05) == pytest.approx(2 * differences.mean() - known.confidence_interval(0.95).high)

    def test_differences_without_noise_are_certain(self):
        assert mean_of([-0.5, -0.5]).p_drop == 0
        assert mean_of([0.0, 0.0]).p_drop == 1
        assert mean_of([0.5, 0.5]).upper() == 0.5


class TestSqueeze:
    def test_equal_variances_are_pooled(self):
        rng = np.random.default_rng(0)
        variances = rng.chisquare(4, 2000) / 4
        squeezed, df = squeeze(variances, 4)
        assert squeezed == pytest.approx(1.0, abs=0.05)
        assert (df > 100).all()

    def test_the_spread_of_the_variances_is_found(self):
        """Variances drawn from an inverse chi-squared of 8 degrees of freedom and centre 3."""
        rng = np.random.default_rng(1)
        true = 3 * 8 / rng.chisquare(8, 20000)
        squeezed, df = squeeze(true * rng.chisquare(4, 20000) / 4, 4)
        assert df == pytest.approx(4 + 8, rel=0.1)
        assert (
            abs(np.log(squeezed / true)).mean() < 0.75 * abs(np.log(true * rng.chisquare(4, 20000) / 4 / true)).mean()
        )

    def test_few_are_left_as_they_are(self):
        squeezed, df = squeeze([1.0, 100.0], [4, 4])
        assert squeezed.tolist() == [1.0, 100.0]
        assert df.tolist() == [4, 4]


class TestComponents:
    def test_they_are_found_in_simulated_results(self):
        rng = np.random.default_rng(0)
        found = [
            variance_components(0.3 * rng.standard_normal((6, 1)) + 0.1 * rng.standard_normal((6, 4)))
            for _ in range(2000)
        ]
        assert np.mean([one.split_seed for one in found]) == pytest.approx(0.09, rel=0.05)
        assert np.mean([one.model_seed for one in found]) == pytest.approx(0.01, rel=0.05)

    def test_they_need_several_of_both(self):
        assert variance_components([[0.1, 0.2, 0.3]]) is None
        assert variance_components([[0.1], [0.2]]) is None
        assert variance_components([]) is None

    def test_a_split_that_brings_nothing_has_a_share_of_0(self):
        found = variance_components([[0.1, 0.3], [0.3, 0.1]])
        assert (found.split_seed, found.split_share) == (0, 0)
        assert math.isnan(variance_components(np.ones((2, 2))).split_share)


class TestPower:
    @pytest.mark.parametrize("n", [2, 3, 5, 20])
    @pytest.mark.parametrize("alpha", [0.05, 0.005])
    def test_it_is_statsmodels(self, n, alpha):
        known = TTestPower().power(0.8, n, alpha, alternative="larger")
        assert power(0.8, 1 / math.sqrt(n), n - 1, alpha) == pytest.approx(known, abs=1e-6)

    @pytest.mark.parametrize("n", [3, 5, 20])
    def test_the_smallest_visible_drop_is_seen_with_80_percent(self, n):
        drop = smallest_visible_drop(0.02 / math.sqrt(n), n - 1)
        assert TTestPower().power(drop / 0.02, n, 0.05, alternative="larger") == pytest.approx(0.8, abs=1e-4)

    def test_the_seeds_needed_are_the_fewest_that_see_the_drop(self):
        n = seeds_needed(0.01, 0.02)
        assert TTestPower().power(0.5, n, 0.05, alternative="larger") >= 0.8
        assert TTestPower().power(0.5, n - 1, 0.05, alternative="larger") < 0.8
        assert n == math.ceil(TTestPower().solve_power(0.5, alpha=0.05, power=0.8, alternative="larger"))

    def test_what_no_number_of_seeds_sees(self):
        assert seeds_needed(1e-6, 0.02) is None
        assert seeds_needed(0.0, 0.02) is None
        assert seeds_needed(0.01, 0.0) == 2
        assert smallest_visible_drop(0.0, 4) == 0

    def test_it_holds_in_simulation(self):
        rng = np.random.default_rng(0)
        drop = smallest_visible_drop(0.02 / math.sqrt(5), 4)
        samples = rng.normal(-drop, 0.02, (4000, 5))
        seen = stats.ttest_1samp(samples, 0, axis=1, alternative="less").pvalue < 0.05
        assert seen.mean() == pytest.approx(0.8, abs=0.02)
