"""Who is there: workers come and go while a run goes on, and each does one thing at a time."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Condition, Event, Thread
from time import monotonic
from typing import Any

from bench.cells.running import StoppedError
from bench.cluster.agreement import check_versions, version_reader
from bench.cluster.errors import ClusterError, LostClusterError
from bench.environment import KEY_LIBRARIES

POLL = 0.25  # seconds between looks at who is there
PATIENCE = 30.0  # seconds within which the scheduler must say it; it may be busy passing on a data set
KEPT = "finished cells are in the store: the same command computes the rest"


@dataclass(eq=False)
class Worker:
    """A worker as the driver sees it. ``holds`` are names of parcels; ``gone`` is set when it is there no more."""

    address: str
    threads: int
    holds: set[str] = field(default_factory=set)
    busy: bool = False
    gone: Event = field(default_factory=Event)

    @property
    def host(self) -> str:
        return self.address.rpartition(":")[0]


class Roster:
    """The workers that are there and have the versions that are installed here; a thread keeps it up to date.

    Raises, when it is opened, ``ClusterError``: nobody is there in time, or a worker has other versions. The thread
    comes to the same errors later; then whoever asks for a worker gets them.
    """

    def __init__(self, client: Any, libraries: Sequence[str], timeout: float):
        self.client, self.timeout = client, timeout
        self.workers: dict[str, Worker] = {}
        self._distributions = tuple(dict.fromkeys(("recsys-bench", *KEY_LIBRARIES, *libraries)))
        self._read_versions = version_reader()
        self._here = self._read_versions(self._distributions)
        self._changed, self._closing = Condition(), Event()
        self._error: Exception | None = None
        self._seen_anybody = monotonic()
        self._thread = Thread(target=self._keep_up_to_date, name="cluster-roster", daemon=True)

    def __enter__(self) -> Roster:
        self._look()
        while not self.workers:
            self._closing.wait(POLL)
            self._look()
        self._thread.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join(PATIENCE)

    def __len__(self) -> int:
        return len(self.workers)

    @contextmanager
    def worker(self, wanted: Collection[str], stopping: Event, avoided: Collection[str] = ()) -> Iterator[Worker]:
        """A worker that has nothing to do, for as long as this is open; rather one that holds the wanted parcels.

        One at an avoided address, where another died, is taken only where there is nobody else.

        Raises
        ------
        StoppedError
            ``stopping`` was set before there was one.
        LostClusterError, ClusterError
            The cluster is lost, or a new worker has other versions.
        """
        with self._changed:
            while not (idle := self._idle(avoided)):
                self.check(stopping)
                self._changed.wait(POLL)
            self.check(stopping)
            worker = max(idle, key=lambda one: len(one.holds.intersection(wanted)))
            worker.busy = True
        try:
            yield worker
        finally:
            with self._changed:
                worker.busy = False
                self._changed.notify()

    def strike_off(self, worker: Worker) -> None:
        """Take note that a worker died. One that was started in its place, under its address too, is a new one."""
        with self._changed:
            if self.workers.get(worker.address) is worker:
                del self.workers[worker.address]
            worker.gone.set()

    def check(self, stopping: Event) -> None:
        """Raise where there is no use in waiting any longer."""
        if self._error is not None:
            raise self._error
        if stopping.is_set():
            raise StoppedError

    def neighbours(self, worker: Worker) -> int:
        """How many workers are on the same machine, itself included."""
        return max(1, sum(other.host == worker.host for other in list(self.workers.values())))

    def on(self, addresses: Collection[str], function: Callable[..., Any], *arguments: Any) -> dict[str, Any]:
        """What a function gives on each of these workers, outside of Dask's tasks; those that are gone are left out."""
        if not addresses:
            return {}
        found: dict[str, Any] = self.client.run(function, *arguments, workers=list(addresses), on_error="ignore")
        return found

    def _idle(self, avoided: Collection[str]) -> list[Worker]:
        others = [worker for worker in self.workers.values() if worker.address not in avoided]
        return [worker for worker in others or self.workers.values() if not worker.busy]

    def _keep_up_to_date(self) -> None:
        while not self._closing.wait(POLL):
            try:
                self._look()
            except Exception as error:
                self._error = error
                return

    def _look(self) -> None:
        """Take note of workers that came and went."""
        threads = self._ask()
        found = self.on(threads.keys() - self.workers.keys(), self._read_versions, self._distributions)
        check_versions(self._here, found)
        with self._changed:
            for address in self.workers.keys() - threads.keys():
                self.workers.pop(address).gone.set()
            self.workers |= {address: Worker(address, threads[address]) for address in found}
            self._changed.notify_all()
        if self.workers:
            self._seen_anybody = monotonic()
        elif monotonic() - self._seen_anybody > self.timeout:
            self._give_up()

    def _ask(self) -> dict[str, int]:
        """Numbers of threads by address."""
        if self.client.status != "running":
            raise LostClusterError(f"the connection to the cluster's scheduler was lost; {KEPT}")
        try:
            found: dict[str, int] = self.client.sync(self.client.scheduler.ncores, callback_timeout=PATIENCE)
        except (OSError, TimeoutError, AttributeError) as error:  # a closed client has no scheduler
            raise LostClusterError(f"the cluster's scheduler doesn't answer any more ({error}); {KEPT}") from error
        return found

    def _give_up(self) -> None:
        address = self.client.scheduler.address
        if self._thread.is_alive():
            raise LostClusterError(f"all workers of {address} were lost, and none came in {self.timeout:g} s; {KEPT}")
        raise ClusterError(
            f"the cluster {address} has no worker: start some (`dask worker {address}`), or wait longer for the first "
            f"than {self.timeout:g} s with --cluster-timeout"
        )
