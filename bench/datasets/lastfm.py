"""Last.fm listening counts, hetrec2011-lastfm-2k (Cantador, Brusilovsky and Kuflik 2011)."""

from __future__ import annotations

from bench.datasets.columns import Column, to_numpy
from bench.datasets.sources import Counts, Download, Source, check_counts, check_titles, find
from bench.datasets.table import Form, read_table
from splits.interactions import Interactions

LASTFM = Source(
    name="lastfm",
    folder="hetrec2011-lastfm-2k",
    files=("user_artists.dat", "artists.dat"),
    downloads=(Download("https://files.grouplens.org/datasets/hetrec2011/hetrec2011-lastfm-2k.zip"),),
    counts=Counts(92_834, 1_892, 17_632),
)


def lastfm() -> Interactions:
    """How often 1,892 users listened to 17,632 artists: counts stand where other sets have ratings."""
    folder = find(LASTFM)
    plays = read_table(
        folder / "user_artists.dat",
        Form("\t", ("user", "item", "count"), header=("userID", "artistID", "weight"), closed=True),
        {"user": Column("whole"), "item": Column("whole"), "count": Column("number", lowest=1)},
    )
    artists = read_table(
        folder / "artists.dat",
        Form("\t", ("item", "name", "address", "picture"), header=("id", "name", "url", "pictureURL"), closed=True),
        {"item": Column("whole"), "name": Column("text")},
    )
    names = dict(zip(artists["item"].to_pylist(), artists["name"].to_pylist(), strict=True))
    interactions = Interactions.from_columns(
        LASTFM.name,
        to_numpy(plays["user"]),
        to_numpy(plays["item"]),
        to_numpy(plays["count"]),
        titles=names,
    )
    check_titles(folder / "artists.dat", interactions, names)
    check_counts(LASTFM, interactions, folder)
    return interactions
