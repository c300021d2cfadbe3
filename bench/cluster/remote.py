"""What happens on a worker: parcels are unpacked into a folder of the run, and cells run in children as they do here.

Children are started by ``subprocess``: Dask's workers are daemonic processes, to which ``multiprocessing`` refuses
children of their own.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import mkdtemp
from threading import Event, Lock
from time import monotonic
from typing import Any

from bench.cells.job import Job, Tell
from bench.cells.running import run_in_child
from bench.cells.starting import Starter
from bench.cluster.parcels import unpack

SECONDS_BETWEEN_EPOCHS = 0.2  # told to the driver; fast models have hundreds a second


class Stay:
    """A run that this process works for: its fork server, and how its cells are told to stop."""

    def __init__(self) -> None:
        self.starter, self.stopping = Starter(), Event()


_stays: dict[str, Stay] = {}
_arriving = Lock()  # several workers may be threads of one process


def model_files(job: Job) -> dict[str, Path]:
    """A job's plug-ins and the file of the caller's own models, by their names in a parcel."""
    files = {f"{place}/{Path(file).name}": Path(file) for place, file in enumerate(job.plugins)}
    return files | ({"own-models": Path(job.own_models)} if job.own_models else {})


def receive(run: str, name: str, content: dict[str, bytes], stale: Sequence[str]) -> None:
    """Unpack a parcel on this worker, and remove others."""
    folder = _folder(run, _worker())
    for other in stale:
        shutil.rmtree(folder / other, ignore_errors=True)
    unpack(content, folder / name)


def run_job(run: str, job: Job, parcels: Sequence[str]) -> dict[str, bytes] | None:
    """The files of the job's cell; None where a parcel isn't here: the worker was started anew.

    The first parcel has the split, the second one plug-ins and the caller's own models.
    """
    worker = _worker()
    folder = _folder(run, worker)
    if not all((folder / name).is_dir() for name in parcels):
        return None
    models = {name: str(folder / parcels[-1] / name) for name in model_files(job)}
    own = models.pop("own-models", "")
    job = replace(job, split_folder=str(folder / parcels[0]), plugins=tuple(models.values()), own_models=own)
    cell = Path(mkdtemp(prefix="cell-", dir=folder))
    stay = _stay(run)
    try:
        run_in_child(stay.starter, job, cell, _teller(run, job.key, worker), stay.stopping)
        return {path.name: path.read_bytes() for path in cell.iterdir()}
    finally:
        shutil.rmtree(cell, ignore_errors=True)


def leave(run: str, dask_worker: Any) -> None:
    """End what this worker still does for a run, and remove what it holds; Dask gives the worker."""
    with _arriving:
        stay = _stays.pop(run, None)
    if stay is not None:
        stay.stopping.set()
        stay.starter.__exit__()
    shutil.rmtree(_folder(run, dask_worker), ignore_errors=True)


def topic(run: str) -> str:
    """The name under which a run's progress goes through the scheduler."""
    return f"recsys-bench-{run}"


def _stay(run: str) -> Stay:
    with _arriving:
        return _stays.setdefault(run, Stay())


def _teller(run: str, key: str, worker: Any) -> Tell:
    """Passes a cell's progress on to the driver, epochs not too often."""
    told = -SECONDS_BETWEEN_EPOCHS

    def tell(what: str, value: int) -> None:
        nonlocal told
        if what != "epoch" or monotonic() - told >= SECONDS_BETWEEN_EPOCHS:
            told = monotonic() if what == "epoch" else told
            worker.log_event(topic(run), {"key": key, "what": what, "value": value})

    return tell


def _folder(run: str, worker: Any) -> Path:
    """Of a run on a worker, inside the worker's own, which Dask removes should we not come to it."""
    return Path(worker.local_directory) / f"recsys-bench-{run}"


def _worker() -> Any:
    from distributed import get_worker

    return get_worker()
