"""What is searched: one space a model, read from spaces.toml."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard

from reports.opening import read_text

SPACES = Path(__file__).with_name("spaces.toml")
EPOCHS = "epochs"
MEASURED = 10  # times that an iterative model is judged in one trial


class SpaceError(ValueError):
    """A search space can't be read; the message names the file, the model and the parameter."""


@dataclass(frozen=True)
class Range:
    """A number from ``low`` to ``high``, whole where both are; on a logarithmic scale with ``log``."""

    low: float
    high: float
    log: bool = False

    @property
    def whole(self) -> bool:
        return isinstance(self.low, int) and isinstance(self.high, int)

    def __str__(self) -> str:
        return f"{self.low:g} to {self.high:g}{', log' * self.log}"


@dataclass(frozen=True)
class Choice:
    """One of some values."""

    choices: tuple[Any, ...]

    def __str__(self) -> str:
        return " | ".join(map(str, self.choices))


@dataclass(frozen=True)
class Space:
    """What is searched for one model.

    ``searched`` are the parameters with a range, ``fixed`` those with one value. ``epochs`` is how long an iterative
    model is trained, None where ``iterations`` is a parameter like any other.
    """

    searched: dict[str, Range | Choice]
    fixed: dict[str, Any]
    epochs: int | None = None

    @property
    def summary(self) -> str:
        """The space in one line."""
        told = [f"{name}: {values}" for name, values in self.searched.items()]
        told += [f"{name}: {value}" for name, value in self.fixed.items()]
        if self.epochs is not None:
            told.append(f"iterations: {', '.join(map(str, self.measured_epochs))} of one training")
        return "; ".join(told)

    @property
    def measured_epochs(self) -> list[int]:
        """The epochs, from 1, after which an iterative model is judged; none for the others."""
        if self.epochs is None:
            return []
        return sorted({-(-self.epochs * step // MEASURED) for step in range(1, MEASURED + 1)})

    @property
    def example(self) -> dict[str, Any]:
        """Some setting of the space."""
        first = {
            name: values.choices[0] if isinstance(values, Choice) else values.low
            for name, values in self.searched.items()
        }
        return first | self.fixed | ({"iterations": self.epochs} if self.epochs is not None else {})

    @property
    def corners(self) -> list[dict[str, Any]]:
        """Each value that a parameter is limited by or chosen from, by itself."""
        limits = {
            name: values.choices if isinstance(values, Choice) else (values.low, values.high)
            for name, values in self.searched.items()
        }
        fixed = {name: (value,) for name, value in self.fixed.items()}
        return [{name: value} for name, values in (limits | fixed).items() for value in values]

    def fixing(self, parameters: Mapping[str, Any]) -> Space:
        """The space with some parameters at one value each."""
        searched = {name: values for name, values in self.searched.items() if name not in parameters}
        return Space(searched, self.fixed | dict(parameters), None if "iterations" in parameters else self.epochs)

    def describe(self) -> dict[str, str]:
        """Each parameter and what it may be, as text, for reports."""
        told = {name: str(values) for name, values in self.searched.items()}
        told |= {name: str(value) for name, value in self.fixed.items()}
        return told if self.epochs is None else {**told, "iterations": f"up to {self.epochs}, judged ten times"}


def read_spaces(file: str | Path | None = None) -> dict[str, Space]:
    """The spaces of the package and, where a file is given, those of the file in their place.

    Raises
    ------
    SpaceError
        A file can't be read, or a parameter has neither limits, choices nor a plain value.
    """
    spaces = _read(SPACES)
    return spaces if file is None else spaces | _read(Path(file))


def _read(path: Path) -> dict[str, Space]:
    try:
        content = tomllib.loads(read_text(path))
    except (OSError, ValueError, RecursionError) as error:
        raise SpaceError(f"{path}: can't be read: {error}") from error
    for model, table in content.items():
        if not isinstance(table, dict):
            raise SpaceError(f"{path}: '{model}' stands outside of a table: write [MODEL] and its parameters below it")
    return {model: _space(f"{path}, [{model}]", table) for model, table in content.items()}


def _space(where: str, table: Mapping[str, Any]) -> Space:
    searched: dict[str, Range | Choice] = {}
    fixed: dict[str, Any] = {}
    for name, value in table.items():
        if isinstance(value, dict):
            searched[name] = _values(f"{where}: {name}", value)
        elif name != EPOCHS:
            fixed[name] = value
    epochs = table.get(EPOCHS)
    if EPOCHS in searched or (epochs is not None and (type(epochs) is not int or epochs < 1)):
        raise SpaceError(f"{where}: epochs must be a whole number of at least 1, not {table[EPOCHS]!r}")
    if not searched and epochs is None:
        raise SpaceError(f"{where}: has nothing to search: give a parameter limits or choices, or epochs")
    return Space(searched, fixed, epochs)


def _values(where: str, value: Mapping[str, Any]) -> Range | Choice:
    if set(value) == {"choices"} and isinstance(value["choices"], list) and value["choices"]:
        return Choice(tuple(value["choices"]))
    low, high, log = value.get("low"), value.get("high"), value.get("log", False)
    if not _is_number(low) or not _is_number(high) or set(value) - {"low", "high", "log"} or not isinstance(log, bool):
        raise SpaceError(f"{where}: write {{ low = 1, high = 10, log = true }} or {{ choices = [1, 2] }}, not {value}")
    if not low < high or (log and low <= 0):
        raise SpaceError(f"{where}: low must be below high{' and above 0 where log is true' * log}, not {value}")
    return Range(low, high, log)


def _is_number(limit: Any) -> TypeGuard[float]:
    return isinstance(limit, int | float) and not isinstance(limit, bool)
