"""Hands cells out to the workers of a cluster, one at a time each, and stores what comes back.

The driver decides who runs what, because it promises more than Dask's scheduler does: a worker has one cell at a time,
whatever its number of threads, so that times mean something; a cell whose worker died is run once more, on another,
whatever number of deaths the scheduler allows; and what a worker needs is sent to it once.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

from bench.cluster import remote
from bench.cluster.connection import TIMEOUT, connect
from bench.cluster.errors import LostClusterError
from bench.cluster.parcels import Parcel, folder_parcel
from bench.cluster.remote import Errand
from bench.cluster.roster import KEPT, PATIENCE, POLL, Roster, Task, Worker
from bench.listener import Listener
from bench.workers import Job
from reports.result import Cell, Result
from reports.store import Store, StoreError

RETRIES = 1  # of a cell whose worker died
RECEIVING_AT_ONCE = 4  # workers; the scheduler holds what is on its way


@contextmanager
def open_cluster(address: Any, libraries: Sequence[str] = (), timeout: float = TIMEOUT) -> Iterator[Cluster]:
    """A cluster to run cells on; afterwards its workers hold nothing of this run.

    Parameters
    ----------
    address
        As for :func:`bench.cluster.connection.connect`.
    libraries
        Distributions that the models need: the workers must have the versions that are installed here.
    timeout
        Seconds within which the scheduler must answer, and a worker must be there where there is none.

    Raises
    ------
    ClusterError
        Nobody answers, or a worker has other versions.
    """
    with connect(address, timeout) as client:
        cluster = Cluster(client, Roster(client, libraries, timeout))
        try:
            cluster.roster.update()
            yield cluster
        finally:
            cluster.leave()


class Cluster:
    """The workers of a cluster for the length of a run; ``sent`` counts how often a parcel went to a worker."""

    def __init__(self, client: Any, roster: Roster):
        self.client, self.roster = client, roster
        self.run = uuid4().hex[:12]
        self.sent: Counter[tuple[str, str]] = Counter()
        self._parcels: dict[str, Parcel] = {}
        self._cells: dict[str, Cell] = {}  # by key, those of the jobs that are being run
        self._listener = Listener()
        client.subscribe_topic(remote.topic(self.run), self._hear)

    def run_jobs(self, jobs: Sequence[Job], listener: Listener) -> Iterator[Result]:
        """Run each job on a worker, store its result and yield it, as they end.

        A job with 0 threads gets as many as its worker has.

        Raises
        ------
        LostClusterError
            The scheduler is gone, or all workers are and none came in time; what ended before is stored.
        """
        self._listener, self._cells = listener, {job.key: job.cell for job in jobs}
        errands = self._pack(jobs)
        waiting = deque(Task(errand) for errand in errands)
        try:
            while waiting or any(worker.task for worker in self.roster.workers.values()):
                self._hand_out(waiting)
                self._wait()
                # What ended counts before who died: a worker may do both between two looks.
                results = [self._look_at(worker, waiting) for worker in self.roster.workers.values()]
                results += [self._retry(worker, waiting) for worker in self.roster.update()]
                yield from filter(None, results)
        finally:
            self._drop({errand.split for errand in errands})

    def leave(self) -> None:
        """Let go of the workers: they end what they do for this run, and remove what they hold of it."""
        if self.client.status == "running":
            self.client.unsubscribe_topic(remote.topic(self.run))
            self.roster.on(list(self.roster.workers), remote.leave, self.run)

    def _pack(self, jobs: Sequence[Job]) -> list[Errand]:
        """The jobs with their files in parcels; jobs of one split share its parcel."""
        packed: dict[Any, str] = {}

        def name_of(place: Any, pack: Callable[[], Parcel]) -> str:
            if place not in packed:
                parcel = pack()
                self._parcels[parcel.name] = parcel
                packed[place] = parcel.name
            return packed[place]

        errands = []
        for job in jobs:
            plugins = {f"{place}/{Path(file).name}": Path(file) for place, file in enumerate(job.plugins)}
            own = {"own-models": Path(job.own_models)} if job.own_models else {}
            files = {**plugins, **own}
            split = name_of(job.split_folder, partial(folder_parcel, job.split_folder))
            models = name_of(tuple(files.items()), partial(Parcel.of, files)) if files else ""
            errands.append(Errand(job, split, models, tuple(plugins), *own))
        return errands

    def _hand_out(self, waiting: deque[Task]) -> None:
        """Give every idle worker a task, and start the next step of those that have one."""
        workers = self.roster.workers.values()
        for worker in workers:
            if worker.task is None and waiting:
                worker.task = waiting.popleft()
            if worker.task is None or worker.future is not None:
                continue
            lacking = [name for name in worker.task.errand.parcels if name not in worker.holds]
            if not lacking:
                errand = worker.task.errand
                errand = replace(errand, job=replace(errand.job, threads=errand.job.threads or worker.threads))
                worker.future = self._submit(worker, remote.run_errand, self.run, errand)
            elif sum(bool(other.receiving) for other in workers) < RECEIVING_AT_ONCE:
                worker.receiving = lacking[0]
                self.sent[worker.address, lacking[0]] += 1
                content = self._parcels[lacking[0]].content()
                worker.future = self._submit(worker, remote.receive, self.run, lacking[0], content)

    def _submit(self, worker: Worker, function: Callable[..., Any], *arguments: Any) -> Any:
        import dask

        with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1 TiB"}):  # parcels are large
            return self.client.submit(function, *arguments, workers=[worker.address], pure=False)

    def _wait(self) -> None:
        """Until something ended, or it is time to see who is still there."""
        from distributed import wait

        futures = [worker.future for worker in self.roster.workers.values() if worker.future is not None]
        with self.client.as_current(), suppress(TimeoutError, CancelledError):
            wait(futures, timeout=POLL, return_when="FIRST_COMPLETED")

    def _look_at(self, worker: Worker, waiting: deque[Task]) -> Result | None:
        """The result of the worker's cell, if it has ended."""
        from distributed import KilledWorker

        if worker.task is None or worker.future is None or not worker.future.done():
            return None
        if worker.future.cancelled():
            raise LostClusterError(f"the connection to the cluster's scheduler was lost; {KEPT}")
        try:
            files = worker.future.result(timeout=PATIENCE)
        except TimeoutError:  # it may have died with the files: the next look at the roster tells
            return None
        except KilledWorker:
            return self._retry(worker, waiting)
        except Exception as error:  # as the worker's disk being full; a model's error is in the files
            reason = f"the worker {worker.address} can't run the cell: {type(error).__name__}: {error}"
            return self._done(worker, lambda job: _record(job, reason))
        if worker.receiving:
            worker.holds.add(worker.receiving)
            worker.future, worker.receiving = None, ""
            return None
        if files is None:  # it died and was started anew under the same address
            return self._retry(worker, waiting)
        return self._done(worker, lambda job: _keep(job, files))

    def _retry(self, worker: Worker, waiting: deque[Task]) -> Result | None:
        """Put the task of a worker that died back; where that was the last try, a failed row."""
        if worker.task is None:
            return None
        task = worker.task
        task.died.append(worker.address)
        if len(task.died) > RETRIES:
            reason = f"{len(task.died)} workers died while they ran this cell: {', '.join(task.died)}"
            return self._done(worker, lambda job: _record(job, reason))
        waiting.appendleft(task)
        worker.task, worker.future, worker.receiving = None, None, ""
        worker.holds.clear()
        return None

    def _done(self, worker: Worker, store: Callable[[Job], Result]) -> Result:
        """The result of the worker's task, stored; the worker is free."""
        assert worker.task is not None
        job = worker.task.errand.job
        worker.task, worker.future, worker.receiving = None, None, ""
        self._cells.pop(job.key, None)
        return store(job)

    def _drop(self, splits: set[str]) -> None:
        """Cancel what is still to be done, and have the workers forget these splits."""
        futures = [worker.future for worker in self.roster.workers.values() if worker.future is not None]
        for worker in self.roster.workers.values():
            worker.task, worker.future, worker.receiving = None, None, ""
            worker.holds -= splits
        if self.client.status == "running":
            self.client.cancel(futures)
            self.roster.on(list(self.roster.workers), remote.forget, self.run, sorted(splits))

    def _hear(self, event: tuple[float, dict[str, Any]]) -> None:
        """Pass on what a cell tells of its progress."""
        _, message = event
        cell = self._cells.get(message["key"])
        if cell is not None:
            match message:
                case {"epoch": int(epoch)}:
                    self._listener.epoch(cell, epoch)
                case {"memory_needed": int(n_bytes)}:
                    self._listener.needs_memory(cell, n_bytes)


def _keep(job: Job, files: Mapping[str, bytes]) -> Result:
    """Store the files of a cell that a worker ran."""
    store = Store(job.out)
    try:
        return store.read(store.put(job.cell, job.key, files))
    except StoreError as error:
        return _record(job, f"the worker gave back something else than a cell: {error}")


def _record(job: Job, reason: str) -> Result:
    """Store a failed row for a cell that no worker could run."""
    result = Result(job.cell, job.key, job.identity, "failed", reason)
    Store(job.out).write(result)
    return result
