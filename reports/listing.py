"""What a results folder holds, cell by cell, from the first lines of each: thousands are listed in under a second."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reports.result import Cell, Status
from reports.store import Store, StoreError, cell_from_json

# result.json begins with what a cell is and how it ended; metrics, which are most of it, come after.
METRICS = ',\n "metrics": {'


@dataclass(frozen=True)
class Listed:
    """A stored cell: its folder, what it is, how it ended and, where that wasn't well, why."""

    folder: Path
    cell: Cell
    key: str
    status: Status
    error: str


def list_results(store: Store) -> list[Listed]:
    """All cells of a store, sorted by their folders.

    Raises
    ------
    StoreError
        A cell's file can't be read.
    """
    return [_listed(folder) for folder in store.folders()]


def _listed(folder: Path) -> Listed:
    path = folder / "result.json"
    try:
        content = _beginning(path.read_text(encoding="utf-8"))
        return Listed(
            folder, cell_from_json(**content["cell"]), str(content["key"]), content["status"], str(content["error"])
        )
    except (OSError, KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise StoreError(f"{path}: not a stored result ({error!r}); delete the folder it is in") from error


def _beginning(text: str) -> Any:
    """The content up to the metrics; all of it where somebody has written the file in another way."""
    beginning, found, _ = text.partition(METRICS)
    try:
        return json.loads(f"{beginning}}}" if found else text)
    except ValueError:
        return json.loads(text)
