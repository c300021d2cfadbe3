"""The child's side of a cell: ``python -m bench.worker JOB`` reads a job, runs it, stores the result.

What the model prints goes to stderr, which the parent keeps as the cell's log; progress goes to the parent as lines of
JSON on the original stdout.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

TAIL = 4000  # characters of a traceback or log that a row keeps


def main(job_file: str) -> None:
    events = _take_stdout()
    job = json.loads(Path(job_file).read_text(encoding="utf-8"))
    for folder in job["sys_path"]:
        if folder not in sys.path:
            sys.path.append(folder)
    from reports.store import Store

    result = _run(job, events)
    result.measured["finished"] = datetime.now(UTC).isoformat(timespec="milliseconds")
    Store(job["out"]).write(result)


def _take_stdout() -> TextIO:
    """Keep the real stdout for events and send whatever else is printed to stderr."""
    events = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)
    return events


def _run(job: dict[str, Any], events: TextIO) -> Any:
    """The cell's result, whatever happens: an exception is a row too."""
    from reports.result import Cell, Result, Status

    cell = Cell(**job["cell"])
    try:
        return _measure(job, cell, events)
    except MemoryError as error:
        status: Status = "out-of-memory"
        text = f"{type(error).__name__}: {error}"
    except Exception as error:
        command = getattr(error, "command", None)
        status = "skipped" if command else "failed"
        text = str(error) if command else _explain(error)
    from bench.environment import describe

    environment = describe(job["threads"])
    return Result(cell, job["key"], job["identity"], status, text, measured={"environment": environment})


def _measure(job: dict[str, Any], cell: Any, events: TextIO) -> Any:
    from bench import fingerprint, registry
    from bench.building import build, random_state
    from bench.runner import Task, run_cell
    from splits.files import load_split

    row = _row_of(job, cell.model)
    task = Task(
        cell=cell,
        key=job["key"],
        identity=job["identity"],
        learns_from=row.learns_from,
        ks=job["ks"],
        metrics={name: (row, registry.resolve(row.target)) for name, row in registry.METRICS.items()},
        known_items=job["known_items"],
        threads=job["threads"],
        tell=lambda what, value: print(json.dumps({what: value}), file=events),
        keep_vectors=job["keep_vectors"],
    )
    seed = random_state(cell.split_seed, cell.model_seed)
    built: list[Any] = []

    def build_and_keep() -> Any:
        built[:] = [build(row, cell.parameters, seed, job["threads"])]
        return built[0]

    result = run_cell(build_and_keep, load_split(job["split_folder"]), task)
    if job["fingerprint"]:
        result.measured["fingerprint"] = fingerprint.of_model(built[0])  # the last that was built is the fitted one
    return result


def _row_of(job: dict[str, Any], model: str) -> Any:
    """The model's row: from the registry, a plug-in, or a class that the parent pickled for this one job."""
    from bench.plugins import models

    if job["own_models"]:
        import cloudpickle

        own = cloudpickle.loads(Path(job["own_models"]).read_bytes())
        if model in own:
            return own[model]
    return models(job["plugins"])[model]


def _explain(error: BaseException) -> str:
    """The error first, then where it happened, newest call last."""
    trace = "".join(traceback.format_exception(error)).strip()
    return f"{type(error).__name__}: {error}\n\n{trace[-TAIL:]}"


if __name__ == "__main__":
    main(sys.argv[1])
