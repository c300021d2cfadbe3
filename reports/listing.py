"""What a results folder holds, cell by cell."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

from reports.beginning import read_beginning
from reports.current import Basis, basis_of, left_out
from reports.result import Cell
from reports.store import Store, StoreError, cell_from_json
from reports.verdicts import Verdict


@dataclass(frozen=True)
class Listed:
    """A stored cell: its folder, what it is, how it ended and, where that wasn't well, why.

    ``current`` is whether reports show it: not where it rests on other data of the same name.
    """

    folder: Path
    cell: Cell
    key: str
    status: str
    error: str
    current: bool = True


def list_results(store: Store) -> list[Listed]:
    """All cells of a store, sorted by their folders.

    Raises
    ------
    StoreError
        A cell's file can't be read.
    """
    found = [_listed(folder) for folder in store.folders()]
    others = set(left_out({one.folder: basis for one, basis in found}, store.described))
    return [replace(one, current=False) if one.folder in others else one for one, _ in found]


def other_data(store: Store) -> list[Verdict]:
    """How many cells of each leaderboard are left out because they rest on other data of that name."""
    counts = Counter((one.cell.dataset, one.cell.split) for one in list_results(store) if not one.current)
    return [
        Verdict("other data", dataset, split, f"{left_out_text(n)}; run again with that data shows them", serious=False)
        for (dataset, split), n in sorted(counts.items())
    ]


def left_out_text(n: int) -> str:
    """``2 cells rest on other data of this name (...): left out of the reports``."""
    cells = "1 cell rests" if n == 1 else f"{n:,} cells rest"
    return f"{cells} on other data of this name (other content, --test or --threshold): left out of the reports"


def _listed(folder: Path) -> tuple[Listed, Basis | None]:
    """A cell, and what it rests on."""
    path = folder / "result.json"
    try:
        content = read_beginning(path)
        identity = content.get("identity")
        told = str(content["key"]), str(content["status"]), str(content["error"])
        return Listed(folder, cell_from_json(**content["cell"]), *told), basis_of(identity if identity else {})
    except (OSError, KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise StoreError(f"{path}: not a stored result ({error!r}); delete the folder it is in") from error
