"""What a results folder holds, cell by cell."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from reports.beginning import read_beginning
from reports.result import Cell
from reports.store import Store, StoreError, cell_from_json


@dataclass(frozen=True)
class Listed:
    """A stored cell: its folder, what it is, how it ended and, where that wasn't well, why."""

    folder: Path
    cell: Cell
    key: str
    status: str
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
        content = read_beginning(path)
        return Listed(
            folder,
            cell_from_json(**content["cell"]),
            str(content["key"]),
            str(content["status"]),
            str(content["error"]),
        )
    except (OSError, KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise StoreError(f"{path}: not a stored result ({error!r}); delete the folder it is in") from error
