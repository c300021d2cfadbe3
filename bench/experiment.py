"""What to run: data sets x splits x models x seeds, from options or a TOML file, as a list of cells."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from bench.registry import DATASETS, SPLITS, look_up

DEFAULT_SUITE = ("ml-100k", "ml-1m")
DEFAULT_KS = (5, 10, 20)
MOST_SEEDS, LARGEST_K, LARGEST_TOML = 10_000, 10_000, 2**20


class ExperimentError(ValueError):
    """An experiment that can't be planned; the message says which option or which line of which file."""


@dataclass(frozen=True)
class SplitChoice:
    """A split rule with its parameters, as ``random`` or ``random:test_fraction=0.3`` on the command line."""

    name: str
    parameters: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> SplitChoice:
        """Read NAME or NAME:parameter=value,parameter=value."""
        name, _, settings = text.partition(":")
        look_up(SPLITS, "split", name)
        parameters = {}
        for setting in filter(None, settings.split(",")):
            key, equals, value = setting.partition("=")
            if not equals or not key:
                raise ExperimentError(f"split '{text}': '{setting}' must be parameter=value")
            parameters[key.strip()] = parse_value(value)
        return cls(name, parameters)

    @property
    def label(self) -> str:
        """The text that ``parse`` reads."""
        settings = ",".join(f"{key}={value}" for key, value in sorted(self.parameters.items()))
        return f"{self.name}:{settings}" if settings else self.name


@dataclass(frozen=True)
class Experiment:
    """Everything that decides which cells are run. Names are checked when it is planned.

    ``datasets`` are names of the registry or paths of files, ``files`` says how to read those files. ``seeds`` is the
    number of split seeds, None for the split's own (the number of folds for k-fold, else 1). With ``tuned``, a model
    has the settings that were found for the data set, those of ``parameters`` before them.
    """

    datasets: tuple[str, ...] = ()
    splits: tuple[str, ...] = ("random",)
    models: tuple[str, ...] = ()
    k: tuple[int, ...] = DEFAULT_KS
    seeds: int | None = None
    model_seeds: int = 1
    parameters: dict[str, dict[str, Any]] = field(default_factory=dict)
    plugins: tuple[str, ...] = ()
    columns: dict[str, str | int] = field(default_factory=dict)
    titles: str | None = None
    test: str | None = None
    threshold: float | None = None
    tuned: bool = False

    def check(self) -> Experiment:
        """Itself, if its numbers make sense."""
        check_cutoffs(self.k)
        for name, value in (("seeds", self.seeds), ("model_seeds", self.model_seeds)):
            if value is not None and not _is_whole(value, MOST_SEEDS):
                raise ExperimentError(f"{name} must be a whole number from 1 to {MOST_SEEDS:,}, not {_shown(value)}")
        self._check_file_options()
        return self

    def _check_file_options(self) -> None:
        """That there is a file for what says how to read one, and that rows held out by hand aren't divided again."""
        options = {"columns": self.columns, "titles": self.titles, "test": self.test, "threshold": self.threshold}
        given = ", ".join(f"--{name}" for name, value in options.items() if value not in (None, "", {}))
        if given and not any(map(is_file, self.datasets)):
            raise ExperimentError(f"{given}: for a file of your own, not for {' and '.join(self.datasets)}")
        named = [dataset for dataset in self.datasets if not is_file(dataset)]
        if self.test and named:
            raise ExperimentError(f"--test: {named[0]} has no held-out rows of its own: run it without --test")
        if self.test and any(split.partition(":")[0] != "fixed" for split in self.splits):
            raise ExperimentError(
                f"--test gives the held-out rows, and --split {' and '.join(self.splits)} would draw others: "
                "leave one of them out"
            )

    def split_seeds(self, split: SplitChoice) -> range:
        """The split seeds to run: one fold a seed for k-fold, unless told otherwise."""
        own = split.parameters.get("folds", 5) if split.name == "k-fold" else 1
        if not _is_whole(own, MOST_SEEDS):
            raise ExperimentError(f"split '{split.label}': folds must be a whole number from 2 to {MOST_SEEDS:,}")
        return range(self.seeds or own)


def is_file(dataset: str) -> bool:
    """Whether a data set is a file of the user's: not a name of the registry, and written like a path."""
    if dataset in DATASETS or "\0" in dataset:  # a name with a character 0 can't even be looked for
        return False
    return bool(re.search(r"[./\\]", dataset)) or Path(dataset).exists()


def file_options(
    columns: Mapping[str, str | int] | None = None,
    titles: str | Path | None = None,
    test: str | Path | None = None,
    threshold: float | None = None,
) -> list[str]:
    """How the command line says how to read a file."""
    words = []
    if columns:
        words += ["--columns", ",".join(f"{role}={column}" for role, column in columns.items())]
    for option, file in (("--titles", titles), ("--test", test)):
        words += [option, str(file)] if file else []
    return words + (["--threshold", repr(threshold)] if threshold is not None else [])


def check_cutoffs(ks: Sequence[Any]) -> None:
    """That cut-offs of metrics are whole numbers that lists can have as their length.

    Raises
    ------
    ExperimentError
        There is none, or one isn't.
    """
    if not len(ks) or not all(_is_whole(k, LARGEST_K) for k in ks):
        raise ExperimentError(f"k must be whole numbers from 1 to {LARGEST_K:,}, not {_shown(list(ks))}")


def is_cutoff(text: str) -> bool:
    """Whether a text, as that after ``ndcg@``, is a cut-off that lists can have as their length."""
    return text.isdecimal() and len(text) <= len(str(LARGEST_K)) and _is_whole(int(text), LARGEST_K)


def _is_whole(value: Any, largest: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= largest


def _shown(value: Any) -> str:
    """A value for a message: Python prints no whole number of more than some thousand digits."""
    try:
        text = repr(value)
    except ValueError:
        return "a very large number"
    return text if len(text) <= 60 else f"{text[:57]}..."


def parse_settings(settings: Iterable[str]) -> dict[str, dict[str, Any]]:
    """``als.factors=128`` -> {"als": {"factors": 128}}."""
    found: dict[str, dict[str, Any]] = {}
    for setting in settings:
        target, equals, value = setting.partition("=")
        model, dot, parameter = target.strip().rpartition(".")
        if not equals or not dot or not model or not parameter:
            raise ExperimentError(f"--set '{setting}': write model.parameter=value, for example als.factors=128")
        found.setdefault(model, {})[parameter] = parse_value(value)
    return found


def parse_value(text: str) -> Any:
    """A number, true, false or a quoted string as TOML writes them; anything else is the text itself."""
    text = text.strip()
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):  # a number of thousands of digits is a ValueError, too
        return {"True": True, "False": False, "None": None}.get(text, text)


def read_toml(file: str | Path) -> dict[str, Any]:
    """The settings of an experiment file, ready to be Experiment's arguments.

    Raises
    ------
    ExperimentError
        The file can't be read, has a key that doesn't exist or a value of the wrong type: with the line.
    """
    try:
        text = _text_of(Path(file))
        content = tomllib.loads(text)
    except (OSError, ValueError, RecursionError) as error:
        raise ExperimentError(f"{file}: can't be read: {error}") from error
    known = {entry.name for entry in fields(Experiment)}
    settings: dict[str, Any] = {}
    for key, value in content.items():
        where = f"{file}, line {_line_of(text, key)}"
        if key not in known:
            raise ExperimentError(f"{where}: unknown key {_shown(key)}; known are {', '.join(sorted(known))}")
        settings[key] = _checked(where, key, value)
    return settings


def _text_of(path: Path) -> str:
    """The text of a regular file of a sane size: to read a device or a pipe may never end."""
    if path.exists() and not path.is_file():
        raise ValueError("it is a folder, a device or a pipe: give a TOML file")
    with path.open("rb") as stream:
        content = stream.read(LARGEST_TOML + 1)
    if len(content) > LARGEST_TOML:
        raise ValueError(f"it is larger than {LARGEST_TOML // 2**20} MB: give a TOML file")
    return content.decode("utf-8")


def _checked(where: str, key: str, value: Any) -> Any:
    """A TOML value as the type Experiment wants."""
    kinds: dict[str, Any] = {
        "datasets": list, "splits": list, "models": list, "plugins": list, "k": list, "seeds": int, "model_seeds": int,
        "parameters": dict, "columns": dict, "titles": str, "test": str, "threshold": (int, float),
        "tuned": bool,
    }  # fmt: skip
    if not isinstance(value, kinds[key]) or (isinstance(value, bool) and kinds[key] is not bool):
        kind = {list: "list", dict: "table", str: "string", int: "whole number", bool: "true or false"}.get(
            kinds[key], "number"
        )
        raise ExperimentError(f"{where}: {key} must be a {kind}, not {_shown(value)}")
    if key == "k" and not all(isinstance(entry, int) for entry in value):
        raise ExperimentError(f"{where}: k must be a list of whole numbers, not {_shown(value)}")
    if key in ("datasets", "splits", "models", "plugins") and not all(isinstance(entry, str) for entry in value):
        raise ExperimentError(f"{where}: {key} must be a list of strings, not {_shown(value)}")
    if key == "parameters" and not all(isinstance(entry, dict) for entry in value.values()):
        raise ExperimentError(f"{where}: write [parameters.MODEL] and the model's parameters below it")
    if key == "columns" and not all(type(entry) in (str, int) for entry in value.values()):
        raise ExperimentError(f"{where}: columns must give a name or a place (from 1) for each role")
    return tuple(value) if isinstance(value, list) else value


def _line_of(text: str, key: str) -> int:
    """The number of the first line that sets a top-level key or opens its table."""
    pattern = re.compile(rf"""^\s*(\[\[?\s*)?["']?{re.escape(key)}["']?\s*[\].=]""")
    for number, line in enumerate(text.splitlines(), 1):
        if pattern.match(line):
            return number
    return 1


def choose_models(asked: Sequence[str], table: Mapping[str, Any]) -> list[str]:
    """The models to run, each once, in the order asked for; when none is named, all that may be run unasked."""
    for name in asked:
        look_up(table, "model", name)
    return list(dict.fromkeys(asked)) or [name for name, row in table.items() if not row.only_where_named]
