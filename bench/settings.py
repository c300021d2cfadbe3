"""Tuned settings: one TOML file a data set, written by ``tune`` and read by ``run --tuned``.

A setting belongs to the split that it was found on: the train part of another split has interactions that this one
holds out. A model with settings of one split is a table, ``[als]``, with those of several an array of tables,
``[[als]]``.
"""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.experiment import SplitChoice
from reports.opening import read_text

PACKAGED = Path(__file__).with_name("tuned")
HEADER = "# Written by `python -m bench tune`, read by `run --tuned`. Chosen on a validation part of train.\n"


Place = tuple[str, str]  # a model, and the split that its setting was found on
ENTRIES: dict[str, tuple[type | tuple[type, ...], str]] = {
    "trials": (int, "a whole number"),
    "metric": (str, "a text"),
    "validation": ((int, float), "a number"),
    "defaults": ((int, float), "a number"),
    "split": (str, "a text"),
    "command": (str, "a text"),
    "parameters": (dict, "a table"),
}
OPTIONAL = {"defaults"}


class SettingsError(ValueError):
    """There are no tuned settings, or a file of them can't be read; the message names the file."""


@dataclass(frozen=True)
class Setting:
    """The best setting of a model on a split, and where it comes from.

    ``validation`` is the metric's value on the validation part and ``defaults`` that of the row's own setting, None
    where it has none; ``trials`` is how many others were tried, ``split`` the rule as ``SplitChoice.label`` writes it;
    ``file`` is where it was read.
    """

    model: str
    parameters: dict[str, Any]
    metric: str
    validation: float
    trials: int
    split: str
    command: str
    defaults: float | None = None
    file: str = field(default="", compare=False)

    @property
    def place(self) -> Place:
        """What a newer setting takes the place of."""
        return self.model, self.split

    @property
    def origin(self) -> str:
        """In one sentence, for a result's identity and the reports."""
        among = f"{self.trials} trials" if self.defaults is None else f"its defaults and {self.trials} trials"
        kept = "; none was better than its defaults" if self.validation == self.defaults else ""
        return f"best of {among} by {self.metric} on a validation part of train ({self.command}){kept}"


def tuned_settings(dataset: str, out: Path) -> dict[Place, Setting]:
    """The settings of a data set: those below the results folder ``out``, over those of the package.

    Raises
    ------
    SettingsError
        A file can't be read.
    """
    settings: dict[Place, Setting] = {}
    for folder in _folders(out):
        settings |= settings_in(folder, dataset)
    return settings


def settings_in(folder: Path, dataset: str) -> dict[Place, Setting]:
    """The settings of a data set in a folder, none where there is no file; raises as :func:`read_settings` does."""
    path = folder / file_name(dataset)
    return read_settings(path) if path.exists() else {}


def what_is_tuned(out: Path) -> str:
    """The data sets and splits that there are settings of, and whose, in one line."""
    models: dict[str, set[str]] = {}
    for path in [path for folder in _folders(out) for path in sorted(folder.glob("*.toml"))]:
        for model, split in read_settings(path):
            models.setdefault(f"{path.stem}, {split}", set()).add(model)
    return "; ".join(f"{place}: {', '.join(sorted(found))}" for place, found in models.items()) or "none"


def read_settings(path: Path) -> dict[Place, Setting]:
    """The settings in a file.

    Raises
    ------
    SettingsError
        It can't be read, lacks something, or has something of another type.
    """
    try:
        content = tomllib.loads(read_text(path))
        settings = [
            _setting(str(path), model, entry)
            for model, entries in content.items()
            for entry in (entries if isinstance(entries, list) else [entries])
        ]
        if len({setting.place for setting in settings}) < len(settings):
            raise ValueError("a model has two settings of one split")
    except (OSError, ValueError, RecursionError) as error:
        told = f"{path}: can't be read: {error}; correct or delete it: `python -m bench tune` writes it again"
        raise SettingsError(told) from error
    return {setting.place: setting for setting in settings}


def write_settings(folder: Path, dataset: str, setting: Setting) -> Path:
    """Put a model's setting into the data set's file, in the place of an older one; all others stay."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / file_name(dataset)
    text = HEADER + _text(settings_in(folder, dataset) | {setting.place: setting})
    temporary = path.with_name(f".tmp-{os.getpid()}-{path.name}")
    temporary.write_text(text, encoding="utf-8")
    os.replace(temporary, path)
    return path


def _folders(out: Path) -> tuple[Path, Path]:
    return PACKAGED, out / "tuned"


def file_name(dataset: str) -> str:
    """A data set's file; a file of the user's by its own name."""
    return re.sub(r"[^\w.-]", "_", Path(dataset).name) + ".toml"


def _setting(file: str, model: str, entry: Any) -> Setting:
    """An entry of a file, its types checked: files are edited by hand."""
    if not isinstance(entry, dict) or entry.keys() | OPTIONAL != ENTRIES.keys():
        needed = ", ".join(name for name in ENTRIES if name not in OPTIONAL)
        raise ValueError(f"[{model}] must be a table with {needed}; {', '.join(OPTIONAL)} may be there too")
    for name, value in entry.items():
        kind, called = ENTRIES[name]
        if not isinstance(value, kind) or isinstance(value, bool):
            raise ValueError(f"[{model}]: {name} must be {called}, not {value!r}")
    return Setting(model, **{**entry, "split": SplitChoice.parse(entry["split"]).label}, file=file)


def _text(settings: Mapping[Place, Setting]) -> str:
    """The tables of a file, by model and split."""
    text = ""
    for model in sorted({model for model, _ in settings}):
        own = [settings[place] for place in sorted(settings) if place[0] == model]
        name = model if re.fullmatch(r"[\w-]+", model, re.ASCII) else json.dumps(model)
        text += "".join(_table(f"[{name}]" if len(own) == 1 else f"[[{name}]]", setting) for setting in own)
    return text


def _table(heading: str, setting: Setting) -> str:
    """A setting's table; parameters as TOML writes them, floats with the digits that give the same number again."""
    lines = [f"\n{heading}"]
    for name in ("trials", "metric", "validation", "defaults", "split", "command"):
        if (value := getattr(setting, name)) is not None:
            lines.append(f"{name} = {json.dumps(value)}")
    pairs = ", ".join(f"{name} = {json.dumps(value)}" for name, value in setting.parameters.items())
    return "\n".join([*lines, f"parameters = {{ {pairs} }}", ""])
