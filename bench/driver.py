"""A run from its experiment to its reports: load, split, plan cells, reuse what is done, run the rest, report."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property, partial
from hashlib import blake2b
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

from bench import building, environment, loading, showcase
from bench.cells.interrupts import Interrupts
from bench.cells.job import Job
from bench.cells.limits import LimitError, can_be_watched
from bench.cells.pool import Pool
from bench.cells.running import run_in_child
from bench.cells.starting import Starter
from bench.datasets.errors import UnavailableError
from bench.experiment import Experiment, ExperimentError, SplitChoice, choose_models, file_options, is_file
from bench.listener import Listener
from bench.plugins import models as model_table
from bench.plugins import pickle_rows
from bench.registry import DATASETS, METRICS, ModelRow, look_up
from bench.settings import Setting, SettingsError, tuned_settings, what_is_tuned
from bench.shard import Shard, name_of
from recsys_impl.threads import thread_count
from reports.projector import write_projector
from reports.result import Cell, Result
from reports.scratch import remove_leftovers, scratch_folder
from reports.store import Store
from reports.writing import write_reports
from splits.files import save_split
from splits.interactions import Interactions
from splits.split import Split, SplitError

if TYPE_CHECKING:
    from bench.cluster.cluster import Cluster

CANDIDATES = "all items but those the user has in train, at any rating"


@dataclass(frozen=True)
class Candidate:
    """A model that is to be run on every split, with its parameters complete.

    ``tuned`` says whether it has a setting that was found for the data set and split, None where none is asked for.
    """

    name: str
    row: ModelRow
    parameters: dict[str, Any]
    seeds: range
    tuned: bool | None = None

    @cached_property
    def missing(self) -> str:
        """The reason to skip it, if its library isn't installed."""
        if not self.row.library or environment.package_versions(self.row.library):
            return ""
        return f"{self.row.library} isn't installed: pip install 'recsys-bench[{self.row.extra}]'"

    def with_setting(self, setting: Setting | None, own: Mapping[str, Any]) -> Candidate:
        """Itself with a tuned setting, where there is one; ``own`` are parameters that go before it."""
        if setting is None:
            return replace(self, tuned=False)
        row = replace(self.row, parameters_from=setting.origin)
        try:
            parameters = building.model_parameters(self.name, row, {**setting.parameters, **own})
            building.check_values(self.name, row, setting.parameters)
        except building.ParameterError as error:
            raise SettingsError(f"{setting.file}: {error}; correct it, or tune '{self.name}' again") from error
        return replace(self, row=row, parameters=parameters, tuned=True)

    @cached_property
    def seeded(self) -> bool:
        return building.is_seeded(self.row)

    @cached_property
    def source(self) -> str:
        return building.source_hash(self.row)

    @cached_property
    def versions(self) -> dict[str, str]:
        return environment.key_versions(self.row.library)


@dataclass(frozen=True)
class Conditions:
    """How cells are run, which is no part of what they are.

    ``jobs`` cells side by side, ``threads`` for each (0: the cores divided by jobs), ``timeout`` in seconds and
    ``memory_limit`` in bytes for each (0: none); with ``force`` also what is in the store already. With a ``shard``
    only that share of the cells; with a ``cluster`` (an address, or what else Dask has) on its workers, one cell each,
    with their threads. With ``tensorboard``, a folder, cells keep their vectors and they are written there for its
    projector.
    """

    jobs: int = 1
    threads: int = 0
    timeout: float = 0.0
    memory_limit: int = 0
    force: bool = False
    shard: Shard = field(default_factory=Shard)
    cluster: Any = None
    cluster_timeout: float | None = None
    tensorboard: Path | None = None

    def wants_vectors(self, cell: Cell) -> bool:
        """Whether a cell is to keep its factors: the first of each model, as TensorBoard shows one."""
        return self.tensorboard is not None and cell.split_seed == cell.model_seed == 0

    @property
    def threads_a_cell(self) -> int:
        """0 for those that the worker of a cluster has."""
        if self.cluster is not None:
            return self.threads
        return self.threads or max(1, thread_count(0) // self.jobs)


@dataclass(frozen=True)
class Run:
    """What all cells of a run share, and what was found of them: in their order, None for what isn't there yet."""

    experiment: Experiment
    candidates: Sequence[Candidate]
    store: Store
    scratch: Path
    conditions: Conditions
    own_models: str
    listener: Listener
    starter: Starter
    share: frozenset[str]  # names of the cells that are this run's
    tuned: Mapping[tuple[str, str], Sequence[Candidate]] = field(default_factory=dict)  # by data set and split
    found: list[Result | Refusal | None] = field(default_factory=list)
    waiting: Counter[str] = field(default_factory=Counter)  # cells that still need a split's folder

    def candidates_for(self, dataset: str, split: str) -> Sequence[Candidate]:
        """The candidates, with the settings that were found for a data set and split where they are asked for."""
        return self.tuned.get((dataset, split), self.candidates)

    def add(self, entry: Result | Refusal) -> None:
        self.found.append(entry)

    def done(self, job: Job, result: Result) -> None:
        """Take note of a cell that was run; the last one of a split takes its files along."""
        self.found[job.number] = result
        self.listener.ended(result, reused=False)
        self.waiting[job.split_folder] -= 1
        if not self.waiting[job.split_folder]:
            shutil.rmtree(job.split_folder, ignore_errors=True)


def drive(
    experiment: Experiment, own: Mapping[str, Any], out: Path, conditions: Conditions, listener: Listener
) -> list[Result]:
    """Results of all cells of the experiment, in its order; reports are written for the whole folder, these first.

    Raises
    ------
    ValueError
        A name, parameter or file is wrong, or not one data set could be prepared.
    """
    _require_folder("--out", out, "results go")
    if conditions.tensorboard is not None:
        _require_folder("--tensorboard", conditions.tensorboard, "vectors go")
    if conditions.memory_limit and conditions.cluster is None and not can_be_watched():
        raise LimitError("--memory-limit: this system doesn't tell what a process holds; leave it out")
    _require_names_of_their_own(experiment.datasets)
    table = model_table(experiment.plugins, own)
    candidates = plan_models(experiment, table)
    choices = plan_splits(experiment)
    tuned = plan_tuned(experiment, candidates, choices, out) if experiment.tuned else {}
    remove_leftovers(out)
    every = planned(experiment, candidates, choices)
    share = conditions.shard.of(every)
    with (
        Interrupts() as interrupts,
        _cluster(conditions, candidates) as cluster,
        scratch_folder(out) as scratch,
        Starter() as starter,
    ):
        own_models = pickle_own(own, table, scratch, travels=cluster is not None)
        run = Run(experiment, candidates, Store(out), scratch, conditions, own_models, listener, starter, share, tuned)
        listener.planned(sum(name_of(cell) in share for cell in every))
        if cluster is None:
            pool = Pool(partial(run_in_child, starter), conditions.jobs, run.store, scratch, listener, interrupts)
        else:
            pool = cluster.pool(run.store, scratch, listener, interrupts)
        pool.carry_out(
            (job for dataset in experiment.datasets for job in plan_dataset(run, dataset, choices)), run.done
        )
        results = settle(run)
        if results:
            listener.reported([str(path) for path in write_reports(out, chosen=results)])
            if conditions.tensorboard is not None:
                listener.projected(write_projector(out, conditions.tensorboard, results))
    return results


def _require_folder(option: str, folder: Path, what: str) -> None:
    if not_a_folder := next((path for path in (folder, *folder.parents) if path.exists() and not path.is_dir()), None):
        raise ExperimentError(f"{option} {folder}: {not_a_folder} is no folder, and {what} into one: give another name")


def _require_names_of_their_own(datasets: Sequence[str]) -> None:
    """That no two files of a run have one name, by which results tell them apart."""
    known: dict[str, str] = {}
    for dataset in datasets:
        other = known.setdefault(label_of(dataset), dataset)
        if Path(other).resolve() != Path(dataset).resolve():
            raise ExperimentError(
                f"--dataset: {other} and {dataset} would both be {label_of(dataset)} in the results: "
                "rename one, or run each with an --out of its own"
            )


def settle(run: Run) -> list[Result]:
    """The results, with rows for the cells whose data could not be had; raises where that is all there was."""
    results = [one for one in run.found if isinstance(one, Result)]
    refusals = [one for one in run.found if isinstance(one, Refusal)]
    if not results and refusals:
        raise refusals[0].error
    for refusal in refusals:
        results += [record_skipped(run, cell, str(refusal.error)) for cell in refusal.cells]
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
    candidates = [
        Candidate(
            name,
            table[name],
            building.model_parameters(name, table[name], experiment.parameters.get(name, {})),
            range(experiment.model_seeds if building.is_seeded(table[name]) else 1),
        )
        for name in names
    ]
    for candidate in candidates:
        if candidate.name in experiment.parameters:
            building.check_values(candidate.name, candidate.row, experiment.parameters[candidate.name])
    return candidates


def plan_splits(experiment: Experiment) -> list[SplitChoice]:
    """The splits to run; a parameter that a rule doesn't take is refused."""
    choices = [SplitChoice.parse(text) for text in experiment.splits]
    for choice in choices:
        loading.rule_of(choice.name, choice.parameters)
    return choices


def plan_tuned(
    experiment: Experiment, candidates: Sequence[Candidate], choices: Sequence[SplitChoice], out: Path
) -> dict[tuple[str, str], list[Candidate]]:
    """By data set and split the candidates with what was tuned there; where nothing was, they keep their defaults.

    Raises
    ------
    SettingsError
        Nothing was tuned for any of them, or a file of settings can't be read or used.
    """
    found: dict[tuple[str, str], list[Candidate]] = {}
    for dataset in map(label_of, experiment.datasets):
        settings = tuned_settings(dataset, out)
        for split in [choice.label for choice in choices]:
            found[dataset, split] = [
                one.with_setting(settings.get((one.name, split)), experiment.parameters.get(one.name, {}))
                for one in candidates
            ]
    if not any(one.tuned for those in found.values() for one in those):
        models, splits = ",".join(experiment.models), [choice.label for choice in choices]
        words = ["python", "-m", "bench", "tune", "--dataset", experiment.datasets[0], "--split", splits[0]]
        words += ["--models", models] if models else []
        raise SettingsError(
            f"--tuned: no tuned settings of {models or 'any model'} on {', '.join(map(label_of, experiment.datasets))} "
            f"with the split {', '.join(splits)}. There are (data set, split: models): {what_is_tuned(out)}. "
            f"To make some: `{' '.join(map(quote, [*words, '--out', str(out)]))}`"
        )
    return found


def plan_dataset(run: Run, dataset: str, choices: Sequence[SplitChoice]) -> Iterator[Job]:
    """The cells to run of one data set under every split and seed."""
    label = label_of(dataset)
    groups = []
    for choice in choices:
        for seed in run.experiment.split_seeds(choice):
            cells = cells_of(run.candidates_for(label, choice.label), label, choice, seed)
            if mine := [one for one in cells if name_of(one[0]) in run.share]:
                groups.append((choice, seed, mine))
    if not groups:
        return
    run.listener.preparing(label)
    try:
        interactions = load(run.experiment, dataset)
    except UnavailableError as error:
        for *_, cells in groups:
            run.add(Refusal(error, [cell for cell, _ in cells]))
        return
    run.listener.loaded(label, f"relevant: {loading.relevance(interactions)}")
    for choice, seed, cells in groups:
        try:
            split = loading.split(interactions, choice.label, seed)
        except SplitError as error:
            run.add(Refusal(error, [cell for cell, _ in cells]))
            continue
        yield from plan_split(run, split, cells)


def load(experiment: Experiment, dataset: str) -> Interactions:
    """The data set, with the experiment's file options where it is a file."""
    if not is_file(dataset):
        return loading.load(dataset)
    options = {"columns": experiment.columns or None, "titles": experiment.titles, "test": experiment.test}
    return loading.load(dataset, threshold=experiment.threshold, **options)  # type: ignore[arg-type]


def planned(experiment: Experiment, candidates: Sequence[Candidate], choices: Sequence[SplitChoice]) -> list[Cell]:
    """All cells of the experiment, known before any data is."""
    return [
        cell
        for dataset in experiment.datasets
        for choice in choices
        for seed in experiment.split_seeds(choice)
        for cell, _ in cells_of(candidates, label_of(dataset), choice, seed)
    ]


def label_of(dataset: str) -> str:
    """What a data set is called in results: a file by its name alone."""
    return Path(dataset).name if is_file(dataset) else dataset


def cells_of(
    candidates: Sequence[Candidate], dataset: str, choice: SplitChoice, seed: int
) -> list[tuple[Cell, Candidate]]:
    return [
        (Cell(dataset, choice.label, seed, candidate.name, candidate.parameters, model_seed), candidate)
        for candidate in candidates
        for model_seed in candidate.seeds
    ]


def plan_split(run: Run, split: Split, cells: Sequence[tuple[Cell, Candidate]]) -> Iterator[Job]:
    """Reuse the cells that are in the store; the others are to be run in children that share the split's arrays."""
    licence = DATASETS[cells[0][0].dataset].licence if cells[0][0].dataset in DATASETS else "the user's own file"
    run.store.write_dataset(cells[0][0], showcase.describe(split, licence))
    jobs: list[Job] = []
    for cell, candidate in cells:
        if candidate.missing:
            run.add(record_skipped(run, cell, candidate.missing, candidate.row))
            continue
        identity = identify(run, split, candidate)
        if candidate.seeded:
            identity["random_state"] = building.random_state(cell.split_seed, cell.model_seed)
        key = key_of(cell, identity)
        identity["seeded"] = candidate.seeded
        identity["command"] = command(cell, run.experiment)
        identity |= kinship(candidate.row) | origin(candidate)
        done = None if run.conditions.force else run.store.find(cell, key)
        if done is not None and run.conditions.wants_vectors(cell) and not run.store.has_vectors(cell, key):
            run.listener.again(cell, "because its vectors are asked for and weren't kept")
            done = None
        if done is None:
            jobs.append(job_of(run, cell, key, identity))
            run.found.append(None)
        else:
            result = run.store.read(done)
            if candidate.tuned is not None:
                result = run.store.tell(result, origin(candidate))
            run.listener.ended(result, reused=True)
            run.add(result)
    if jobs:
        yield from share(run, split, jobs)


def job_of(run: Run, cell: Cell, key: str, identity: dict[str, Any]) -> Job:
    """The job of the cell that comes next."""
    return Job(
        cell,
        key,
        identity,
        run.experiment.k,
        split_folder="",
        threads=run.conditions.threads_a_cell,
        plugins=run.experiment.plugins,
        own_models=run.own_models,
        timeout=run.conditions.timeout,
        memory_limit=run.conditions.memory_limit,
        side_by_side=run.conditions.jobs,
        number=len(run.found),
        keep_vectors=run.conditions.wants_vectors(cell),
    )


def share(run: Run, split: Split, jobs: Sequence[Job]) -> Iterator[Job]:
    """The jobs, with the split's arrays in a folder for their children to map."""
    if run.conditions.cluster is None:
        run.starter.prepare()
    folder = str(run.scratch / f"split-{jobs[0].number}")
    save_split(split, folder)
    known = showcase.known_items(split.interactions)
    run.waiting[folder] = len(jobs)
    for job in jobs:
        yield replace(job, split_folder=folder, known_items=known)


def identify(run: Run, split: Split, candidate: Candidate) -> dict[str, Any]:
    """All that decides a cell's numbers beside the cell itself."""
    return {
        "data": split.interactions.content_hash,
        "split": split.content_hash,
        "candidates": CANDIDATES,
        "k": list(run.experiment.k),
        "metrics": {name: row.version for name, row in METRICS.items()},
        "learns_from": candidate.row.learns_from,
        "source": candidate.source,
        "versions": candidate.versions,
    }


def kinship(row: ModelRow) -> dict[str, str]:
    """Whose model it is and which to lay beside it: told to reports, and no part of the key."""
    return {"library": row.library, "twin": row.twin}


def origin(candidate: Candidate) -> dict[str, Any]:
    """Where the parameters come from: told to reports, and no part of the key, as the numbers are the same."""
    told = {"parameters_from": candidate.row.parameters_from}
    return told if candidate.tuned is None else {**told, "tuned": candidate.tuned}


def key_of(cell: Cell, identity: Mapping[str, Any]) -> str:
    """The resume key: equal for equal experiments, different where anything that matters is."""
    content = [cell.dataset, cell.split, cell.split_seed, cell.model, cell.parameters, cell.model_seed, identity]
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
    if cell.dataset not in DATASETS:  # other files by their names, as the data file itself
        titles, test = (Path(file).name if file else None for file in (experiment.titles, experiment.test))
        words += file_options(experiment.columns, titles, test, experiment.threshold)
    return " ".join(quote(word) for word in words)


def record_skipped(run: Run, cell: Cell, reason: str, row: ModelRow | None = None) -> Result:
    """Store and announce a row for a cell that wasn't run."""
    identity = {"command": command(cell, run.experiment), **(kinship(row) if row else {})}
    result = Result(cell, "", identity, "skipped", reason, measured={"finished": now()})
    run.store.write(result)
    run.listener.ended(result, reused=False)
    return result


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _cluster(
    conditions: Conditions, candidates: Sequence[Candidate]
) -> AbstractContextManager[Cluster] | AbstractContextManager[None]:
    """The cluster to run on, None where there is none."""
    if conditions.cluster is None:
        return nullcontext()
    from bench.cluster.cluster import open_cluster

    needed = {candidate.row.library for candidate in candidates if candidate.row.library and not candidate.missing}
    return open_cluster(conditions.cluster, sorted(needed), conditions.cluster_timeout)


def pickle_own(own: Mapping[str, Any], table: Mapping[str, ModelRow], folder: Path, travels: bool) -> str:
    """A file with the rows of the caller's own classes (which may live in a notebook), "" without any."""
    if not own:
        return ""
    file = folder / "own-models.pickle"
    file.write_bytes(pickle_rows({name: table[name] for name in own}, travels))
    return str(file)
