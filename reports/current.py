"""Which stored cells reports are about: one name may have stood for several data.

A data set is known by its name, a file by its file's. Its content may change, or it is read with another ``--test``,
``--threshold`` or ``--columns``. Every run says in dataset.json what it rests on, and reports are about the newest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reports.beginning import read_beginning
from reports.opening import read_json

# When the data of <data set>/<split>/<split seed> were stored, and what; None where nothing is.
ReadDescribed = Callable[[Path], "tuple[str, dict[str, Any]] | None"]


@dataclass(frozen=True)
class Basis:
    """What cells of a split seed rest on: hashes of the data, with what is relevant in it, and of its split."""

    data: str
    split: str


@dataclass(frozen=True)
class Described:
    """The basis of a split seed and since when it is that."""

    since: str
    basis: Basis


def left_out(bases: Mapping[Path, Basis | None], described: ReadDescribed) -> list[Path]:
    """Folders of cells that rest on other data, or another split of it, than the reports of these folders.

    Parameters
    ----------
    bases
        Each cell's folder and what it rests on: None of one without hashes (it was skipped, say), which is never left
        out.
    """
    splits: dict[Path, dict[Path, dict[Path, Basis]]] = {}
    for folder, basis in bases.items():
        place = Path(*folder.parts[-4:-1])  # <data set>/<split>/<split seed>
        if basis is not None:
            splits.setdefault(place.parent, {}).setdefault(place, {})[folder] = basis
    return [folder for seeds in splits.values() for folder in _of_split(seeds, described)]


def _of_split(seeds: Mapping[Path, Mapping[Path, Basis]], described: ReadDescribed) -> Iterator[Path]:
    """The folders to leave out of one leaderboard, given its cells by split seed."""
    said = {place: _described(described(place)) or _newest(cells) for place, cells in seeds.items()}
    data = max(said.values(), key=lambda one: (one.since, one.basis.data)).basis.data
    for place, cells in seeds.items():
        current = said[place].basis
        yield from (folder for folder, basis in cells.items() if basis != current or basis.data != data)


def _described(found: tuple[str, dict[str, Any]] | None) -> Described | None:
    """What dataset.json says; those of earlier versions say nothing."""
    basis = basis_of(found[1]) if found else None
    return Described(found[0], basis) if found and basis else None


def _newest(cells: Mapping[Path, Basis]) -> Described:
    """The basis of the cell that was finished last. Of thousands on the same basis one is asked when."""
    one_of_each = {basis: folder for folder, basis in cells.items()}
    since, folder = max((_finished(folder), folder) for folder in one_of_each.values())
    return Described(since, cells[folder])


def basis_of_cell(folder: Path) -> Basis | None:
    """What a stored cell rests on."""
    try:
        return basis_of(read_beginning(folder / "result.json")["identity"])
    except (OSError, KeyError, TypeError, ValueError, AttributeError, RecursionError):
        return None  # whoever reads the cell says what is wrong with it


def basis_of(content: Mapping[str, Any]) -> Basis | None:
    """The hashes in a cell's identity, or in dataset.json."""
    data, split = content.get("data"), content.get("split")
    return Basis(data, split) if isinstance(data, str) and isinstance(split, str) else None


def _finished(folder: Path) -> str:
    try:
        return str(read_json(folder / "measured.json")["finished"])
    except (OSError, KeyError, TypeError, ValueError, RecursionError):
        return ""
