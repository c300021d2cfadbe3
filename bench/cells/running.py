"""One job from its start to the files of its cell: whatever happens to the child, there is a row."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import Any

from bench.cells.job import Job, Tell
from bench.cells.starting import Starter
from bench.cells.watching import Ending, Watch
from recsys_impl.memory import gib
from reports.result import Result, Status
from reports.store import Store, StoreError, write_result

LOG_TAIL = 4000  # characters of what a child printed that a row keeps
NO_MEMORY = ("std::bad_alloc", "MemoryError", "Cannot allocate memory", "Memory allocation still failed")


class DiskError(StoreError):
    """A finished cell can't be written: it makes no sense to go on."""


class StoppedError(Exception):
    """The run is stopping, and the cell was ended."""


def run_in_child(
    starter: Starter,
    job: Job,
    folder: Path,
    tell: Tell = lambda what, value: None,
    stopping: Event | None = None,
) -> None:
    """Run a job in a process of its own and leave the files of its cell, and nothing else, in ``folder``.

    There is a cell in any case: where the child came to no result, it is one that says how the child ended. Threads
    may do this at the same time with one starter; ``tell`` is called from the thread that calls this.

    Parameters
    ----------
    folder
        An empty folder; ``reports.store.Store.read`` reads what is then in it, ``Store.adopt`` takes it into a store.
    stopping
        When it is set, the child is killed.

    Raises
    ------
    StoppedError
        ``stopping`` was set before the child ended.
    DiskError
        The cell can't be written.
    """
    refusals: list[str] = []

    def hear(what: str, value: Any) -> None:
        if what == "cannot_write":
            refusals.append(str(value))
        elif what in ("memory_needed", "epoch") and isinstance(value, int):
            tell(what, value)

    ending = _follow(job, folder, starter, hear, stopping or Event())
    if refusals:
        raise DiskError(_disk_full(folder, refusals[0]))
    if ending.why == "stopped":
        raise StoppedError
    if ending.why == "exited" and ending.exit_code == 0 and _is_complete(folder, job):
        return
    status, error = explain(ending, job)
    try:
        _empty(folder)
        write_result(Result(job.cell, job.key, job.identity, status, error), folder)
    except OSError as refusal:
        raise DiskError(_disk_full(folder, str(refusal))) from refusal


def _follow(job: Job, folder: Path, starter: Starter, hear: Callable[[str, Any], None], stopping: Event) -> Ending:
    """Start the job's child and watch it to its end; once more where it was lost with the server that forked it."""
    for last in (False, True):
        try:
            ending = _start_and_watch(job, folder, starter, hear, stopping)
        except OSError as error:
            return Ending("not started", 0, f"{type(error).__name__}: {error}", 0, 0, False)
        if ending.why != "lost" or last:
            break
        _empty(folder)
    return ending


def _start_and_watch(
    job: Job, folder: Path, starter: Starter, hear: Callable[[str, Any], None], stopping: Event
) -> Ending:
    pipes = [os.pipe(), os.pipe()]
    (output, output_in), (events, events_in) = pipes
    try:
        try:
            child = starter.start(job, folder, output_in, events_in)
        finally:
            os.close(output_in)
            os.close(events_in)
        try:
            return Watch(child, output, events, job.timeout, job.memory_limit, hear).follow(stopping)
        finally:
            child.close()
    finally:
        os.close(output)
        os.close(events)


def explain(ending: Ending, job: Job) -> tuple[Status, str]:
    """Status and text of a cell whose child came to no result: why in one line, then the end of what it printed."""
    status, reason = _reason(ending, job)
    return status, f"{reason}\n\n{_tail(ending)}".strip()


def _reason(ending: Ending, job: Job) -> tuple[Status, str]:
    how, limit = how_it_ended(ending.exit_code), gib(job.memory_limit)
    seen = f"it was last seen with {gib(ending.held)}"
    match ending.why:
        case "timeout":
            return "timeout", f"ended after {job.timeout:g} seconds, the limit (--timeout)"
        case "memory":
            return "out-of-memory", f"ended at {gib(ending.held)} of memory: the limit is {limit} (--memory-limit)"
        case "lost":
            return "failed", "the cell's process died, twice, with the process that starts cells"
        case "stuck":
            return "failed", "beyond a limit, and the system could not kill it: it may still be there"
        case "not started":
            return "failed", "the cell's process could not be started"
    if ending.exit_code == -signal.SIGKILL and ending.kernel_killed:
        return "out-of-memory", f"the cell's process died: {how}, by the kernel, for want of memory; {seen}"
    if ending.exit_code == -signal.SIGKILL and job.memory_limit and ending.held > 0.9 * job.memory_limit:
        return "out-of-memory", f"the cell's process died: {how}; {seen}, the limit is {limit}"
    if ending.exit_code != 0 and any(words in ending.output[-LOG_TAIL:] for words in NO_MEMORY):
        return "out-of-memory", f"the cell's process died: {how}; it printed that memory could not be had"
    if ending.exit_code == 0:
        return "failed", f"the cell's process ended without a result: {how}"
    return "failed", f"the cell's process died: {how}"


def _tail(ending: Ending) -> str:
    """The end of the output. faulthandler's list of loaded modules is thousands of characters of nothing."""
    lines = [line for line in ending.output.strip().splitlines() if not line.startswith("Extension modules: ")]
    text = "\n".join(lines)
    if ending.n_printed <= LOG_TAIL or len(text) <= LOG_TAIL:
        return text
    return f"[the end of {ending.n_printed:,} bytes that it printed]\n{text[-LOG_TAIL:]}"


def how_it_ended(exit_code: int) -> str:
    """A child's exit code in words; below 0 it is the signal that killed it."""
    try:
        return f"killed by {signal.Signals(-exit_code).name}" if exit_code < 0 else f"exit status {exit_code}"
    except ValueError:
        return f"killed by signal {-exit_code}"


def _is_complete(folder: Path, job: Job) -> bool:
    """Whether the child left the result of its job."""
    try:
        found = Store(folder).read(folder)
    except StoreError:
        return False
    return (found.cell, found.key) == (Job.from_json(job.to_json()).cell, job.key)  # a tuple is stored as a list


def _empty(folder: Path) -> None:
    """Remove whatever a child wrote."""
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def _disk_full(folder: Path, refusal: str) -> str:
    return (
        f"a cell's result can't be written below {folder.parent} ({refusal}): make room and run again, the rest is kept"
    )
