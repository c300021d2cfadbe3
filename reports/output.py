"""A file that somebody asked for by name: looked at before any work is done, so that nothing is half written."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path


class OutputError(ValueError):
    """A file can't be written where it was asked for; the message says why and what to give instead."""


def check_outputs(files: Iterable[str | Path], inputs: Iterable[str | Path] = ()) -> None:
    """That each file can be written, none is named twice, and none would replace an input.

    Raises
    ------
    OutputError
        The first that can't.
    """
    taken = {Path(name).resolve(): f"{name}, which is read" for name in inputs}
    for name in files:
        _check_output(name)
        path = Path(name).resolve()
        if path in taken:
            raise OutputError(f"{name}: would replace {taken[path]}: give another name")
        taken[path] = f"{name}, which is also asked for"


def check_inside(root: str | Path, folder: str | Path) -> None:
    """That a folder below ``root`` is there and not, by a link on the way, elsewhere.

    Raises
    ------
    OutputError
        It lies elsewhere: a results folder from somebody else would have us write where its links point.
    """
    if not Path(folder).resolve().is_relative_to(Path(root).resolve()):
        raise OutputError(
            f"{folder}: leads to {Path(folder).resolve()}, out of the folder {root}: remove the link in it"
        )


def _check_output(name: str | Path) -> None:
    # Files are renamed into place: a device or pipe would be replaced by a file, whatever its permissions say.
    path = Path(name)
    folder = path.parent
    if not str(name):
        raise OutputError("a file to write has an empty name: give one, for example out.json")
    if path.is_dir():
        raise OutputError(f"{name}: is a folder, and a file is to be written: name a file in it")
    if path.exists() and not path.is_file():
        raise OutputError(f"{name}: is a device or pipe and can't be replaced by a file: name a file")
    if not folder.is_dir():
        raise OutputError(f"{name}: there is no folder {folder}: make it first")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OutputError(f"{name}: the folder {folder} can't be written: name a file elsewhere")
