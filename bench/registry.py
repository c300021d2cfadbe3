"""The tables of what the bench knows. A row names an object as "module:object"; it is imported when it is used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from importlib import import_module
from typing import Any, Literal, TypeVar


class UnknownNameError(ValueError):
    """A name isn't in its table; the message says what exists and which is nearest."""


@dataclass(frozen=True)
class DatasetRow:
    """A data set: a function that returns Interactions, what it holds, and its licence in one line."""

    target: str
    summary: str
    licence: str


@dataclass(frozen=True)
class SplitRow:
    """A rule: a function (interactions, seed, **parameters) -> Split."""

    target: str
    summary: str


@dataclass(frozen=True)
class ModelRow:
    """A model class with the parameters it is run with and where they come from.

    ``learns_from`` is what ``fit`` is given: the training "positives" or all training "ratings". ``seeded`` says whether
    the model takes random_state. ``library`` is the distribution it needs, ``extra`` ours that installs it, ``twin`` the
    model to lay beside it.
    """

    target: str
    summary: str
    parameters: dict[str, Any] = field(default_factory=dict)
    parameters_from: str = ""
    learns_from: Literal["positives", "ratings"] = "positives"
    seeded: bool = True
    library: str = ""
    extra: str = ""
    twin: str = ""


@dataclass(frozen=True)
class MetricRow:
    """A metric: its function, how users' values are put together, and which direction is better.

    ``needs`` says what the function is given: the ranked "lists", the "auc" of the ranking pass, or the held-out
    "ratings" with their predictions. A changed definition raises ``version``.
    """

    target: str
    summary: str
    put_together: Literal["mean", "root_of_ratio", "ratio", "catalogue"] = "mean"
    needs: Literal["lists", "auc", "ratings"] = "lists"
    higher_is_better: bool = True
    version: int = 1


Row = TypeVar("Row")


DATASETS: dict[str, DatasetRow] = {}

SPLITS: dict[str, SplitRow] = {}

MODELS: dict[str, ModelRow] = {}

METRICS: dict[str, MetricRow] = {}


def look_up(table: Mapping[str, Row], kind: str, name: str) -> Row:
    """The row of that name.

    Raises
    ------
    UnknownNameError
        There is none: names what exists and the nearest.
    """
    if name in table:
        return table[name]
    near = get_close_matches(name, table, n=1, cutoff=0.5)
    hint = f" Did you mean '{near[0]}'?" if near else ""
    raise UnknownNameError(f"there is no {kind} '{name}'.{hint} There are: {', '.join(table)}")


def resolve(target: str) -> Any:
    """The object that "module:object" names."""
    module, _, name = target.partition(":")
    return getattr(import_module(module), name)
