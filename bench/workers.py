"""Where cells run: each in a child process of its own, so that its peak memory and its crash are its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass, field
from pathlib import Path
from threading import Event
from typing import Any

from bench.listener import Listener
from reports.result import Cell, Result
from reports.store import Store, StoreError

PACKAGE_PARENT = Path(__file__).parents[1]
LOG_TAIL = 4000
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


@dataclass(frozen=True)
class Job:
    """What a child needs to know, as plain values: it is sent as JSON."""

    cell: Cell
    key: str
    identity: dict[str, Any]
    ks: Sequence[int]
    split_folder: str
    out: str
    threads: int
    known_items: Sequence[int] = ()
    plugins: Sequence[str] = ()
    own_models: str = ""  # file of the caller's pickled rows
    fingerprint: bool = False  # keep digests of the fitted model's arrays in ``measured``
    keep_vectors: bool = False  # keep the factors of users and items
    sys_path: Sequence[str] = field(default_factory=lambda: list(sys.path))


def run_jobs(jobs: Sequence[Job], parallel: int, listener: Listener) -> Iterator[Result]:
    """Run each job in a child, ``parallel`` at a time, and yield results as they end.

    An interrupt ends the children and is raised on; what they had finished is stored.
    """
    stopping = Event()
    with ThreadPoolExecutor(parallel) as pool:
        running = [pool.submit(_run_job, job, listener, stopping) for job in jobs]
        try:
            for ended in as_completed(running):
                yield ended.result()
        except BaseException:
            stopping.set()
            for waiting in running:
                waiting.cancel()
            raise


def _run_job(job: Job, listener: Listener, stopping: Event) -> Result:
    """Start the child, pass on its progress, and read the result that it stored."""
    with tempfile.TemporaryDirectory(prefix="recsys-bench-") as folder:
        job_file, log_file = Path(folder) / "job.json", Path(folder) / "log.txt"
        job_file.write_text(json.dumps(asdict(job)), encoding="utf-8")
        with open(log_file, "wb") as log:
            child = subprocess.Popen(
                [sys.executable, "-m", "bench.worker", str(job_file)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                env=child_environment(job.threads),
                text=True,
            )
            exit_code = _follow(child, job, listener, stopping)
        store = Store(job.out)
        if exit_code == 0:
            try:
                return store.read(store.cell_folder(job.cell, job.key))
            except StoreError as error:
                return _record(store, job, f"the child ended without a result: {error}")
        return _record(store, job, _last_words(exit_code, log_file))


def _follow(child: subprocess.Popen[str], job: Job, listener: Listener, stopping: Event) -> int:
    """Read the child's events until it ends; end it where the run is stopping."""
    assert child.stdout is not None
    with child:
        for line in child.stdout:
            if stopping.is_set():
                child.terminate()
                break
            try:
                (event,) = json.loads(line).items()
            except (ValueError, AttributeError):
                continue  # not an event: a library wrote to the descriptor itself
            match event:
                case "epoch", int(epoch):
                    listener.epoch(job.cell, epoch)
                case "memory_needed", int(n_bytes):
                    listener.needs_memory(job.cell, n_bytes)
    return child.returncode


def _record(store: Store, job: Job, error: str) -> Result:
    """Store a failed row for a child that could not do it itself."""
    result = Result(job.cell, job.key, job.identity, "failed", error)
    store.write(result)
    return result


def _last_words(exit_code: int, log_file: Path) -> str:
    """How the child died, then the end of what it printed."""
    log = log_file.read_text(encoding="utf-8", errors="replace").strip()
    return f"the cell's process died: {how_it_ended(exit_code)}\n\n{log[-LOG_TAIL:]}".strip()


def how_it_ended(exit_code: int) -> str:
    """A child's exit code in words; below 0 it is the signal that killed it."""
    try:
        return f"killed by {signal.Signals(-exit_code).name}" if exit_code < 0 else f"exit status {exit_code}"
    except ValueError:
        return f"killed by signal {-exit_code}"


def child_environment(threads: int) -> dict[str, str]:
    """The child's environment: this package importable, and thread pools of the size that was asked for."""
    before = os.environ.get("PYTHONPATH", "")
    path = os.pathsep.join(filter(None, [str(PACKAGE_PARENT), before]))
    return {**os.environ, "PYTHONPATH": path, **dict.fromkeys(THREAD_VARIABLES, str(threads))}
