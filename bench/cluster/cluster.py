"""Runs cells on the workers of a cluster: :meth:`Cluster.run_one` takes the place of a child of this process.

It is decided here which worker runs what, because more is promised than Dask's scheduler does: a worker has one cell at
a time, whatever its number of threads, so that times mean something; a cell whose worker died is run once more, on
another, whatever number of deaths the scheduler allows; and what a worker needs is sent to it once.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import Event, Lock, Semaphore
from typing import Any
from uuid import uuid4

from bench.cells.interrupts import Interrupts
from bench.cells.job import Job, Tell
from bench.cells.pool import Pool
from bench.cluster import remote
from bench.cluster.connection import TIMEOUT, connect
from bench.cluster.errors import LostClusterError
from bench.cluster.parcels import Parcel, folder_parcel
from bench.cluster.roster import KEPT, PATIENCE, POLL, Roster, Worker
from bench.listener import Listener
from reports.result import Result
from reports.store import Store, write_result

TRIES = 2  # of a cell whose worker died
MOST_WORKERS = 10_000  # a thread for each that is there
SENT_AT_ONCE = 4  # parcels; the scheduler holds what is on its way


class LostWorkerError(Exception):
    """The worker died while it did something for us."""


class CellError(Exception):
    """A worker can't run a cell, which says nothing of the cell's model: its disk is full, say."""


@contextmanager
def open_cluster(address: Any, libraries: Sequence[str] = (), timeout: float | None = None) -> Iterator[Cluster]:
    """A cluster to run cells on; afterwards its workers hold nothing of this run.

    Parameters
    ----------
    address
        As for :func:`bench.cluster.connection.connect`.
    libraries
        Distributions that the models need: the workers must have the versions that are installed here.
    timeout
        Seconds within which the scheduler must answer, and after which a cluster without any worker is given up; None
        for 10.

    Raises
    ------
    ClusterError
        Nobody answers, or a worker has other versions.
    """
    seconds = TIMEOUT if timeout is None else timeout
    with connect(address, seconds) as client, Roster(client, libraries, seconds) as roster:
        cluster = Cluster(client, roster)
        try:
            yield cluster
        finally:
            cluster.leave()


class ClusterPool(Pool):
    """A pool that grows and shrinks with a cluster."""

    def __init__(self, *arguments: Any, roster: Roster):
        super().__init__(*arguments)
        self.roster = roster

    @property
    def room(self) -> int:
        """One for each worker, and one that is prepared meanwhile."""
        return len(self.roster) + 1


class Cluster:
    """The workers of a cluster for the length of a run. Threads may run cells at the same time."""

    def __init__(self, client: Any, roster: Roster):
        self.client, self.roster = client, roster
        self.run = uuid4().hex[:12]
        self._parcels: dict[Any, Parcel] = {}  # by where their files are here
        self._packing, self._sending = Lock(), Semaphore(SENT_AT_ONCE)
        self._told: dict[str, Tell] = {}  # who hears of a running cell, by its key
        client.subscribe_topic(remote.topic(self.run), self._hear)

    def pool(self, store: Store, scratch: Path, listener: Listener, interrupts: Interrupts) -> Pool:
        """A pool whose jobs run here, as many side by side as there are workers at the time."""
        return ClusterPool(self.run_one, MOST_WORKERS, store, scratch, listener, interrupts, roster=self.roster)

    def run_one(self, job: Job, folder: Path, tell: Tell, stopping: Event) -> None:
        """Run a job on a worker that is free, and leave the files of its cell in ``folder``.

        There is a cell in any case: where two workers died over it, or one couldn't run it, it is one that says so.
        A job with 0 threads gets as many as its worker has.

        Raises
        ------
        StoppedError
            ``stopping`` was set before the cell ended.
        LostClusterError
            The scheduler is gone, or all workers are and none came in time.
        """
        parcels = self._parcels_of(job)
        died: list[str] = []
        self._told[job.key] = tell
        try:
            while len(died) < TRIES:
                with self.roster.worker([parcel.name for parcel in parcels], stopping, avoided=died) as worker:
                    try:
                        _unpack(self._run_on(worker, job, parcels, stopping), folder)
                        return
                    except LostWorkerError:
                        self.roster.strike_off(worker)
                        died.append(worker.address)
                    except CellError as error:
                        _fail(job, folder, f"the worker {worker.address} can't run the cell: {error}")
                        return
        finally:
            self._told.pop(job.key, None)
        _fail(job, folder, f"{len(died)} workers died while they ran this cell: {', '.join(died)}")

    def leave(self) -> None:
        """Let go of the workers: they end what they do for this run, and remove what they hold of it."""
        if self.client.status == "running":
            self.client.unsubscribe_topic(remote.topic(self.run))
            self.roster.on(list(self.roster.workers), remote.leave, self.run)

    def _run_on(self, worker: Worker, job: Job, parcels: Sequence[Parcel], stopping: Event) -> dict[str, bytes]:
        """The files of the cell."""
        for parcel in parcels:
            if parcel.name not in worker.holds:
                self._send(worker, parcel, stopping)
        job = replace(
            job, threads=job.threads or worker.threads, side_by_side=self.roster.neighbours(worker), sys_path=()
        )
        names = [parcel.name for parcel in parcels]
        files: dict[str, bytes] | None = self._do(worker, stopping, remote.run_job, self.run, job, names)
        if files is None:  # it was started anew under the same address
            raise LostWorkerError
        return files

    def _send(self, worker: Worker, parcel: Parcel, stopping: Event) -> None:
        """Have the worker hold a parcel, and forget those that nobody will need any more."""
        kept = {other.name for other in list(self._parcels.values()) if other.is_here()}
        stale = sorted(worker.holds - kept)
        with self._sending:
            self._do(worker, stopping, remote.receive, self.run, parcel.name, parcel.content(), stale)
        worker.holds -= set(stale)
        worker.holds.add(parcel.name)

    def _do(self, worker: Worker, stopping: Event, function: Callable[..., Any], *arguments: Any) -> Any:
        """What a function gives on the worker."""
        from distributed import KilledWorker

        ended = Event()
        future = self.client.submit(function, *arguments, workers=[worker.address], pure=False)
        future.add_done_callback(lambda _: ended.set())
        try:
            while True:
                if ended.wait(POLL):
                    error = future.exception() if future.status == "error" else None
                    if isinstance(error, KilledWorker):
                        raise LostWorkerError
                    if error is not None:
                        raise CellError(f"{type(error).__name__}: {error}")
                    with suppress(TimeoutError):
                        return future.result(timeout=PATIENCE)
                self.roster.check(stopping)
                if worker.gone.is_set():  # perhaps with the result, which it had not given yet
                    raise LostWorkerError
        except CancelledError as error:
            raise LostClusterError(f"the connection to the cluster's scheduler was lost; {KEPT}") from error
        finally:
            future.cancel()

    def _parcels_of(self, job: Job) -> list[Parcel]:
        """The split's arrays; then the job's plug-ins and the caller's own models, if there are any."""
        models = remote.model_files(job)
        with self._packing:
            split = self._packed(job.split_folder, partial(folder_parcel, job.split_folder))
            return [split, self._packed(tuple(models.values()), partial(Parcel.of, models))] if models else [split]

    def _packed(self, place: Any, pack: Callable[[], Parcel]) -> Parcel:
        if place not in self._parcels:
            self._parcels[place] = pack()
        return self._parcels[place]

    def _hear(self, event: tuple[float, dict[str, Any]]) -> None:
        """Pass on what a cell tells of its progress, unless it has ended."""
        message = event[1]
        tell = self._told.get(message["key"])
        if tell is not None:
            tell(message["what"], message["value"])


def _unpack(files: Mapping[str, bytes], folder: Path) -> None:
    """Write what a worker gave back as the files of a cell, through to the disk."""
    for name, content in files.items():
        if Path(name).name != name:
            raise CellError(f"it gave back a file named {name!r}")
        with open(folder / name, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())


def _fail(job: Job, folder: Path, reason: str) -> None:
    """Leave the files of a failed cell."""
    write_result(Result(job.cell, job.key, job.identity, "failed", reason), folder)
