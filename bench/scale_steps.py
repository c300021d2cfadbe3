"""The child's side of a scale measurement: ``python -m bench.scale_steps JOB`` does one process's steps.

The job is JSON; so is what is printed: the steps with their seconds, and the process's peak memory. Kernels are
compiled before anything is timed.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from time import perf_counter
from typing import Any

from bench import environment

ITERATIONS = {"als": 15, "bpr": 10}
FACTORS = 64
KS = (5, 10, 20)


def main(job: dict[str, Any]) -> None:
    steps = prepare(job) if job["process"] == "prepare" else run_model(job)
    print(json.dumps({"steps": steps, "process": {"peak_memory_mb": environment.peak_memory_mb()}}))


def prepare(job: dict[str, Any]) -> list[dict[str, Any]]:
    """Make the data, divide them, and store the split where the models find it."""
    from bench.datasets.synthetic import synthetic
    from splits.files import save_split
    from splits.holdout import random

    n = job["interactions"]
    data, load = _timed("load", n, lambda: synthetic(job["users"], job["items"], n))
    split, divide = _timed("split", n, lambda: random(data, seed=0))
    _, store = _timed("store", n, lambda: save_split(split, job["folder"]))
    return [load, divide, store]


def run_model(job: dict[str, Any]) -> list[dict[str, Any]]:
    """Map the stored split, fit, rank all test users and compute every metric."""
    from bench import registry, runner
    from bench.building import build
    from bench.curve import Watch
    from reports.result import Cell, Result
    from splits.files import load_split

    name, threads = job["process"], job["threads"]
    row = registry.MODELS[name]
    parameters = {**row.parameters, "factors": FACTORS, "iterations": ITERATIONS[name]}
    cell = Cell("synthetic", "random", 0, name, parameters, 0)
    metrics = {metric: (row, registry.resolve(row.target)) for metric, row in registry.METRICS.items()}
    task = runner.Task(cell, "", {}, "positives", KS, metrics, threads=threads)
    result = Result(cell, "", {}, "ok")

    def make() -> Any:
        return build(row, parameters, 0, threads)

    material, opened = _timed(
        "open", job["interactions"], lambda: runner.Material(load_split(job["folder"]), "positives")
    )
    runner.warm_up(make, material)
    (model, seconds) = runner.fit(make(), material, task, Watch())
    fitted = _step("fit", seconds, material.positives.nnz * parameters["iterations"])
    scores = len(material.test_users) * job["items"]
    scorer = runner.with_fallback(model, material)
    ranked, seconds = runner.rank_test_users(scorer, material, task, concurrent=True)
    runner.measure(result, ranked, material, task)  # compiles
    _, measured = _timed("metrics", scores, lambda: runner.measure(result, ranked, material, task))
    return [opened, fitted, _step("rank", seconds, scores), measured]


def _timed(step: str, amount: int, work: Callable[[], Any]) -> tuple[Any, dict[str, Any]]:
    started = perf_counter()
    value = work()
    return value, _step(step, perf_counter() - started, amount)


def _step(step: str, seconds: float, amount: int) -> dict[str, Any]:
    return {"step": step, "seconds": seconds, "amount": int(amount)}


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
