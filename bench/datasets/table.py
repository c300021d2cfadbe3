"""Text tables read strictly: every line has every field, and the first that hasn't is named.

The fast way through is Arrow's reader. It says that something is wrong, but not always where; then the file is read
again line by line for the message. Nothing of a file with a fault is ever returned.
"""

from __future__ import annotations

import csv
import gzip
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, Literal, Protocol

from bench.datasets.columns import Column, ColumnError, complaint, convert
from bench.datasets.errors import DatasetError, line_error
from bench.datasets.limits import largest_file, largest_unpacked, regular_size, too_large

UTF8_MARK = b"\xef\xbb\xbf"
WIDE_MARKS = {b"\xff\xfe\0\0": "UTF-32", b"\0\0\xfe\xff": "UTF-32", b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}
GZIP_MARK = b"\x1f\x8b"
# First bytes of files that people take for tables.
OTHER_FILES = {
    b"PK\x03\x04": "a zip archive or a spreadsheet",
    b"BZh": "packed by bzip2",
    b"\xfd7zXZ\0": "packed by xz",
    b"\x28\xb5\x2f\xfd": "packed by zstd",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"Rar!": "a RAR archive",
    b"SQLite format 3\0": "an SQLite database",
}
CHUNK = 2**24


@dataclass(frozen=True)
class Form:
    """How a text table is laid out.

    Attributes
    ----------
    separator
        What stands between fields; "::" is allowed.
    names
        One name a field, in the file's order.
    header
        The names as the first line must give them; () where it holds data.
    quoted
        Whether a field may stand in double quotes.
    encoding
        "latin-1" takes a copy that was saved again as UTF-8, too: text with accents that is valid UTF-8 is UTF-8.
    closed
        Whether the last line must end in a newline, as in every official file: without one the file was cut off.
    """

    separator: str
    names: tuple[str, ...]
    header: tuple[str, ...] = ()
    quoted: bool = False
    encoding: Literal["utf-8", "latin-1"] = "utf-8"
    closed: bool = False


def read_table(path: Path, form: Form, columns: Mapping[str, Column]) -> dict[str, Any]:
    """The named columns of a file as Arrow arrays, converted to their kinds.

    Raises
    ------
    DatasetError
        The file cannot be read, or a line of it is wrong.
    """
    import pyarrow as pa

    content = read_bytes(path)
    _check_ends(path, content, form)
    try:
        table = _parse(content, form, columns)
        if form.quoted and table.num_rows != _lines_with_rows(content, form):
            # A stray quote can swallow lines without a word from Arrow; the strict reader knows it from a line break
            # that belongs to a field.
            _raise_first_fault(path, content, form, {})
        return {name: convert(table[name], column) for name, column in columns.items()}
    except (pa.ArrowInvalid, ColumnError) as error:
        _raise_first_fault(path, content, form, columns)
        raise DatasetError(f"{path}: {error}. Correct the file.") from error


def records(path: Path, form: Form) -> Iterator[tuple[int, list[str]]]:
    """(line number from 1, fields) of every row, for small files; checked like :func:`read_table`."""
    content = read_bytes(path)
    _check_ends(path, content, form)
    yield from _records(path, content, form)


def read_bytes(path: Path, size: int = -1) -> bytes:
    """A file's bytes or its first ``size`` ones, unpacked if gzip packed them; never empty, never binary.

    Raises
    ------
    DatasetError
        It isn't a text file that can be read, or there is more of it than is allowed.
    """
    packed_size = regular_size(path)
    try:
        with path.open("rb") as file:
            packed = file.read(len(GZIP_MARK)) == GZIP_MARK
        limit = largest_unpacked(packed_size) if packed else largest_file()
        if packed_size > limit and size < 0:
            raise too_large(path, "holds", limit)
        with gzip.open(path) if packed else path.open("rb") as file:
            content = _read_up_to(file, limit + 1 if size < 0 else size)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DatasetError(f"{path} cannot be unpacked: {error}. It is cut off or damaged: get it again.") from error
    except OSError as error:
        raise DatasetError(f"{path} cannot be read: {error.strerror or error}. Give a file that can.") from error
    if len(content) > limit:
        raise too_large(path, "unpacks to", limit)
    _check_is_text(path, content)
    return content.removeprefix(UTF8_MARK)


class _Stream(Protocol):
    def read(self, size: int, /) -> bytes: ...


def _read_up_to(file: _Stream, size: int) -> bytes:
    """The first bytes, taken in pieces: asked for all at once, as much memory would be set aside."""
    content = BytesIO()
    while size > content.tell() and (part := file.read(min(CHUNK, size - content.tell()))):
        content.write(part)
    return content.getvalue()


def _check_is_text(path: Path, content: bytes) -> None:
    for mark, encoding in WIDE_MARKS.items():
        if content.startswith(mark):
            raise DatasetError(
                f"{path}, line 1: the text is {encoding}. Save it as UTF-8: iconv -f {encoding} -t UTF-8."
            )
    for mark, kind in OTHER_FILES.items():
        if content.startswith(mark):
            raise DatasetError(f"{path} is {kind}, not a table. Unpack it or save its rows as CSV, and give that file.")
    if not content.strip():
        raise DatasetError(f"{path} is empty. Get the file again.")
    place = content.find(b"\0")
    if place >= 0:
        found = "a byte 0, which no text has"
        advice = "It is a binary file, or UTF-16 without its mark: save it as UTF-8 text."
        raise line_error(path, content.count(b"\n", 0, place) + 1, found, advice)


def _check_ends(path: Path, content: bytes, form: Form) -> None:
    """The first line is the header that belongs there, and the last is whole."""
    if form.header:
        first = next(_fields(path, content[: content.find(b"\n") + 1] or content, form))[1]
        if [name.strip() for name in first] != list(form.header):
            given, wanted = (_shown(form.separator.join(names)) for names in (first, form.header))
            found = f"'{given}' where the header '{wanted}' belongs"
            raise line_error(path, 1, found, "Get the file again or put its header back.")
        if b"\n" not in content.strip():
            raise DatasetError(f"{path} has a header and no rows. Give the file with its rows.")
    if form.closed and not content.endswith(b"\n"):
        last = content[content.rfind(b"\n") + 1 :]
        found = f"the last line has no end ('{_shown(last)}')"
        raise line_error(
            path,
            content.count(b"\n") + 1,
            found,
            "The file is cut off: get it again, or end the line if it is complete.",
        )


def _parse(content: bytes, form: Form, columns: Mapping[str, Column]) -> Any:
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    separator = form.separator
    if len(separator) > 1:
        # Arrow takes one character. No text has this one, and a file that does gives a wrong number of fields.
        content, separator = content.replace(separator.encode(), b"\x1f"), "\x1f"
    types = {"whole": pa.int64(), "number": pa.float64()}
    return arrow_csv.read_csv(
        pa.BufferReader(content),
        read_options=arrow_csv.ReadOptions(column_names=form.names, skip_rows=int(bool(form.header))),
        parse_options=arrow_csv.ParseOptions(
            delimiter=separator, quote_char='"' if form.quoted else False, newlines_in_values=form.quoted
        ),
        convert_options=arrow_csv.ConvertOptions(
            include_columns=list(columns),
            column_types={name: types.get(column.kind, pa.string()) for name, column in columns.items()},
            null_values=[],
            strings_can_be_null=False,
        ),
    )


def _lines_with_rows(content: bytes, form: Form) -> int:
    return content.count(b"\n") + (not content.endswith(b"\n")) - bool(form.header)


def _raise_first_fault(path: Path, content: bytes, form: Form, columns: Mapping[str, Column]) -> None:
    """Read line by line and raise the error of the first line with a fault; return if there is none."""
    places = {name: form.names.index(name) for name in columns}
    first: dict[str, str] = {}
    for line, fields in _records(path, content, form):
        for name, column in columns.items():
            value = fields[places[name]]
            problem = complaint(value, column, first.setdefault(name, value))
            if problem:
                raise line_error(path, line, f"column '{name}' {problem}", "Correct the line or get the file again.")


def _records(path: Path, content: bytes, form: Form) -> Iterator[tuple[int, list[str]]]:
    last = content.rstrip().count(b"\n") + 1
    for line, fields in _fields(path, content, form):
        if form.header and line == 1:
            continue
        if len(fields) != len(form.names):
            found = f"{len(fields)} fields ('{_shown(form.separator.join(fields))}') where {len(form.names)} belong"
            cut = "The file is cut off here: get it again." if line == last else "Correct the line."
            raise line_error(path, line, found, cut)
        yield line, fields


def _fields(path: Path, content: bytes, form: Form) -> Iterator[tuple[int, list[str]]]:
    lines = _lines(path, content, form.encoding)
    if not form.quoted:
        stripped = (text.rstrip("\r\n") for text in lines)
        yield from ((line, text.split(form.separator)) for line, text in enumerate(stripped, 1) if text)
        return
    reader = csv.reader(lines, delimiter=form.separator, strict=True)
    try:
        for fields in reader:
            if fields:
                yield reader.line_num, fields
    except csv.Error as error:
        raise line_error(path, reader.line_num, f"{error}", "A double quote is missing or too many here.") from error


def _lines(path: Path, content: bytes, encoding: str) -> Iterator[str]:
    if encoding == "latin-1" and _is_utf8(content):
        encoding = "utf-8"
    for line, raw in enumerate(BytesIO(content), 1):
        try:
            yield raw.decode(encoding)
        except UnicodeDecodeError as error:
            found = f"byte {raw[error.start]:#04x} is not UTF-8 ('{_shown(raw)}')"
            advice = "Save the file as UTF-8; if it is Latin-1: iconv -f ISO-8859-1 -t UTF-8."
            raise line_error(path, line, found, advice) from error


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


def _shown(text: str | bytes) -> str:
    """The beginning of a line, fit to print."""
    if isinstance(text, bytes):
        text = text.decode("ascii", "backslashreplace")
    text = text.strip("\r\n")
    return text if len(text) <= 60 else f"{text[:57]}..."
