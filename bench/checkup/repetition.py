"""The same cell several times, each in a process of its own and on another number of threads: are all bytes equal?"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from bench import fingerprint
from bench.building import model_parameters
from bench.cells.job import Job
from bench.cells.pool import run_here
from bench.experiment import DEFAULT_KS, choose_models, is_file
from bench.listener import Listener
from bench.loading import load, split
from bench.plugins import models as model_table
from bench.registry import MODELS, ModelRow
from reports.result import Cell, Result
from splits.files import save_split

THREADS = (1, 2)  # in turn: with two repeats they differ, with more the same number comes again
# Large enough that each kernel has something to share between two threads: they take up to 2,048 rows at once.
SMALL = {"n_users": 2_500, "n_items": 300, "n_interactions": 40_000}


class RepetitionError(ValueError):
    """Cells can't be repeated as asked."""


@dataclass(frozen=True)
class Repeated:
    """One model's cells.

    ``digests`` has for "factors" (whatever numbers the fitted model holds), "lists" and "metrics" one digest a repeat,
    "" where the model has none. ``reason`` says what differs or why a cell has no result.
    """

    model: str
    outcome: Literal["equal", "different", "failed", "skipped"]
    threads: list[int]
    digests: dict[str, list[str]]
    reason: str = ""


def repeat(
    times: int,
    dataset: str = "synthetic",
    models: Sequence[str] = (),
    plugins: Sequence[str] = (),
    say: Callable[[str], None] = lambda line: None,
    **file_options: Any,
) -> list[Repeated]:
    """Run the cell of each model ``times`` times on the random split with seed 0 and compare.

    ``models`` are by default the hand-rolled ones and those of the plug-ins. ``say`` hears of each repeat.

    Raises
    ------
    RepetitionError
        ``times`` is below 2.
    """
    if times < 2:
        raise RepetitionError(f"repeat must be at least 2, not {times}: one result equals itself")
    table = model_table(plugins)
    names = choose_models(models or [name for name, row in table.items() if is_repeatable(name, row)], table)
    cells = [Cell(_label(dataset), "random", 0, name, model_parameters(name, table[name], {}), 0) for name in names]
    data = load(dataset, **(SMALL if dataset == "synthetic" else file_options))
    with tempfile.TemporaryDirectory(prefix="recsys-bench-") as folder:
        save_split(split(data), Path(folder, "split"))
        threads = [THREADS[turn % len(THREADS)] for turn in range(times)]
        runs = [run_once(cells, table, folder, turn, threads[turn], plugins, say) for turn in range(times)]
    return [compare(name, threads, [run[name] for run in runs]) for name in names]


def is_repeatable(name: str, row: ModelRow) -> bool:
    """Whether equal bytes are promised: the hand-rolled models, and what isn't in the registry is the user's own."""
    return name not in MODELS or str(row.target).startswith("recsys_impl.")


def run_once(
    cells: Sequence[Cell],
    table: Mapping[str, ModelRow],
    folder: str,
    turn: int,
    threads: int,
    plugins: Sequence[str],
    say: Callable[[str], None],
) -> dict[str, Result]:
    """Results by model, one child after the other. No key: nothing of it is ever taken for done."""
    jobs = [
        Job(
            cell,
            key="",
            identity={"parameters_from": table[cell.model].parameters_from},
            ks=DEFAULT_KS,
            split_folder=str(Path(folder, "split")),
            threads=threads,
            plugins=plugins,
            fingerprint=True,
        )
        for cell in cells
    ]
    found = {}
    for result in run_here(jobs, Path(folder, f"turn-{turn}"), Listener()):
        say(f"{result.cell.model}, repeat {turn + 1}, {threads} thread{'s' * (threads != 1)}: {result.status}")
        found[result.cell.model] = result
    return found


def compare(model: str, threads: list[int], results: Sequence[Result]) -> Repeated:
    """What is equal in all of a model's results."""
    for result in results:
        if result.status != "ok":
            first_line = (result.error.strip().splitlines() or [""])[0]
            outcome: Any = "skipped" if result.status == "skipped" else "failed"
            return Repeated(model, outcome, threads, {}, f"{result.status}: {first_line}")
    parts = {"factors": factors, "lists": lists, "metrics": metrics}
    named = {part: [digests(result) for result in results] for part, digests in parts.items()}
    different = [f"{part}: {', '.join(_different(of_part))}" for part, of_part in named.items() if _different(of_part)]
    whole = {part: [_one(digests) for digests in of_part] for part, of_part in named.items()}
    return Repeated(model, "different" if different else "equal", threads, whole, "; ".join(different))


def factors(result: Result) -> dict[str, str]:
    """A digest for each array of the fitted model."""
    found: dict[str, str] = result.measured["fingerprint"]
    return found


def lists(result: Result) -> dict[str, str]:
    """A digest of all recommended items, and of the users they are for."""
    assert result.users is not None
    assert result.lists is not None
    return {"items": fingerprint.of_arrays(result.lists), "users": fingerprint.of_arrays(result.users)}


def metrics(result: Result) -> dict[str, str]:
    """A digest for each metric's value and for the values per user that it came from."""
    values = {
        name: fingerprint.of_arrays(np.asarray([metric.value, metric.value_all], np.float64))
        for name, metric in result.metrics.items()
    }
    per_user = {f"{name} per user": fingerprint.of_arrays(column) for name, column in result.per_user.items()}
    return values | per_user


def _different(of_part: Sequence[Mapping[str, str]]) -> list[str]:
    """Names whose digests aren't the same everywhere."""
    names = dict.fromkeys(name for digests in of_part for name in digests)
    return [name for name in names if len({digests.get(name) for digests in of_part}) > 1]


def _one(digests: Mapping[str, str]) -> str:
    """All digests of a part as one; "" where there are none."""
    if not digests:
        return ""
    text = json.dumps(digests, sort_keys=True).encode()
    return fingerprint.of_arrays(np.frombuffer(text, np.uint8))


def _label(dataset: str) -> str:
    return Path(dataset).name if is_file(dataset) else dataset
