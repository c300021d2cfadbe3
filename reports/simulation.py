"""How often the gate raises a false alarm and what it sees, simulated from stored results.

    python -m bench run --dataset ml-100k --models als,bpr,warp --seeds 10 --model-seeds 6 --out noise
    python -m bench run --dataset ml-100k --models als --set als.regularization=1 --seeds 10 --model-seeds 6 --out worse
    python -m reports.simulation noise --worse worse --page docs/trust.md

A trial draws split seeds, and on each split two different fits of the same model: one is the reference's, the other
the candidate's. Nothing but the model seed differs, so every FAIL is a false alarm. For the power one cell's candidate
is made worse: each of its users' values is lowered by the same share, on top of the other fit's noise; or it is drawn
from results of a model that really is worse (``--worse``). Then :func:`reports.comparison.compare` decides, with its
default margin, as it does for a user.
"""

from __future__ import annotations

import gc
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import click
import numpy as np

from reports.comparison import Comparison, compare
from reports.markdown import line
from reports.reference import Entry, Side, read_side
from reports.statistics import Interval
from reports.store import write_text

BEGIN, END = "<!-- table: written by reports/simulation.py -->", "<!-- end of table -->"
N_SEEDS, N_CELLS, DROPS = (3, 5), (1, 10, 30), (0.01, 0.02, 0.05, 0.1)
TRIALS = {False: 400, True: 100}  # is something worse? A small rate takes more trials
NOTHING_WORSE = 0.0

Fits = dict[str, dict[int, dict[int, Entry]]]  # model -> split seed -> model seed


class SimulationError(ValueError):
    """The stored results don't have what a simulation draws from; the message says what that is."""


@dataclass(frozen=True)
class Case:
    """What is compared in a trial: ``model`` in the first cell, all models in turn in the others.

    ``drop`` is the first cell's; None where its candidate is drawn from worse results.
    """

    model: str
    n_seeds: int
    n_cells: int
    drop: float | None = NOTHING_WORSE


@dataclass(frozen=True)
class Rate:
    """How many of the trials ended as FAIL: anywhere where nothing is worse, else in the cell that is."""

    case: Case
    n_failed: int
    n_trials: int

    @property
    def interval(self) -> Interval:
        """Clopper and Pearson's, at 95%."""
        from scipy.stats import binomtest

        found = binomtest(self.n_failed, self.n_trials).proportion_ci(0.95, method="exact")
        return Interval(float(found.low), float(found.high))


def simulate(folder: str | Path, worse: str | Path | None = None, jobs: int = 2) -> list[Rate]:
    """The rates of all cases.

    Parameters
    ----------
    folder
        Results of one data set and split, with several model seeds on each of several split seeds.
    worse
        Results of some of the same models with settings that make them worse, on the same splits.

    Raises
    ------
    SimulationError, ReferenceFileError
        There are fewer than two model seeds or too few split seeds, or the folder can't be read.
    """
    models = list(read_fits(folder))
    drops: list[float | None] = [NOTHING_WORSE, *DROPS]
    cases = [Case(*one) for one in _product(models, N_SEEDS, N_CELLS, drops)]
    if worse is not None:
        cases += [Case(*one) for one in _product(list(read_fits(worse)), N_SEEDS, N_CELLS, [None])]
    with ProcessPoolExecutor(jobs) as pool:
        folders = str(folder), "" if worse is None else str(worse)
        return list(pool.map(_rate, [(case, *folders) for case in cases]))


def _rate(work: tuple[Case, str, str]) -> Rate:
    case, folder, worse = work
    fits, worse_fits = read_fits(folder), read_fits(worse) if worse else {}
    gc.freeze()  # statsmodels collects garbage in each call: what is stored need not be looked at every time
    return rate(case, fits, worse_fits, TRIALS[case.drop != NOTHING_WORSE])


def rate(case: Case, fits: Fits, worse: Fits, n_trials: int) -> Rate:
    """Draw and decide as often as asked; the same case gives the same draws."""
    drop = 0 if case.drop is None else round(1000 * case.drop)
    rng = np.random.default_rng([*case.model.encode(), case.n_seeds, case.n_cells, drop])
    failed = [is_failed(case, compare(*draw(case, fits, worse, rng))) for _ in range(n_trials)]
    return Rate(case, sum(failed), n_trials)


def is_failed(case: Case, comparison: Comparison) -> bool:
    """Whether the gate failed what is worse; where nothing is, whether it failed anything."""
    first = _name(case.model, 0)
    nothing_worse = case.drop == NOTHING_WORSE
    return any(d.outcome == "FAIL" and (nothing_worse or d.model == first) for d in comparison.decisions)


def draw(case: Case, fits: Fits, worse: Fits, rng: np.random.Generator) -> tuple[Side, Side]:
    """A reference and a candidate: the same splits, on each split two different fits of every cell's model."""
    models = [case.model, *(name for name in fits if name != case.model)]
    splits = rng.choice(sorted(fits[case.model]), case.n_seeds, replace=False)
    reference, candidate = [], []
    for cell in range(case.n_cells):
        model = models[cell % len(models)]
        for split in splits:
            old, new = rng.choice(sorted(fits[model][split]), 2, replace=False)
            reference.append(_as_cell(fits[model][split][old], cell))
            if cell > 0 or case.drop is not None:
                drop = case.drop if cell == 0 and case.drop is not None else 0.0
                candidate.append(_as_cell(fits[model][split][new], cell, drop))
            else:
                candidate.append(_as_cell(worse[model][split][new], cell))
    metric = next(iter(reference[0].metrics))
    return Side("reference", metric, tuple(reference)), Side("candidate", metric, tuple(candidate))


def _as_cell(entry: Entry, number: int, drop: float = 0.0) -> Entry:
    """A fit as model seed 0 of a cell with a name of its own, its values lowered by a share."""
    assert entry.values is not None
    ((name, metric),) = entry.metrics.items()
    return replace(
        entry,
        cell=replace(entry.cell, model=_name(entry.cell.model, number), model_seed=0),
        values=entry.values * (1 - drop),
        metrics={name: replace(metric, value=metric.value * (1 - drop))},
    )


def _name(model: str, number: int) -> str:
    return f"{model} {number}"


@lru_cache(maxsize=2)
def read_fits(folder: str | Path) -> Fits:
    """All fits of a results folder, with nothing but the metric that is decided on."""
    side = read_side(folder)
    fits: Fits = {}
    for entry in side.entries:
        if entry.values is not None:
            kept = replace(entry, metrics={side.metric: entry.metrics[side.metric]})
            seeds = fits.setdefault(entry.cell.model, {}).setdefault(entry.cell.split_seed, {})
            seeds[entry.cell.model_seed] = kept
    for model, of_splits in fits.items():
        if len(of_splits) < max(N_SEEDS) or min(map(len, of_splits.values())) < 2:
            raise SimulationError(
                f"{folder}: {model} has {len(of_splits)} split seeds, the fewest model seeds on one are "
                f"{min(map(len, of_splits.values()))}; run it with --seeds {max(N_SEEDS)} --model-seeds 2 or more"
            )
    return fits


def table(rates: Sequence[Rate]) -> str:
    """Two tables in markdown: false alarms, then what is seen, in percent with intervals."""
    quiet = [one for one in rates if one.case.drop == NOTHING_WORSE]
    columns = [f"{n_cells} cells, {n_seeds} seeds" for n_cells in N_CELLS for n_seeds in N_SEEDS]
    columns = [column.replace("1 cells", "1 cell") for column in columns]
    texts = [
        f"False alarms, in % of {TRIALS[False]} trials in which nothing but model seeds changed (95% interval):\n",
        *_lines(["model", *columns], quiet),
        f"\nDrops seen, in % of {TRIALS[True]} trials in which one of the cells is worse (95% interval):\n",
        *_lines(["model, drop", *columns], [one for one in rates if one.case.drop != NOTHING_WORSE]),
    ]
    return "\n".join(texts) + "\n"


def _lines(head: Sequence[str], rates: Sequence[Rate]) -> list[str]:
    lines = [line([*head]), line(["---", *["---:"] * (len(head) - 1)])]
    rows = dict.fromkeys((one.case.model, one.case.drop) for one in rates)
    found = {one.case: one for one in rates}
    for model, drop in rows:
        cells = [_percent(found[Case(model, n_seeds, n_cells, drop)]) for n_cells in N_CELLS for n_seeds in N_SEEDS]
        lines.append(line([_row_name(model, drop), *cells]))
    return lines


def _row_name(model: str, drop: float | None) -> str:
    if drop is None:
        return f"{model}, other settings"
    return model if drop == NOTHING_WORSE else f"{model}, {drop:.0%}"


def _percent(one: Rate) -> str:
    low, high = 100 * one.interval.low, 100 * one.interval.high
    return f"{100 * one.n_failed / one.n_trials:.1f} ({low:.1f} to {high:.1f})"


def _product(
    models: Iterable[str], n_seeds: Iterable[int], n_cells: Iterable[int], drops: Sequence[float | None]
) -> list[tuple[str, int, int, float | None]]:
    from itertools import product

    return [(model, seeds, cells, drop) for model, drop, cells, seeds in product(models, drops, n_cells, n_seeds)]


def write_table(text: str, page: Path) -> None:
    """Put the table between the marks of a page, or at the end of one without marks."""
    before, _, rest = (page.read_text(encoding="utf-8") if page.exists() else "").partition(BEGIN)
    after = rest.partition(END)[2]
    write_text(page, f"{before}{BEGIN}\n{text}{END}{after or chr(10)}")


@click.command()
@click.argument("folder")
@click.option("--worse", metavar="DIR", help="Results of the same models with worse settings.")
@click.option("--page", metavar="FILE", help="Write the table between the marks of this page, too.")
@click.option("--jobs", type=click.IntRange(1), default=2, show_default=True, help="Processes side by side.")
def main(folder: str, worse: str | None, page: str | None, jobs: int) -> None:
    """Print the gate's false alarms and power, simulated from the results in FOLDER."""
    text = table(simulate(folder, worse, jobs))
    click.echo(text)
    if page:
        write_table(text, Path(page))


if __name__ == "__main__":
    main()
