"""Which data sets are on this machine, and which of them can be loaded. Nothing is downloaded."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from importlib import import_module
from typing import Literal

from bench.datasets.sources import Source, cache_folder, locate
from bench.registry import DATASETS, DatasetRow, resolve


@dataclass(frozen=True)
class Holding:
    """One data set of the registry.

    ``place`` is the folder it is read from (where it would be put, if it isn't here; "" for one that is made up).
    ``text`` is its size, what is wrong with it, or how it can be had.
    """

    name: str
    state: Literal["ready", "absent", "broken"]
    place: str
    text: str


def look_at_data() -> list[Holding]:
    """Every data set of the registry; those that are here are loaded, for a file that is there may be cut off."""
    return [look_at(name, row) for name, row in DATASETS.items()]


def look_at(name: str, row: DatasetRow) -> Holding:
    """One data set: loaded where it is here or needs no files."""
    place = ""
    try:
        source = source_of(name, row)
        if source is not None:
            place = str(cache_folder() / source.folder)
            folder = locate(source)
            if folder is None:
                return Holding(name, "absent", place, f"is downloaded from {source.downloads[0].url.split('/')[2]}")
            place = str(folder)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            data = resolve(row.target)()
    except Exception as error:  # whatever is wrong with one data set, the others are still looked at
        return Holding(name, "broken", place, f"{type(error).__name__}: {error}")
    size = f"{len(data):,} rows, {data.n_users:,} users, {data.n_items:,} items"
    return Holding(name, "ready", place, "; ".join([size, *(str(warning.message) for warning in caught)]))


def source_of(name: str, row: DatasetRow) -> Source | None:
    """The Source in a loader's module that has the set's name; None for a set that needs no files."""
    module = import_module(row.target.partition(":")[0])
    return next((value for value in vars(module).values() if isinstance(value, Source) and value.name == name), None)
