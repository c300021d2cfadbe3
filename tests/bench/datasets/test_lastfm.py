"""Last.fm's listening counts."""

import warnings

import numpy as np
import pytest

from bench.datasets.errors import DatasetError, DatasetWarning
from bench.datasets.lastfm import lastfm

FOLDER = "hetrec2011-lastfm-2k"


def test_counts_stand_where_ratings_do(own_data):
    with pytest.warns(DatasetWarning, match="has 3 rows"):
        data = lastfm()
    assert data.ratings.tolist() == [13883, 1, 7]
    assert data.titles.tolist() == ["Duran Duran", '"Weird Al" Björk']
    assert (data.relevance_threshold, data.rating_scale, data.timestamps, data.genres) == (None, None, None, None)
    assert np.allclose(data.positives().data, np.log1p([13883, 1, 7]))


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("user_artists.dat", b"\t7\n", b"\t0\n", r"user_artists\.dat, line 4: column 'count' is 0, not"),
        ("user_artists.dat", b"\t7\n", b"\tmany\n", "line 4: column 'count' is 'many', not a number"),
        ("user_artists.dat", b"\t7\n", b"\n", "line 4: 2 fields .* where 3 belong. The file is cut off"),
        ("user_artists.dat", b"\t7\n", b"\t7", "line 4: the last line has no end"),
        ("user_artists.dat", b"weight", b"plays", "line 1: .* where the header .* belongs"),
        ("artists.dat", b"52\t", b"99\t", "artists.dat has no line for 1 of the items, the first of them 52"),
        ("artists.dat", b"\xc3\xb6", b"\xf6", None),
        ("artists.dat", b"\thttp://z", b"", r"artists\.dat, line 3: 3 fields .* where 4 belong"),
    ],
)
def test_a_damaged_file_is_never_loaded(own_data, file, old, new, message):
    path = own_data / FOLDER / file
    assert old in path.read_bytes()
    path.write_bytes(path.read_bytes().replace(old, new))
    with pytest.raises(DatasetError, match=message or r"artists\.dat, line 3: byte 0xf6 is not UTF-8"):
        lastfm()


def test_the_real_set_is_whole(real):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        data = lastfm()
    assert (len(data), data.n_users, data.n_items) == (92_834, 1_892, 17_632)
    assert data.titles[0] == "MALICE MIZER"
    assert '"Weird Al" Yankovic' in data.titles
    assert (data.ratings.min(), data.ratings.max()) == (1, 352_698)
