"""Parquet files read strictly: a file that is cut off, or a row with a wrong value, is an error that says so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.datasets.columns import LONGEST_ID, Column, ColumnError, complaint, convert
from bench.datasets.errors import DatasetError, line_error
from bench.datasets.limits import largest_unpacked, regular_size, too_large

MARK = b"PAR1"


def column_names(path: Path) -> list[str]:
    """The names of a file's columns."""
    with _opened(path) as file:
        return list(file.schema_arrow.names)


def read_parquet(path: Path, columns: Mapping[str, tuple[str, Column]]) -> dict[str, Any]:
    """For each of our names the column of the file's name, as an Arrow array of its kind."""
    with _opened(path) as file:
        table = _read(path, file, [name for name, _ in columns.values()])
    if table.num_rows == 0:
        raise DatasetError(f"{path} has no rows. Give the file with its rows.")
    return {ours: _converted(path, table[name], name, column) for ours, (name, column) in columns.items()}


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """The open file; whatever Arrow says about a damaged one becomes a DatasetError."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    regular_size(path)
    try:
        with path.open("rb") as stream:  # by its name Arrow opens only what is valid UTF-8
            schema = pq.read_schema(stream)
            texts = [field.name for field in schema if _is_text(field.type)]
            yield pq.ParquetFile(stream, read_dictionary=texts)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:  # the last: a name of a column
        raise DatasetError(
            f"{path} is not a whole Parquet file: {str(error)[:500]}. It is cut off or damaged: get it again."
        ) from error


def _read(path: Path, file: Any, names: Sequence[str]) -> Any:
    """The named columns, batch by batch: what they unpack to is counted, not taken from what the file states.

    Text stays as codes and distinct values until it is known how large it is.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    twice = next((name for name in names if file.schema_arrow.names.count(name) > 1), None)
    if twice is not None:
        raise DatasetError(f"{path} has two columns '{twice[:60]}'. Rename one of them.")
    for name in names:
        kind = file.schema_arrow.field(name).type
        if not _is_flat(kind):
            raise DatasetError(
                f"{path}: column '{name[:60]}' holds {str(kind)[:60]}. It must hold numbers, text or times."
            )
    limit, size, batches = largest_unpacked(regular_size(path)), 0, []
    for batch in file.iter_batches(columns=list(names)):
        for column in batch.columns:
            if pa.types.is_dictionary(column.type):
                size += pc.sum(pc.binary_length(column.dictionary).take(column.indices)).as_py() or 0
            size += column.nbytes
        if size > limit:
            raise too_large(path, "unpacks to", limit)
        batches.append(batch)
    schema = pa.schema([file.schema_arrow.field(name) for name in names])
    return pa.Table.from_batches(batches) if batches else schema.empty_table()


def _is_text(kind: Any) -> bool:
    from pyarrow import types

    plain = (types.is_string, types.is_large_string, types.is_string_view)
    bytes_alone = (types.is_binary, types.is_large_binary, types.is_binary_view)
    return any(check(kind) for check in plain + bytes_alone)


def _is_flat(kind: Any) -> bool:
    """Whether a value is one thing of a few bytes, or text; lists may be long without taking room in the file."""
    from pyarrow import types

    if types.is_dictionary(kind):
        return _is_flat(kind.value_type)
    if types.is_fixed_size_binary(kind):
        return bool(kind.byte_width <= LONGEST_ID)
    simple = (types.is_primitive, types.is_decimal, types.is_null)
    return _is_text(kind) or any(check(kind) for check in simple)


def _converted(path: Path, values: Any, name: str, column: Column) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        converted = convert(values, column)
        if pa.types.is_string(converted.type):
            converted.validate(full=True)  # Arrow reads text without a look at its encoding
            if column.kind == "id" and pc.any(pc.match_substring(converted, "\0")).as_py():
                raise ColumnError("has values with a character 0")
        return converted
    except (pa.ArrowException, ColumnError) as error:
        first = _as_text(values[0])
        for row, value in enumerate(values, 1):
            problem = complaint(_as_text(value), column, first)
            if problem:
                raise line_error(path, row, f"column '{name}' {problem}", "Correct it.", unit="row") from error
        raise DatasetError(f"{path}: column '{name}' {str(error)[:300]}. Correct the file.") from error


def _as_text(value: Any) -> str:
    """An Arrow value as it is printed, "" where there is none."""
    try:
        found = value.as_py()
    except (ValueError, OverflowError):  # a date after the year 9999, bytes that are no text
        return "a value that can't be shown"
    return "" if found is None else str(found)
