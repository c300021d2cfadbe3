"""What a data set says when it cannot be read, and when it can but is not what it is known to be."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


class DatasetError(ValueError):
    """A data set cannot be had or read; the message says which file and line, what was found and what to do."""


class UnavailableError(DatasetError):
    """A named data set can't be had on this machine; the message lists each source and why it failed."""


class DatasetWarning(UserWarning):
    """A data set was read and differs from what is published about it."""


def listed(names: Sequence[str], most: int = 20) -> str:
    """Names for a message: of a file with a million columns the first few."""
    shown = [name if len(name) <= 60 else f"{name[:57]}..." for name in names[:most]]
    return ", ".join(shown) + (f", ... ({len(names):,} in all)" if len(names) > most else "")


def line_error(path: Path, line: int, found: str, advice: str, *, unit: str = "line") -> DatasetError:
    """A DatasetError in the form of all messages about one line of a file."""
    return DatasetError(f"{path}, {unit} {line}: {found}. {advice}")
