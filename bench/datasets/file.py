"""Interactions from a CSV, TSV or Parquet file of the user's."""

from __future__ import annotations

import math
import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.datasets import parquet
from bench.datasets.columns import Column, as_number, to_numpy, whole_if_possible
from bench.datasets.errors import DatasetError, DatasetWarning
from bench.datasets.headers import check_needed, columns_option, find_columns, is_header
from bench.datasets.limits import regular_size
from bench.datasets.opening import read_opening
from bench.datasets.table import Form, read_table
from splits.interactions import Interactions, InteractionsError

Table = dict[str, Any]  # one Arrow array a role
Columns = Mapping[str, str | int]

STARS_THRESHOLD = 4.0
LARGEST_RATING = float(np.finfo(np.float32).max)  # ratings are kept as float32
LONGEST_TITLE = 500  # characters that are kept
TEXTS: tuple[str, ...] = ("title", "genres")
KINDS = {
    "user": Column("id"),
    "item": Column("id"),
    "rating": Column("number", lowest=-LARGEST_RATING, highest=LARGEST_RATING),
    "count": Column("number", sys.float_info.min, LARGEST_RATING, f"a count above 0 and up to {LARGEST_RATING:g}"),
    "timestamp": Column("time"),
    "title": Column("text"),
    "genres": Column("text"),
}


def from_file(
    path: str | Path,
    columns: Columns | None = None,
    titles: str | Path | None = None,
    test: str | Path | None = None,
    threshold: float | None = None,
) -> Interactions:
    """The interactions in a file.

    CSV with any of the separators comma, semicolon, tab, "|" and "::", also gzipped, or Parquet. Columns are known by
    their usual names (user, userId, item_id, movieId, rating, count, timestamp, title, ...).

    Parameters
    ----------
    columns
        What the names don't say: {"user": "who", "item": "what"}; names of the file, or places counted from 1 (a file
        without a header has nothing else). The keys are user, item, rating, count, timestamp, title and genres.
    titles
        A file with an item's id and its title (and genres, separated by "|"); without a header in this order.
    test
        A file with the test rows of a fixed split; they become ``held_out``.
    threshold
        Ratings from here on are relevant. By default 4 where the ratings are stars (1 to 5 or 0.5 to 5, whole or half,
        some of them 4 or more); other ratings, counts, and data without any are relevant throughout.

    Raises
    ------
    DatasetError
        A file cannot be read as a whole; names the file, the line, what was found and what to do.
    """
    path = Path(path)
    rows = _read(path, columns)
    in_test = np.zeros(len(rows["user"]), dtype=bool)
    if test is not None:
        rows, in_test = _with_test(path, rows, Path(test), _read(Path(test), columns))
    users, items = (to_numpy(whole_if_possible(rows[role])) for role in ("user", "item"))
    names, genres = _read_titles(Path(titles), items) if titles is not None else _own_titles(rows, items)
    ratings, scale, relevant_from = _values(path, rows, threshold)
    if test is not None:
        _warn_of_overlap(path, Path(test), users, items, in_test)
    try:
        return Interactions.from_columns(
            path.name,
            users,
            items,
            ratings,
            to_numpy(rows["timestamp"]) if "timestamp" in rows else None,
            titles=names,
            genres=genres,
            relevance_threshold=relevant_from,
            rating_scale=scale,
            held_out=None if test is None else in_test,
        )
    except InteractionsError as error:
        raise DatasetError(f"{path}: {error}. Correct the file.") from error


def _read(path: Path, columns: Columns | None) -> Table:
    """The columns of an interactions file, by role."""
    if is_parquet(path):
        names = parquet.column_names(path)
        roles = find_columns(path, names, columns)
        check_needed(path, names, roles)
        return parquet.read_parquet(path, {role: (names[place], KINDS[role]) for role, place in roles.items()})
    form, roles = _text_form(path, columns)
    return read_table(path, form, {role: KINDS[role] for role in roles})


def is_parquet(path: Path) -> bool:
    """Whether a file is Parquet, by its name or its first bytes."""
    if path.suffix.lower() in (".parquet", ".pq"):
        return True
    regular_size(path)  # to open a pipe is to wait for its other end
    try:
        with path.open("rb") as file:
            return file.read(len(parquet.MARK)) == parquet.MARK
    except OSError:
        return False  # the reader of text says what is wrong


def _text_form(path: Path, columns: Columns | None) -> tuple[Form, dict[str, int]]:
    """How a text file is laid out, and the places of its columns."""
    opening = read_opening(path)
    fields = opening.fields
    header = is_header(fields, columns)
    if not header and columns is None:
        raise DatasetError(
            f"{path}, line 1: '{', '.join(fields)[:80]}' holds no usual column names. Say which column is which, "
            f"counted from 1: --columns {columns_option(fields)}; or, if this is a header, by its names: "
            f"--columns user={fields[0][:60]},item={fields[1][:60]}"
        )
    names = fields if header else [str(place) for place in range(1, len(fields) + 1)]
    roles = find_columns(path, names, columns)
    check_needed(path, names, roles)
    value = roles.get("rating", roles.get("count"))
    if not header and value is not None and as_number(fields[value]) is None:
        by_name = ",".join(f"{role}={fields[place][:60]}" for role, place in roles.items())
        raise DatasetError(
            f"{path}, line 1: column {value + 1} is '{fields[value][:60]}', not a number. If this line is a header, "
            f"give its names instead of places: --columns {by_name}"
        )
    return opening.form(_names(len(fields), roles), header), roles


def _names(n_fields: int, roles: Mapping[str, int]) -> tuple[str, ...]:
    """Our names of a file's fields; those without a role are called by their place."""
    role_at = {place: role for role, place in roles.items()}
    if len(role_at) < len(roles):
        twice = ", ".join(f"{role}={place + 1}" for role, place in roles.items())
        raise DatasetError(f"--columns gives one column two roles: {twice}. Give every role a column of its own.")
    return tuple(role_at.get(place, f"column {place + 1}") for place in range(n_fields))


def _with_test(path: Path, rows: Table, test: Path, test_rows: Table) -> tuple[Table, NDArray[np.bool_]]:
    """Both files' rows, one after the other, and which are the test's."""
    import pyarrow as pa

    differing = {"user", "item", "rating", "count", "timestamp"} & (rows.keys() ^ test_rows.keys())
    if differing:
        has, lacks = (path, test) if differing & rows.keys() else (test, path)
        raise DatasetError(
            f"{has} has a column for {' and '.join(sorted(differing))} and {lacks} has none. Give both the same."
        )
    both = {}
    for role in rows.keys() & test_rows.keys():
        parts = [rows[role], test_rows[role]]
        if parts[0].type != parts[1].type:
            parts = [part.cast(pa.string()) for part in parts]
        both[role] = pa.chunked_array([chunk for part in parts for chunk in part.chunks])
    return both, np.repeat([False, True], [len(rows["user"]), len(test_rows["user"])])


def _values(
    path: Path, rows: Table, threshold: float | None
) -> tuple[NDArray[np.float64] | None, tuple[float, float] | None, float | None]:
    """Ratings (or counts), their scale, and from where on they are relevant."""
    if "rating" not in rows and "count" not in rows:
        if threshold is not None:
            raise DatasetError(f"{path} has no ratings, so a threshold of {threshold:g} means nothing. Leave it out.")
        return None, None, None
    values = to_numpy(rows["rating"] if "rating" in rows else rows["count"])
    scale, usual_threshold = _scale(values) if "rating" in rows else (None, None)
    if threshold is not None and not (math.isfinite(threshold) and threshold <= values.max()):
        raise DatasetError(
            f"{path}: no rating reaches the threshold {threshold:g}; they are from {values.min():g} to "
            f"{values.max():g}. Lower the threshold."
        )
    return values, scale, usual_threshold if threshold is None else threshold


def _scale(ratings: NDArray[np.float64]) -> tuple[tuple[float, float] | None, float | None]:
    """The scale and the usual threshold of ratings: the stars' where they are stars, else what the data shows."""
    lowest, highest = float(ratings.min()), float(ratings.max())
    if lowest >= 0.5 and STARS_THRESHOLD <= highest <= 5 and lowest < highest and not np.any(ratings * 2 % 1):
        return (0.5 if lowest < 1 else 1.0, 5.0), STARS_THRESHOLD
    return (None if lowest == highest else (lowest, highest)), None


def _own_titles(rows: Table, items: NDArray[Any]) -> tuple[dict[Any, str] | None, dict[Any, tuple[str, ...]] | None]:
    """The titles and genres that stand beside the interactions: those of an item's first row."""
    if "title" not in rows and "genres" not in rows:
        return None, None
    known, first = np.unique(items, return_index=True)
    texts = {role: rows[role].take(first).to_pylist() for role in TEXTS if role in rows}
    return _as_dicts(known.tolist(), texts)


def _read_titles(path: Path, items: NDArray[Any]) -> tuple[dict[Any, str] | None, dict[Any, tuple[str, ...]] | None]:
    """The titles and genres of a file of their own."""
    rows = _read_titles_table(path)
    wanted = {str(item): item for item in np.unique(items).tolist()}
    ids = list(map(str, rows["item"].to_pylist()))
    known = [row for row, item in enumerate(ids) if item in wanted]
    if not known:
        raise DatasetError(
            f"{path} has no title for any of the {len(wanted)} items; its first id is '{ids[0]}', theirs is "
            f"'{next(iter(wanted))}'. Give the file that belongs to these interactions."
        )
    texts = {role: rows[role].take(known).to_pylist() for role in TEXTS if role in rows}
    return _as_dicts([wanted[ids[row]] for row in known], texts)


def _read_titles_table(path: Path) -> Table:
    if is_parquet(path):
        names = parquet.column_names(path)
        roles = _title_roles(path, names)
        return parquet.read_parquet(path, {role: (names[place], KINDS[role]) for role, place in roles.items()})
    opening = read_opening(path)
    fields = opening.fields
    header = "id" in map(str.lower, fields) or is_header(fields, None, ("item", "title"))
    roles = (
        _title_roles(path, fields) if header else {"item": 0, "title": 1} | ({"genres": 2} if len(fields) == 3 else {})
    )
    return read_table(path, opening.form(_names(len(fields), roles), header), {role: KINDS[role] for role in roles})


def _title_roles(path: Path, names: list[str]) -> dict[str, int]:
    roles = find_columns(path, names)
    # In a file about items a column "id" is the item's.
    ids = [place for place, name in enumerate(names) if name.lower() == "id"]
    if "item" not in roles and ids:
        roles["item"] = ids[0]
    check_needed(path, names, roles, ("item", "title"))
    return {role: place for role, place in roles.items() if role in ("item", "title", "genres")}


def _as_dicts(
    items: list[Any], texts: dict[str, list[str]]
) -> tuple[dict[Any, str] | None, dict[Any, tuple[str, ...]] | None]:
    titles = None
    if "title" in texts:  # an array of titles is as wide as the longest
        titles = {item: title[:LONGEST_TITLE] for item, title in zip(items, texts["title"], strict=True)}
    if "genres" not in texts:
        return titles, None
    genres = {item: tuple(filter(None, text.split("|"))) for item, text in zip(items, texts["genres"], strict=True)}
    return titles, genres


def _warn_of_overlap(
    path: Path, test: Path, users: NDArray[Any], items: NDArray[Any], in_test: NDArray[np.bool_]
) -> None:
    user_codes, item_codes = (np.unique(ids, return_inverse=True)[1] for ids in (users, items))
    pairs = user_codes.astype(np.int64) * (item_codes.max() + 1) + item_codes
    n_both = len(np.intersect1d(pairs[in_test], pairs[~in_test]))
    if n_both:
        message = (
            f"{n_both} pairs of user and item stand in both {path} and {test}. Each counts once, where its last row "
            "stands (by time, else the test's)."
        )
        warnings.warn(message, DatasetWarning, stacklevel=3)
