"""What a data set says when it cannot be read, and when it can but is not what it is known to be."""

from __future__ import annotations

from pathlib import Path


class DatasetError(ValueError):
    """A data set cannot be had or read; the message says which file and line, what was found and what to do."""


class UnavailableError(DatasetError):
    """A named data set can't be had on this machine; the message lists each source and why it failed."""


class DatasetWarning(UserWarning):
    """A data set was read and differs from what is published about it."""


def line_error(path: Path, line: int, found: str, advice: str, *, unit: str = "line") -> DatasetError:
    """A DatasetError in the form of all messages about one line of a file."""
    return DatasetError(f"{path}, {unit} {line}: {found}. {advice}")
