"""All that the doctor found."""

from __future__ import annotations

from dataclasses import dataclass

from bench.checkup.holdings import Holding
from bench.checkup.kernel_cache import KernelCache
from bench.checkup.libraries import Library
from bench.checkup.machine import Machine
from bench.checkup.repetition import Repeated


@dataclass(frozen=True)
class Checkup:
    """The machine, the data sets and libraries that are here, and what repeating cells gave (nothing if not asked)."""

    machine: Machine
    kernel_cache: KernelCache
    data: list[Holding]
    libraries: list[Library]
    repeated: list[Repeated]

    @property
    def status(self) -> int:
        """Exit status: 1 if cells were repeated and one differs or failed, or none has a result to compare."""
        outcomes = [one.outcome for one in self.repeated]
        proven = "equal" in outcomes and not {"different", "failed"} & set(outcomes)
        return int(bool(outcomes) and not proven)
