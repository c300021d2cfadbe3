"""Tuned settings: one TOML file a data set, written by ``tune`` and read by ``run --tuned``."""

from __future__ import annotations

import json
import os
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PACKAGED = Path(__file__).with_name("tuned")
HEADER = (
    "# Written by `python -m bench tune`; `python -m bench run --tuned` reads it. Settings come from train alone.\n"
)


class SettingsError(ValueError):
    """There are no tuned settings, or a file of them can't be read; the message names the file."""


@dataclass(frozen=True)
class Setting:
    """The best setting of a model, and where it comes from.

    ``validation`` is the metric's value on the validation part, ``trials`` how many settings were tried.
    """

    model: str
    parameters: dict[str, Any]
    metric: str
    validation: float
    trials: int
    split: str
    command: str

    @property
    def origin(self) -> str:
        """In one sentence, for a result's identity and the reports."""
        return f"best of {self.trials} trials by {self.metric} on a validation part of train ({self.command})"


def tuned_settings(dataset: str, out: Path) -> dict[str, Setting]:
    """The settings of a data set by model: those below the results folder ``out``, over those of the package.

    Raises
    ------
    SettingsError
        There are none at all, or a file can't be read.
    """
    file = file_name(dataset)
    places = [folder / file for folder in (PACKAGED, out / "tuned")]
    found = [path for path in places if path.is_file()]
    if not found:
        have = ", ".join(sorted(path.stem for path in PACKAGED.glob("*.toml"))) or "none"
        raise SettingsError(
            f"there are no tuned settings of '{dataset}' (the package has: {have}); "
            f"`python -m bench tune --dataset {dataset} --out {out}` makes some"
        )
    return {model: setting for path in found for model, setting in read_settings(path).items()}


def read_settings(path: Path) -> dict[str, Setting]:
    """The settings in a file.

    Raises
    ------
    SettingsError
        It can't be read, or lacks something.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        return {model: Setting(model=model, **entry) for model, entry in content.items()}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, TypeError) as error:
        raise SettingsError(f"{path}: can't be read: {error}; `python -m bench tune` writes it again") from error


def write_settings(folder: Path, dataset: str, setting: Setting) -> Path:
    """Put a model's setting into the data set's file, in the place of an older one; the other models' stay."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / file_name(dataset)
    settings = read_settings(path) if path.is_file() else {}
    settings[setting.model] = setting
    text = HEADER + "".join(_table(settings[model]) for model in sorted(settings))
    temporary = path.with_name(f".tmp-{os.getpid()}-{path.name}")
    temporary.write_text(text, encoding="utf-8")
    os.replace(temporary, path)
    return path


def file_name(dataset: str) -> str:
    """A data set's file; a file of the user's by its own name."""
    return re.sub(r"[^\w.-]", "_", Path(dataset).name) + ".toml"


def _table(setting: Setting) -> str:
    """A model's table; parameters as TOML writes them, floats with the digits that give the same number again."""
    bare = re.fullmatch(r"[\w-]+", setting.model, re.ASCII)
    lines = [f"\n[{setting.model if bare else json.dumps(setting.model)}]"]
    for name in ("trials", "metric", "validation", "split", "command"):
        lines.append(f"{name} = {json.dumps(getattr(setting, name))}")
    pairs = ", ".join(f"{name} = {json.dumps(value)}" for name, value in setting.parameters.items())
    return "\n".join([*lines, f"parameters = {{ {pairs} }}", ""])
