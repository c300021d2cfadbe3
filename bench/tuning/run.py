"""A search from its plan to its files: cut the validation part from train, try settings, keep the best."""

from __future__ import annotations

import json
import math
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field, replace
from hashlib import blake2b
from pathlib import Path
from threading import Lock
from time import perf_counter
from typing import Any

from bench import building, environment, loading
from bench.registry import METRICS
from bench.settings import Setting, settings_in, write_settings
from bench.tuning.objective import MOST_USERS, parse_metric, validation_rule
from bench.tuning.plan import Plan
from bench.tuning.study import STARTUP_TRIALS, Study, alone, open_storage
from bench.tuning.trial import DEFAULTS, State, Trial, best_of
from bench.tuning.worker import Job, Outcome, Worker
from recsys_impl.threads import thread_count
from reports.tuning import Search, write_tuning
from splits.files import save_split
from splits.split import Split

Say = Callable[[str], None]
SPLIT_SEED = 0
DIGITS = 6  # of a value on the validation part, in the file of settings


@dataclass(frozen=True)
class Searching:
    """One model's search under way."""

    plan: Plan
    model: str
    metric: str
    study: Study
    workers: Sequence[Worker]
    say: Say
    lock: Any
    running: dict[int, float] = field(default_factory=dict)  # number of a trial under way -> when it began


def tune(plan: Plan, split: Split, out: Path, say: Say, also_write: Path | None = None) -> list[Search]:
    """Search every model of the plan on a split's train part; its test part is never looked at.

    After each model, tuning.json, tuning.csv and tuned/<data set>.toml below ``out`` are written with what was found,
    and the settings into ``also_write``, a folder, too. What was searched before is not searched again.
    """
    rule = validation_rule(plan.split, split)
    validation = loading.split(split.train, rule, SPLIT_SEED)
    dataset = split.interactions.name
    for folder in _folders(out, also_write):
        settings_in(folder, dataset)  # what can't be added to is told before the search, not after it
    journal = out / "tuning" / f"{dataset}-{plan.split}-{SPLIT_SEED}.journal".replace(os.sep, "_")
    searches = []
    with alone(journal), _workers(plan, validation) as workers_for:
        storage = open_storage(journal)
        for model in plan.models:
            library = plan.table[model].library
            if library and not environment.package_versions(library):
                say(f"{model}: skipped: {library} isn't installed")
                continue
            metric = plan.metric_of(model, split.interactions.rating_scale is not None)
            study = open_study(plan, model, metric, validation, storage)
            searching = Searching(plan, model, metric, study, workers_for(metric), say, Lock())
            try_defaults(searching)
            run_trials(searching)
            searches.append(record(plan, model, metric, study, dataset, rule, validation))
            keep(searches[-1], out, also_write)
    return searches


def open_study(plan: Plan, model: str, metric: str, validation: Split, storage: Any) -> Study:
    """The study of a model, with the trials that it has already: changed code, data, defaults or space begin anew."""
    name, row, _ = parse_metric(metric)
    versions = environment.key_versions(plan.table[model].library)
    identity = {
        "data": validation.content_hash,
        "space": asdict(plan.space_of(model)),
        "row": plan.complete(model, plan.parameters.get(model, {})),
        "metric": [metric, row.version],
        "seed": plan.seed,
        "source": building.source_hash(plan.table[model]),
        "versions": versions | environment.package_versions("optuna"),
        "search": [STARTUP_TRIALS, MOST_USERS],
    }
    text = json.dumps(identity, sort_keys=True, default=str)
    key = blake2b(text.encode(), digest_size=6).hexdigest()
    told = {"identity": json.loads(text)}
    return Study(
        storage, f"{model} {metric} {key}", plan.space_of(model), METRICS[name].higher_is_better, plan.seed, told
    )


def try_defaults(searching: Searching) -> None:
    """Judge the row's own setting, once: a search that finds nothing better keeps it.

    Where the time isn't enough, nothing is stored but the seconds, and a search with a larger budget tries again.
    """
    plan, study, model, left = searching.plan, searching.study, searching.model, _seconds_left(searching)
    if study.defaults is not None or (left is not None and left <= 0):
        return
    own = plan.defaults_of(model)
    outcome = searching.workers[0].run(model, plan.complete(model, own), [], lambda *_: True, left)
    if outcome.out_of_time:
        study.waste(outcome.seconds)
    else:
        state: State = "failed" if outcome.value is None else "complete"
        study.keep_defaults(Trial(DEFAULTS, state, own, outcome.value, seconds=outcome.seconds, error=outcome.error))
    _tell(searching, "[defaults]", own, _ending(searching.metric, outcome), outcome.seconds)


def run_trials(searching: Searching) -> None:
    """Try settings until the budget is spent, one job beside the other."""
    study, trials = searching.study, searching.plan.trials
    if study.counted:
        searching.say(f"{searching.model}: {study.counted} trials are there already, {trials} are asked for")
    with ThreadPoolExecutor(len(searching.workers)) as pool:
        running = [pool.submit(_try_on, searching, worker) for worker in searching.workers]
        try:
            for job in running:
                job.result()
        except BaseException:
            for worker in searching.workers:
                worker.stop()
            raise


def _try_on(searching: Searching, worker: Worker) -> None:
    """Let one worker try settings as long as there is a budget."""
    while True:
        with searching.lock:
            left = _seconds_left(searching)
            if searching.study.counted >= searching.plan.trials or (left is not None and left <= 0):
                return
            number, parameters = searching.study.ask()
            searching.running[number] = perf_counter()
        try:
            outcome = _try(searching, worker, number, parameters, left)
        except BaseException:
            with searching.lock:
                searching.study.interrupt(number)
            raise
        with searching.lock:
            del searching.running[number]
            _settle(searching, number, parameters, outcome)


def _try(searching: Searching, worker: Worker, number: int, parameters: dict[str, Any], left: float | None) -> Outcome:
    """One setting: its outcome, with the value of its best epoch."""
    values: list[float] = []

    def heard(epoch: int, value: float) -> bool:
        values.append(value)
        with searching.lock:
            return searching.study.report(number, epoch, value)

    epochs = searching.study.space.measured_epochs
    outcome = worker.run(searching.model, searching.plan.complete(searching.model, parameters), epochs, heard, left)
    if outcome.value is None or not values:
        return outcome
    best = max(values) if searching.study.higher_is_better else min(values)
    return Outcome(best, seconds=outcome.seconds)


def _settle(searching: Searching, number: int, parameters: dict[str, Any], outcome: Outcome) -> None:
    """Store how a trial ended, and say so."""
    study = searching.study
    if outcome.out_of_time:
        study.interrupt(number, outcome.seconds)
    elif outcome.stopped:
        study.prune(number, outcome.seconds)
    elif outcome.value is None:
        study.fail(number, outcome.error, outcome.seconds)
    else:
        study.tell(number, outcome.value, outcome.seconds)
    place = f"[{number + 1}/{searching.plan.trials}]"
    _tell(searching, place, parameters, _ending(searching.metric, outcome), outcome.seconds)


def _ending(metric: str, outcome: Outcome) -> str:
    """How a trial ended, in some words."""
    if outcome.out_of_time:
        return "stopped: the time budget is spent"
    if outcome.stopped:
        return "pruned"
    if outcome.value is None:
        return f"failed: {outcome.error.splitlines()[0] if outcome.error else ''}"
    return f"{metric} {outcome.value:.4f}"


def _tell(searching: Searching, place: str, parameters: dict[str, Any], ending: str, seconds: float) -> None:
    setting = ", ".join(f"{name}={_short(value)}" for name, value in parameters.items())
    searching.say(f"{place} {searching.model}: {ending}, {seconds:.2f} s ({setting})")


def _seconds_left(searching: Searching) -> float | None:
    """What is left of the time budget when what trials that are under way took so far is taken off."""
    if searching.plan.seconds is None:
        return None
    now = perf_counter()
    under_way = math.fsum(now - began for began in searching.running.values())
    return searching.plan.seconds - searching.study.seconds - under_way


def record(plan: Plan, model: str, metric: str, study: Study, dataset: str, rule: str, validation: Split) -> Search:
    """What reports show of a search."""
    trials, own = study.trials(), study.defaults
    searched = replace(plan, trials=max(plan.trials, len(trials)))  # fewer may be asked for than there are
    best = best_of(trials, study.higher_is_better)
    if best is not None and own is not None:
        best = best_of([own, best], study.higher_is_better)
    return Search(
        dataset=dataset,
        split=plan.split,
        validation=rule,
        model=model,
        metric=metric,
        higher_is_better=study.higher_is_better,
        space=study.space.describe(),
        budget={"trials": searched.trials, "seconds": plan.seconds},
        seed=plan.seed,
        jobs=plan.jobs,
        command=searched.command(model),
        versions=environment.key_versions(plan.table[model].library),
        best=None if best is None else {"number": best.number, "value": best.value, "setting": best.setting},
        defaults=_row(own) if own else None,
        trials=[_row(trial) for trial in trials],
    )


def keep(search: Search, out: Path, also_write: Path | None) -> None:
    """Write what was found, beside what other searches found."""
    write_tuning(out, search)
    if search.best is None:
        return
    setting = Setting(
        model=search.model,
        parameters=search.best["setting"],
        metric=search.metric,
        validation=round(search.best["value"], DIGITS),
        trials=len(search.trials),
        defaults=_rounded(search.defaults),
        split=search.split,
        command=search.command,
    )
    for folder in _folders(out, also_write):
        write_settings(folder, search.dataset, setting)


def _folders(out: Path, also_write: Path | None) -> list[Path]:
    """Where settings are written."""
    return [out / "tuned", *([] if also_write is None else [also_write])]


@contextmanager
def _workers(plan: Plan, validation: Split) -> Iterator[Callable[[str], Sequence[Worker]]]:
    """Makes the workers of a metric; they share the validation split's arrays and are gone afterwards."""
    threads = plan.threads or max(1, thread_count(0) // plan.jobs)
    made: dict[str, list[Worker]] = {}
    with tempfile.TemporaryDirectory(prefix="recsys-bench-") as folder, ExitStack() as stack:
        save_split(validation, folder)

        def of(metric: str) -> Sequence[Worker]:
            if metric not in made:
                job = Job(folder, SPLIT_SEED, metric, threads, list(plan.plugins))
                made[metric] = [stack.enter_context(Worker(job)) for _ in range(plan.jobs)]
            return made[metric]

        yield of


def _row(trial: Trial) -> dict[str, Any]:
    """A trial for tuning.json, numbers short enough to read."""
    content = asdict(trial)
    content["curve"] = {str(epoch): value for epoch, value in trial.curve.items()}
    content["seconds"] = round(trial.seconds, 4)
    return content


def _rounded(defaults: dict[str, Any] | None) -> float | None:
    return None if defaults is None or defaults["value"] is None else round(defaults["value"], DIGITS)


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
