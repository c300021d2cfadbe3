"""A reference: results reduced to one small file that can be committed, for later results to be compared with.

A text file of JSON. Each line below "cells" is one cell: what it is, all its metrics, and the values per user of the
one metric that decisions are taken on, as packed 32-bit floats (6 KB in all for 943 users). It carries a hash of
itself: a file that was cut off or edited by hand is refused.
"""

from __future__ import annotations

import base64
import json
import math
import os
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from difflib import get_close_matches
from hashlib import blake2b
from pathlib import Path
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from reports.opening import read_json
from reports.output import check_outputs
from reports.per_user import parts_of
from reports.result import Cell, MetricValue, Result, Status
from reports.store import Store, VersionError, cell_from_json, write_text
from reports.stores import open_stores
from reports.table import USUAL_CUTOFF, latest, primary_metric

KIND = "recsys-bench reference"
FORMAT = 1
IDENTITY = ("data", "split", "candidates", "metrics", "source", "versions", "seeded")  # what a comparison looks at
SAVE = "`python -m bench reference save DIR -o FILE` makes one"


class ReferenceFileError(ValueError):
    """Results to compare can't be read, or don't hold what is asked of them; the message names file and remedy."""


@dataclass(frozen=True, eq=False)
class Entry:
    """One cell of a side of a comparison.

    Attributes
    ----------
    environment
        What it was computed with, as stored with the result.
    users, values
        int32 and float64 (n,): the users that the decisive metric is over, and their values; None where there are none.
    digest
        A hash of users and values at full precision, "" without values.
    """

    cell: Cell
    status: Status
    error: str
    identity: dict[str, Any]
    metrics: dict[str, MetricValue]
    environment: dict[str, Any]
    users: NDArray[np.int32] | None = None
    values: NDArray[np.float64] | None = None
    digest: str = ""


@dataclass(frozen=True, eq=False)
class Side:
    """One side of a comparison: where it came from, the decisive metric, and its cells, sorted."""

    path: str
    metric: str
    entries: tuple[Entry, ...]


def read_side(path: str | Path, metric: str = "", asked: bool = True) -> Side:
    """The cells of a results folder or of a reference file.

    Parameters
    ----------
    metric
        The metric to decide on; "" means a reference's own, or a folder's usual one (``ndcg@10``).
    asked
        Whether somebody named the metric: then it is an error that no cell has it.

    Raises
    ------
    ReferenceFileError, StoreError
        There is no such path, something in it can't be read, or it has no values per user of the metric.
    VersionError
        It was written by another version.
    """
    named, path = str(path), Path(path)
    if not named or not path.exists():
        raise ReferenceFileError(f"{named or 'an empty name'}: no such results folder or reference file; {SAVE}")
    if not os.access(path, os.R_OK | (os.X_OK if path.is_dir() else 0)):
        raise ReferenceFileError(f"{path}: can't be read: its permissions don't allow it")
    if path.is_dir():
        return read_folder(path, metric, asked)
    side = read_reference(path)
    if asked and metric and metric != side.metric:
        raise ReferenceFileError(
            f"{path}: a reference for {side.metric}, not for {metric}; save one with --metric {metric}, "
            "or give the results folder in its place"
        )
    return side


def read_folder(folders: Path | Sequence[Path], metric: str = "", asked: bool = True) -> Side:
    """The newest result of every cell in results folders; their size in memory is that of one metric."""
    several = [folders] if isinstance(folders, Path) else list(folders)
    folder, store = ", ".join(map(str, several)), open_stores(several)
    summaries = latest(store.summaries())
    metric = metric or primary_metric(summaries)
    finished = [result for result in summaries if result.status == "ok"]
    if asked and finished and not any(metric in result.metrics for result in finished):
        existing = sorted({name for result in finished for name in result.metrics})
        raise ReferenceFileError(
            f"{folder}: no cell has the metric '{metric}'; there are: {', '.join(existing)}{_nearest(metric, existing)}"
        )
    entries = tuple(_entry(result, metric, folder) for result in latest(_only(store, metric)))
    if any(metric in entry.metrics for entry in entries) and all(entry.values is None for entry in entries):
        raise ReferenceFileError(
            f"{folder}: {metric} is a figure of the whole catalogue without values per user: it is always beside "
            "accuracy and never decides; name an accuracy metric, for example ndcg@10"
        )
    return Side(folder, metric, entries)


def _nearest(name: str, existing: Sequence[str]) -> str:
    usual = f"{name.lower()}@{USUAL_CUTOFF}"  # what a name without its cut-off means
    near = [usual] if usual in existing else get_close_matches(name.lower(), existing, n=1, cutoff=0.5)
    return f". Did you mean '{near[0]}'?" if near else ""


def save_reference(folders: str | Path | Sequence[str | Path], path: str | Path, metric: str = "") -> Side:
    """Write the reference file of one or several results folders: the same results, the same bytes.

    Raises
    ------
    ReferenceFileError, StoreError
        The folders have no finished cell or something in it can't be read; nothing is written.
    OutputError
        The file can't be written.
    """
    check_outputs([path])
    several = [Path(folder) for folder in ([folders] if isinstance(folders, str | Path) else folders)]
    for folder in several:
        if not folder.is_dir():
            raise ReferenceFileError(
                f"{folder}: no such results folder; `python -m bench run --out {folder}` makes one"
            )
    side = read_folder(several, metric)
    if not any(entry.values is not None for entry in side.entries):
        raise ReferenceFileError(f"{side.path}: no cell finished, so there is nothing to compare with later")
    write_text(Path(path), _text(side))
    return replace(side, path=str(path))


def read_reference(path: str | Path) -> Side:
    """The cells of a reference file, checked.

    Raises
    ------
    ReferenceFileError
        It is no reference file, was cut off, or was edited.
    VersionError
        It is of another format.
    """
    path = Path(path)
    try:
        content = read_json(path)
    except (OSError, ValueError, RecursionError) as error:
        raise ReferenceFileError(f"{path}: not a reference file, or cut off ({error}); {SAVE}") from error
    if not isinstance(content, dict) or content.get("kind") != KIND:
        raise ReferenceFileError(f"{path}: not a reference file; {SAVE}")
    if content.get("format") != FORMAT:
        raise VersionError(f"{path}: format {content.get('format')!r}, this version reads {FORMAT}: save it again")
    if content.get("checksum") != _checksum(content):
        raise ReferenceFileError(f"{path}: was edited or damaged (its checksum doesn't fit); save it again: {SAVE}")
    try:
        return _side(str(path), content)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError, zlib.error) as error:
        raise ReferenceFileError(f"{path}: holds something else than a reference ({error!r}); {SAVE}") from error


def _only(store: Store, metric: str) -> Iterator[Result]:
    """Results with nothing per user but the columns of one metric."""
    columns = ("warm", metric, f"{metric}_sum", f"{metric}_count")
    for result in store:
        kept = {name: result.per_user[name] for name in columns if name in result.per_user}
        yield replace(result, per_user=kept, lists=None)


def _entry(result: Result, metric: str, folder: str) -> Entry:
    entry = Entry(
        cell=result.cell,
        status=result.status,
        error=result.error,
        identity={name: result.identity[name] for name in IDENTITY if name in result.identity},
        metrics=result.metrics,
        environment=dict(result.measured.get("environment") or {}),
    )
    parts = parts_of(result, metric) if result.status == "ok" else None
    if parts is None:
        return entry
    stored = result.metrics[metric].value
    if not math.isclose(parts.figure, stored, rel_tol=1e-9, abs_tol=1e-12):
        cell = result.cell
        raise ReferenceFileError(
            f"{folder}: {cell.dataset} {cell.split} seed {cell.split_seed} {cell.model}: result.json says {metric} is "
            f"{stored!r}, its users' values give {parts.figure!r}: one was edited; compute it again (run --force)"
        )
    return replace(entry, users=parts.users, values=parts.values, digest=_digest(parts.users, parts.values))


def _digest(users: NDArray[Any], values: NDArray[Any]) -> str:
    content = users.astype("<i4").tobytes() + values.astype("<f8").tobytes()
    return blake2b(content, digest_size=16).hexdigest()


# The file


def _text(side: Side) -> str:
    """The file's text, one line a cell, so that a version control system shows which cells changed."""
    environments: list[dict[str, Any]] = []
    users: dict[str, str] = {}
    lines = []
    for entry in side.entries:
        if entry.environment not in environments:
            environments.append(entry.environment)
        packed = _packed(entry, users)
        lines.append(
            {
                "cell": asdict(entry.cell),
                "status": entry.status,
                "error": entry.error,
                "identity": entry.identity,
                "metrics": {name: _metric_fields(value) for name, value in sorted(entry.metrics.items())},
                "environment": environments.index(entry.environment),
                **packed,
            }
        )
    head = {
        "kind": KIND,
        "format": FORMAT,
        "checksum": "",
        "metric": side.metric,
        "environments": environments,
        "users": users,
    }
    head["checksum"] = _checksum({**head, "cells": lines})
    body = ",\n".join(f"  {_json(line)}" for line in lines)
    return json.dumps(head, indent=1, sort_keys=False)[:-2] + f',\n "cells": [\n{body}\n ]\n}}\n'


def _packed(entry: Entry, users: dict[str, str]) -> dict[str, Any]:
    """The values of an entry for its line; its users are added to ``users``, which cells of one split share."""
    if entry.users is None or entry.values is None:
        return {}
    codes = entry.users.astype("<i4")
    name = blake2b(codes.tobytes(), digest_size=8).hexdigest()
    users.setdefault(name, _pack(np.diff(codes, prepend=np.int32(0)).astype("<i4")))
    return {"users": name, "digest": entry.digest, "values": _pack(entry.values.astype("<f4"))}


def _side(path: str, content: dict[str, Any]) -> Side:
    """The entries of a file's content; raises what a wrong type or a missing name raises."""
    users = {name: np.cumsum(_unpack(text, "<i4"), dtype=np.int32) for name, text in content["users"].items()}
    metric = str(content["metric"])
    entries = tuple(_read_line(line, metric, users, content["environments"]) for line in content["cells"])
    if not any(entry.values is not None for entry in entries):
        raise ValueError("no cell has values")
    return Side(path, metric, entries)


def _read_line(
    line: dict[str, Any], metric: str, users: dict[str, NDArray[np.int32]], environments: Sequence[Any]
) -> Entry:
    if line["status"] not in get_args(Status):
        raise ValueError(f"status {line['status']!r}")
    entry = Entry(
        cell=cell_from_json(**line["cell"]),
        status=line["status"],
        error=str(line["error"]),
        identity=dict(line["identity"]),
        metrics={name: MetricValue(float(v), None, bool(up), int(n)) for name, (v, up, n) in line["metrics"].items()},
        environment=dict(environments[line["environment"]]),
    )
    if "values" not in line:
        return entry
    values = _unpack(line["values"], "<f4").astype(np.float64)
    if len(values) != len(users[line["users"]]):
        raise ValueError(f"{len(values)} values for {len(users[line['users']])} users")
    if metric not in entry.metrics:
        raise ValueError(f"values of {metric} without its mean")
    return replace(entry, users=users[line["users"]], values=values, digest=str(line["digest"]))


def _metric_fields(value: MetricValue) -> list[Any]:
    return [value.value, value.higher_is_better, value.version]


def _pack(values: NDArray[Any]) -> str:
    """An array as text: its bytes of each significance lie together, which packs best."""
    planes = values.view(np.uint8).reshape(-1, values.itemsize).T
    return base64.b64encode(zlib.compress(planes.tobytes(), 9)).decode("ascii")


def _unpack(text: str, dtype: str) -> NDArray[Any]:
    planes = np.frombuffer(zlib.decompress(base64.b64decode(text, validate=True)), np.uint8)
    return np.ascontiguousarray(planes.reshape(np.dtype(dtype).itemsize, -1).T).view(dtype)[:, 0]


def _checksum(content: dict[str, Any]) -> str:
    named = {name: value for name, value in content.items() if name != "checksum"}
    return blake2b(_json(named).encode(), digest_size=16).hexdigest()


def _json(content: Any) -> str:
    return json.dumps(content, sort_keys=True, separators=(",", ":"))
