"""How far a leaderboard can be believed: intervals, paired comparisons of its models, components of variance."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reports import numbers, statistics
from reports.per_user import Parts, parts_of
from reports.result import Result
from reports.statistics import Components, Effect, Interval
from reports.table import Leaderboard, Row

ALPHA = 0.05

OfSplits = dict[int, tuple[NDArray[np.int32], NDArray[np.float64]]]


@dataclass(frozen=True)
class PairEffect:
    """The primary metric of two rows, by their labels, compared user by user on the splits that both have.

    ``relative`` is the difference (first - second) over the second's mean, None where that is 0; ``p`` is Holm's, over
    all pairs of the leaderboard.
    """

    first: str
    second: str
    effect: Effect
    relative: float | None
    p: float
    n_splits: int


@dataclass(frozen=True)
class Uncertainty:
    """What the users and seeds behind a leaderboard say, by the rows' labels.

    Attributes
    ----------
    intervals
        Label -> metric -> 95% interval, over users and, where there are several, over seeds.
    pairs
        All pairs of rows, in the order of the rows.
    components
        Label -> components of the primary metric's variance, where several model seeds ran on several splits.
    n_splits
        The largest number of split seeds behind a row.
    """

    intervals: dict[str, dict[str, Interval]]
    pairs: tuple[PairEffect, ...]
    components: dict[str, Components]
    n_splits: int

    def interval(self, label: str, metric: str) -> Interval | None:
        return self.intervals.get(label, {}).get(metric)

    def between(self, first: str, second: str) -> PairEffect | None:
        """The comparison of two rows in the order they have in the leaderboard."""
        return next((pair for pair in self.pairs if (pair.first, pair.second) == (first, second)), None)

    def alike(self, first: str, second: str) -> bool:
        """Whether two rows can't be told apart. That isn't transitive: there are no groups of equals."""
        pair = self.between(first, second)
        return pair is not None and pair.p > ALPHA

    def variance_text(self, title: str) -> str:
        """What split seeds and model seeds bring to the variance of the primary metric; "" where that isn't known."""
        known = {label: parts.split_share for label, parts in self.components.items()}
        told = [f"{label} {numbers.share(share)}" for label, share in known.items() if not math.isnan(share)]
        return (
            f"Of {title}'s variance the split seed brings (the model seed the rest): {', '.join(told)}." if told else ""
        )


def uncertainties(
    boards: Iterable[Leaderboard], read: Callable[[Result], Result], metrics: Sequence[str] | None = None
) -> dict[tuple[str, str], Uncertainty]:
    """(data set, split) -> what its leaderboard's users and seeds say.

    Parameters
    ----------
    read
        Gives a result with its values per user; those of one row are in memory at a time.
    metrics
        Those to find intervals of, besides the primary one; None means all.
    """
    return {(board.dataset, board.split): uncertainty(board, read, metrics) for board in boards}


def uncertainty(
    board: Leaderboard, read: Callable[[Result], Result], metrics: Sequence[str] | None = None
) -> Uncertainty:
    """What the users and seeds behind one leaderboard say."""
    primary = board.primary.name if board.primary else ""
    intervals, components, values = {}, {}, {}
    for row in board.rows:
        results = [read(result) for result in row.results]
        names = list(row.values) if metrics is None else [name for name in row.values if name in (primary, *metrics)]
        intervals[row.label] = row_intervals(results, names)
        values[row.label] = _by_split(results, primary)
        found = row_components(row, primary)
        if found is not None:
            components[row.label] = found
    n_splits = max((len(row.split_seeds) for row in board.rows), default=0)
    return Uncertainty(intervals, pair_effects(values), components, n_splits)


def row_intervals(results: Sequence[Result], metrics: Sequence[str]) -> dict[str, Interval]:
    """Intervals of a row's means: users and splits are resampled, or model seeds where there is one split."""
    single = len({result.cell.split_seed for result in results}) == 1
    of_metrics: dict[str, list[tuple[int, Parts]]] = {}
    for name in metrics:
        found = [
            (result.cell.model_seed if single else result.cell.split_seed, parts_of(result, name)) for result in results
        ]
        known = [(seed, parts) for seed, parts in found if parts is not None]
        if len(known) == len(results):
            of_metrics[name] = known
    if not of_metrics:
        return {}
    different = {parts.users.tobytes(): parts.users for known in of_metrics.values() for _, parts in known}
    users = np.unique(np.concatenate(list(different.values())))
    seeds = sorted({seed for known in of_metrics.values() for seed, _ in known})
    sums = np.zeros((len(of_metrics), len(seeds), len(users)))
    counts = np.zeros_like(sums)
    for place, known in enumerate(of_metrics.values()):
        for seed, parts in known:
            row = seeds.index(seed), np.searchsorted(users, parts.users)
            sums[place, row[0], row[1]] += parts.sums
            counts[place, row[0], row[1]] += parts.counts
    roots = [known[0][1].root for known in of_metrics.values()]
    return dict(zip(of_metrics, statistics.bootstrap_intervals(sums, counts, roots), strict=True))


def row_components(row: Row, metric: str) -> Components | None:
    """What split seeds and model seeds bring to the variance of a row's metric."""
    table: dict[int, dict[int, float]] = {}
    for result in row.results:
        if metric in result.metrics:
            table.setdefault(result.cell.split_seed, {})[result.cell.model_seed] = result.metrics[metric].value
    if len({tuple(sorted(of_split)) for of_split in table.values()}) != 1:
        return None
    return statistics.variance_components([[of_split[m] for m in sorted(of_split)] for of_split in table.values()])


def pair_effects(values: Mapping[str, OfSplits]) -> tuple[PairEffect, ...]:
    """Every pair of rows that has a split in common, p-values corrected for their number."""
    labels, names, found, means = list(values), [], [], []
    for place, first in enumerate(labels):
        for second in labels[place + 1 :]:
            common = sorted(values[first].keys() & values[second].keys())
            if common:
                left, right = _aligned([values[label][seed] for seed in common] for label in (first, second))
                names.append((first, second, len(common)))
                found.append(statistics.paired(left, right))
                means.append(abs(float(np.nanmean(right, axis=1).mean())))
    effects = statistics.paired_effects(found, len(labels))
    corrected = statistics.holm([1.0 if math.isnan(effect.p) else effect.p for effect in effects])
    return tuple(
        PairEffect(first, second, effect, effect.difference / mean if mean else None, p, n_splits)
        for (first, second, n_splits), effect, mean, p in zip(names, effects, means, corrected, strict=True)
    )


def _by_split(results: Iterable[Result], metric: str) -> OfSplits:
    """Split seed -> users and their values, those of model seeds averaged."""
    found: dict[int, list[Parts]] = {}
    for result in results:
        parts = parts_of(result, metric)
        if parts is not None:
            found.setdefault(result.cell.split_seed, []).append(parts)
    return {
        seed: (parts[0].users, np.mean([one.values for one in parts], axis=0))
        for seed, parts in found.items()
        if all(np.array_equal(one.users, parts[0].users) for one in parts)
    }


def _aligned(
    sides: Iterable[Sequence[tuple[NDArray[np.int32], NDArray[np.float64]]]],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Both sides' values as (n_splits, n_users), NaN where a split doesn't evaluate a user."""
    left, right = (list(side) for side in sides)
    first = left[0][0]
    if all(np.array_equal(of_split, first) for of_split, _ in (*left, *right)):
        return np.array([values for _, values in left]), np.array([values for _, values in right])
    users = np.unique(np.concatenate([of_split for of_split, _ in (*left, *right)]))
    tables = []
    for side in (left, right):
        table = np.full((len(side), len(users)), np.nan)
        for row, (of_split, values) in zip(table, side, strict=True):
            row[np.searchsorted(users, of_split)] = values
        tables.append(table)
    return tables[0], tables[1]
