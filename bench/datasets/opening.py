"""How a user's text table begins: its separator, its first line, its quotes."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from bench.datasets.errors import DatasetError
from bench.datasets.table import Form, read_bytes

# The first two rarely stand inside a value, so one is enough; of the rest the most frequent is the separator.
SURE_SEPARATORS, OTHER_SEPARATORS = ("::", "\t"), (";", "|", ",")
LONGEST_LINE = 2**20


@dataclass(frozen=True)
class Opening:
    """What the first line shows.

    ``quoted``: whether fields may stand in double quotes; where the separator is a tab, a bar or "::" they don't, as in
    all public sets (a title may begin with a quote there), unless the first line has one.
    """

    separator: str
    fields: list[str]
    quoted: bool

    def form(self, names: tuple[str, ...], header: bool) -> Form:
        return Form(self.separator, names, header=tuple(self.fields) if header else (), quoted=self.quoted)


def read_opening(path: Path) -> Opening:
    """The opening of a file of at least two columns."""
    line = _first_line(path)
    separator = _separator(line)
    if not separator:
        raise DatasetError(
            f"{path}, line 1: '{line[:80]}' is a single column. Users and items need one each, separated by comma, "
            "semicolon, tab, '|' or '::'."
        )
    quoted = len(separator) == 1 and (separator in ",;" or '"' in line)
    fields = next(csv.reader([line], delimiter=separator)) if quoted else line.split(separator)
    return Opening(separator, [field.strip() for field in fields], quoted)


def _first_line(path: Path) -> str:
    raw = read_bytes(path, LONGEST_LINE).partition(b"\n")[0]
    try:
        return raw.decode().rstrip("\r")
    except UnicodeDecodeError as error:
        raise DatasetError(
            f"{path}, line 1: byte {raw[error.start]:#04x} is not UTF-8. Save the file as UTF-8; if it is Latin-1: "
            "iconv -f ISO-8859-1 -t UTF-8."
        ) from error


def _separator(line: str) -> str:
    for separator in SURE_SEPARATORS:
        if separator in line:
            return separator
    most = max(OTHER_SEPARATORS, key=line.count)
    return most if most in line else ""
