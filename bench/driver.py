"""A run from its experiment to its reports: load, split, plan cells, reuse what is done, run the rest, report."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from shlex import quote
from typing import Any

from bench import building, environment, loading, showcase
from bench.datasets.errors import UnavailableError
from bench.experiment import Experiment, ExperimentError, SplitChoice, choose_models, is_file
from bench.listener import Listener
from bench.plugins import models as model_table
from bench.registry import DATASETS, METRICS, SPLITS, ModelRow, look_up, resolve
from bench.settings import Setting, tuned_settings
from bench.workers import Job, run_jobs
from recsys_impl.threads import thread_count
from reports.result import Cell, Result
from reports.store import Store
from reports.writing import write_reports
from splits.files import save_split
from splits.interactions import Interactions
from splits.split import Split, SplitError

CANDIDATES = "all items but those the user has in train, at any rating"


@dataclass(frozen=True)
class Candidate:
    """A model that is to be run on every split, with its parameters complete."""

    name: str
    row: ModelRow
    parameters: dict[str, Any]
    seeds: range

    @cached_property
    def missing(self) -> str:
        """The reason to skip it, if its library isn't installed."""
        if not self.row.library or environment.package_versions(self.row.library):
            return ""
        return f"{self.row.library} isn't installed: pip install 'recsys-bench[{self.row.extra}]'"


@dataclass(frozen=True)
class Run:
    """What all cells of a run share."""

    experiment: Experiment
    candidates: Sequence[Candidate]
    store: Store
    parallel: int
    threads: int
    force: bool
    own_models: str
    listener: Listener


def drive(
    experiment: Experiment, own: Mapping[str, Any], out: Path, jobs: int, threads: int, force: bool, listener: Listener
) -> list[Result]:
    """Results of all cells of the experiment, in its order; reports are written for the whole folder.

    Raises
    ------
    ValueError
        A name, parameter or file is wrong, or not one data set could be prepared.
    """
    if not_a_folder := next((path for path in (out, *out.parents) if path.exists() and not path.is_dir()), None):
        raise ExperimentError(f"--out {out}: {not_a_folder} is no folder, and results go into one: give another name")
    table = model_table(experiment.plugins, own)
    candidates = plan_models(experiment, table)
    choices = plan_splits(experiment)
    parallel = max(1, jobs)
    with _pickled(own, table) as own_models:
        run = Run(
            experiment,
            candidates,
            Store(out),
            parallel,
            threads or max(1, thread_count(0) // parallel),
            force,
            own_models,
            listener,
        )
        cells_a_split = sum(len(candidate.seeds) for candidate in candidates)
        n_splits = sum(len(experiment.split_seeds(choice)) for choice in choices)
        listener.planned(len(experiment.datasets) * n_splits * cells_a_split)
        found = [one for dataset in experiment.datasets for one in run_dataset(run, dataset, choices)]
    results = [one for one in found if isinstance(one, Result)]
    refusals = [one for one in found if isinstance(one, Refusal)]
    if not results and refusals:
        raise refusals[0].error
    for refusal in refusals:
        results += [record_skipped(run, cell, str(refusal.error)) for cell in refusal.cells]
    if results:
        listener.reported([str(path) for path in write_reports(out)])
    return results


@dataclass(frozen=True)
class Refusal:
    """Cells that can't be run because their data can't be had or divided."""

    error: ValueError
    cells: list[Cell]


def plan_models(experiment: Experiment, table: Mapping[str, ModelRow]) -> list[Candidate]:
    """The models to run; every parameter is checked before anything is computed."""
    names = choose_models(experiment.models, table)
    for name in experiment.parameters:
        look_up(table, "model", name)
    return [
        Candidate(
            name,
            table[name],
            building.model_parameters(name, table[name], experiment.parameters.get(name, {})),
            range(experiment.model_seeds if building.is_seeded(table[name]) else 1),
        )
        for name in names
    ]


def plan_splits(experiment: Experiment) -> list[SplitChoice]:
    """The splits to run; a parameter that a rule doesn't take is refused."""
    choices = [SplitChoice.parse(text) for text in experiment.splits]
    for choice in choices:
        rule = resolve(look_up(SPLITS, "split", choice.name).target)
        for name in choice.parameters:
            if not building.takes(rule, name):
                raise ExperimentError(f"split '{choice.name}' has no parameter '{name}': {SPLITS[choice.name].summary}")
    return choices


def run_dataset(run: Run, dataset: str, choices: Sequence[SplitChoice]) -> Iterator[Result | Refusal]:
    """The results of one data set under every split and seed."""
    label = Path(dataset).name if is_file(dataset) else dataset
    run = with_tuned_settings(run, label)
    groups = [(choice, seed) for choice in choices for seed in run.experiment.split_seeds(choice)]
    run.listener.preparing(label)
    try:
        interactions = load(run.experiment, dataset)
    except UnavailableError as error:
        for choice, seed in groups:
            yield Refusal(error, [cell for cell, _ in cells_of(run, label, choice, seed)])
        return
    for choice, seed in groups:
        cells = cells_of(run, label, choice, seed)
        try:
            split = loading.split(interactions, choice.label, seed)
        except SplitError as error:
            yield Refusal(error, [cell for cell, _ in cells])
            continue
        yield from run_split(run, split, cells)


def with_tuned_settings(run: Run, dataset: str) -> Run:
    """The run with the settings that were found for this data set, where they are asked for and there are some."""
    if not run.experiment.tuned:
        return run
    settings = tuned_settings(dataset, run.store.root)
    return replace(run, candidates=[_tuned(run, candidate, settings) for candidate in run.candidates])


def _tuned(run: Run, candidate: Candidate, settings: Mapping[str, Setting]) -> Candidate:
    if candidate.name not in settings:
        return candidate
    setting = settings[candidate.name]
    chosen = setting.parameters | run.experiment.parameters.get(candidate.name, {})
    row = replace(candidate.row, parameters_from=setting.origin)
    return replace(candidate, row=row, parameters=building.model_parameters(candidate.name, row, chosen))


def load(experiment: Experiment, dataset: str) -> Interactions:
    """The data set, with the experiment's file options where it is a file."""
    if not is_file(dataset):
        return loading.load(dataset)
    options = {"columns": experiment.columns or None, "titles": experiment.titles, "test": experiment.test}
    return loading.load(dataset, threshold=experiment.threshold, **options)  # type: ignore[arg-type]


def cells_of(run: Run, dataset: str, choice: SplitChoice, seed: int) -> list[tuple[Cell, Candidate]]:
    return [
        (Cell(dataset, choice.label, seed, candidate.name, candidate.parameters, model_seed), candidate)
        for candidate in run.candidates
        for model_seed in candidate.seeds
    ]


def run_split(run: Run, split: Split, cells: Sequence[tuple[Cell, Candidate]]) -> Iterator[Result]:
    """Reuse the cells that are in the store, run the others in children that share the split's arrays."""
    data = split.interactions
    licence = DATASETS[cells[0][0].dataset].licence if cells[0][0].dataset in DATASETS else "the user's own file"
    run.store.write_dataset(cells[0][0], showcase.describe(split, licence))
    known = showcase.known_items(data)
    todo: list[tuple[Cell, str, dict[str, Any]]] = []
    for cell, candidate in cells:
        if candidate.missing:
            yield record_skipped(run, cell, candidate.missing)
            continue
        identity = identify(run, split, candidate)
        if building.is_seeded(candidate.row):
            identity["random_state"] = building.random_state(cell.split_seed, cell.model_seed)
        key = key_of(cell, identity)
        identity["seeded"] = building.is_seeded(candidate.row)
        identity["command"] = command(cell, run.experiment)
        done = None if run.force else run.store.find(cell, key)
        if done is None:
            todo.append((cell, key, identity))
        else:
            result = run.store.read(done)
            run.listener.ended(result, reused=True)
            yield result
    if not todo:
        return
    with _shared(split, run.store.root) as folder:
        jobs = [
            Job(
                cell,
                key,
                identity,
                run.experiment.k,
                folder,
                str(run.store.root),
                run.threads,
                known,
                run.experiment.plugins,
                run.own_models,
            )
            for cell, key, identity in todo
        ]
        for result in run_jobs(jobs, run.parallel, run.listener):
            run.listener.ended(result, reused=False)
            yield result


def identify(run: Run, split: Split, candidate: Candidate) -> dict[str, Any]:
    """All that decides a cell's numbers beside the cell itself."""
    return {
        "data": split.interactions.content_hash,
        "split": split.content_hash,
        "candidates": CANDIDATES,
        "k": list(run.experiment.k),
        "metrics": {name: row.version for name, row in METRICS.items()},
        "learns_from": candidate.row.learns_from,
        "source": building.source_hash(candidate.row),
        "versions": environment.key_versions(candidate.row.library),
        "parameters_from": candidate.row.parameters_from,
    }


def key_of(cell: Cell, identity: Mapping[str, Any]) -> str:
    """The resume key: equal for equal experiments, different where anything that matters is."""
    named = {name: value for name, value in identity.items() if name != "parameters_from"}
    content = [cell.dataset, cell.split, cell.split_seed, cell.model, cell.parameters, cell.model_seed, named]
    return blake2b(json.dumps(content, sort_keys=True).encode(), digest_size=16).hexdigest()


def command(cell: Cell, experiment: Experiment) -> str:
    """The command that makes this cell again (together with those of smaller seeds)."""
    words = ["python", "-m", "bench", "run", "--dataset", cell.dataset, "--split", cell.split, "--models", cell.model]
    words += ["--seeds", str(cell.split_seed + 1), "--model-seeds", str(cell.model_seed + 1)]
    words += ["--k", ",".join(map(str, experiment.k))] + ["--tuned"] * experiment.tuned
    for name, value in sorted(experiment.parameters.get(cell.model, {}).items()):
        words += ["--set", f"{cell.model}.{name}={json.dumps(value)}"]
    for plugin in experiment.plugins:
        words += ["--plugin", Path(plugin).name]
    if cell.dataset not in DATASETS:
        words += file_options(experiment)
    return " ".join(quote(word) for word in words)


def file_options(experiment: Experiment) -> list[str]:
    """How the command line says how to read a file; other files by their names, as the data file itself."""
    words = []
    if experiment.columns:
        words += ["--columns", ",".join(f"{role}={column}" for role, column in experiment.columns.items())]
    for option, file in (("--titles", experiment.titles), ("--test", experiment.test)):
        words += [option, Path(file).name] if file else []
    return words + (["--threshold", f"{experiment.threshold:g}"] if experiment.threshold is not None else [])


def record_skipped(run: Run, cell: Cell, reason: str) -> Result:
    """Store and announce a row for a cell that wasn't run."""
    result = Result(
        cell, "", {"command": command(cell, run.experiment)}, "skipped", reason, measured={"finished": now()}
    )
    run.store.write(result)
    run.listener.ended(result, reused=False)
    return result


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


@contextmanager
def _shared(split: Split, root: Path) -> Iterator[str]:
    """A folder with the split's arrays for the children to map, gone afterwards."""
    root.mkdir(parents=True, exist_ok=True)
    folder = tempfile.mkdtemp(prefix=".split-", dir=root)
    try:
        save_split(split, folder)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _pickled(own: Mapping[str, Any], table: Mapping[str, ModelRow]) -> Iterator[str]:
    """A file with the rows of the caller's own classes (which may live in a notebook), "" without any."""
    if not own:
        yield ""
        return
    import cloudpickle

    with tempfile.NamedTemporaryFile(prefix="recsys-bench-", suffix=".pickle") as stream:
        stream.write(cloudpickle.dumps({name: table[name] for name in own}))
        stream.flush()
        yield stream.name
