"""A published table: data, protocol, settings, numbers, source. Read from a TOML file."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, get_args

from bench.experiment import is_cutoff
from bench.registry import METRICS, MODELS, look_up
from reports.opening import read_text

SUITES = Path(__file__).parents[1] / "suites"
PROTOCOLS = ("surprise-folds", "published-split", "sampled-candidates")
Asked = Literal["equal", "reach", "beside"]
ASKED = get_args(Asked)
TABLES = ("published", "parameters")
SAMPLED = "ml-1m"  # the data set whose candidates NCF published


class SuiteError(ValueError):
    """A suite can't be read; the message names the file and what is wrong."""


@dataclass(frozen=True)
class SuiteRow:
    """A line of a published table and the model that is to give its numbers.

    Attributes
    ----------
    published
        Metric -> number as printed, "" where the table has none; its digits are the tolerance, unless ``tolerance``
        gives one for all or for each.
    asked
        "equal": ours is the published number within the tolerance; "reach": ours is that good or better; "beside": a
        library's own number, which is shown and not judged.
    memory_gib
        The most that the model's process may take, None for no limit.
    name
        What the table calls the model.
    settings_from
        Where the parameters come from.
    seeds
        Model seeds whose mean is judged, for a model whose numbers depend on its seed in a digit that is printed.
    """

    model: str
    published: dict[str, str]
    parameters: dict[str, Any] = field(default_factory=dict)
    asked: Asked = "equal"
    tolerance: float | dict[str, float] | None = None
    memory_gib: float | None = None
    name: str = ""
    settings_from: str = ""
    seeds: int = 1

    @property
    def label(self) -> str:
        return f"{self.model} ({self.name})" if self.name else self.model

    def tolerance_of(self, metric: str) -> float:
        """How far ours may be from the published number: half a unit of its last digit where nothing is given."""
        if isinstance(self.tolerance, dict) and metric in self.tolerance:
            return self.tolerance[metric]
        if isinstance(self.tolerance, int | float):
            return self.tolerance
        return 0.5 * 10.0 ** -digits_of(self.published[metric])


@dataclass(frozen=True)
class Suite:
    """A published table.

    ``protocol`` is one of "surprise-folds", "published-split" and "sampled-candidates" (``protocols.py`` has them);
    ``note`` says in a sentence or two what it is. ``file`` is where it was read.
    """

    title: str
    dataset: str
    protocol: str
    source: str
    note: str
    rows: list[SuiteRow]
    file: str = ""

    @property
    def summary(self) -> str:
        return f"{self.title}: {', '.join(dict.fromkeys(row.model for row in self.rows))}"

    @property
    def metrics(self) -> list[str]:
        return list(dict.fromkeys(metric for row in self.rows for metric in row.published))


def read_suites() -> dict[str, Suite]:
    """The package's suites by name."""
    return {path.stem: read_suite(path) for path in sorted(SUITES.glob("*.toml"))}


def find_suite(name: str) -> Suite:
    """A suite of the package by its name, or of a TOML file by its path.

    Raises
    ------
    UnknownNameError, SuiteError
        There is none of that name; it can't be read.
    """
    if name.endswith(".toml"):
        return read_suite(Path(name))
    return look_up(read_suites(), "suite", name)


def read_suite(path: Path) -> Suite:
    """The suite in a file.

    Raises
    ------
    SuiteError
        It can't be read, lacks something, or has something unknown or of another type.
    """
    try:
        content = tomllib.loads(read_text(path))
    except (OSError, ValueError, RecursionError) as error:
        raise SuiteError(f"{path}: can't be read: {error}") from error
    rows = content.pop("rows", None)
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise SuiteError(f"{path}: needs [[rows]] with a model and its published numbers")
    made = [_row(f"{path}, row {number}", row) for number, row in enumerate(rows, 1)]
    suite: Suite = _filled(Suite, str(path), content | {"rows": made, "file": path.name})
    if suite.protocol not in PROTOCOLS:
        raise SuiteError(f"{path}: there is no protocol '{suite.protocol}'; there are: {', '.join(PROTOCOLS)}")
    if suite.protocol == "sampled-candidates" and suite.dataset != SAMPLED:
        raise SuiteError(f"{path}: sampled-candidates has candidates for {SAMPLED} alone, not for {suite.dataset!r}")
    return suite


def check_parameters(suite: Suite) -> None:
    """That the models take the parameters of their rows. Apart from reading, since it imports the models.

    Raises
    ------
    SuiteError
        One doesn't.
    """
    from bench.building import ParameterError, check_values, model_parameters

    for row in suite.rows:
        model = MODELS[row.model]
        try:
            model_parameters(row.model, model, row.parameters)
            check_values(row.model, model, row.parameters)
        except ParameterError as error:
            raise SuiteError(f"{suite.file}: {error}") from error


def digits_of(number: str) -> int:
    """How many decimals a number has as it is printed."""
    return len(number.partition(".")[2])


def _row(where: str, content: Mapping[str, Any]) -> SuiteRow:
    row: SuiteRow = _filled(SuiteRow, where, content)
    try:
        look_up(MODELS, "model", row.model)
        for metric, number in row.published.items():
            _check_metric(metric)
            if not isinstance(number, str) or not math.isfinite(float(number or 0)):
                raise ValueError(f"published: {metric} must be a number in quotes, as it is printed, not {number!r}")
    except ValueError as error:
        raise SuiteError(f"{where}: {error}") from error
    if not row.published or row.asked not in ASKED:
        raise SuiteError(f"{where}: needs published numbers, and asked as one of {', '.join(ASKED)}, not {row.asked!r}")
    if isinstance(row.tolerance, dict) and (other := [name for name in row.tolerance if name not in row.published]):
        raise SuiteError(f"{where}: tolerance: '{other[0]}' is not published; that is {', '.join(row.published)}")
    return row


def _check_metric(name: str) -> None:
    """That a metric is there, with a cut-off where it has one."""
    plain, _, k = name.partition("@")
    needs_cutoff = look_up(METRICS, "metric", plain).needs == "lists"
    if needs_cutoff != ("@" in name) or (needs_cutoff and not is_cutoff(k)):
        raise ValueError(f"published: write {plain}{'@10' * needs_cutoff}, not {name[:60]}")


def _filled(kind: Any, where: str, content: Mapping[str, Any]) -> Any:
    known = {entry.name for entry in fields(kind)}
    if unknown := [name for name in content if name not in known]:
        raise SuiteError(f"{where}: unknown key '{unknown[0]}'; known are {', '.join(sorted(known))}")
    for name, value in content.items():
        if name != "rows" and (allowed := _allowed(name, value)):
            raise SuiteError(f"{where}: {name} must be {allowed}, not {value!r}")
    try:
        return kind(**content)
    except TypeError as error:
        raise SuiteError(f"{where}: {error}") from error


def _allowed(name: str, value: Any) -> str:
    """What an entry must be, "" if it is."""
    if name in TABLES:
        return "" if isinstance(value, dict) else "a table"
    if name == "tolerance":
        numbers = value.values() if isinstance(value, dict) else [value]
        return "" if all(map(_is_limit, numbers)) else "a number of at least 0, or a table with one for each metric"
    if name == "memory_gib":
        return "" if _is_limit(value) else "a number of at least 0"
    if name == "seeds":
        return "" if type(value) is int and value >= 1 else "a whole number of at least 1"
    return "" if isinstance(value, str) else "a text"


def _is_limit(value: Any) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and math.isfinite(value) and value >= 0
