"""Gowalla with its published split."""

import warnings

import pytest

from bench.datasets.errors import DatasetError, DatasetWarning
from bench.datasets.gowalla import gowalla


def test_the_published_test_rows_are_held_out(own_data):
    with pytest.warns(DatasetWarning, match="gowalla in .* has 7 rows, 2 users and 4 items"):
        data = gowalla()
    rows = list(zip(data.user_ids[data.users].tolist(), data.item_ids[data.items].tolist(), strict=True))
    assert rows == [(0, 0), (0, 1), (0, 2), (1, 2), (0, 3), (1, 0), (1, 1)]
    assert data.held_out.tolist() == [False] * 4 + [True] * 3
    assert (data.ratings, data.timestamps, data.titles, data.relevance_threshold) == (None, None, None, None)


@pytest.mark.filterwarnings("ignore::bench.datasets.errors.DatasetWarning")
def test_a_user_without_test_items_is_fine(own_data):
    (own_data / "gowalla" / "test.txt").write_text("0 3\n1 \n")
    assert gowalla().held_out.sum() == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("0 0 1\n1 x\n", "line 2: 'x' is not a whole number from 0"),
        ("0 0 1\n1 -2\n", "line 2: '-2' is not a whole number from 0"),
        ("0 0 1\n1 2.0\n", "line 2: '2.0' is not a whole number from 0"),
        ("0 0 1\n1 1_0\n", "line 2: '1_0' is not a whole number from 0"),
        ("0 0 1\n1 2", "line 2: the last line has no end"),
        ("", "is empty"),
        (" \n", "is empty"),
        ("0\t1\n", "line 1: 2 fields"),
    ],
)
@pytest.mark.parametrize("file", ["train.txt", "test.txt"])
def test_a_damaged_file_is_never_loaded(own_data, file, content, message):
    (own_data / "gowalla" / file).write_text(content)
    with pytest.raises(DatasetError, match=rf"{file}.*{message}"):
        gowalla()


def test_the_real_set_is_whole(real):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        data = gowalla()
    assert (data.n_users, data.n_items) == (29_858, 40_981)
    assert ((~data.held_out).sum(), data.held_out.sum()) == (810_128, 217_242)
    assert data.item_ids[[0, -1]].tolist() == [0, 40_980]
