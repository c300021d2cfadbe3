"""MovieLens 100K out of a package, for machines that reach a Python index and nothing else.

The wheel of recbole 1.2.1 carries the set in a form of its own. It is downloaded into a temporary folder, never
installed and nothing of it is run; its two data files are read, checked and written in the official form.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from bench.datasets.archive import read_members
from bench.datasets.errors import DatasetError

PACKAGE = "recbole==1.2.1"
RATINGS, MOVIES = "ml-100k.inter", "ml-100k.item"
RATINGS_HEADER = ["user_id:token", "item_id:token", "rating:float", "timestamp:float"]
MOVIES_HEADER = ["item_id:token", "movie_title:token_seq", "release_year:token", "class:token_seq"]
COUNTS = {"ratings": 100_000, "users": 943, "items": 1_682}
UNKNOWN = "unkonwn"  # as the package spells a title and a year that u.item doesn't know
PIP_SECONDS = 180

GENRES = (
    *(
        "unknown",
        "Action",
        "Adventure",
        "Animation",
        "Children's",
        "Comedy",
        "Crime",
        "Documentary",
        "Drama",
        "Fantasy",
    ),
    *("Film-Noir", "Horror", "Musical", "Mystery", "Romance", "Sci-Fi", "Thriller", "War", "Western"),
)


def ml_100k_from_package(folder: Path) -> None:
    """Write u.data and u.item into the folder.

    Raises
    ------
    DatasetError
        pip cannot download the package, or the package doesn't hold the set.
    """
    with tempfile.TemporaryDirectory() as scratch:
        convert_wheel(_download_wheel(Path(scratch)), folder)


def convert_wheel(wheel: Path, folder: Path) -> None:
    """Write u.data and u.item into the folder from the wheel's two files."""
    contents = read_members(wheel, (RATINGS, MOVIES))
    ratings = _rows(contents[RATINGS], RATINGS_HEADER)
    movies = _rows(contents[MOVIES], MOVIES_HEADER)
    _check_counts(ratings, movies)
    (folder / "u.data").write_text("".join("\t".join(row) + "\n" for row in ratings), "ascii", newline="\n")
    (folder / "u.item").write_text("".join(_item_line(row) + "\n" for row in movies), "latin-1", newline="\n")


def _download_wheel(folder: Path) -> Path:
    # Only wheels: a source package would run its own code while pip looks at it.
    command = [
        *(sys.executable, "-m", "pip", "download", PACKAGE, "--no-deps", "--only-binary=:all:"),
        *("--dest", str(folder), "--quiet", "--no-input", "--disable-pip-version-check"),
        *("--timeout", "10", "--retries", "1"),
    ]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PIP_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise DatasetError(f"pip download {PACKAGE} took more than {PIP_SECONDS} seconds") from None
    if done.returncode != 0:
        last_words = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise DatasetError(f"pip download {PACKAGE} failed: {last_words}")
    wheels = list(folder.glob("*.whl"))
    if len(wheels) != 1:
        raise DatasetError(f"pip download {PACKAGE} left {len(wheels)} wheels, not one")
    return wheels[0]


def _rows(content: bytes, header: list[str]) -> list[list[str]]:
    lines = content.decode("utf-8").splitlines()
    rows = [line.split("\t") for line in lines]
    if not rows or rows[0] != header:
        raise DatasetError(f"{PACKAGE} has the columns {rows[:1]}, not {header}")
    wrong = next((line for line, row in enumerate(rows, 1) if len(row) != len(header)), None)
    if wrong is not None:
        raise DatasetError(f"{PACKAGE}, line {wrong} has {len(rows[wrong - 1])} fields, not {len(header)}")
    return rows[1:]


def _check_counts(ratings: list[list[str]], movies: list[list[str]]) -> None:
    users, items = {row[0] for row in ratings}, {row[1] for row in ratings}
    found = {"ratings": len({(row[0], row[1]) for row in ratings}), "users": len(users), "items": len(items)}
    if found != COUNTS or {row[0] for row in movies} != items or len(movies) != len(items):
        raise DatasetError(f"{PACKAGE} holds {found} and {len(movies)} titles, MovieLens 100K has {COUNTS}")


def _item_line(row: list[str]) -> str:
    """A line of u.item: id | title (year) | release date | video date | address | one flag a genre."""
    item, title, year, genres = row
    title = "unknown" if title == UNKNOWN else f"{title} ({year})"
    flags = ["1" if genre in genres.split(" ") else "0" for genre in GENRES]
    return "|".join([item, title, "", "", "", *flags])
