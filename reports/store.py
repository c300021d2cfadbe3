"""The results folder: one folder a cell, complete or absent, readable with nothing but JSON and Parquet.

    results/
      cells/<dataset>/<split>/<split seed>/<model>-<model seed>-<start of the key>/
        result.json         identity, status, metrics: the same bytes for the same key on the same machine
        per_user.parquet    one row an evaluated user
        lists.parquet       user, rank 1..K as columns
        measured.json       times, memory, environment
      datasets/<dataset>/<split>/<split seed>/dataset.json      titles, histograms, showcase users
"""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reports.result import FORMAT, Cell, MetricValue, Result


class StoreError(ValueError):
    """The results folder or a file in it can't be read; the message names the file."""


class Store:
    """Results below one folder, written once and at once, found by path."""

    def __init__(self, root: str | Path):
        self.root = Path(root)

    def cell_folder(self, cell: Cell, key: str) -> Path:
        name = f"{_safe(cell.model)}-{cell.model_seed}-{key[:12] or 'nokey'}"
        return self._group("cells", cell) / name

    def write(self, result: Result) -> Path:
        """Store a result under its final name by renaming a finished temporary folder; an older one is replaced."""
        folder = self.cell_folder(result.cell, result.key)
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=".tmp-", dir=folder.parent))
        try:
            _write_files(result, temporary)
            temporary.chmod(0o755)
            _replace_folder(temporary, folder)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
        return folder

    def read(self, folder: str | Path) -> Result:
        """The result in a cell's folder.

        Raises
        ------
        StoreError
            A file is missing, cut off or of another format.
        """
        folder = Path(folder)
        content = _read_json(folder / "result.json")
        if content.get("format") != FORMAT:
            raise StoreError(f"{folder / 'result.json'}: format {content.get('format')}, this version reads {FORMAT}")
        try:
            result = Result(
                cell=Cell(**content["cell"]),
                key=content["key"],
                identity=content["identity"],
                status=content["status"],
                error=content["error"],
                metrics={name: MetricValue(**value) for name, value in content["metrics"].items()},
                counts=content["counts"],
                notes=content["notes"],
                neighbours={int(item): codes for item, codes in content["neighbours"].items()},
                measured=_read_json(folder / "measured.json"),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise StoreError(f"{folder / 'result.json'}: not a stored result ({error!r})") from error
        if result.status == "ok":
            table = _read_parquet(folder / "per_user.parquet")
            result.users = table.pop("user")
            result.per_user = table
            lists = _read_parquet(folder / "lists.parquet")
            result.lists = np.column_stack([lists[name] for name in lists if name != "user"])
        return result

    def find(self, cell: Cell, key: str) -> Path | None:
        """The folder of a finished (``ok``) cell, or None."""
        folder = self.cell_folder(cell, key)
        try:
            finished = _read_json(folder / "result.json")
        except StoreError:
            return None
        return folder if finished.get("key") == key and finished.get("status") == "ok" else None

    def folders(self) -> list[Path]:
        """All cells' folders, sorted."""
        return sorted(path.parent for path in (self.root / "cells").glob("*/*/*/*/result.json"))

    def __iter__(self) -> Iterator[Result]:
        return (self.read(folder) for folder in self.folders())

    def write_dataset(self, cell: Cell, content: dict[str, Any]) -> None:
        """Store what reports show of a data set under one split, once."""
        folder = self._group("datasets", cell)
        folder.mkdir(parents=True, exist_ok=True)
        write_text(folder / "dataset.json", json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False))

    def read_dataset(self, cell: Cell) -> dict[str, Any] | None:
        """What :meth:`write_dataset` stored, or None."""
        path = self._group("datasets", cell) / "dataset.json"
        return _read_json(path) if path.exists() else None

    def _group(self, kind: str, cell: Cell) -> Path:
        return self.root / kind / _safe(cell.dataset) / _safe(cell.split) / str(cell.split_seed)


def write_text(path: Path, text: str) -> None:
    """Write a file under a temporary name, then rename it."""
    handle, temporary = tempfile.mkstemp(prefix=".tmp-", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _write_files(result: Result, folder: Path) -> None:
    content = {
        "format": FORMAT,
        "cell": asdict(result.cell),
        "key": result.key,
        "identity": result.identity,
        "status": result.status,
        "error": result.error,
        "metrics": {name: asdict(value) for name, value in result.metrics.items()},
        "counts": result.counts,
        "notes": result.notes,
        "neighbours": {str(item): codes for item, codes in result.neighbours.items()},
    }
    if result.users is not None and result.lists is not None:
        _write_parquet(folder / "per_user.parquet", {"user": result.users, **result.per_user})
        ranks = {f"rank_{rank + 1}": result.lists[:, rank] for rank in range(result.lists.shape[1])}
        _write_parquet(folder / "lists.parquet", {"user": result.users, **ranks})
    write_text(folder / "measured.json", json.dumps(result.measured, indent=1))
    write_text(folder / "result.json", json.dumps(content, ensure_ascii=False, indent=1))


def _write_parquet(path: Path, columns: dict[str, NDArray[Any]]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    with open(path, "wb") as stream:
        pq.write_table(pa.table(columns), stream, compression="zstd")
        stream.flush()
        os.fsync(stream.fileno())


def _read_parquet(path: Path) -> dict[str, NDArray[Any]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise StoreError(f"{path}: can't be read ({error})") from error
    return {name: table[name].to_numpy() for name in table.column_names}


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise StoreError(f"{path}: can't be read ({error})") from error
    if not isinstance(content, dict):
        raise StoreError(f"{path}: not a JSON object")
    return content


def _replace_folder(temporary: Path, folder: Path) -> None:
    """Rename onto ``folder``; an older one is moved aside first, since only an empty folder can be replaced."""
    if folder.exists():
        aside = Path(tempfile.mkdtemp(prefix=".old-", dir=folder.parent))
        os.replace(folder, aside / "cell")
        os.replace(temporary, folder)
        shutil.rmtree(aside, ignore_errors=True)
    else:
        os.replace(temporary, folder)


def _safe(name: str) -> str:
    """A name as a single path component."""
    return re.sub(r"[^A-Za-z0-9._=,-]", "_", name).lstrip(".") or "_"
