"""Several results folders read as one: shares of a run, or runs of several machines."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from reports.result import Cell, Result
from reports.store import Store, StoreError
from reports.table import latest
from reports.verdicts import Verdict

ROUNDING = 1e-9  # other processors add in another order


class Stores(Store):
    """Results folders, read as if all were one. Of a cell that is in several with the same key the newest counts.

    It is only read; ``root`` is the first folder.
    """

    def __init__(self, roots: Sequence[str | Path]):
        if not roots:
            raise StoreError("no results folder was named: give at least one")
        super().__init__(roots[0])
        self.stores = [Store(root) for root in dict.fromkeys(map(Path, roots))]

    def cell_folder(self, cell: Cell, key: str) -> Path:
        """Where the newest result of this cell and key is; in the first folder where there is none."""
        first = super().cell_folder(cell, key)
        return self._chosen.get(first.relative_to(self.root), first)

    def folders(self) -> list[Path]:
        """The cells' folders, those that count, sorted by cell."""
        return [self._chosen[place] for place in sorted(self._chosen)]

    def described(self, place: Path) -> tuple[str, dict[str, Any]] | None:
        """The newest: it says which data the cells that count rest on."""
        found = [one for store in self.stores if (one := store.described(place)) is not None]
        return max(found, key=lambda one: one[0], default=None)

    def repeated(self) -> Iterator[list[tuple[Store, Result]]]:
        """Each cell that several folders have with the same key, with the folder of each result."""
        for place, stores in self._places.items():
            if len(stores) > 1:
                yield [(store, store.read(store.root / place, tables=())) for store in stores]

    @cached_property
    def _places(self) -> dict[Path, list[Store]]:
        """Path of a cell's folder in its results folder -> the results folders that have it."""
        found: dict[Path, list[Store]] = {}
        for store in self.stores:
            for folder in store.folders():
                found.setdefault(folder.relative_to(store.root), []).append(store)
        return found

    @cached_property
    def _chosen(self) -> dict[Path, Path]:
        return {place: _newest([store.root / place for store in stores]) for place, stores in self._places.items()}


def open_stores(folders: str | Path | Sequence[str | Path], chosen: Iterable[Result] = ()) -> Store:
    """One results folder (in which ``chosen`` results are shown before newer ones), or several as one."""
    several = [folders] if isinstance(folders, str | Path) else list(folders)
    return Store(several[0], chosen) if len(several) == 1 else Stores(several)


def disagreements(store: Store) -> list[Verdict]:
    """What is to be said of cells that several folders have with the same key, but with other numbers.

    The same key means the same data, code and versions: beyond rounding the numbers should be the same.
    """
    if not isinstance(store, Stores):
        return []
    found: dict[tuple[str, str], list[_Difference]] = {}
    for several in store.repeated():
        cell, differences = several[0][1].cell, list(_differences(several))
        if differences:
            found.setdefault((cell.dataset, cell.split), []).append(max(differences, key=lambda one: one.relative))
    return [_verdict(dataset, split, cells) for (dataset, split), cells in sorted(found.items())]


@dataclass(frozen=True)
class _Difference:
    """A metric of a cell in two folders; ``relative`` to the larger."""

    cell: Cell
    metric: str
    values: tuple[float, float]
    folders: tuple[Path, Path]
    relative: float


def _differences(several: Sequence[tuple[Store, Result]]) -> Iterator[_Difference]:
    """All metrics in which a folder's finished cell differs from that of the first folder that finished it."""
    finished = [(store.root, result) for store, result in several if result.status == "ok"]
    for root, result in finished[1:]:
        first_root, first = finished[0]
        for name in first.metrics.keys() & result.metrics.keys():
            values = first.metrics[name].value, result.metrics[name].value
            if values[0] != values[1] and not all(map(math.isnan, values)):
                relative = abs(values[0] - values[1]) / max(map(abs, values))
                yield _Difference(result.cell, name, values, (first_root, root), relative)


def _verdict(dataset: str, split: str, differences: Sequence[_Difference]) -> Verdict:
    worst = max(differences, key=lambda one: (one.relative, one.cell.model, one.cell.split_seed, one.cell.model_seed))
    cells = "1 cell is" if len(differences) == 1 else f"{len(differences)} cells are"
    text = (
        f"{cells} in several folders with the same key and other numbers, and the newest counts: {worst.metric} of "
        f"{worst.cell.model}, seeds {worst.cell.split_seed} and {worst.cell.model_seed}, is {worst.values[0]:.9g} in "
        f"{worst.folders[0]} and {worst.values[1]:.9g} in {worst.folders[1]}"
    )
    return Verdict("folders disagree", dataset, split, text, serious=worst.relative > ROUNDING)


def _newest(folders: Sequence[Path]) -> Path:
    if len(folders) == 1:
        return folders[0]
    read = {folder: Store(folder).read(folder, tables=()) for folder in folders}
    (newest,) = latest(read.values())
    return next(folder for folder, result in read.items() if result is newest)
