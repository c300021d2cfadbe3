"""How a cell's process is started: by the fork server where there can be one, else as a fresh interpreter."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from threading import Lock
from typing import Any, Protocol

from bench.cells.job import Job, child_environment

# Read by Arrow as it is loaded: its allocator would start a thread, which no fork copies.
NO_THREADS = {"JE_ARROW_MALLOC_CONF": "background_thread:false"}


class StartError(OSError):
    """A cell's process could not be started."""


class Child(Protocol):
    """A process that was started. ``descriptor`` becomes readable when it ends, None where it must be asked."""

    pid: int
    descriptor: int | None

    def poll(self) -> int | None:
        """The exit code, below 0 the signal that killed it; None while it runs.

        Raises
        ------
        LostError
            Nobody knows any more: the process that started it was killed, and it with it.
        """

    def close(self) -> None:
        """Let go of what belongs to a child that has ended."""


class LostError(Exception):
    """The fork server was killed while a cell ran; the cell has died with it."""


class Starter:
    """Starts cells' processes; threads may share one. Use as a context manager: at its end no child is left.

    With ``fork`` False, and where the system is not Linux, each is a fresh interpreter.
    """

    def __init__(self, fork: bool = sys.platform == "linux"):
        self._fork = fork
        self._server: ForkServer | None = None
        self._lock = Lock()

    def __enter__(self) -> Starter:
        return self

    def __exit__(self, *_: Any) -> None:
        with self._lock:
            if self._server is not None:
                self._server.close()
            self._server = None

    def prepare(self) -> None:
        """Begin to load the modules, while the caller does something else."""
        with self._lock:
            if self._fork and self._server is None:
                self._server = ForkServer()

    def start(self, job: Job, folder: Path, output: int, events: int) -> Child:
        """The process of a job, printing to ``output`` and telling of its progress on ``events``."""
        with tempfile.TemporaryFile() as stream:
            stream.write(job.to_json().encode())
            stream.seek(0)
            if self._fork:
                child = self._start_forked(folder, stream.fileno(), output, events)
                if child is not None:
                    return child
            return FreshChild(job, folder, stream.fileno(), output, events)

    def _start_forked(self, folder: Path, job: int, output: int, events: int) -> Child | None:
        """A child of the server, which is started again where it died; None where it can't fork."""
        for _ in range(3):
            self.prepare()
            with self._lock:
                server = self._server
                if server is None:
                    continue
                try:
                    if server.refusal():
                        self._fork = False
                        return None
                    return server.start(folder, job, output, events)
                except (ConnectionError, EOFError):
                    server.close()
                    self._server = None
        self._fork = False  # it dies again and again: without it a cell only starts more slowly
        return None


class ForkServer:
    """The run's end of a fork server (``forkserver.py``)."""

    def __init__(self) -> None:
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "bench.cells.forkserver", str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env=child_environment(1) | NO_THREADS,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        self._said = ""

    def refusal(self) -> str:
        """Why it can't fork, "" if it can; waits until it has loaded."""
        if not self._said:
            self._said = self._control.recv(4096).decode()
            if not self._said:
                raise EOFError("the fork server died")
        return "" if self._said == "ready" else self._said

    def start(self, folder: Path, job: int, output: int, events: int) -> Child:
        status, theirs = os.pipe()
        try:
            socket.send_fds(self._control, [os.fsencode(folder)], [job, output, events, theirs])
        except BaseException:
            os.close(status)
            raise
        finally:
            os.close(theirs)
        return ForkedChild(status)

    def close(self) -> None:
        """End the server and its children."""
        self._control.close()
        if self._said != "ready":
            self._process.kill()  # it would first load everything
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class ForkedChild:
    """A child of the fork server, of which we know by a pipe: its id on the first line, its exit code on the second."""

    def __init__(self, status: int):
        self.descriptor: int | None = status
        self._said = os.read(status, 200)
        first = self._said.partition(b"\n")[0].decode()
        if not first.isdecimal():
            os.close(status)
            raise StartError(first) if first else EOFError("the fork server died")
        os.set_blocking(status, False)
        self.pid = int(first)

    def poll(self) -> int | None:
        assert self.descriptor is not None
        with contextlib.suppress(BlockingIOError):
            more = os.read(self.descriptor, 200)
            if not more and self._said.count(b"\n") < 2:
                raise LostError("the process that started it was killed")
            self._said += more
        lines = self._said.split(b"\n")
        return int(lines[1]) if len(lines) == 3 else None

    def close(self) -> None:
        assert self.descriptor is not None
        os.close(self.descriptor)


class FreshChild:
    """A Python of its own, which ends itself when this process dies."""

    descriptor: int | None = None

    def __init__(self, job: Job, folder: Path, job_file: int, output: int, events: int):
        theirs, self._alive = os.pipe()
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "bench.cells.child", str(folder), str(events), str(theirs)],
                stdin=job_file,
                stdout=output,
                stderr=output,
                env=child_environment(job.threads),
                pass_fds=[events, theirs],
                start_new_session=True,
            )
        except OSError:
            os.close(self._alive)
            raise
        finally:
            os.close(theirs)
        self.pid = self._process.pid

    def poll(self) -> int | None:
        code = self._process.poll()
        if code is not None:
            end_group(self.pid)
        return code

    def close(self) -> None:
        os.close(self._alive)


def end_group(leader: int) -> None:
    """Kill a process and what it started in its session."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)
