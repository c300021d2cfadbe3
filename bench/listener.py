"""What a run tells whoever is watching. The command line draws bars; a notebook may stay silent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reports.result import Cell, Result

if TYPE_CHECKING:
    from reports.projector import Projected


class Listener:
    """Hears of a run's progress; this one ignores it."""

    def planned(self, n_cells: int) -> None:
        """The run has this many cells."""

    def preparing(self, dataset: str) -> None:
        """A data set is being loaded (or downloaded)."""

    def loaded(self, dataset: str, told: str) -> None:
        """A data set is there; ``told`` is what counts as relevant in it."""

    def again(self, cell: Cell, reason: str) -> None:
        """A cell that is in the store is computed again."""

    def needs_memory(self, cell: Cell, n_bytes: int) -> None:
        """A cell is about to fit a model that knows how much memory it will take."""

    def epoch(self, cell: Cell, epoch: int) -> None:
        """A cell finished this epoch of its fit, counted from 1."""

    def ended(self, result: Result, reused: bool) -> None:
        """A cell has a result, newly made or found in the store."""

    def finishing(self, n_cells: int) -> None:
        """The run was interrupted and waits for the cells that are running; a second interrupt would end them."""

    def reported(self, files: list[str]) -> None:
        """The reports were written."""

    def projected(self, projected: Projected) -> None:
        """The vectors were written for TensorBoard's projector."""
