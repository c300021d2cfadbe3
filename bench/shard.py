"""A share of a run's cells, for one of several machines that don't know of each other."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b

from bench.experiment import ExperimentError
from reports.result import Cell


@dataclass(frozen=True)
class Shard:
    """Number ``index`` (from 1) of ``count`` shares of the same run."""

    index: int = 1
    count: int = 1

    @classmethod
    def parse(cls, text: str | None) -> Shard:
        """Read ``I/N``, ``2/5`` for the second of five; the whole run for None.

        Raises
        ------
        ExperimentError
            It is something else, or I is not one of 1 to N.
        """
        if text is None:
            return cls()
        match = re.fullmatch(r"\s*(\d{1,6})\s*/\s*(\d{1,6})\s*", text, re.ASCII)
        if match is None or not 1 <= int(match[1]) <= int(match[2]):
            raise ExperimentError(
                f"shard '{text}': write I/N with I from 1 to N, for example 2/5 for the second of five"
            )
        return cls(int(match[1]), int(match[2]))

    def of(self, cells: Iterable[Cell]) -> frozenset[str]:
        """The names of this share's cells: all shares together have every cell once.

        The cells of each data set are dealt in the order of a hash of their names, so that neither the order in which
        they are given nor their parameters matter (which differ between versions of a library), every share has its
        part of the models and seeds, and no share has two cells more than another.
        """
        hashed = {name_of(cell): (cell.dataset, blake2b(name_of(cell).encode()).digest()) for cell in cells}
        ordered = sorted(hashed, key=lambda name: hashed[name])
        return frozenset(ordered[self.index - 1 :: self.count])


def name_of(cell: Cell) -> str:
    """Tells the cells of a run apart."""
    return json.dumps([cell.dataset, cell.split, cell.split_seed, cell.model, cell.model_seed])
