"""How a user's text table begins: its separator, its first line, its quotes."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from bench.datasets.errors import DatasetError, line_error
from bench.datasets.table import UTF8_MARK, Form, read_bytes

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
    quoted = len(separator) == 1 and (separator in ",;" or '"' in line)
    fields = _quoted_fields(path, line, separator) if quoted else line.split(separator) if separator else [line]
    if len(fields) < 2:
        raise DatasetError(
            f"{path}, line 1: '{line[:80]}' is a single column. Users and items need one each, separated by comma, "
            "semicolon, tab, '|' or '::'."
        )
    return Opening(separator, [field.strip() for field in fields], quoted)


def _quoted_fields(path: Path, line: str, separator: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=separator))
    except csv.Error as error:
        raise line_error(path, 1, str(error), "A double quote is missing or too many here.") from error


def _first_line(path: Path) -> str:
    raw, end, _ = read_bytes(path, LONGEST_LINE).partition(b"\n")
    if not end and len(raw) >= LONGEST_LINE - len(UTF8_MARK):
        found = f"it is longer than {LONGEST_LINE // 2**20} MB"
        raise line_error(path, 1, found, "It should name a few columns: give the table alone, a row a line.")
    if b"\r" in raw.rstrip(b"\r"):
        found = "it has a carriage return before its end"
        raise line_error(path, 1, found, "If all lines end in one: tr '\\r' '\\n'.")
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
