"""Parquet files read strictly: a file that is cut off, or a row with a wrong value, is an error that says so."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.datasets.columns import Column, ColumnError, complaint, convert
from bench.datasets.errors import DatasetError, line_error

MARK = b"PAR1"


def column_names(path: Path) -> list[str]:
    """The names of a file's columns."""
    import pyarrow.parquet as pq

    with _readable(path):
        return list(pq.read_schema(path).names)


def read_parquet(path: Path, columns: Mapping[str, tuple[str, Column]]) -> dict[str, Any]:
    """For each of our names the column of the file's name, as an Arrow array of its kind."""
    import pyarrow.parquet as pq

    with _readable(path):
        table = pq.read_table(path, columns=[name for name, _ in columns.values()])
    if table.num_rows == 0:
        raise DatasetError(f"{path} has no rows. Give the file with its rows.")
    return {ours: _converted(path, table[name], name, column) for ours, (name, column) in columns.items()}


class _readable:
    """Turns whatever Arrow says about a damaged file into a DatasetError."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> None:
        if not self.path.exists():
            raise DatasetError(f"there is no file {self.path}. Check the path.")

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        import pyarrow as pa

        if isinstance(error, (pa.ArrowException, OSError)):
            raise DatasetError(
                f"{self.path} is not a whole Parquet file: {error}. It is cut off or damaged: get it again."
            ) from error


def _converted(path: Path, values: Any, name: str, column: Column) -> Any:
    import pyarrow as pa

    try:
        return convert(values, column)
    except (pa.ArrowException, ColumnError) as error:
        written = ["" if value is None else str(value) for value in values.to_pylist()]
        for row, value in enumerate(written, 1):
            problem = complaint(value, column, written[0])
            if problem:
                raise line_error(path, row, f"column '{name}' {problem}", "Correct it.", unit="row") from error
        raise DatasetError(f"{path}: column '{name}' {error}. Correct the file.") from error
