"""A process that has loaded the heavy modules and forks a child for each cell, in milliseconds.

It is started by ``python -m bench.cells.forkserver SOCKET`` and says "ready", or why it can't fork. Each message that
it then gets is a cell's folder with four descriptors: the job, and where output, events and the exit status go. When
the other end of the socket is gone, the run is: all children end, and so does it.

A fork copies only the thread that calls it, and a lock that another one held stays locked for ever. So no thread is
left running here: BLAS is kept to one until a child sets its own number, and what starts a thread by being imported
(Arrow's allocator, a progress bar's monitor) is told not to.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import socket
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, sleep
from typing import NoReturn

DEATH_SIGNAL, SUBREAPER = 1, 36  # options of prctl(2)
MESSAGE_BYTES = 65536


def main(descriptor: int) -> None:
    control = socket.socket(fileno=descriptor)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the run decides what an interrupt ends
    try:
        load()
        refusal = _cannot_fork()
    except Exception as error:
        refusal = f"{type(error).__name__}: {error}"
    with contextlib.suppress(OSError):  # the run has ended already
        control.send((refusal or "ready").encode())
        if not refusal:
            Server(control).serve()


def load() -> None:
    """Import what cells need and load the kernels of ranking and metrics, by a whole cell of next to nothing."""
    import numpy as np
    from tqdm import tqdm

    from bench import fingerprint, plugins, registry, runner  # noqa: F401
    from recsys_impl.popularity import Popularity
    from reports.result import Cell
    from reports.store import write_result
    from splits.interactions import Interactions
    from splits.split import Split

    tqdm.monitor_interval = 0
    plugins.models()
    users, items = np.nonzero(np.kron(np.eye(2), np.ones((8, 8))))
    liked = Interactions.from_columns("rehearsal", users, items, np.full(len(users), 5.0))
    metrics = {name: (row, registry.resolve(row.target)) for name, row in registry.METRICS.items()}
    task = runner.Task(Cell("rehearsal", "", 0, "popularity", {}, 0), "", {}, "positives", (1,), metrics)
    result = runner.run_cell(Popularity, Split(liked, users == items), task)
    with TemporaryDirectory(prefix="recsys-bench-") as folder:
        write_result(result, Path(folder))


def _cannot_fork() -> str:
    """Why a child of this process would not be safe, "" if it would."""
    deadline = monotonic() + 5
    while len(os.listdir("/proc/self/task")) > 1:  # one that has been joined takes a moment to be gone
        if monotonic() > deadline:
            return "a thread is running that a fork would not copy"
        sleep(0.01)
    return ""


class Server:
    """The loop of the fork server, and the children it has running."""

    def __init__(self, control: socket.socket):
        self.control = control
        self.statuses: dict[int, int] = {}  # child -> where its exit status is to be written
        self.woken, self.wake = os.pipe()
        for end in (self.woken, self.wake):
            os.set_blocking(end, False)

    def serve(self) -> None:
        """Fork and reap until the run is gone."""
        _prctl(SUBREAPER, 1)  # what a cell leaves behind becomes a child of this process, which ends it
        signal.set_wakeup_fd(self.wake, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        while True:
            ready, _, _ = select.select([self.control.fileno(), self.woken], [], [])
            if self.woken in ready:
                os.read(self.woken, MESSAGE_BYTES)
                self.reap()
            if self.control.fileno() in ready:
                message, descriptors, _, _ = socket.recv_fds(self.control, MESSAGE_BYTES, 4)
                if not message:
                    break
                self.fork(Path(os.fsdecode(message)), descriptors)
        for child in self.statuses:
            _kill_group(child)
        self.end_orphans()

    def fork(self, folder: Path, descriptors: list[int]) -> None:
        """Start a cell and write its process id to where its exit status will be written too."""
        job, output, events, status = descriptors
        server = os.getpid()
        try:
            child = os.fork()
        except OSError as error:
            child, said = -1, f"can't fork: {error.strerror}\n"
        else:
            said = f"{child}\n"
        if child == 0:
            self.become_cell(folder, job, output, events, server)
        for descriptor in (job, output, events):
            os.close(descriptor)
        _tell(status, said)
        if child > 0:
            self.statuses[child] = status
        else:
            os.close(status)

    def become_cell(self, folder: Path, job: int, output: int, events: int, server: int) -> NoReturn:
        """The child: let go of everything that is the server's, and do the work."""
        try:
            os.setsid()
            _prctl(DEATH_SIGNAL, signal.SIGKILL)
            if os.getppid() != server:  # it died before it could be said that its death is to be followed
                os._exit(1)
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            text = _take_descriptors(
                job, output, [self.control.detach(), self.woken, self.wake, *self.statuses.values()]
            )
            _run(text, folder, events)
        except BaseException:
            import traceback

            traceback.print_exc()
        finally:
            os._exit(1)

    def reap(self) -> None:
        """Take note of children that have ended, and end what they left behind in their groups."""
        while (ended := _ended_child()) is not None:
            if ended in self.statuses:
                _kill_group(ended)  # before its id can be somebody else's
            _, status = os.waitpid(ended, 0)
            if ended in self.statuses:
                descriptor = self.statuses.pop(ended)
                _tell(descriptor, f"{os.waitstatus_to_exitcode(status)}\n")
                os.close(descriptor)
        if not self.statuses:
            self.end_orphans()

    def end_orphans(self) -> None:
        """End the processes that cells started and that moved to sessions of their own."""
        with contextlib.suppress(OSError):
            own = Path(f"/proc/self/task/{os.getpid()}/children").read_text()
            for child in set(map(int, own.split())) - set(self.statuses):
                os.kill(child, signal.SIGKILL)


def _run(text: bytes, folder: Path, events: int) -> None:
    """What a fresh interpreter would have had from its start: threads as asked for, randomness of its own."""
    import numpy as np
    from threadpoolctl import threadpool_limits

    from bench.cells import child
    from bench.cells.job import THREAD_VARIABLES, Job

    job = Job.from_json(text)
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, str(job.threads)))
    threadpool_limits(job.threads)
    np.random.seed()  # noqa: NPY002 - a plug-in may use it, and children must not all draw the same
    child.work(job, folder, events)


def _take_descriptors(job: int, output: int, others: list[int]) -> bytes:
    """Print to the output, close what isn't the cell's, and return the text of the job."""
    for descriptor in (1, 2):
        os.dup2(output, descriptor)
    # Not read on from where it stands: if the server dies now, the job is handed to another, whose child reads it too.
    text = os.pread(job, os.fstat(job).st_size, 0)
    for descriptor in (job, output, *others):
        os.close(descriptor)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    sys.stdout, sys.stderr = (
        os.fdopen(one, "w", buffering=1, errors="backslashreplace", closefd=False) for one in (1, 2)
    )
    return text


def _ended_child() -> int | None:
    """A child that has ended and was not waited for yet."""
    try:
        found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return None
    return found.si_pid if found else None


def _kill_group(leader: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


def _tell(descriptor: int, text: str) -> None:
    with contextlib.suppress(OSError):  # the run is gone: the socket will say so too
        os.write(descriptor, text.encode())


def _prctl(option: int, value: int) -> None:
    """Set an option of this process; raises OSError where the kernel refuses."""
    if ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), f"prctl({option}, {value}) failed")


if __name__ == "__main__":
    main(int(sys.argv[1]))
