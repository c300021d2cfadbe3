"""What a child needs to know of its cell, as plain values."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from reports.result import Cell

PACKAGE_PARENT = Path(__file__).parents[2]
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")

Tell = Callable[[str, int], None]  # hears ("memory_needed", bytes) and ("epoch", number) while a cell runs


@dataclass(frozen=True)
class Job:
    """One cell to run. ``split_folder`` holds what ``splits.files.save_split`` wrote, for children to map.

    ``timeout`` is in seconds of wall time and ``memory_limit`` in bytes, 0 without one; ``side_by_side`` is the number
    of cells that may run at the same time; ``number`` is the job's place in its run. ``own_models`` is a file of the
    caller's pickled rows, "" without any; with ``fingerprint`` digests of the fitted model's arrays are kept in
    ``measured``, with ``keep_vectors`` the factors of users and items.
    """

    cell: Cell
    key: str
    identity: dict[str, Any]
    ks: Sequence[int]
    split_folder: str
    threads: int
    known_items: Sequence[int] = ()
    plugins: Sequence[str] = ()
    own_models: str = ""
    fingerprint: bool = False
    timeout: float = 0.0
    memory_limit: int = 0
    side_by_side: int = 1
    number: int = 0
    keep_vectors: bool = False
    sys_path: Sequence[str] = field(default_factory=lambda: list(sys.path))

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str | bytes) -> Job:
        content = json.loads(text)
        return cls(**{**content, "cell": Cell(**content["cell"])})


def child_environment(threads: int) -> dict[str, str]:
    """The child's environment: this package importable, and thread pools of the size that was asked for."""
    before = os.environ.get("PYTHONPATH", "")
    path = os.pathsep.join(filter(None, [str(PACKAGE_PARENT), before]))
    return {**os.environ, "PYTHONPATH": path, **dict.fromkeys(THREAD_VARIABLES, str(threads))}
