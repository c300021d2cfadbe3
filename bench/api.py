"""What the command line does, as functions: load, run, report, compare, evaluate, recommend, speed, doctor, ..."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.experiment import (
    DEFAULT_SUITE,
    Experiment,
    ExperimentError,
    SplitChoice,
    choose_models,
    file_options,
    read_toml,
)
from bench.listener import Listener
from bench.loading import load, split
from bench.registry import look_up

if TYPE_CHECKING:
    import pandas as pd

    from bench.checkup.checkup import Checkup
    from bench.evaluation import Evaluation
    from bench.lookup import Recommendations, Similar
    from bench.reproduction.outcome import Outcome
    from bench.reproduction.suite import Suite
    from bench.tuning.space import Space
    from reports.comparison import Comparison
    from reports.reference import Side
    from reports.result import Result
    from reports.tuning import Search
    from reports.verdicts import Verdict
    from splits.interactions import Interactions


__all__ = [
    "compare",
    "doctor",
    "evaluate",
    "export_split",
    "load",
    "recommend",
    "report",
    "reproduce",
    "run",
    "save_reference",
    "similar",
    "spaces",
    "speed",
    "split",
    "suites",
    "tune",
    "verdicts",
]


def run(
    datasets: str | Sequence[str] = (),
    *,
    splits: str | Sequence[str] = (),
    models: str | Sequence[Any] | Mapping[str, Any] = (),
    k: Sequence[int] = (),
    seeds: int | None = None,
    model_seeds: int | None = None,
    parameters: Mapping[str, Mapping[str, Any]] | None = None,
    plugins: Sequence[str | Path] = (),
    config: str | Path | None = None,
    everything: bool = False,
    columns: Mapping[str, str | int] | None = None,
    titles: str | None = None,
    test: str | None = None,
    threshold: float | None = None,
    out: str | Path = "results",
    jobs: int = 1,
    threads: int = 0,
    timeout: str | float | None = None,
    memory_limit: str | float | None = None,
    force: bool = False,
    tensorboard: str | Path | None = None,
    shard: str | None = None,
    cluster: Any = None,
    cluster_timeout: float | None = None,
    tuned: bool = False,
    listener: Listener | None = None,
) -> pd.DataFrame:
    """Run every model on every data set and split, and write report.csv and report.html.

    Cells that are in the store already are not computed again. What isn't named comes from ``config``, and what that
    doesn't name from the defaults: ml-100k (with ``everything`` also ml-1m), the random split, one seed, all models.

    Parameters
    ----------
    models
        Names; classes of your own may stand among them, or come as a dict from names to classes.
    parameters
        Model name -> parameters that replace the registry's; only of models that are run.
    columns, titles, test, threshold
        How to read files, as in :func:`load`. ``test`` holds the held-out rows: the split is "fixed".
    jobs, threads
        Cells side by side; threads for each (0: the cores divided by jobs). Times that were taken side by side are
        marked.
    timeout, memory_limit
        Seconds or text as ``"15m"``, and MB or text as ``"4GiB"``, that each cell may take; one that takes more is a
        row that says so.
    tensorboard
        Folder for TensorBoard's projector (``reports/projector.py``). The first cell of each model keeps its vectors;
        one that is in the store without them is computed again.
    shard
        ``I/N``: only the I-th of N shares of the cells, for machines that don't know of each other.
    cluster, cluster_timeout
        Run the cells on a Dask cluster: its scheduler's address or file, or one of Dask's clusters or clients; seconds
        to wait for the scheduler's answer, and for a worker where there is none (None: 10). A worker has one cell at a
        time, whatever ``jobs`` says, and a cell the worker's threads where ``threads`` is 0.
    tuned
        Models run with the settings that :func:`tune` found for the data set and split, where it found some; those
        without are named by a verdict. It is an error if all are without.

    Returns
    -------
    One row for each cell of this run, with the columns of report.csv.
    """
    from bench.cells.limits import parse_memory, parse_timeout
    from bench.driver import Conditions, drive
    from bench.plugins import models as model_table
    from bench.shard import Shard
    from reports.table import to_frame

    names, own = _names_and_classes(models)
    options = {
        "datasets": _tuple(datasets),
        "splits": _tuple(splits),
        "models": names,
        "k": tuple(k),
        "seeds": seeds,
        "model_seeds": model_seeds,
        "parameters": {name: dict(values) for name, values in (parameters or {}).items()},
        "plugins": tuple(str(plugin) for plugin in plugins),
        "columns": dict(columns or {}),
        "titles": titles,
        "test": test,
        "threshold": threshold,
        "tuned": tuned or None,
    }
    settings = read_toml(config) if config is not None else {}
    settings |= {name: value for name, value in options.items() if value not in (None, (), {})}
    settings.setdefault("datasets", DEFAULT_SUITE if everything else DEFAULT_SUITE[:1])
    if settings.get("test"):
        settings.setdefault("splits", ("fixed",))
    experiment = Experiment(**settings).check()
    _require_models_of(parameters or {}, experiment, model_table(plugins, own))
    conditions = Conditions(
        max(1, jobs),
        threads,
        parse_timeout(timeout),
        parse_memory(memory_limit),
        force,
        Shard.parse(shard),
        cluster,
        cluster_timeout,
        None if tensorboard is None else Path(tensorboard),
    )
    results = drive(experiment, own, Path(out), conditions, listener or Listener())
    return to_frame(results)


def report(
    folders: str | Path | Sequence[str | Path], out: str | Path | None = None, *, figures: bool = False
) -> list[Path]:
    """Write the reports of the results in one or several folders (``reports/writing.py`` says which), and nothing else.

    Of a cell that is in several folders the newest result counts; where they have the same key and other numbers there
    is a warning, and a check in the report. So there is where cells rest on other data than the last run of that name:
    they are left out.

    Parameters
    ----------
    out
        The folder to write into; one results folder is its own default.
    figures
        Write the page's figures too, as figures/*.svg.

    Raises
    ------
    StoreError
        There are no results, or one can't be read; ``out`` has to be given for several folders.
    """
    import warnings

    from reports.listing import other_data
    from reports.stores import disagreements, open_stores
    from reports.writing import write_reports

    written = write_reports(folders, out, figures=figures)
    store = open_stores(folders)
    for verdict in disagreements(store) + other_data(store):
        warnings.warn(f"{verdict.dataset}, {verdict.split}: {verdict.text}", stacklevel=2)
    return written


def compare(
    reference: str | Path, candidate: str | Path, *, metric: str = "", margin: float | None = None
) -> Comparison:
    """Decide for every data set, split and model whether the candidate is worse (``reports/comparison.py`` says how).

    Parameters
    ----------
    reference, candidate
        Results folders, or files of :func:`save_reference`.
    metric
        Decided on; "" means the reference's own, for a folder ``ndcg@10``.
    margin
        The relative drop that is allowed, 0.01 for 1%; None means 1% or what the seeds can see.

    Raises
    ------
    IncomparableError, VersionError
        There is no common cell; one side is of another format.
    ValueError
        Something can't be read.
    """
    from reports.comparison import compare as compare_sides
    from reports.reference import read_side

    first = read_side(reference, metric)
    return compare_sides(first, read_side(candidate, metric or first.metric, asked=bool(metric)), margin)


def verdicts(results: Sequence[Result], out: str | Path) -> list[Verdict]:
    """What must be known before a ranking of these results is believed (``reports/verdicts.py`` says what).

    ``results`` are complete, as a run's listener gets them; ``out`` is the folder they were stored in.
    """
    from reports.listing import other_data
    from reports.store import Store
    from reports.table import leaderboards
    from reports.uncertainty import uncertainties
    from reports.verdicts import verdicts as of_boards

    certain = uncertainties(leaderboards(results), lambda result: result, metrics=())
    store = Store(Path(out))
    return of_boards(leaderboards(results, certain), lambda result: result, store.read_dataset) + other_data(store)


def save_reference(folders: str | Path | Sequence[str | Path], path: str | Path, *, metric: str = "") -> Side:
    """Write one or several results folders as one small file to compare with later."""
    from reports.reference import save_reference as save

    return save(folders, path, metric)


def evaluate(
    recommendations: str | Path | pd.DataFrame,
    train: str | Path,
    test: str | Path,
    *,
    k: Sequence[int] = (5, 10, 20),
    columns: Mapping[str, str | int] | None = None,
    threshold: float | None = None,
    compat: str = "",
) -> Evaluation:
    """Score lists that any program made, with the bench's own metrics (``bench/evaluation.py`` says how)."""
    from bench.evaluation import evaluate as evaluate_lists

    return evaluate_lists(recommendations, train, test, tuple(k), columns, threshold, compat)


def compat(
    tool: str, recommendations: str | Path | pd.DataFrame, train: str | Path, test: str | Path, **options: Any
) -> pd.DataFrame:
    """What implicit, rectools, lenskit or trec_eval would say of these lists, beside what the bench says.

    ``options`` as in :func:`evaluate`. One row for each metric and cut-off with the columns metric, ours, theirs, name
    (what it is called there) and difference (a sentence).

    Raises
    ------
    UnknownNameError
        There is no such tool.
    DatasetError
        A file can't be read.
    """
    import pandas as pd

    return pd.DataFrame(map(asdict, evaluate(recommendations, train, test, compat=tool, **options).beside))


def recommend(
    dataset: str, model: str, user: Any, *, n: int = 10, out: str | Path = "results", **options: Any
) -> Recommendations:
    """What a model, fitted on all interactions, recommends to a user (an id as in the file), beside the history."""
    from bench import lookup

    return lookup.recommend(dataset, model, user, n, Path(out), **options)


def similar(
    dataset: str, model: str, item: Any, *, n: int = 10, out: str | Path = "results", **options: Any
) -> Similar:
    """The items most similar to one, given by its id as in the file or by a part of its title."""
    from bench import lookup

    return lookup.similar(dataset, model, item, n, Path(out), **options)


def export_split(interactions: Interactions, rule: str, seed: int, out: str | Path) -> list[Path]:
    """Write a split as train.csv and test.csv, for any other program."""
    from splits.files import write_csv

    write_csv(split(interactions, rule, seed), Path(out))
    return [Path(out) / "train.csv", Path(out) / "test.csv"]


def speed(
    dataset: str | Interactions = "ml-1m",
    *,
    threads: Sequence[int] = (1, 2),
    only: str | Sequence[str] = (),
    rounds: int = 5,
    out: str | Path = "results",
    say: Callable[[str], None] | None = None,
    **options: Any,
) -> pd.DataFrame:
    """Time our models beside the libraries', in one process and in turn, and write speed.csv.

    Everybody learns from the train part of the random split with seed 0, after everything was compiled.

    Parameters
    ----------
    threads
        Numbers of threads to time with; 1 and 2 together also compare ours with itself.
    only
        Beginnings of contest names, ``als-exact`` for example; all contests without it.
    rounds
        How often each is timed; a figure is the median over rounds.
    say
        Called with a line at a time while it goes on.
    options
        As in :func:`load`.

    Returns
    -------
    One row for each measure, peer and number of threads, with the columns of speed.csv (``bench/contests/rows.py``).

    Raises
    ------
    UnknownNameError, SpeedError
        No such contest; no round or no thread.
    """
    from bench.contests.run import chosen
    from bench.contests.run import run as run_contests
    from reports.speed import write_speed

    contests = chosen(_tuple(only))
    interactions = load(dataset, **options) if isinstance(dataset, str) else dataset
    frame = run_contests(split(interactions), contests, threads, rounds, say or (lambda line: None))
    write_speed(frame, out)
    return frame


def doctor(
    repeat: int = 0,
    *,
    dataset: str = "synthetic",
    models: str | Sequence[str] = (),
    plugins: Sequence[str | Path] = (),
    say: Callable[[str], None] | None = None,
    **options: Any,
) -> Checkup:
    """Look at the machine, the data sets and the libraries; with ``repeat`` also prove that results repeat.

    Nothing is downloaded, except a ``dataset`` that is asked for and isn't here.

    Parameters
    ----------
    repeat
        How often the cell of each model is run, in turn on 1 and 2 threads and each time in a process of its own; 0
        for not at all, else at least 2.
    dataset, models, plugins
        For ``repeat``: a name or a file (``options`` as in :func:`load`); by default a small made-up set, the
        hand-rolled models and those of the plug-ins.
    say
        Called with a line for each cell that ended.

    Raises
    ------
    RepetitionError, UnknownNameError, DatasetError
        ``repeat`` is 1 or below 0; no such model or data set.
    """
    from bench.checkup.checkup import Checkup
    from bench.checkup.holdings import look_at_data
    from bench.checkup.kernel_cache import look_at_kernel_cache
    from bench.checkup.libraries import look_at_libraries
    from bench.checkup.machine import look_at_machine
    from bench.checkup.repetition import repeat as repeat_cells

    files, hear = [str(plugin) for plugin in plugins], say or (lambda line: None)
    repeated = repeat_cells(repeat, dataset, _tuple(models), files, hear, **options) if repeat else []
    return Checkup(look_at_machine(), look_at_kernel_cache(), look_at_data(), look_at_libraries(), repeated)


def tune(
    dataset: str = "ml-100k",
    *,
    rule: str = "random",
    models: str | Sequence[str] = (),
    trials: int = 40,
    time_budget: str | float | None = None,
    metric: str = "",
    seed: int = 0,
    jobs: int = 1,
    threads: int = 0,
    spaces: str | Path | None = None,
    parameters: Mapping[str, Mapping[str, Any]] | None = None,
    plugins: Sequence[str | Path] = (),
    out: str | Path = "results",
    also_write: str | Path | None = None,
    say: Callable[[str], None] | None = None,
    **options: Any,
) -> list[Search]:
    """Search the best settings of each model, with the same budget, on a validation part cut from train.

    The split is that of ``rule`` with seed 0; its test part is never looked at. Before the trials each model's own
    setting is tried, and kept where none of them is better. Every trial is stored below ``out``, and a search that was
    stopped goes on. The best settings are written to ``tuned/<data set>.toml`` there, which ``run`` with ``tuned``
    reads for the same split.

    Parameters
    ----------
    models
        Names; all that have a search space without it.
    trials, time_budget
        For each model: how many settings beside its own, and how many seconds (or "15m") all may take together.
    metric
        ``ndcg@10``; "" means that, and rmse for models that learn from ratings.
    jobs
        Trials side by side. With one, the same seed makes the same trials.
    spaces
        A TOML file with further search spaces, or others for models that have one.
    parameters
        Model name -> parameters that aren't searched but have these values.
    also_write
        A folder for the settings beside ``out``.
    say
        Called with a line at a time while it goes on.
    options
        As in :func:`load`.

    Raises
    ------
    UnknownNameError, SpaceError, BudgetError, LimitError, MetricError, ParameterError, MissingOptunaError
        What is wrong with the plan, before anything is trained.
    """
    from bench.cells.limits import parse_seconds
    from bench.plugins import models as model_table
    from bench.tuning.plan import Plan, tunable
    from bench.tuning.run import tune as search
    from bench.tuning.space import read_spaces

    rule = SplitChoice.parse(rule).label  # as `run` writes it, who looks for settings of its split
    if options.get("test") and rule == "random":
        rule = "fixed"
    table, known = model_table(plugins), read_spaces(spaces)
    given = {name: value for name, value in options.items() if value not in (None, "", {})}
    reading = {name: given[name] for name in ("columns", "titles", "test", "threshold") if name in given}
    Experiment(datasets=(dataset,), splits=(rule,), **reading).check()
    plan = Plan(
        dataset=dataset,
        split=rule,
        models=tunable(known, _tuple(models), table),
        trials=trials,
        seconds=parse_seconds("--time-budget", time_budget) if isinstance(time_budget, str) else time_budget,
        metric=metric,
        seed=seed,
        jobs=jobs,
        threads=threads,
        spaces=known,
        table=table,
        plugins=tuple(str(plugin) for plugin in plugins),
        parameters={name: dict(values) for name, values in (parameters or {}).items()},
        spaces_file=str(spaces or ""),
        reading=tuple(file_options(**reading)),
    ).check()
    divided = split(load(dataset, **given), rule)
    return search(plan, divided, Path(out), say or (lambda line: None), Path(also_write) if also_write else None)


def spaces(file: str | Path | None = None) -> dict[str, Space]:
    """What :func:`tune` searches, by model."""
    from bench.tuning.space import read_spaces

    return read_spaces(file)


def reproduce(
    names: str | Sequence[str] = (),
    *,
    everything: bool = False,
    models: str | Sequence[str] = (),
    threads: int = 0,
    say: Callable[[str], None] | None = None,
) -> list[Outcome]:
    """Run published tables by their own protocol and lay ours beside them.

    Parameters
    ----------
    names, everything
        Suites by name, or TOML files of the same form; all of the package's with ``everything``.
    models
        Only the rows of these models.
    say
        Called with a line at a time while it goes on.

    Raises
    ------
    UnknownNameError, SuiteError, DatasetError
        No such suite; one that can't be read; data that can't be had.
    """
    from bench.reproduction.run import reproduce as run_suites

    return run_suites(_tuple(names), everything, _tuple(models), threads, say or (lambda line: None))


def suites() -> dict[str, Suite]:
    """The published tables that :func:`reproduce` knows, by name."""
    from bench.reproduction.suite import read_suites

    return read_suites()


def _require_models_of(parameters: Mapping[str, Any], experiment: Experiment, table: Mapping[str, Any]) -> None:
    """That parameters were set of models that are run: others would change nothing, without a word."""
    chosen = choose_models(experiment.models, table)
    for name in parameters:
        look_up(table, "model", name)
        if name not in chosen:
            raise ExperimentError(f"--set {name}: that model isn't run; these are: {', '.join(chosen)}")


def _tuple(names: str | Sequence[str]) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else tuple(names)


def _names_and_classes(models: str | Sequence[Any] | Mapping[str, Any]) -> tuple[tuple[str, ...], dict[str, Any]]:
    """The names to run, and the caller's own classes by name (a class alone is called by its lower-case name)."""
    if isinstance(models, str):
        return (models,), {}
    if isinstance(models, Mapping):
        return tuple(models), dict(models)
    own = {entry.__name__.lower(): entry for entry in models if not isinstance(entry, str)}
    return tuple(entry if isinstance(entry, str) else entry.__name__.lower() for entry in models), own
