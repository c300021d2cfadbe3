"""What happens on a worker: parcels are unpacked into a folder of the run, and cells run in children as they do here.

Children are started by ``subprocess``: Dask's workers are daemonic processes, to which ``multiprocessing`` refuses
children of their own.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import mkdtemp
from threading import Event
from time import monotonic
from typing import Any

from bench.cluster.parcels import unpack
from bench.listener import Listener
from bench.workers import Job, run_job
from reports.result import Cell
from reports.store import Store

SECONDS_BETWEEN_EPOCHS = 0.2  # told to the driver; fast models have hundreds a second
_stopping: dict[str, Event] = {}


@dataclass(frozen=True)
class Errand:
    """A job whose files are in parcels: the split's arrays in one, plug-ins and the caller's own models in another."""

    job: Job
    split: str
    models: str = ""
    plugins: tuple[str, ...] = ()  # their names in the parcel of models
    own_models: str = ""

    @property
    def parcels(self) -> tuple[str, ...]:
        return tuple(filter(None, (self.split, self.models)))


def receive(run: str, name: str, content: Mapping[str, bytes]) -> None:
    """Unpack a parcel on this worker."""
    unpack(content, _folder(run, _worker()) / name)


def run_errand(run: str, errand: Errand) -> dict[str, bytes] | None:
    """The files of the finished cell; None where a parcel isn't here: the worker was started anew."""
    worker = _worker()
    folder = _folder(run, worker)
    if not all((folder / name).is_dir() for name in errand.parcels):
        return None
    stopping = _stopping.setdefault(run, Event())
    out = Path(mkdtemp(prefix="cell-", dir=folder))
    models = folder / errand.models
    job = replace(
        errand.job,
        split_folder=str(folder / errand.split),
        plugins=tuple(str(models / name) for name in errand.plugins),
        own_models=str(models / errand.own_models) if errand.own_models else "",
        out=str(out),
    )
    try:
        run_job(job, _Teller(job.key, lambda event: worker.log_event(topic(run), event)), stopping)
        cell = Store(out).cell_folder(job.cell, job.key)
        return {path.name: path.read_bytes() for path in cell.iterdir()}
    finally:
        shutil.rmtree(out, ignore_errors=True)


def forget(run: str, parcels: Sequence[str], dask_worker: Any) -> None:
    """End the cells that this worker still runs, and remove these parcels; Dask gives the worker."""
    _stopping.pop(run, Event()).set()
    for name in parcels:
        shutil.rmtree(_folder(run, dask_worker) / name, ignore_errors=True)


def leave(run: str, dask_worker: Any) -> None:
    """Remove all that this worker holds of a run."""
    forget(run, (), dask_worker)
    shutil.rmtree(_folder(run, dask_worker), ignore_errors=True)


def topic(run: str) -> str:
    """The name under which a run's progress goes through the scheduler."""
    return f"recsys-bench-{run}"


class _Teller(Listener):
    """Passes a cell's epochs on to the driver, not too often."""

    def __init__(self, key: str, tell: Callable[[dict[str, Any]], None]):
        self.key, self.tell, self.told = key, tell, -SECONDS_BETWEEN_EPOCHS

    def needs_memory(self, cell: Cell, n_bytes: int) -> None:
        self.tell({"key": self.key, "memory_needed": n_bytes})

    def epoch(self, cell: Cell, epoch: int) -> None:
        if monotonic() - self.told >= SECONDS_BETWEEN_EPOCHS:
            self.told = monotonic()
            self.tell({"key": self.key, "epoch": epoch})


def _folder(run: str, worker: Any) -> Path:
    """Of a run on a worker, inside the worker's own, which Dask removes should we not come to it."""
    return Path(worker.local_directory) / f"recsys-bench-{run}"


def _worker() -> Any:
    from distributed import get_worker

    return get_worker()
