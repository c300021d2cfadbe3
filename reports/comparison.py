"""Whether a candidate is worse than a reference: a decision by margin, not by a p-value alone.

For each (data set, split, model) the primary metric's relative difference on the same splits, (candidate - reference) /
reference, has one-sided bounds at 95%. FAIL: the upper bound, corrected for the number of cells, is below 0 and the
drop exceeds the margin. PASS: the lower bound is above -margin. Otherwise INCONCLUSIVE. What can't be compared is
INCOMPARABLE, and never a pass.

Why only FAIL is corrected (Holm): one false alarm spoils the whole comparison, so their chances add up; a false pass of
the whole needs every cell to pass, so theirs don't (an intersection-union test, Berger 1982, Technometrics 24).

How large the noise of a cell is, its few seeds tell badly. Its many users tell it well but miss what a seed changes for
all of them at once. So only the ratio of the two, survey statistics' design effect, is estimated from the seeds: it is
much alike from cell to cell (0.9 to 1.2 on ML-100K for ALS, BPR and WARP, whose noise differs by a factor of 7), and
cells lend each other their knowledge of it (:func:`reports.statistics.squeeze`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from reports import numbers, statistics
from reports.pairing import IncomparableError, Pair, pair_up
from reports.reference import Side
from reports.statistics import Mean

Outcome = Literal["PASS", "FAIL", "INCONCLUSIVE", "INCOMPARABLE"]

ALPHA = 0.05
LEAST_MARGIN = 0.01
NAMED_USERS = 5
SAME = 1e-6  # a reference file holds 32-bit values


@dataclass(frozen=True)
class Change:
    """A metric on both sides, means over the seeds.

    ``change`` is relative to the reference and negative where the candidate is worse; None where the reference is 0.
    """

    metric: str
    reference: float
    candidate: float
    change: float | None


@dataclass(frozen=True)
class Decision:
    """What was decided about one (data set, split, model).

    All changes and bounds are relative to the reference's mean and negative where the candidate is worse.

    Attributes
    ----------
    primary
        The metric decided on; None where it wasn't measured.
    lower, upper
        One-sided bounds at 95%, each for itself.
    p, p_holm
        Of "no worse than the reference"; corrected for the cells that changed.
    margin
        The drop that is allowed.
    visible
        The smallest drop that these seeds see with 80% power, the number of cells considered.
    failing
        The smallest drop that ends as FAIL with 80% power: it must also exceed the margin.
    target, seeds
        A smaller drop, and how many split seeds would see that (None: over 1000, or unknown).
    others
        Metrics that are shown and not decided on.
    changed_users
        How many users have another value on some seed; None where floats of two machines can't be compared.
    """

    dataset: str
    split: str
    model: str
    outcome: Outcome
    reason: str
    n_seeds: int = 0
    n_users: int = 0
    primary: Change | None = None
    lower: float | None = None
    upper: float | None = None
    p: float | None = None
    p_holm: float | None = None
    margin: float | None = None
    visible: float | None = None
    failing: float | None = None
    target: float | None = None
    seeds: int | None = None
    others: tuple[Change, ...] = ()
    changed_users: int | None = None
    named_users: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()
    differs: bool = False

    @property
    def name(self) -> str:
        return f"{self.dataset}, {self.split}, {self.model}"


@dataclass(frozen=True)
class Comparison:
    """All decisions, the worst first, and what stands around them."""

    reference: str
    candidate: str
    metric: str
    margin: float | None
    decisions: tuple[Decision, ...]
    notes: tuple[str, ...]

    @property
    def outcome(self) -> Outcome:
        """The worst outcome of all cells; what can't be compared is worst of all."""
        found = {decision.outcome for decision in self.decisions}
        return next(outcome for outcome in ORDER if outcome in found)

    @property
    def comparable(self) -> bool:
        """Whether data, splits, users and definitions agree; a missing or crashed cell is another matter."""
        return not any(decision.differs for decision in self.decisions)

    def status(self, strict: bool = False) -> int:
        """0 pass, 1 a regression (with ``strict`` an inconclusive cell, too), 3 not comparable."""
        return {"PASS": 0, "FAIL": 1, "INCONCLUSIVE": int(strict), "INCOMPARABLE": 3}[self.outcome]


ORDER: tuple[Outcome, ...] = ("INCOMPARABLE", "FAIL", "INCONCLUSIVE", "PASS")


@dataclass(frozen=True, eq=False)
class Evidence:
    """What the seeds of a pair say.

    Attributes
    ----------
    differences
        float (n,), relative, one a split (one a model seed where there is one split).
    within
        The variance that one of them would have if its users were its only noise.
    of_users
        The variance of their mean, if users were its only noise: a user has a part in every split.
    n_users
        How many users there are in any of the splits.
    seeded
        Whether the model's result depends on a seed.
    """

    differences: NDArray[np.float64]
    within: float
    of_users: float
    n_users: int
    seeded: bool

    @property
    def design_effect(self) -> float | None:
        """How much more the seeds vary than users alone would make them; None where that can't be told."""
        if len(self.differences) < 2 or not self.within > 0:
            return None
        ratio = float(self.differences.var(ddof=1)) / self.within
        return ratio if ratio > 0 else None


def compare(reference: Side, candidate: Side, margin: float | None = None) -> Comparison:
    """Decide about every (data set, split, model) of the reference.

    Parameters
    ----------
    margin
        The relative drop that is allowed, 0.01 for 1%. None: for each cell the larger of 1% and the drop that its seeds
        see with 80% power.

    Raises
    ------
    IncomparableError
        The sides have no cell in common, or decide on different metrics.
    """
    for side in (reference, candidate):
        if not any(entry.status == "ok" for entry in side.entries):
            state = f"none of its {len(side.entries)} cells finished" if side.entries else "it has no results"
            raise IncomparableError(
                f"{side.path}: nothing was measured here ({state}), and that is never a pass; "
                f"`python -m bench run --out DIR` makes results"
            )
    if reference.metric != candidate.metric:
        raise IncomparableError(
            f"{reference.path} is about {reference.metric or 'nothing'}, {candidate.path} about "
            f"{candidate.metric or 'nothing'}: not comparable"
        )
    pairs, notes = pair_up(reference, candidate)
    decisions = [settled(pair, reference.metric) for pair in pairs]
    open_cells = [place for place, decision in enumerate(decisions) if decision is None]
    found = [gather(pairs[place], reference.metric) for place in open_cells]
    means = estimate(found)
    corrected = correct(means)
    for place, evidence, mean, p_holm in zip(open_cells, found, means, corrected, strict=True):
        decisions[place] = decide(pairs[place], reference.metric, evidence, mean, p_holm, margin, len(open_cells))
    final = [decision for decision in decisions if decision is not None]
    final.sort(key=lambda decision: (ORDER.index(decision.outcome), decision.name))
    return Comparison(reference.path, candidate.path, reference.metric, margin, tuple(final), tuple(notes))


def settled(pair: Pair, metric: str) -> Decision | None:
    """The decision where none needs to be weighed: not comparable, or the same bytes."""
    if pair.obstacles:
        reason = "; ".join(pair.obstacles[:4]) + (f"; and {len(pair.obstacles) - 4} more" * (len(pair.obstacles) > 4))
        return replace(_described(pair, metric), outcome="INCOMPARABLE", reason=reason, differs=pair.differs)
    if pair.identical:
        return replace(_described(pair, metric), outcome="PASS", reason="the same values for every user")
    if _primary_mean(pair, metric) == 0:
        reason = f"the reference's {metric} is 0: there is no relative difference"
        return replace(_described(pair, metric), outcome="INCOMPARABLE", reason=reason)
    return None


def gather(pair: Pair, metric: str) -> Evidence:
    """The relative differences by seed, those of a split's model seeds averaged, and the noise of their users."""
    sign = 1 if pair.reference[0].metrics[metric].higher_is_better else -1
    scale = sign / abs(_primary_mean(pair, metric))
    users = np.unique(np.concatenate([entry.users for entry in pair.reference if entry.users is not None]))
    of_splits: dict[int, list[NDArray[np.float64]]] = {}
    for old, new in zip(pair.reference, pair.candidate, strict=True):
        assert old.users is not None
        assert old.values is not None
        assert new.values is not None
        row = np.full(len(users), np.nan)
        row[np.searchsorted(users, old.users)] = scale * (new.values - old.values)
        of_splits.setdefault(old.cell.split_seed, []).append(row)
    if len(of_splits) == 1:
        table = np.array(next(iter(of_splits.values())))
    else:
        table = np.array([np.mean(of_split, axis=0) for of_split in of_splits.values()])
    return Evidence(
        differences=np.nanmean(table, axis=1),
        within=float(np.mean([_variance_of_mean(row) for row in table])),
        of_users=_variance_of_mean(np.nanmean(table, axis=0)),
        n_users=len(users),
        seeded=any(entry.identity.get("seeded", True) for entry in (*pair.reference, *pair.candidate)),
    )


def _variance_of_mean(values: NDArray[np.float64]) -> float:
    known = values[np.isfinite(values)]
    return float(known.var(ddof=1)) / len(known) if len(known) > 1 else math.nan


def estimate(found: Sequence[Evidence]) -> list[Mean | None]:
    """The mean difference of each pair with its error, design effects squeezed; None where one seed can't tell.

    A model without a seed that was run on one split differs by its code alone: there the users decide.
    """
    effects = [evidence.design_effect for evidence in found]
    known = [place for place, effect in enumerate(effects) if effect is not None]
    squeezed, df = statistics.squeeze(
        [effect for effect in effects if effect is not None], [len(found[place].differences) - 1 for place in known]
    )
    means: list[Mean | None] = []
    for place, evidence in enumerate(found):
        value, n = float(evidence.differences.mean()), len(evidence.differences)
        if place in known:
            at = known.index(place)
            error = math.sqrt(float(squeezed[at]) * evidence.of_users)
            means.append(Mean(value, error, float(df[at])))
        elif n > 1:
            means.append(statistics.mean_of(evidence.differences))
        elif not evidence.seeded and evidence.of_users >= 0:
            means.append(Mean(value, math.sqrt(evidence.of_users), evidence.n_users - 1))
        else:
            means.append(None)
    return means


def correct(means: Sequence[Mean | None]) -> list[float | None]:
    """Holm's p of a drop over all cells; one that can't be tested counts as a cell with p = 1."""
    corrected = statistics.holm([1.0 if mean is None else mean.p_drop for mean in means])
    return [None if mean is None else p for mean, p in zip(means, corrected, strict=True)]


def decide(
    pair: Pair,
    metric: str,
    evidence: Evidence,
    mean: Mean | None,
    p_holm: float | None,
    margin: float | None,
    n_cells: int,
) -> Decision:
    """The decision by margin about a pair that changed."""
    described = _described(pair, metric)
    if mean is None or p_holm is None:
        reason = "one seed can't tell a change from the model's own noise: run at least 3 split seeds on both sides"
        return replace(described, outcome="INCONCLUSIVE", reason=reason, margin=margin)
    visible = statistics.smallest_visible_drop(mean.error, mean.df, ALPHA / n_cells)
    allowed = max(LEAST_MARGIN, visible) if margin is None else margin
    lower, upper = mean.lower(ALPHA), mean.upper(ALPHA)
    outcome: Outcome = "INCONCLUSIVE"
    if p_holm <= ALPHA and -mean.value > allowed:
        outcome = "FAIL"
    elif lower > -allowed:
        outcome = "PASS"
    target = LEAST_MARGIN if margin is None else margin
    target = target if 0 < target < visible else visible / 2
    n = len(evidence.differences)
    return replace(
        described,
        outcome=outcome,
        reason=_reason(outcome, mean.value, lower, upper, allowed),
        lower=lower,
        upper=upper,
        p=mean.p_drop,
        p_holm=p_holm,
        margin=allowed,
        visible=visible,
        failing=max(visible, allowed + _four_fifths(mean)),
        target=target,
        seeds=statistics.seeds_needed(
            target, mean.error * math.sqrt(n), ALPHA / n_cells, borrowed_df=max(0.0, mean.df - (n - 1))
        ),
    )


def _reason(outcome: Outcome, value: float, lower: float, upper: float, margin: float) -> str:
    allowed = numbers.percent(margin).lstrip("+")
    if outcome == "FAIL":
        return f"{numbers.percent(value)}, at best {numbers.percent(upper)}: a drop beyond the margin of {allowed}"
    if outcome == "PASS":
        return f"{numbers.percent(value)}, at worst {numbers.percent(lower)}: within the margin of {allowed}"
    return (
        f"{numbers.percent(value)}, between {numbers.percent(lower)} and {numbers.percent(upper)}: shows neither a "
        f"drop beyond the margin of {allowed} nor that there is none"
    )


def _four_fifths(mean: Mean) -> float:
    """What a true drop must have above the margin for the measured one to exceed it in four of five cases."""
    from scipy.stats import t

    return mean.error * float(t.ppf(statistics.POWER, mean.df)) if mean.error > 0 else 0.0


def _described(pair: Pair, metric: str) -> Decision:
    """All of a decision but the decision."""
    changes = _changes(pair)
    changed: list[int] | None = None
    if not pair.obstacles and pair.same_environment:
        changed = _changed_users(pair)
    sizes = [len(entry.users) for entry in pair.reference if entry.users is not None]
    return Decision(
        dataset=pair.dataset,
        split=pair.split,
        model=pair.model,
        outcome="INCOMPARABLE",
        reason="",
        n_seeds=len(pair.reference),
        n_users=max(sizes, default=0),
        primary=None if pair.obstacles else next((change for change in changes if change.metric == metric), None),
        others=() if pair.obstacles else tuple(change for change in changes if change.metric != metric),
        changed_users=None if changed is None else len(changed),
        named_users=tuple((changed or [])[:NAMED_USERS]),
        notes=pair.notes,
    )


def _changes(pair: Pair) -> list[Change]:
    """Every metric that all cells of both sides have in the same definition."""
    entries = (*pair.reference, *pair.candidate)
    changes = []
    for name, metric in pair.reference[0].metrics.items() if pair.reference else ():
        if any(name not in entry.metrics or entry.metrics[name].version != metric.version for entry in entries):
            continue
        old, new = (
            math.fsum(entry.metrics[name].value / len(side) for entry in side)
            for side in (pair.reference, pair.candidate)
        )
        sign = 1 if metric.higher_is_better else -1
        changes.append(Change(name, old, new, sign * (new - old) / abs(old) if old else None))
    return changes


def _changed_users(pair: Pair) -> list[int]:
    changed: set[int] = set()
    for old, new in zip(pair.reference, pair.candidate, strict=True):
        if old.users is not None and old.values is not None and new.values is not None:
            changed.update(old.users[np.abs(new.values - old.values) > SAME].tolist())
    return sorted(changed)


def _primary_mean(pair: Pair, metric: str) -> float:
    """The reference's mean over the splits: model seeds first, so that each split counts alike."""
    of_splits: dict[int, list[float]] = {}
    for entry in pair.reference:
        of_splits.setdefault(entry.cell.split_seed, []).append(entry.metrics[metric].value)
    return float(np.mean([np.mean(values) for values in of_splits.values()]))


def as_json(comparison: Comparison, strict: bool = False) -> dict[str, Any]:
    """The comparison as plain values, with its outcome and exit status."""
    from dataclasses import asdict

    decisions = [asdict(decision) for decision in comparison.decisions]
    return {
        "outcome": comparison.outcome,
        "status": comparison.status(strict),
        "metric": comparison.metric,
        "margin": comparison.margin,
        "alpha": ALPHA,
        "reference": comparison.reference,
        "candidate": comparison.candidate,
        "notes": list(comparison.notes),
        "decisions": decisions,
    }
