"""Who is there: workers come and go while a run goes on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import monotonic, sleep
from typing import Any

from bench.cluster.agreement import check_versions, version_reader
from bench.cluster.errors import ClusterError, LostClusterError
from bench.cluster.remote import Errand
from bench.environment import KEY_LIBRARIES

POLL = 0.25  # seconds between looks
PATIENCE = 30.0  # seconds within which the scheduler must say who is there; it may be busy passing on a data set
KEPT = "finished cells are in the store: the same command computes the rest"


@dataclass
class Task:
    """A cell to run, and the addresses of the workers that died over it."""

    errand: Errand
    died: list[str] = field(default_factory=list)


@dataclass
class Worker:
    """A worker as the driver sees it.

    ``holds`` are names of parcels. ``task`` is what it was given to do; ``future`` will have the cell's files, or says
    that the parcel named ``receiving`` has arrived.
    """

    address: str
    threads: int
    holds: set[str] = field(default_factory=set)
    task: Task | None = None
    future: Any = None
    receiving: str = ""

    @property
    def host(self) -> str:
        return self.address.rpartition(":")[0]


class Roster:
    """The workers that are there, by address; each was found to have the versions that are installed here."""

    def __init__(self, client: Any, libraries: Sequence[str], timeout: float):
        self.client, self.timeout = client, timeout
        self.workers: dict[str, Worker] = {}
        self._distributions = tuple(dict.fromkeys(("recsys-bench", *KEY_LIBRARIES, *libraries)))
        self._read_versions = version_reader()
        self._here = self._read_versions(self._distributions)

    def update(self) -> list[Worker]:
        """Take note of workers that came and went, and return the latter; waits where nobody is there.

        Raises
        ------
        ClusterError
            A new worker has other versions, or there never was one.
        LostClusterError
            The scheduler is gone, or all workers are and none came in time.
        """
        threads = self._wait_for_workers()
        new = [address for address in threads if address not in self.workers]
        found = self.on(new, self._read_versions, self._distributions)
        check_versions(self._here, found)
        lost = [self.workers.pop(address) for address in self.workers.keys() - threads.keys()]
        self.workers |= {address: Worker(address, threads[address]) for address in found}
        return lost

    def on(self, addresses: Sequence[str], function: Callable[..., Any], *arguments: Any) -> dict[str, Any]:
        """What a function gives on each of these workers, outside of Dask's tasks; those that are gone are left out."""
        if not addresses:
            return {}
        found: dict[str, Any] = self.client.run(function, *arguments, workers=list(addresses), on_error="ignore")
        return found

    def _wait_for_workers(self) -> dict[str, int]:
        """Numbers of threads by address; at least one."""
        deadline = monotonic() + self.timeout
        while not (found := self._ask()):
            if monotonic() > deadline:
                self._give_up()
            sleep(POLL)
        return found

    def _ask(self) -> dict[str, int]:
        if self.client.status != "running":
            raise LostClusterError(f"the connection to the cluster's scheduler was lost; {KEPT}")
        try:
            found: dict[str, int] = self.client.sync(self.client.scheduler.ncores, callback_timeout=PATIENCE)
        except (OSError, TimeoutError, AttributeError) as error:  # a closed client has no scheduler
            raise LostClusterError(f"the cluster's scheduler doesn't answer any more ({error}); {KEPT}") from error
        return found

    def _give_up(self) -> None:
        address = self.client.scheduler.address
        if self.workers:
            raise LostClusterError(f"all workers of {address} were lost, and none came in {self.timeout:g} s; {KEPT}")
        raise ClusterError(
            f"the cluster {address} has no worker: start some (`dask worker {address}`), or wait longer for the first "
            f"than {self.timeout:g} s with --cluster-timeout"
        )
