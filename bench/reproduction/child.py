"""The process that measures one row of a table: ``python -m bench.reproduction.child JOB``, JSON on stdout.

A process of its own, so that its peak memory is the model's and a crash is one row's.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from copy import copy
from pathlib import Path
from time import perf_counter
from typing import Any

from bench import building, environment, runner
from bench.registry import METRICS, MODELS, resolve
from bench.reproduction.protocols import PROTOCOLS, Protocol, not_candidates
from reports.result import Cell, Result


def main(job_file: str) -> None:
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    job = json.loads(Path(job_file).read_text(encoding="utf-8"))
    protocol = PROTOCOLS[job["protocol"]](job["dataset"])
    answers.write(
        json.dumps(
            measure_row(protocol, job["model"], job["parameters"], job["metrics"], job["threads"], job.get("seeds", 1))
        )
    )
    answers.close()


def measure_row(
    protocol: Protocol, model: str, parameters: Mapping[str, Any], metrics: list[str], threads: int, seeds: int = 1
) -> dict[str, Any]:
    """The metrics of a model, means over model seeds and the protocol's splits.

    "by_seed" has them for each model seed; "full_ranking" stands beside where candidates are sampled; "seconds" is the
    time of one seed's fits.
    """
    by_seed: list[dict[str, float]] = []
    full: list[dict[str, float]] = []
    seconds = 0.0
    materials = [runner.Material(split, MODELS[model].learns_from) for split in protocol.splits]
    for seed in range(seeds):
        found = []
        for split_seed, material in enumerate(materials):
            fitted, fit_seconds = _fitted(material, model, parameters, (split_seed, seed), threads)
            seconds += fit_seconds / seeds
            if protocol.candidates is not None:
                full.append(_values(fitted, material, model, metrics, split_seed, threads))
                material = copy(material)
                material.seen = not_candidates(protocol.candidates, material.split.interactions.n_items)
            found.append(_values(fitted, material, model, metrics, split_seed, threads))
        by_seed.append(_means(found))
    return {
        "values": _means(by_seed),
        "by_seed": by_seed,
        "full_ranking": _means(full),
        "seconds": seconds,
        "peak_memory_mb": environment.peak_memory_mb(),
    }


def _fitted(
    material: runner.Material, model: str, parameters: Mapping[str, Any], seeds: tuple[int, int], threads: int
) -> tuple[Any, float]:
    row = MODELS[model]
    complete = building.model_parameters(model, row, parameters)

    def build() -> Any:
        return building.build(row, complete, building.random_state(*seeds), threads)

    if seeds == (0, 0):
        runner.warm_up(build, material)
    fitted = build()
    keywords = {"show_progress": False} if building.takes(fitted.fit, "show_progress") else {}
    started = perf_counter()
    fitted.fit(material.fitted_on, **keywords)
    return fitted, perf_counter() - started


def _values(
    fitted: Any, material: runner.Material, model: str, metrics: list[str], seed: int, threads: int
) -> dict[str, float]:
    """The metrics over all test users, cold ones included, as published tables do it."""
    rows = {name: METRICS[name] for name in dict.fromkeys(metric.partition("@")[0] for metric in metrics)}
    task = runner.Task(
        cell=Cell("", "", seed, model, {}, 0),
        key="",
        identity={},
        learns_from=MODELS[model].learns_from,
        ks=sorted({int(metric.partition("@")[2]) for metric in metrics if "@" in metric}) or [10],
        metrics={name: (row, resolve(row.target)) for name, row in rows.items()},
        threads=threads,
    )
    result = Result(task.cell, "", {}, "ok")
    if any(row.needs == "ratings" for row in rows.values()):
        runner.measure_ratings(result, fitted, material, task)
    if any(row.needs != "ratings" for row in rows.values()):
        scorer = runner.with_fallback(fitted, material)
        ranked, _ = runner.rank_test_users(scorer, material, task, runner.scores_are_ours(fitted))
        runner.measure(result, ranked, material, task)
    values = {name: result.metrics[name] for name in metrics}
    return {name: value.value if value.value_all is None else value.value_all for name, value in values.items()}


def _means(found: list[dict[str, float]]) -> dict[str, float]:
    return {name: sum(values[name] for values in found) / len(found) for name in found[0]} if found else {}


if __name__ == "__main__":
    main(sys.argv[1])
