"""MovieLens 100K, 1M and latest-small (Harper and Konstan 2015, doi:10.1145/2827872)."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from bench.datasets.carrier import GENRES, ml_100k_from_package
from bench.datasets.columns import Column, to_numpy
from bench.datasets.errors import DatasetError
from bench.datasets.sources import Counts, Download, Source, check_counts, check_titles, find
from bench.datasets.table import Form, read_table, records
from splits.interactions import Interactions

Movie = tuple[int, str, tuple[str, ...]]

RELEVANT = 4.0
NO_GENRES = ("", "unknown", "(no genres listed)")
RATING_COLUMNS = ("user", "item", "rating", "timestamp")
SITE = "https://files.grouplens.org/datasets/movielens"

ML_100K = Source(
    name="ml-100k",
    folder="ml-100k",
    files=("u.data", "u.item"),
    downloads=(Download(f"{SITE}/ml-100k.zip", md5="0e33842e24a9c977be4e0107933c0723"),),
    counts=Counts(100_000, 943, 1_682),
    stand_in=ml_100k_from_package,
)
ML_1M = Source(
    name="ml-1m",
    folder="ml-1m",
    files=("ratings.dat", "movies.dat"),
    downloads=(Download(f"{SITE}/ml-1m.zip", md5="c4d9eecfca2ab87c1945afe126590906"),),
    counts=Counts(1_000_209, 6_040, 3_706),
)
ML_LATEST_SMALL = Source(
    name="ml-latest-small",
    folder="ml-latest-small",
    files=("ratings.csv", "movies.csv"),
    downloads=(Download(f"{SITE}/ml-latest-small.zip"),),
    counts=Counts(100_836, 610, 9_724),
)


def ml_100k() -> Interactions:
    """MovieLens 100K: ratings 1 to 5 of 943 users for 1,682 films, 1997 to 1998."""
    folder = find(ML_100K)
    ratings = Form("\t", RATING_COLUMNS, closed=True)
    titles = Form("|", ("item", "title", "released", "video", "address", *GENRES), encoding="latin-1", closed=True)
    movies = [
        (_item_id(folder / "u.item", line, fields[0]), fields[1].strip(), _genres(_flagged(fields[5:])))
        for line, fields in records(folder / "u.item", titles)
    ]
    return _load(ML_100K, folder, ratings, movies, scale=(1.0, 5.0))


def ml_1m() -> Interactions:
    """MovieLens 1M: ratings 1 to 5 of 6,040 users for 3,706 films, 2000 to 2003."""
    folder = find(ML_1M)
    ratings = Form("::", RATING_COLUMNS, closed=True)
    titles = Form("::", ("item", "title", "genres"), encoding="latin-1", closed=True)
    return _load(ML_1M, folder, ratings, _movies(folder / "movies.dat", titles), scale=(1.0, 5.0))


def ml_latest_small() -> Interactions:
    """MovieLens latest-small (2018): ratings 0.5 to 5 in half stars of 610 users for 9,724 films."""
    folder = find(ML_LATEST_SMALL)
    ratings = Form(",", RATING_COLUMNS, header=("userId", "movieId", "rating", "timestamp"), closed=True)
    titles = Form(",", ("item", "title", "genres"), header=("movieId", "title", "genres"), quoted=True, closed=True)
    return _load(ML_LATEST_SMALL, folder, ratings, _movies(folder / "movies.csv", titles), scale=(0.5, 5.0))


def _load(source: Source, folder: Path, form: Form, movies: list[Movie], scale: tuple[float, float]) -> Interactions:
    columns = {
        "user": Column("whole"),
        "item": Column("whole"),
        "rating": Column("number", *scale),
        "timestamp": Column("whole"),
    }
    table = {name: to_numpy(values) for name, values in read_table(folder / source.files[0], form, columns).items()}
    titles = {item: title for item, title, _ in movies}
    interactions = Interactions.from_columns(
        source.name,
        table["user"],
        table["item"],
        table["rating"],
        table["timestamp"],
        titles=titles,
        genres={item: genres for item, _, genres in movies},
        relevance_threshold=RELEVANT,
        rating_scale=scale,
    )
    check_titles(folder / source.files[1], interactions, titles)
    check_counts(source, interactions, folder)
    return interactions


def _movies(path: Path, form: Form) -> list[Movie]:
    """The movies of a file whose genres stand in one field."""
    return [
        (_item_id(path, line, item), title.strip(), _genres(genres.split("|")))
        for line, (item, title, genres) in records(path, form)
    ]


def _item_id(path: Path, line: int, text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise DatasetError(f"{path}, line {line}: item id '{text[:60]}' is not a whole number. Get the file again.")
    return int(text)


def _flagged(flags: Iterable[str]) -> list[str]:
    return [genre for genre, flag in zip(GENRES, flags, strict=True) if flag == "1"]


def _genres(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(name for name in names if name not in NO_GENRES)
