"""A split as files: a folder that processes share without copying, and CSV for any program."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tokenize import TokenError
from typing import Any

import numpy as np
from numpy.typing import NDArray

from splits.interactions import Interactions
from splits.split import Split, SplitError

FORMAT = 1  # of split.json; a reader refuses another

COLUMNS = ("users", "items", "ratings", "timestamps", "user_ids", "item_ids", "titles", "held_out")


def save_split(split: Split, folder: str | Path) -> None:
    """Write a split for :func:`load_split`: each array as .npy, and split.json, which is written last.

    Another split in the folder is replaced. A process that has loaded that one keeps it, since files are renamed into
    place and never written over.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "split.json").unlink(missing_ok=True)
    arrays = _arrays(split)
    for name, values in arrays.items():
        with _renamed_when_done(folder / f"{name}.npy") as path, open(path, "wb") as stream:
            np.save(stream, values, allow_pickle=False)
    with _renamed_when_done(folder / "split.json") as path:
        path.write_text(json.dumps({**_description(split), "arrays": list(arrays)}), encoding="utf-8")


def load_split(folder: str | Path) -> Split:
    """The split that :func:`save_split` wrote, memory-mapped and read-only: processes share one copy of its arrays.

    Raises
    ------
    SplitError
        There is no finished split, it is of another format, or a file is missing or cut off.
    """
    folder = Path(folder)
    description = _read_description(folder / "split.json")
    try:
        names = [name for name in ("in_test", *COLUMNS) if name in description["arrays"]]
        arrays = {name: _read_array(folder / f"{name}.npy") for name in names}
        in_test, genres, scale = arrays.pop("in_test"), description["genres"], description["rating_scale"]
        interactions = Interactions(
            name=description["name"],
            genres=None if genres is None else tuple(map(tuple, genres)),
            relevance_threshold=description["relevance_threshold"],
            rating_scale=None if scale is None else (scale[0], scale[1]),
            **{name: arrays.get(name) for name in COLUMNS},  # type: ignore[arg-type]
        )
        return Split(interactions, in_test)
    except KeyError as error:
        raise SplitError(f"{folder / 'split.json'}: has no {error}; save the split again") from error
    except (TypeError, IndexError) as error:
        raise SplitError(f"{folder / 'split.json'}: was edited ({error}); save the split again") from error


def write_csv(split: Split, folder: str | Path) -> None:
    """Write train.csv and test.csv: user, item and, where there are some, rating and timestamp; ids as in the data.

    UTF-8, unix newlines, rows in the data's order: the same bytes for the same split. Both files appear at once.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with _renamed_when_done(folder / "train.csv") as train, _renamed_when_done(folder / "test.csv") as test:
        _write_table(split.train, train)
        _write_table(split.test, test)


def _arrays(split: Split) -> dict[str, NDArray[Any]]:
    columns = {name: getattr(split.interactions, name) for name in COLUMNS}
    return {"in_test": split.in_test} | {name: values for name, values in columns.items() if values is not None}


def _description(split: Split) -> dict[str, Any]:
    """All that isn't an array."""
    interactions = split.interactions
    return {
        "format": FORMAT,
        "name": interactions.name,
        "genres": interactions.genres,
        "relevance_threshold": interactions.relevance_threshold,
        "rating_scale": interactions.rating_scale,
    }


def _read_description(path: Path) -> dict[str, Any]:
    try:
        description = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise SplitError(f"{path}: no finished split here ({error}); save it again") from error
    found = description.get("format") if isinstance(description, dict) else None
    if found != FORMAT:
        raise SplitError(f"{path}: format {found}, this version reads {FORMAT}; save the split again")
    return dict(description)


def _read_array(path: Path) -> NDArray[Any]:
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False).view(np.ndarray)  # type: ignore[no-any-return]
    except (OSError, ValueError, EOFError, SyntaxError, TokenError) as error:  # the last two: its header
        raise SplitError(f"{path}: can't be read ({error}); save the split again") from error


def _write_table(part: Interactions, path: Path) -> None:
    columns: dict[str, list[Any]] = {
        "user": part.user_ids[part.users].tolist(),
        "item": part.item_ids[part.items].tolist(),
    }
    if part.ratings is not None:
        columns["rating"] = _shortest(part.ratings)
    if part.timestamps is not None:
        columns["timestamp"] = part.timestamps.tolist()
    with open(path, "w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))


def _shortest(ratings: NDArray[np.float32]) -> list[str]:
    """The shortest text that reads back as the same float32: 4, 3.5, 0.1 (not 0.10000000149011612)."""
    values, places = np.unique(ratings, return_inverse=True)
    texts = [str(int(value)) if value.is_integer() else str(value) for value in values]
    return [texts[place] for place in places.tolist()]


@contextmanager
def _renamed_when_done(path: Path) -> Iterator[Path]:
    """A temporary path beside ``path`` that takes its place when the block ends well, and vanishes when it doesn't."""
    temporary = path.with_name(f".tmp-{os.getpid()}-{path.name}")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
