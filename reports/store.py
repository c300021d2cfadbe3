"""The results folder: one folder a cell, complete or absent, readable with nothing but JSON and Parquet.

    results/
      cells/<dataset>/<split>/<split seed>/<model>-<model seed>-<start of the key>/
        result.json         identity, status, metrics, curve: the same bytes for the same key on the same machine
        per_user.parquet    one row an evaluated user
        lists.parquet       user, rank 1..K as columns
        per_item.parquet    one row an item: how often it was recommended, and hit
        map.parquet         item, x, y: the item factors in the plane
        vectors.npz         item and user factors, only where they were asked for
        measured.json       times, memory, environment, when it was finished
      datasets/<dataset>/<split>/<split seed>/dataset.json      titles, histograms, showcase users

Names that begin with a dot are half written (a killed run leaves them behind) and are never read. A cell's files, then
its folder, are on disk before it gets its name: after a lost power supply it is there whole, or not at all.
"""

from __future__ import annotations

import contextlib
import errno
import json
import lzma
import math
import os
import re
import shutil
import struct
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime
from functools import partial
from hashlib import blake2b
from pathlib import Path
from tokenize import TokenError
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from reports.beginning import read_beginning
from reports.current import basis_of_cell, left_out
from reports.dataset_check import check_dataset
from reports.opening import open_regular, read_json
from reports.output import check_inside
from reports.result import FORMAT, Cell, Curve, ItemMap, MetricValue, Result, Status
from reports.scratch import exchange, make_folders, open_scratch_file, scratch_folder, sync_folder

VECTORS = "vectors.npz"
TABLES = ("per_user", "lists", "per_item", "map")


# What NumPy and the standard library raise on an .npz that is cut off, damaged or made to confuse.
DAMAGE = (
    *(OSError, ValueError, TypeError, KeyError, EOFError, RuntimeError, SyntaxError, OverflowError, TokenError),
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, AttributeError),
)


class StoreError(ValueError):
    """The results folder or a file in it can't be read; the message names the file."""


class VersionError(StoreError):
    """A file was written by another version of this package, in another format."""


class Store:
    """Results below one folder, written once and at once, found by path.

    Of cells with several results (code or cut-offs have changed) those of ``chosen`` are shown, newer ones or not.
    """

    def __init__(self, root: str | Path, chosen: Iterable[Result] = ()):
        self.root = Path(root)
        self._keys = {_cell_name(one.cell): one.key for one in chosen if one.key}

    def cell_folder(self, cell: Cell, key: str) -> Path:
        name = f"{safe_name(cell.model)}-{cell.model_seed}-{safe_name(key[:12] or _no_key(cell))}"
        return self._group("cells", cell) / name

    def write(self, result: Result) -> Path:
        """Store a result under its final name by renaming a finished temporary folder; an older one is replaced."""
        with scratch_folder(self.root) as scratch:
            temporary = scratch / "cell"
            temporary.mkdir()
            write_result(result, temporary)
            return self.adopt(temporary, result.cell, result.key)

    def adopt(self, temporary: Path, cell: Cell, key: str) -> Path:
        """Give a folder that :func:`write_result` filled its final name; an older one is replaced.

        ``temporary`` is on the same disk as the store. Two runs may adopt the same cell at the same time.
        """
        folder = self.cell_folder(cell, key)
        check_inside(self.root, folder.parent)
        make_folders(folder.parent)
        temporary.chmod(0o755)
        sync_folder(temporary)
        _replace_folder(temporary, folder)
        sync_folder(folder.parent)
        return folder

    def read(self, folder: str | Path, tables: Collection[str] = TABLES) -> Result:
        """The result in a cell's folder; of what is per user or item, only these tables.

        Raises
        ------
        StoreError
            A file is missing, cut off, edited into something else or of another format.
        """
        path = Path(folder) / "result.json"
        content = _read_json(path)
        if content.get("format") != FORMAT:
            raise VersionError(f"{path}: format {content.get('format')!r}, this version reads {FORMAT}; {_REDO}")
        try:
            result = _from_json(content)
            n_rows = {name: _whole(rows) for name, rows in content["tables"].items()}
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise StoreError(f"{path}: not a stored result ({error!r}); {_REDO}") from error
        measured = path.with_name("measured.json")
        result.measured = _read_json(measured)
        if not isinstance(result.measured.get("environment") or {}, dict):
            raise StoreError(f"{measured}: its environment is not an object; {_REDO}")
        if result.curve is not None and not _are_seconds(
            result.measured.get("curve_seconds"), len(result.curve.epochs)
        ):
            raise StoreError(f"{measured}: curve_seconds are not the curve's {len(result.curve.epochs)} times; {_REDO}")
        _read_tables(result, path.parent, {name: rows for name, rows in n_rows.items() if name in tables})
        return result

    def read_again(self, result: Result, tables: Collection[str] = TABLES) -> Result:
        """A result of this store with what is per user or item, for one that was read without."""
        return self.read(self.cell_folder(result.cell, result.key), tables)

    def reader(self, *tables: str) -> Callable[[Result], Result]:
        """:meth:`read_again` of these tables only: half of a report's time is reading."""
        return partial(self.read_again, tables=tables)

    def read_vectors(self, result: Result) -> dict[str, NDArray[np.float32]] | None:
        """A stored result's item and user factors (empty: its model has none), None where nobody asked for them."""
        path = self.cell_folder(result.cell, result.key) / VECTORS
        return read_vectors(path) if path.exists() else None

    def has_vectors(self, cell: Cell, key: str) -> bool:
        """Whether a stored cell was asked for its factors; the model may have none."""
        return (self.cell_folder(cell, key) / VECTORS).exists()

    def find(self, cell: Cell, key: str) -> Path | None:
        """The folder of a finished (``ok``) cell, or None."""
        folder = self.cell_folder(cell, key)
        try:
            finished = read_beginning(folder / "result.json")
            return folder if (finished["key"], finished["status"]) == (key, "ok") else None
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None

    def tell(self, result: Result, told: Mapping[str, Any]) -> Result:
        """A result of this store with more in its identity: what is told to reports, and is no part of the key."""
        identity = {**result.identity, **told}
        if identity != result.identity:
            path = self.cell_folder(result.cell, result.key) / "result.json"
            check_inside(self.root, path.parent)
            write_text(path, to_json({**_read_json(path), "identity": identity}))
        return replace(result, identity=identity)

    def folders(self) -> list[Path]:
        """All cells' folders, sorted."""
        found = (path.parent for path in (self.root / "cells").glob("*/*/*/*/result.json"))
        return sorted(folder for folder in found if not folder.name.startswith("."))

    def left_out(self) -> list[Path]:
        """The folders of cells that rest on other data of the same name (``reports/current.py`` says which)."""
        return left_out({folder: basis_of_cell(folder) for folder in self.folders()}, self.described)

    def __iter__(self) -> Iterator[Result]:
        """All results but those of other data."""
        return self._read_shown(TABLES)

    def summaries(self) -> Iterator[Result]:
        """The same without what is per user: enough for every table, and hundreds of them fit into memory."""
        return self._read_shown(())

    def _read_shown(self, tables: Collection[str]) -> Iterator[Result]:
        others = set(self.left_out())
        for folder in self.folders():
            if folder not in others:
                result = self.read(folder, tables)
                if self._keys.get(_cell_name(result.cell), result.key) == result.key:
                    yield result

    def write_dataset(self, cell: Cell, content: dict[str, Any]) -> None:
        """Store what reports show of a data set under one split, once."""
        folder = self._group("datasets", cell)
        check_inside(self.root, folder)
        folder.mkdir(parents=True, exist_ok=True)
        write_text(folder / "dataset.json", to_json(content))

    def read_dataset(self, cell: Cell) -> dict[str, Any] | None:
        """What :meth:`write_dataset` stored, or None."""
        found = self.described(self._place(cell))
        return None if found is None else found[1]

    def described(self, place: Path) -> tuple[str, dict[str, Any]] | None:
        """When the data of ``<data set>/<split>/<split seed>`` were stored last, and what."""
        path = self.root / "datasets" / place / "dataset.json"
        if not path.exists():
            return None
        content = _read_json(path)
        try:
            check_dataset(content)
        except (TypeError, ValueError) as error:
            raise StoreError(f"{path}: not a stored data set ({error!r}); {_REDO}") from error
        # The file's own time, for the same run shall leave the same bytes.
        stored = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        return stored.isoformat(timespec="microseconds"), content

    def _group(self, kind: str, cell: Cell) -> Path:
        return self.root / kind / self._place(cell)

    def _place(self, cell: Cell) -> Path:
        return Path(safe_name(cell.dataset), safe_name(cell.split), str(cell.split_seed))


def write_text(path: Path, text: str) -> None:
    """Write a file under a temporary name, then rename it.

    A lone surrogate (half of a character, or a byte that couldn't be decoded) becomes an escape, the six characters
    ``\\udc80``: JSON reads it back, and elsewhere it is harmless.
    """
    handle, temporary = open_scratch_file(path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace", newline="\n") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
            os.chmod(temporary, 0o644)
            os.replace(temporary, path)
        sync_folder(path.parent)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_result(result: Result, folder: Path) -> None:
    """Write a cell's files into an empty folder; result.json is the last, so that it is there only with all others."""
    tables: dict[str, dict[str, NDArray[Any]]] = {}
    if result.users is not None:
        tables["per_user"] = {"user": result.users, **result.per_user}
        if result.lists is not None:
            ranks = {f"rank_{rank + 1}": result.lists[:, rank] for rank in range(result.lists.shape[1])}
            tables["lists"] = {"user": result.users, **ranks}
    if result.per_item:
        (n_items,) = {len(values) for values in result.per_item.values()}
        tables["per_item"] = {"item": np.arange(n_items, dtype=np.int32), **result.per_item}
    if result.item_map is not None:
        x, y = result.item_map.places.T
        tables["map"] = {"item": result.item_map.items, "x": x, "y": y}
    for name, columns in tables.items():
        _write_parquet(folder / f"{name}.parquet", columns)
    if result.vectors is not None:
        write_vectors(folder / VECTORS, result.vectors)
    rows = {name: len(next(iter(columns.values()))) for name, columns in tables.items()}
    finished = datetime.now(UTC).isoformat(timespec="microseconds")
    write_text(folder / "measured.json", to_json({"finished": finished, **result.measured}))
    write_text(folder / "result.json", to_json(_json_content(result, rows)))


def _json_content(result: Result, tables: dict[str, int]) -> dict[str, Any]:
    """What result.json holds; ``tables`` are the Parquet files beside it and their numbers of rows."""
    return {
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
        **({} if result.curve is None else {"curve": asdict(result.curve)}),
        "tables": tables,
    }


def _from_json(content: dict[str, Any]) -> Result:
    """The result without its tables; raises what a wrong type or a missing name raises."""
    if content["status"] not in get_args(Status):
        raise ValueError(f"status {content['status']!r}, allowed are {', '.join(get_args(Status))}")
    return Result(
        cell=cell_from_json(**content["cell"]),
        key=str(content["key"]),
        identity=dict(content["identity"]),
        status=content["status"],
        error=str(content["error"]),
        metrics={name: _metric(**value) for name, value in content["metrics"].items()},
        counts={name: _count(count) for name, count in content["counts"].items()},
        notes=[_text(note) for note in _list(content["notes"])],
        neighbours={int(item): [int(code) for code in codes] for item, codes in content["neighbours"].items()},
        curve=None if content.get("curve") is None else _curve(**content["curve"]),
    )


def cell_from_json(
    dataset: str, split: str, split_seed: int, model: str, parameters: dict[str, Any], model_seed: int
) -> Cell:
    """A cell from its JSON; raises TypeError or ValueError where a value is of another type."""
    if not isinstance(parameters, dict):
        raise TypeError(f"parameters must be an object, not {parameters!r}")
    return Cell(_text(dataset), _text(split), _count(split_seed), _text(model), parameters, _count(model_seed))


def _metric(
    value: float | None, value_all: float | None, higher_is_better: bool, version: int, per_user: str
) -> MetricValue:
    """A metric from its JSON, where a figure that isn't a number is null."""
    over_all = None if value_all is None else _number(value_all)
    if not isinstance(higher_is_better, bool):
        raise TypeError(f"higher_is_better must be true or false, not {higher_is_better!r}")
    figure = math.nan if value is None else _number(value)
    return MetricValue(figure, over_all, higher_is_better, _whole(version), _text(per_user))


def _curve(metric: str, epochs: list[int], values: list[float], n_users: int) -> Curve:
    curve = Curve(_text(metric), [_count(epoch) for epoch in epochs], list(map(_number, values)), _count(n_users))
    if len(curve.epochs) != len(curve.values) or curve.epochs != sorted(set(curve.epochs)):
        raise ValueError(f"a curve of {len(curve.values)} values at the epochs {_short(epochs)}")
    return curve


def _are_seconds(value: Any, n: int) -> bool:
    """Whether these are n times of a clock that runs forward."""
    try:
        seconds = [_number(one) for one in value]
    except TypeError:
        return False
    return len(seconds) == n and seconds == sorted(seconds) and min(seconds, default=0) >= 0


def _number(value: Any) -> float:
    """A figure: Python would also take "0.5", true and Infinity, of which none was written by us."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise TypeError(f"{_short(value)} where a number belongs")
    return float(value)


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{_short(value)} where a whole number belongs")
    return value


def _count(value: Any) -> int:
    if _whole(value) < 0:
        raise ValueError(f"{_short(value)} where a whole number of at least 0 belongs")
    return int(value)


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError(f"{_short(value)} where a list belongs")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{_short(value)} where text belongs")
    return value


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def to_json(content: dict[str, Any]) -> str:
    """JSON as its standard has it: NumPy's scalars as numbers, what isn't finite as null."""
    try:
        return json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False, default=_plain)
    except ValueError:
        return json.dumps(_without_nan(content), ensure_ascii=False, indent=1, default=_plain)


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    raise TypeError(f"a result can't hold a {type(value).__name__}: {value!r}")


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nan(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(part) for part in value]
    if isinstance(value, np.generic | np.ndarray):
        return _without_nan(value.tolist())
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _write_parquet(path: Path, columns: dict[str, NDArray[Any]]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    with open(path, "wb") as stream:
        pq.write_table(pa.table(columns), stream, compression="zstd")
        stream.flush()
        os.fsync(stream.fileno())


def _read_tables(result: Result, folder: Path, n_rows: dict[str, int]) -> None:
    """Add what stays on disk for a summary."""
    if "per_user" in n_rows:
        result.per_user = _read_parquet(folder / "per_user.parquet", n_rows["per_user"])
        result.users = result.per_user.pop("user")
        if result.per_user.get("warm", np.empty(0, bool)).dtype != bool:
            raise StoreError(
                f"{folder / 'per_user.parquet'}: column warm holds something else than yes and no; {_REDO}"
            )
    if "lists" in n_rows:
        lists = _read_parquet(folder / "lists.parquet", n_rows["lists"], columns=2)
        users = lists.pop("user")
        if result.users is not None and not np.array_equal(users, result.users):
            raise StoreError(f"{folder / 'lists.parquet'}: its users are not those of per_user.parquet; {_REDO}")
        result.users = users
        result.lists = _ranks(folder / "lists.parquet", lists)
    if "per_item" in n_rows:
        path = folder / "per_item.parquet"
        result.per_item = _read_parquet(path, n_rows["per_item"], "item")
        if not np.array_equal(result.per_item.pop("item"), np.arange(n_rows["per_item"])):
            raise StoreError(f"{path}: its items are not 0, 1, 2, ...; {_REDO}")
        if not all(values.dtype.kind == "i" and (values >= 0).all() for values in result.per_item.values()):
            raise StoreError(f"{path}: holds something else than counts; {_REDO}")
    if "map" in n_rows:
        path = folder / "map.parquet"
        columns = _read_parquet(path, n_rows["map"], "item", columns=3)
        items, places = columns.pop("item"), np.column_stack(list(columns.values()))
        if list(columns) != ["x", "y"] or items.dtype.kind != "i" or not np.isfinite(places).all():
            raise StoreError(f"{path}: not items and their places x, y; {_REDO}")
        if len(np.unique(items)) < len(items) or min(items, default=0) < 0:
            raise StoreError(f"{path}: an item is there twice, or below 0; {_REDO}")
        result.item_map = ItemMap(items, places)


def _ranks(path: Path, columns: dict[str, NDArray[Any]]) -> NDArray[np.int32]:
    """The lists of item codes; -1 where nothing was left."""
    if list(columns) != [f"rank_{rank}" for rank in range(1, len(columns) + 1)]:
        raise StoreError(f"{path}: has columns {_short(list(columns))}, not rank_1, rank_2, ...; {_REDO}")
    if not all(ranks.dtype.kind in "iu" and _fit_codes(ranks, lowest=-1) for ranks in columns.values()):
        raise StoreError(f"{path}: holds something else than codes of items; {_REDO}")
    return np.column_stack(list(columns.values())).astype(np.int32, copy=False)


def write_vectors(path: Path, vectors: dict[str, NDArray[np.float32]]) -> None:
    with open(path, "wb") as stream:
        np.savez(stream, **vectors)  # type: ignore[arg-type]  # an array could also be named allow_pickle
        stream.flush()
        os.fsync(stream.fileno())


def read_vectors(path: Path) -> dict[str, NDArray[np.float32]]:
    """The arrays of a vectors.npz, each two-dimensional and finite; nothing is unpickled.

    Raises
    ------
    StoreError
        The file is cut off or holds something else.
    """
    try:
        with open_regular(path) as stream, np.load(stream, allow_pickle=False) as stored:
            vectors = {name: stored[name] for name in stored.files}
    except DAMAGE as error:
        raise StoreError(f"{path}: can't be read ({error}); {_REDO}") from error
    for name, values in vectors.items():
        named = name in ("item_factors", "user_factors")
        if not named or values.ndim != 2 or values.dtype.kind != "f" or not np.isfinite(values).all():
            raise StoreError(f"{path}: {name} is not what item or user factors are; {_REDO}")
    return vectors


def _read_parquet(path: Path, rows: int, key: str = "user", columns: int = 1) -> dict[str, NDArray[Any]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with open_regular(path) as stream:
            file = pq.ParquetFile(stream)
            names = file.schema_arrow.names
            _check_columns(path, file.schema_arrow, key, columns)
            if file.metadata.num_rows != rows:
                raise StoreError(f"{path}: {file.metadata.num_rows} rows, result.json says {rows}; {_REDO}")
            if rows * len(names) * 8 > _largest_table():  # a few bytes of a file may stand for any number of rows
                raise StoreError(f"{path}: {rows:,} rows of {len(names)} columns are more than memory holds; {_REDO}")
            table = file.read()
    except StoreError:
        raise
    except (OSError, ValueError, pa.ArrowException) as error:
        raise StoreError(f"{path}: can't be read ({error}); {_REDO}") from error
    if len(table) != rows:
        raise StoreError(f"{path}: {len(table)} rows, result.json says {rows}; {_REDO}")
    found = {name: table[name].to_numpy() for name in names}
    if found[key].dtype.kind not in "iu" or not _fit_codes(found[key], lowest=0):
        raise StoreError(f"{path}: column {key} holds something else than codes; {_REDO}")
    return found


def _check_columns(path: Path, schema: Any, key: str, least: int) -> None:
    """That there is the key and at least so many columns, each once and each of numbers."""
    from pyarrow import types

    names = schema.names
    if key not in names or len(names) < least:
        raise StoreError(f"{path}: has columns {_short(names)}, not '{key}' and its values; {_REDO}")
    if len(set(names)) < len(names):
        raise StoreError(f"{path}: a column is there twice; {_REDO}")
    for field in schema:
        if not (types.is_integer(field.type) or types.is_floating(field.type) or types.is_boolean(field.type)):
            raise StoreError(f"{path}: column {_short(field.name)} holds something else than numbers; {_REDO}")


def _fit_codes(values: NDArray[Any], lowest: int) -> bool:
    return not len(values) or bool(values.min() >= lowest and values.max() < 2**31)


def _largest_table() -> int:
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 4


_REDO = "delete the folder it is in to have the cell computed again"


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = read_json(path)
    except (OSError, ValueError, RecursionError) as error:
        raise StoreError(f"{path}: can't be read ({error}); {_REDO}") from error
    if not isinstance(content, dict):
        raise StoreError(f"{path}: not a JSON object; {_REDO}")
    return content


def _replace_folder(temporary: Path, folder: Path) -> None:
    """Rename onto ``folder``; an older one is exchanged and then removed, so that there is one at every moment.

    Where the system can't exchange, the older one is moved aside first: only an empty folder can be replaced. Two runs
    may finish the same cell at the same time; whoever finds the name taken again tries again.
    """
    for _ in range(100):
        try:
            os.rename(temporary, folder)
            return
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):  # the last: a file or a link
                raise
        if exchange(temporary, folder):
            shutil.rmtree(temporary, ignore_errors=True)
            return
        aside = temporary.with_name(f"{temporary.name}-older")
        with contextlib.suppress(FileNotFoundError):  # another run moved it first
            os.rename(folder, aside)
        shutil.rmtree(aside, ignore_errors=True)
    raise StoreError(f"{folder}: is being replaced by another program over and over")


def safe_name(name: str) -> str:
    """A name as a single path component.

    Letters, digits and ``._=,-`` stay, a colon becomes an underscore. A name that loses more than that gets a hash of
    all of it, so that two data files never share a folder.
    """
    cleaned = re.sub(r"[^A-Za-z0-9._=,-]", "_", name).lstrip(".")[:120]
    if cleaned and cleaned == name.replace(":", "_"):
        return cleaned
    return f"{cleaned or '_'}-{_digest(name)}"


def _cell_name(cell: Cell) -> str:
    return json.dumps(asdict(cell), sort_keys=True, default=str)


def _no_key(cell: Cell) -> str:
    """In the place of a key that couldn't be made: one folder a set of parameters."""
    return f"nokey{_digest(json.dumps(cell.parameters, sort_keys=True, default=str))[:6]}"


def _digest(text: str) -> str:
    return blake2b(text.encode("utf-8", "backslashreplace"), digest_size=4).hexdigest()
