"""Statistics of results: intervals, paired effects, many tests at once, components of variance, power.

Pure functions of arrays. Rows are seeds and columns are users, NaN where a seed evaluates a user not at all. SciPy and
statsmodels are imported when they are used.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

Values = NDArray[np.float64]

CONFIDENCE = 0.95
POWER = 0.8
N_RESAMPLES = 1000
MOST_SEEDS = 1000  # more than anybody runs
BLOCK = 4_000_000  # resampled users held in memory at a time


@dataclass(frozen=True)
class Interval:
    """Two-sided bounds of a figure."""

    low: float
    high: float


@dataclass(frozen=True)
class Effect:
    """How much one model's values exceed another's on the same users and splits.

    Attributes
    ----------
    difference, interval
        The mean of first - second, and its two-sided bounds.
    size
        Cohen's d of paired samples: the mean difference over the standard deviation of the users' differences.
    p
        Two-sided, before any correction for many comparisons.
    """

    difference: float
    interval: Interval
    size: float
    p: float


@dataclass(frozen=True)
class Components:
    """Variances of a metric's mean: of the split seed, and of the model seed within a split."""

    split_seed: float
    model_seed: float

    @property
    def split_share(self) -> float:
        """The split seed's part of both, NaN where nothing varies."""
        total = self.split_seed + self.model_seed
        return self.split_seed / total if total > 0 else math.nan


# Intervals by resampling


def bootstrap_figures(
    sums: ArrayLike, counts: ArrayLike, roots: ArrayLike = False, *, n_resamples: int = N_RESAMPLES, seed: int = 0
) -> Values:
    """Resampled figures Σ sums / Σ counts (or its root), users drawn with replacement, and seeds too.

    Users and seeds are resampled independently of each other (the pigeonhole bootstrap), so that each brings its own
    noise; it errs on the wide side (Owen 2007, "The pigeonhole bootstrap", Annals of Applied Statistics 1). Of S seeds
    S - 1 are drawn: drawing S of so few makes the variance too small by (S - 1) / S (Rao & Wu 1988, "Resampling
    inference with complex survey data", JASA 83). All figures see the same draws.

    Parameters
    ----------
    sums, counts
        (n_figures, n_seeds, n_users): what each user adds above and below the line, counts 0 where a user has no value.
    roots
        (n_figures,) of bool.

    Returns
    -------
    float (n_resamples, n_figures), means over the seeds.
    """
    above, below = np.asarray(sums, np.float64), np.asarray(counts, np.float64)
    n_figures, n_seeds, n_users = above.shape
    above = np.where(below > 0, above, 0.0).reshape(-1, n_users).T
    below, which = _distinct(below.reshape(-1, n_users))
    at_a_time = max(1, BLOCK // max(1, n_users))
    blocks = []
    for first in range(0, n_resamples, at_a_time):
        drawn = _times_drawn(min(n_resamples - first, at_a_time), n_users, (seed, first))
        with np.errstate(invalid="ignore"):
            blocks.append((drawn @ above) / (drawn @ below)[:, which])
    figures = np.concatenate(blocks).reshape(n_resamples, n_figures, n_seeds)
    figures = np.where(np.broadcast_to(roots, n_figures)[None, :, None], np.sqrt(np.abs(figures)), figures)
    if n_seeds == 1:
        return np.asarray(figures[:, :, 0])
    seeds = np.random.default_rng([seed, n_seeds]).integers(n_seeds, size=(n_resamples, 1, n_seeds - 1))
    return np.asarray(np.take_along_axis(figures, seeds, axis=2).mean(axis=2))


def _distinct(rows: Values) -> tuple[Values, list[int]]:
    """The different ones of (n, n_users) rows, as columns, and which of them each row is (most metrics count alike)."""
    places: dict[bytes, int] = {}
    which = [places.setdefault(row.tobytes(), len(places)) for row in rows]
    return rows[[which.index(place) for place in range(len(places))]].T, which


def bootstrap_intervals(
    sums: ArrayLike,
    counts: ArrayLike,
    roots: ArrayLike = False,
    *,
    confidence: float = CONFIDENCE,
    n_resamples: int = N_RESAMPLES,
    seed: int = 0,
) -> list[Interval]:
    """The percentile interval of each of :func:`bootstrap_figures`."""
    figures = bootstrap_figures(sums, counts, roots, n_resamples=n_resamples, seed=seed)
    lows, highs = np.nanpercentile(figures, [50 * (1 - confidence), 50 * (1 + confidence)], axis=0)
    return [Interval(float(low), float(high)) for low, high in zip(lows, highs, strict=True)]


@lru_cache(maxsize=2)
def _times_drawn(n_resamples: int, n_users: int, seed: tuple[int, int]) -> Values:
    """(n_resamples, n_users): how often each user is drawn. Sums over a resample are then a product of matrices.

    The models of a table have the same users, so what was drawn last is kept.
    """
    rng = np.random.default_rng(seed)
    drawn = rng.integers(n_users, size=(n_resamples, n_users)) + n_users * np.arange(n_resamples)[:, None]
    return np.bincount(drawn.ravel(), minlength=n_resamples * n_users).reshape(n_resamples, n_users).astype(np.float64)


# Two models on the same users and splits


@dataclass(frozen=True)
class Paired:
    """Differences of two models' values, first - second, summed up.

    Attributes
    ----------
    mean, spread
        The mean over seeds and users, and the standard deviation of the users' differences; NaN of no user.
    users, seeds, both
        The variance of the mean by what is taken for its source: users, seeds (0 with one), or either within the other.
    """

    mean: float
    spread: float
    n_users: int
    n_seeds: int
    users: float = 0.0
    seeds: float = 0.0
    both: float = 0.0

    @property
    def design_effect(self) -> float | None:
        """How much more the seeds' means vary than their users alone would make them; None where that can't be told."""
        return self.seeds / self.both if self.seeds > 0 and self.both > 0 else None


def paired(first: ArrayLike, second: ArrayLike) -> Paired:
    """Sum up the differences of two models' values, (n_seeds, n_users) or (n_users,), of the same shape."""
    differences = np.atleast_2d(np.asarray(first, np.float64) - np.asarray(second, np.float64))
    differences = differences[:, np.isfinite(differences).any(axis=0)]
    n_seeds, n_users = differences.shape
    mean = float(np.nanmean(differences, axis=1).mean()) if differences.size else math.nan
    if n_users < 2:
        return Paired(mean, math.nan, n_users, n_seeds)
    of_users = np.nanmean(differences, axis=0)
    users = float(of_users.var(ddof=1))
    if n_seeds == 1:
        return Paired(mean, math.sqrt(users), n_users, 1, users / n_users)
    seeds = float(np.nanmean(differences, axis=1).var(ddof=1)) / n_seeds
    both = float(np.nanvar(differences, ddof=1)) / int(np.isfinite(differences).sum())
    return Paired(mean, math.sqrt(users), n_users, n_seeds, users / n_users, seeds, both)


def paired_effect(first: ArrayLike, second: ArrayLike, confidence: float = CONFIDENCE) -> Effect:
    """The effect of a single pair: :func:`paired_effects`. With one seed it is the paired t-test over users."""
    return paired_effects([paired(first, second)], 2, confidence)[0]


def paired_effects(found: Sequence[Paired], n_models: int, confidence: float = CONFIDENCE) -> list[Effect]:
    """The differences of pairs out of some models, paired by user and seed.

    The variance of the mean counts users and seeds as sources of their own, V(users) + V(seeds) - V(both), the
    two-way clustered variance of Cameron, Gelbach & Miller 2011 ("Robust inference with multiway clustering", JBES 29),
    with Satterthwaite's degrees of freedom. Two or three seeds tell V(seeds) badly; its ratio to V(both) is much alike
    for all models on a data set, so that the pairs lend each other their knowledge of that (:func:`squeeze`). Pairs
    share models: together they know no more than each model's distance to one of them would.
    """
    ratios = [pair.design_effect for pair in found]
    places = [place for place, ratio in enumerate(ratios) if ratio is not None]
    squeezed, df = squeeze(
        [ratio for ratio in ratios if ratio is not None], [found[place].n_seeds - 1 for place in places]
    )
    effects = [_effect(pair, pair.seeds, pair.n_seeds - 1, confidence) for pair in found]
    for at, place in enumerate(places):
        pair = found[place]
        most_df = (n_models - 1) * (pair.n_seeds - 1)
        effects[place] = _effect(pair, float(squeezed[at]) * pair.both, min(float(df[at]), most_df), confidence)
    return effects


def _effect(pair: Paired, seeds: float, df_of_seeds: float, confidence: float) -> Effect:
    """A pair's effect, the seeds' part of its variance given with its degrees of freedom."""
    from scipy.stats import t

    if pair.n_users < 2:
        return Effect(pair.mean, Interval(math.nan, math.nan), math.nan, math.nan)
    error = math.sqrt(max(pair.users + seeds - pair.both, pair.users, seeds))
    weights = pair.users**2 / (pair.n_users - 1) + (seeds**2 / df_of_seeds if seeds > 0 else 0.0)
    df = (pair.users + seeds) ** 2 / weights if weights > 0 else pair.n_users - 1
    reach = float(t.ppf((1 + confidence) / 2, df)) * error
    p = float(2 * t.sf(abs(pair.mean) / error, df)) if error > 0 else float(pair.mean == 0)
    exact = 0.0 if pair.mean == 0 else math.copysign(math.inf, pair.mean)
    size = pair.mean / pair.spread if pair.spread > 0 else exact
    return Effect(pair.mean, Interval(pair.mean - reach, pair.mean + reach), size, p)


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values corrected for their number so that the chance of any false one stays below the level (Holm 1979)."""
    from statsmodels.stats.multitest import multipletests

    if not len(p_values):
        return []
    return [float(p) for p in multipletests(np.asarray(p_values, np.float64), method="holm")[1]]


# A mean of few paired differences


@dataclass(frozen=True)
class Mean:
    """A mean of differences with its standard error and the degrees of freedom of the error's estimate."""

    value: float
    error: float
    df: float

    def lower(self, alpha: float = 1 - CONFIDENCE) -> float:
        """The one-sided lower bound: below it with a chance of ``alpha``."""
        return self.value - _reach(self, alpha)

    def upper(self, alpha: float = 1 - CONFIDENCE) -> float:
        """The one-sided upper bound."""
        return self.value + _reach(self, alpha)

    @property
    def p_drop(self) -> float:
        """One-sided p of "not below 0"."""
        from scipy.stats import t

        if self.error == 0:
            return float(self.value >= 0)
        return float(t.cdf(self.value / self.error, self.df))


def _reach(mean: Mean, alpha: float) -> float:
    from scipy.stats import t

    return 0.0 if mean.error == 0 else float(t.ppf(1 - alpha, mean.df)) * mean.error


def mean_of(differences: ArrayLike) -> Mean:
    """The mean of at least two independent differences, as in the paired t-test."""
    values = np.asarray(differences, np.float64)
    return Mean(float(values.mean()), float(values.std(ddof=1)) / math.sqrt(len(values)), len(values) - 1)


def squeeze(variances: ArrayLike, df: ArrayLike) -> tuple[Values, Values]:
    """Variances estimated each from little, moved towards what all of them say; with their degrees of freedom.

    Empirical Bayes: the variances are taken for draws from a scaled inverse chi-squared distribution, whose centre and
    degrees of freedom are estimated from the variances themselves. The more alike they are, the more each borrows
    (Smyth 2004, "Linear models and empirical Bayes methods", Statist. Appl. Genet. Mol. Biol. 3).

    Parameters
    ----------
    variances, df
        (n,), positive. Fewer than three come back as they are.
    """
    from scipy.special import digamma, polygamma

    s2, d = np.asarray(variances, np.float64), np.broadcast_to(np.asarray(df, np.float64), np.shape(variances)).copy()
    if len(s2) < 3:
        return s2.copy(), d
    logs = np.log(s2) - digamma(d / 2) + np.log(d / 2)
    excess = float(logs.var(ddof=1) - polygamma(1, d / 2).mean())
    if excess <= 0:  # no more unlike than chance makes them: one variance for all
        return np.full(len(s2), math.exp(logs.mean())), np.full(len(s2), d.sum())
    prior_df = 2 * _inverse_trigamma(excess)
    prior = math.exp(logs.mean() + digamma(prior_df / 2) - math.log(prior_df / 2))
    return (prior_df * prior + d * s2) / (prior_df + d), np.minimum(prior_df + d, d.sum())


def _inverse_trigamma(value: float) -> float:
    from scipy.optimize import brentq
    from scipy.special import polygamma

    return math.exp(brentq(lambda log_x: float(polygamma(1, math.exp(log_x))) - value, -20.0, 20.0))


# Components of variance


def variance_components(means: ArrayLike) -> Components | None:
    """How much of a metric's variance the split seed brings and how much the model seed; None with too few of either.

    One-way analysis of variance with model seeds inside splits: E[MS within] = σ²_model and E[MS between] = σ²_model +
    M σ²_split. An estimate below 0 is 0.

    Parameters
    ----------
    means
        (n_split_seeds, n_model_seeds).
    """
    table = np.asarray(means, np.float64)
    if table.ndim != 2 or min(table.shape) < 2:
        return None
    within = float(table.var(axis=1, ddof=1).mean())
    between = table.shape[1] * float(table.mean(axis=1).var(ddof=1))
    return Components(max(0.0, (between - within) / table.shape[1]), within)


# Power


def power(drop: float, error: float, df: float, alpha: float = 1 - CONFIDENCE) -> float:
    """The chance that a one-sided t-test at ``alpha`` sees a drop of that size."""
    from scipy.special import stdtrit  # what t.ppf calls, without the checks around it
    from scipy.stats import nct

    if error == 0:
        return float(drop > 0)
    seen = float(nct.sf(stdtrit(df, 1 - alpha), df, drop / error))
    return seen if math.isfinite(seen) else 1.0  # far out in the tail nct gives up


def smallest_visible_drop(error: float, df: float, alpha: float = 1 - CONFIDENCE, wanted: float = POWER) -> float:
    """The drop that a one-sided t-test at ``alpha`` sees with the wanted power, in the unit of ``error``."""
    from scipy.optimize import brentq
    from scipy.stats import t

    if error == 0:
        return 0.0
    largest = float(t.ppf(1 - alpha, df)) + 10 * float(t.ppf(0.999, df))
    return error * float(brentq(lambda drop: power(drop, 1.0, df, alpha) - wanted, 0.0, largest, xtol=1e-6))


def seeds_needed(
    drop: float, deviation: float, alpha: float = 1 - CONFIDENCE, wanted: float = POWER, borrowed_df: float = 0.0
) -> int | None:
    """How many paired seeds see a drop with the wanted power; None where 1000 don't.

    Parameters
    ----------
    drop, deviation
        The drop and the standard deviation of one seed's paired difference, in the same unit.
    borrowed_df
        Degrees of freedom that the estimate of the deviation has beyond its own n - 1.
    """

    def seen(n: int) -> bool:
        return power(drop, deviation / math.sqrt(n), n - 1 + borrowed_df, alpha) >= wanted

    if not drop > 0 or not seen(MOST_SEEDS):
        return None
    few, enough = 1, MOST_SEEDS
    while enough - few > 1:
        middle = (few + enough) // 2
        few, enough = (few, middle) if seen(middle) else (middle, enough)
    return enough
