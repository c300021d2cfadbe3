"""A split comes back from its folder as it was, and goes out as CSV that any program reads."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import splits
from splits import Interactions, Split, SplitError
from splits.files import load_split, save_split, write_csv


@pytest.fixture
def full():
    """A split with every column and every kind of metadata."""
    interactions = Interactions.from_columns(
        "Filme, 日本",
        ["ana", "ana", 'b"o"b', "c,d", "zoë"],
        [7, 3, 7, 9, 3],
        [4, 3.5, 0.1, 5, 1],
        [100, 200, -5, 2**40, 0],
        titles={7: "Amélie, or not", 3: "七人の侍"},
        genres={7: ("Comedy", "Romance"), 9: ()},
        relevance_threshold=4,
        rating_scale=(0.1, 5),
        held_out=[0, 1, 0, 0, 1],
    )
    return Split(interactions, np.array([False, True, False, False, True]))


@pytest.fixture
def bare():
    """A split of clicks: no ratings, time, titles, genres or scale."""
    interactions = Interactions.from_columns("clicks", [1, 1, 2, 2], [10, 20, 10, 30])
    return Split(interactions, np.array([False, True, False, True]))


def assert_same(one, other):
    assert one.content_hash == other.content_hash
    assert np.array_equal(one.in_test, other.in_test)
    for name in ("users", "items", "ratings", "timestamps", "user_ids", "item_ids", "titles", "held_out"):
        a, b = getattr(one.interactions, name), getattr(other.interactions, name)
        assert (a is None) == (b is None), name
        if a is not None:
            assert a.dtype == b.dtype, name
            assert np.array_equal(a, b), name
    for name in ("name", "genres", "relevance_threshold", "rating_scale"):
        assert getattr(one.interactions, name) == getattr(other.interactions, name), name


@pytest.mark.parametrize("kind", ["full", "bare"])
def test_a_split_comes_back_as_it_was(kind, request, tmp_path):
    split = request.getfixturevalue(kind)
    save_split(split, tmp_path / "new" / "folder")
    loaded = load_split(tmp_path / "new" / "folder")
    assert_same(loaded, split)
    assert np.array_equal(loaded.train.positives().toarray(), split.train.positives().toarray())
    assert loaded.test.users.tolist() == split.test.users.tolist()


IDS = st.one_of(st.integers(-(2**63), 2**63 - 1), st.text(st.characters(exclude_characters="\0"), min_size=1))


@given(rows=st.lists(st.tuples(IDS, IDS, st.floats(width=32, allow_nan=False, allow_infinity=False)), min_size=1))
def test_any_ids_and_ratings_survive_the_round_trip(rows, tmp_path_factory):
    users, items, ratings = zip(*rows, strict=True)
    interactions = Interactions.from_columns("drawn", users, items, ratings)
    split = Split(interactions, np.arange(len(interactions)) % 3 == 1)
    folder = tmp_path_factory.mktemp("round-trip")
    save_split(split, folder)
    assert_same(load_split(folder), split)


def test_loaded_arrays_are_mapped_and_cannot_be_written(full, tmp_path):
    save_split(full, tmp_path)
    loaded = load_split(tmp_path)
    for values in (loaded.in_test, loaded.interactions.users, loaded.interactions.titles):
        assert type(values) is np.ndarray
        assert isinstance(values.base, np.memmap)
        with pytest.raises(ValueError, match="read-only"):
            values[0] = values[1]


def test_another_process_sees_the_same_split(full, tmp_path):
    save_split(full, tmp_path)
    script = f"from splits.files import load_split; print(load_split({str(tmp_path)!r}).content_hash)"
    environment = os.environ | {"PYTHONPATH": str(Path(splits.__file__).parents[1])}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == full.content_hash


def test_saving_again_replaces_the_split_and_leaves_loaded_ones_alone(full, bare, tmp_path):
    save_split(full, tmp_path)
    first = load_split(tmp_path)
    save_split(bare, tmp_path)
    assert_same(load_split(tmp_path), bare)  # though the older ratings.npy still lies there
    assert_same(first, full)
    assert not list(tmp_path.glob(".tmp-*"))


def test_nothing_is_pickled(full, tmp_path):
    save_split(full, tmp_path)
    assert {path.suffix for path in tmp_path.iterdir()} == {".npy", ".json"}
    for path in tmp_path.glob("*.npy"):
        np.load(path, allow_pickle=False)


def test_a_folder_without_a_finished_split_is_an_error(full, tmp_path):
    with pytest.raises(SplitError, match=r"split\.json: no finished split here"):
        load_split(tmp_path)
    save_split(full, tmp_path)
    (tmp_path / "split.json").write_text('{"format": 1, ')
    with pytest.raises(SplitError, match=r"split\.json: no finished split here"):
        load_split(tmp_path)


@pytest.mark.parametrize("text", ['{"format": 99}', "[]", "{}"])
def test_another_format_is_an_error(text, tmp_path):
    (tmp_path / "split.json").write_text(text)
    with pytest.raises(SplitError, match=r"format (99|None), this version reads 1"):
        load_split(tmp_path)


@pytest.mark.parametrize("name", ["users", "in_test", "titles"])
def test_a_missing_or_cut_off_array_is_an_error_that_names_the_file(name, full, tmp_path):
    save_split(full, tmp_path)
    path = tmp_path / f"{name}.npy"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(SplitError, match=f"{name}.npy: can't be read"):
        load_split(tmp_path)
    path.unlink()
    with pytest.raises(SplitError, match=f"{name}.npy: can't be read"):
        load_split(tmp_path)


def test_a_description_without_an_array_is_an_error(full, tmp_path):
    save_split(full, tmp_path)
    description = json.loads((tmp_path / "split.json").read_text())
    description["arrays"].remove("in_test")
    (tmp_path / "split.json").write_text(json.dumps(description))
    with pytest.raises(SplitError, match="has no 'in_test'; save the split again"):
        load_split(tmp_path)


def test_csv_has_exactly_these_bytes(full, tmp_path):
    write_csv(full, tmp_path / "out")
    train = 'user,item,rating,timestamp\nana,7,4,100\n"b""o""b",7,0.1,-5\n"c,d",9,5,1099511627776\n'
    test = "user,item,rating,timestamp\nana,3,3.5,200\nzoë,3,1,0\n"
    assert (tmp_path / "out" / "train.csv").read_bytes() == train.encode("utf-8")
    assert (tmp_path / "out" / "test.csv").read_bytes() == test.encode("utf-8")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["test.csv", "train.csv"]


def test_csv_has_only_the_columns_that_there_are(bare, tmp_path):
    write_csv(bare, tmp_path)
    assert (tmp_path / "train.csv").read_text() == "user,item\n1,10\n2,10\n"
    assert (tmp_path / "test.csv").read_text() == "user,item\n1,20\n2,30\n"


def test_csv_reads_back_as_the_same_interactions(tmp_path):
    rng = np.random.default_rng(3)
    ratings = rng.normal(size=300).astype(np.float32) * 10.0 ** rng.integers(-20, 20, 300)
    interactions = Interactions.from_columns(
        "noise", np.arange(300) // 10, np.arange(300), ratings, rng.integers(0, 2**50, 300)
    )
    split = splits.random(interactions, 0)
    write_csv(split, tmp_path)
    for name, part in (("train.csv", split.train), ("test.csv", split.test)):
        with open(tmp_path / name, newline="") as stream:
            table = list(csv.DictReader(stream))
        assert [int(row["user"]) for row in table] == part.user_ids[part.users].tolist()
        assert [int(row["item"]) for row in table] == part.item_ids[part.items].tolist()
        assert [int(row["timestamp"]) for row in table] == part.timestamps.tolist()
        assert [np.float32(row["rating"]) for row in table] == part.ratings.tolist()


def test_a_failed_export_leaves_what_was_there(full, bare, tmp_path, monkeypatch):
    write_csv(bare, tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def fail_half_way(part, path):
        path.write_text("user,item,rating,timestamp\nana,7,")
        if path.name.endswith("test.csv"):
            raise OSError("disk full")

    monkeypatch.setattr("splits.files._write_table", fail_half_way)
    with pytest.raises(OSError, match="disk full"):
        write_csv(full, tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_save_that_was_interrupted_is_never_taken_for_a_split(full, bare, tmp_path, monkeypatch):
    """Some arrays are the new split's and some the old one's by then."""
    save_split(full, tmp_path)
    monkeypatch.setattr("splits.files._description", lambda split: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        save_split(bare, tmp_path)
    with pytest.raises(SplitError, match="no finished split here"):
        load_split(tmp_path)


@pytest.mark.parametrize(
    "changes",
    [
        *({"arrays": 3}, {"arrays": ["../../users"]}),
        *({"genres": 7}, {"genres": [3]}, {"rating_scale": [1]}, {"rating_scale": 5}),
    ],
)
def test_a_description_edited_by_hand_is_an_error(changes, full, tmp_path):
    save_split(full, tmp_path)
    path = tmp_path / "split.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    with pytest.raises(SplitError, match=r"split\.json"):
        load_split(tmp_path)


def test_a_description_of_many_levels_is_an_error(tmp_path):
    (tmp_path / "split.json").write_text("[" * 100_000)
    with pytest.raises(SplitError, match="no finished split here"):
        load_split(tmp_path)
