"""Many jobs side by side: their cells go into a store, and an interrupt or a fault loses nothing that was finished."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from functools import partial
from pathlib import Path
from threading import Event

from bench.cells.interrupts import Interrupts
from bench.cells.job import Job, Tell
from bench.listener import Listener
from reports.result import Result
from reports.store import Store

RunOne = Callable[[Job, Path, Tell, Event], None]  # running.run_in_child with its starter bound, or another's
ANSWER_SECONDS = 0.25  # within which a first Ctrl-C is answered


class Pool:
    """Runs jobs with ``run_one``, ``parallel`` at a time.

    ``scratch`` is a folder on the store's disk, in which each running cell has a folder of its own. This process alone
    writes the store.
    """

    def __init__(
        self, run_one: RunOne, parallel: int, store: Store, scratch: Path, listener: Listener, interrupts: Interrupts
    ):
        self.run_one, self.parallel, self.store = run_one, parallel, store
        self.listener, self.interrupts = listener, interrupts
        self._scratch, self._numbers = scratch, itertools.count()
        self._stopping = Event()
        self._running: dict[Future[Result], Job] = {}

    def carry_out(self, jobs: Iterable[Job], done: Callable[[Job, Result], None]) -> None:
        """Run each job and call ``done`` as they end.

        One job is asked for ahead of its turn, so that nobody waits for it to be prepared; with ``parallel`` 1 none, so
        that nothing disturbs the timings of the one that runs. Where ``jobs`` fails, and at a first interrupt, cells
        that are running end before that is raised; a second interrupt, or a result that can't be stored, ends them.
        """
        asked = iter(jobs)
        failure: BaseException | None = None
        threads = ThreadPoolExecutor(self.parallel)
        try:
            while True:
                while failure is None and len(self._running) < self.room:
                    try:
                        job = next(asked)
                        self._running[threads.submit(self._run, job)] = job
                    except StopIteration:
                        break
                    except (Exception, KeyboardInterrupt) as error:
                        failure = self._wind_up(error)
                if not self._running:
                    break
                self.interrupts.patient = True
                ended, _ = wait(self._running, ANSWER_SECONDS, FIRST_COMPLETED)
                for future in ended:
                    done(self._running.pop(future), future.result())
                if self.interrupts.seen and failure is None:
                    failure = self._wind_up(KeyboardInterrupt())
                self.interrupts.patient = failure is not None
        except BaseException:
            self._stopping.set()
            raise
        finally:
            self.interrupts.patient = False
            threads.shutdown(cancel_futures=True)
        if failure is not None:
            raise failure

    @property
    def room(self) -> int:
        """How many jobs may have been asked for and not ended."""
        return self.parallel + int(self.parallel > 1)

    def _wind_up(self, error: BaseException) -> BaseException:
        """Begin no further cell, and say what is still waited for."""
        for future in [future for future in self._running if future.cancel()]:
            del self._running[future]
        if self._running and isinstance(error, KeyboardInterrupt):
            self.listener.finishing(len(self._running))
        return error

    def _run(self, job: Job) -> Result:
        """One job, from an empty folder to a cell in the store."""
        folder = self._scratch / f"cell-{next(self._numbers)}"
        folder.mkdir()

        def tell(what: str, value: int) -> None:
            {"epoch": self.listener.epoch, "memory_needed": self.listener.needs_memory}[what](job.cell, value)

        self.run_one(job, folder, tell, self._stopping)
        return self.store.read(self.store.adopt(folder, job.cell, job.key))


def run_here(jobs: Iterable[Job], out: Path, listener: Listener) -> list[Result]:
    """Run jobs one after the other in children of this process; their results, in order, are stored in ``out``."""
    from bench.cells.running import run_in_child
    from bench.cells.starting import Starter
    from reports.scratch import scratch_folder

    found: list[Result] = []
    with scratch_folder(out) as scratch, Starter() as starter, Interrupts() as interrupts:
        pool = Pool(partial(run_in_child, starter), 1, Store(out), scratch, listener, interrupts)
        pool.carry_out(jobs, lambda job, result: found.append(result))
    return found
