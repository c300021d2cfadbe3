"""The child's side of a cell: read a job, run it, write the cell's files into the folder that the parent made.

What the model prints goes to the parent, which keeps its end; so do lines of JSON about the progress, by a pipe of
their own. A forked child begins at :func:`work`, a fresh interpreter at ``python -m bench.cells.child FOLDER EVENTS``
with the job on its standard input.
"""

from __future__ import annotations

import contextlib
import errno
import faulthandler
import json
import os
import resource
import signal
import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread
from typing import Any

from bench.cells import limits
from bench.cells.job import Job, Tell

TAIL = 4000  # characters of a traceback that a row keeps
DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO)
WHERE_ARE_YOU = signal.SIGUSR1  # makes the child print where it is; sent before it is killed


def main(folder: str, events: int, alive: int) -> None:
    """A fresh interpreter's way in; ``alive`` is a pipe that ends when the parent does."""
    job = Job.from_json(sys.stdin.buffer.read())
    Thread(target=_die_with_parent, args=(alive,), daemon=True).start()
    work(job, Path(folder), events)


def work(job: Job, folder: Path, events: int) -> None:
    """Run a job in this process, from here to its end."""
    owner = os.getpid()
    protect(job.threads, job.memory_limit)
    for entry in job.sys_path:
        if entry not in sys.path:
            sys.path.append(entry)
    tell = _teller(events)
    result = _run(job, tell)
    if os.getpid() != owner:
        os._exit(1)  # a model forked and came back twice: one of the two is the cell
    limits.lift_data_limit()  # what the model holds must not keep its result from being written
    result.measured["finished"] = datetime.now(UTC).isoformat(timespec="milliseconds")
    if job.side_by_side > 1:
        result.measured["side_by_side"] = job.side_by_side
    _write(result, folder, events)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):  # the model closed it
            stream.flush()
    os._exit(0)  # neither what the model registered for the exit nor its threads are waited for


def protect(threads: int, memory_limit: int) -> None:
    """What makes a crash readable, and keeps a child that takes too much from taking others along."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    with contextlib.suppress(OSError):  # not Linux
        Path("/proc/self/oom_score_adj").write_text("1000")  # where memory ends, this is what the kernel kills first
    limits.limit_data(memory_limit, threads)
    faulthandler.enable(2)
    faulthandler.register(WHERE_ARE_YOU, 2)


def _teller(events: int) -> Tell:
    def tell(what: str, value: int) -> None:
        with contextlib.suppress(OSError):  # a model may close descriptors that aren't its own: only the bar stops
            os.write(events, f"{json.dumps({what: value})}\n".encode())

    return tell


def _run(job: Job, tell: Tell) -> Any:
    """The cell's result, whatever happens: an exception is a row too."""
    from bench.environment import describe
    from reports.result import Result, Status

    status: Status
    try:
        return _measure(job, tell)
    except MemoryError as error:
        status, text = "out-of-memory", _explain(error)
    except SystemExit as error:
        status, text = "failed", f"the model called sys.exit({error.code!r})\n\n{_trace(error)}"
    except BaseException as error:
        command = getattr(error, "command", None)
        status, text = ("skipped", str(error)) if command else ("failed", _explain(error))
    return Result(job.cell, job.key, job.identity, status, text, measured={"environment": describe(job.threads)})


def _measure(job: Job, tell: Tell) -> Any:
    from bench import fingerprint, registry
    from bench.building import build, random_state
    from bench.runner import Task, run_cell
    from splits.files import load_split

    row = _row_of(job)
    task = Task(
        cell=job.cell,
        key=job.key,
        identity=job.identity,
        learns_from=row.learns_from,
        ks=job.ks,
        metrics={name: (row, registry.resolve(row.target)) for name, row in registry.METRICS.items()},
        known_items=job.known_items,
        threads=job.threads,
        keep_vectors=job.keep_vectors,
        tell=tell,
    )
    seed = random_state(job.cell.split_seed, job.cell.model_seed)
    built: list[Any] = []

    def build_and_keep() -> Any:
        built[:] = [build(row, job.cell.parameters, seed, job.threads)]
        return built[0]

    result = run_cell(build_and_keep, load_split(job.split_folder), task)
    if job.fingerprint:
        result.measured["fingerprint"] = fingerprint.of_model(built[0])  # the last that was built is the fitted one
    return result


def _row_of(job: Job) -> Any:
    """The model's row: from the registry, a plug-in, or a class that the parent pickled for this one job."""
    from bench.plugins import models

    if job.own_models:
        import cloudpickle

        own = cloudpickle.loads(Path(job.own_models).read_bytes())
        if job.cell.model in own:
            return own[job.cell.model]
    return models(job.plugins)[job.cell.model]


def _write(result: Any, folder: Path, events: int) -> None:
    """Write the cell's files; a disk that takes none is told, for the parent has to end the run."""
    from reports.store import write_result

    try:
        write_result(result, folder)
    except OSError as error:
        if error.errno in DISK_FULL:
            os.write(events, f"{json.dumps({'cannot_write': str(error)})}\n".encode())
        raise


def _explain(error: BaseException) -> str:
    """The error first, then where it happened, newest call last."""
    try:
        text = str(error)
    except Exception:
        text = "its text can't be made"
    return f"{type(error).__name__}: {text[:TAIL]}\n\n{_trace(error)}"


def _trace(error: BaseException) -> str:
    return "".join(traceback.format_exception(error)).strip()[-TAIL:]


def _die_with_parent(alive: int) -> None:
    """End this process and what it started as soon as nobody holds the other end of the pipe."""
    os.read(alive, 1)
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
