"""report.csv: one row for each cell."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from reports.result import Result
from reports.store import write_text
from reports.table import to_frame

TEXT = ("dataset", "split", "model", "parameters", "error")


def write_csv(results: Iterable[Result], path: str | Path) -> Path:
    """Write all cells as UTF-8 CSV with full precision: the same results, the same bytes.

    A text that a spreadsheet would take for a formula (it begins with ``=``, ``+``, ``-`` or ``@``) gets an apostrophe
    before it: an error's text comes from outside.
    """
    frame = to_frame(results)
    for name in TEXT:
        frame[name] = [as_text(value) for value in frame[name]]
    path = Path(path)
    write_text(path, frame.to_csv(index=False, lineterminator="\n"))
    return path


def as_text(value: str) -> str:
    """A field's text: plain line ends, and no formula."""
    value = value.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")
    return f"'{value}" if value.lstrip().startswith(("=", "+", "-", "@")) else value
