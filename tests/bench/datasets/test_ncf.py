"""NCF's leave-one-out test with its sampled candidates."""

import numpy as np
import pytest

from bench.datasets.errors import DatasetError
from bench.datasets.ncf import ml_1m_ncf

pytestmark = pytest.mark.filterwarnings("ignore::bench.datasets.errors.DatasetWarning")

RATINGS = "1::50::5::10\n1::20::3::11\n2::50::4::12\n2::90::1::13\n3::20::2::14\n3::90::2::15\n"
MOVIES = "20::A (1990)::Drama\n50::B (1991)::Drama\n90::C (1992)::Drama\n"


def line(user, item, *negatives):
    """A line of 99 sampled items, the last of the given ones repeated."""
    return f"({user},{item})" + "".join(f"\t{n}" for n in [*negatives, *[negatives[-1]] * (99 - len(negatives))])


@pytest.fixture
def written(tmp_path, monkeypatch):
    def written(*lines):
        for name, files in {
            "ml-1m": {"ratings.dat": RATINGS, "movies.dat": MOVIES},
            "ml-1m-ncf": {"ml-1m.test.negative": "\n".join(lines) + "\n"},
        }.items():
            (tmp_path / name).mkdir(exist_ok=True)
            for file, text in files.items():
                (tmp_path / name / file).write_text(text)
        monkeypatch.setenv("BENCH_DATA", str(tmp_path))

    return written


def test_items_are_numbered_as_the_ratings_first_name_them(written):
    """50, 20, 90 are NCF's items 0, 1, 2 and, sorted by id, the codes 1, 0, 2."""
    written(line(0, 1, 2), line(1, 2, 1), line(2, 2, 0, 2))
    data, candidates = ml_1m_ncf()
    held_out = data.item_ids[data.items[data.held_out]]
    assert held_out.tolist() == [20, 90, 90]
    assert data.ratings is None
    assert candidates[0, :3].tolist() == [0, 2, -1]
    assert candidates[2, :3].tolist() == [2, 1, -1]  # the item itself among its negatives is there once


@pytest.mark.parametrize(
    ("first", "message"),
    [
        ("(0,1)\t2\t3", "line 1: is not"),
        (line(7, 1, 2), "line 1: user 7 or an item isn't in MovieLens 1M"),
        (line(0, 9, 2), "line 1: user 0 or an item isn't"),
        (line(0, 2, 1), "1 of its test rows aren't in ml-1m"),
    ],
)
def test_a_file_that_does_not_fit_is_refused(written, first, message):
    written(first, line(1, 2, 1), line(2, 2, 0))
    with pytest.raises(DatasetError, match=message):
        ml_1m_ncf()


def test_the_published_file_has_6040_users_and_156_repeats(data_folder, monkeypatch):
    if not (data_folder / "ml-1m-ncf").is_dir():
        pytest.skip("no ml-1m-ncf")
    monkeypatch.setenv("BENCH_DATA", str(data_folder))
    data, candidates = ml_1m_ncf()
    assert data.held_out.sum() == data.n_users == 6040
    assert (candidates[:, 0] >= 0).all()
    assert all(len(np.unique(row[row >= 0])) == (row >= 0).sum() for row in candidates[:200])
    assert (candidates[:, -1] < 0).sum() >= 156
