"""Files for TensorBoard's projector, read back as the projector reads them."""

import dataclasses
import re

import numpy as np
import pytest

from reports.projector import CONFIG, write_projector
from reports.store import Store, StoreError

N_USERS = 9


@pytest.fixture
def make_folder(tmp_path, fake):
    """A function: a results folder in which these models kept these vectors (None: nobody asked)."""

    def make(kept, **dataset):
        store = Store(tmp_path / "results")
        described = fake.dataset("ml-1m")
        n_items = len(described["item_ids"])
        described |= {
            "user_ids": [10 * user for user in range(N_USERS)],
            "genres": [["Drama", "War"] for _ in range(n_items)],
            "item_counts": list(range(n_items)),
        }
        for model, sides in kept.items():
            result = fake.result("ml-1m", model, n_users=N_USERS - 1)
            result.per_user["n_train"] = np.arange(20, 20 + N_USERS - 1, dtype=np.int32)
            vectors = None if sides is None else {side: random_vectors(side, n_items) for side in sides}
            store.write(dataclasses.replace(result, vectors=vectors))
            store.write_dataset(result.cell, described | dataset)
        return tmp_path / "results"

    return make


def random_vectors(side, n_items, d=7):
    rng = np.random.default_rng(len(side))
    return (rng.standard_normal((n_items if side == "item_factors" else N_USERS, d)) / 3).astype(np.float32)


def read_config(folder):
    """The embeddings of the configuration, each a dict; the shape is a tuple."""
    text = (folder / CONFIG).read_text(encoding="utf-8")
    found = []
    for body in re.findall(r"embeddings \{\n(.*?)^\}\n", text, re.DOTALL | re.MULTILINE):
        fields = dict(re.findall(r'^  (\w+): "(.*)"$', body, re.MULTILINE))
        found.append(fields | {"shape": tuple(map(int, re.findall(r"tensor_shape: (\d+)", body)))})
    assert text.count("embeddings {") == len(found)
    return found


def read_tensor(path):
    """As TensorBoard's plug-in does: lines of floats between tabs."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return np.array([[float(number) for number in line.split("\t")] for line in lines], np.float32)


def read_metadata(path):
    """As the page does: lines, cells, the first line names the columns."""
    names, *rows = [line.split("\t") for line in path.read_bytes().decode().rstrip("\n").split("\n")]
    assert all(len(row) == len(names) for row in rows)
    return [dict(zip(names, row, strict=True)) for row in rows]


BOTH = ("item_factors", "user_factors")


def test_vectors_and_what_they_are_of_come_back(make_folder, tmp_path, fake):
    projected = write_projector(make_folder({"als": BOTH, "bpr": BOTH}), tmp_path / "board")
    embeddings = {one["tensor_name"]: one for one in read_config(tmp_path / "board")}
    assert list(embeddings) == [
        f"ml-1m, random, seed 0: {model}, {side}" for model in ("als", "bpr") for side in ("items", "users")
    ]
    items, users = (embeddings[f"ml-1m, random, seed 0: bpr, {side}"] for side in ("items", "users"))
    n_items = len(fake.dataset("ml-1m")["item_ids"])
    for one, side in ((items, "item_factors"), (users, "user_factors")):
        expected = random_vectors(side, n_items)
        np.testing.assert_array_equal(read_tensor(tmp_path / "board" / one["tensor_path"]), expected)
        assert one["shape"] == expected.shape
    described = read_metadata(tmp_path / "board" / items["metadata_path"])
    assert [row["title"] for row in described] == fake.dataset("ml-1m")["titles"]
    assert described[3] == {
        "title": "Babe (1995)",
        "item": "103",
        "genres": "Drama, War",
        "interactions in train": "3",
    }
    people = read_metadata(tmp_path / "board" / users["metadata_path"])
    assert people[2] == {"user": "20", "interactions in train": "22"}
    assert people[-1] == {"user": "80", "interactions in train": ""}  # nothing of this user was held out
    assert projected.missing == []
    assert {path.relative_to(tmp_path / "board") for path in projected.files} == {
        path.relative_to(tmp_path / "board") for path in (tmp_path / "board").rglob("*") if path.is_file()
    }
    assert projected.files[0] == tmp_path / "board" / CONFIG


HOSTILE = [
    "a\ttab",
    "two\nlines\r\n",
    "\u2028separators\x85\x0b",
    '"quotes" \\',
    "",
    " ",
    "<script>",
    "שלום 🎬",
    "\0",
    "x" * 9999,
]


def test_no_title_ends_a_cell_or_a_line(make_folder, tmp_path, fake):
    n_items = len(fake.dataset("ml-1m")["item_ids"])
    titles = (HOSTILE * n_items)[:n_items]
    folder = make_folder({"als": BOTH}, titles=titles, genres=[["a\tb"]] * n_items, name="x")
    write_projector(folder, tmp_path / "board")
    described = read_metadata(tmp_path / "board" / read_config(tmp_path / "board")[0]["metadata_path"])
    assert len(described) == n_items
    assert [row["title"] for row in described[:10]] == [
        "a tab",
        "two lines",
        "separators",
        '"quotes" \\',
        "",
        "",
        "<script>",
        "שלום 🎬",
        "",
        "x" * 9999,
    ]
    assert described[0]["genres"] == "a b"


def test_a_hostile_name_of_data_or_model_stays_one_string_and_one_file(tmp_path, fake):
    store = Store(tmp_path / "results")
    name = 'my "own"\n../data:0'
    result = fake.result("ml-1m", "als", n_users=N_USERS)
    cell = dataclasses.replace(result.cell, dataset=name, model=name)
    store.write(dataclasses.replace(result, cell=cell, vectors={"user_factors": random_vectors("user_factors", 0)}))
    projected = write_projector(tmp_path / "results", tmp_path / "board")
    (one,) = read_config(tmp_path / "board")
    assert one["tensor_name"] == r"my \"own\" ../data:0, random, seed 0: my \"own\" ../data:0, users"
    assert all(path.resolve().is_relative_to(tmp_path / "board") for path in projected.files)
    assert (tmp_path / "board" / one["tensor_path"]).is_file()


def test_without_a_description_there_are_codes(tmp_path, fake):
    store = Store(tmp_path / "results")
    vectors = {side: random_vectors(side, 4) for side in BOTH}
    store.write(dataclasses.replace(fake.result("ml-1m", "als", n_users=N_USERS), vectors=vectors))
    write_projector(tmp_path / "results", tmp_path / "board")
    items, users = (read_metadata(tmp_path / "board" / one["metadata_path"]) for one in read_config(tmp_path / "board"))
    assert [row["item"] for row in items] == ["0", "1", "2", "3"]
    assert [row["user"] for row in users] == [str(user) for user in range(N_USERS)]


def test_models_that_have_none_or_kept_none_are_named(make_folder, tmp_path):
    folder = make_folder({"als": BOTH, "ease": (), "popularity": (), "warp": None})
    projected = write_projector(folder, tmp_path / "board")
    assert len(read_config(tmp_path / "board")) == 2
    nothing, not_kept = sorted(projected.missing, key=lambda sentence: "kept" in sentence)
    assert nothing == "ml-1m, random: ease, popularity: the model has no vectors"
    assert not_kept.startswith("ml-1m, random: warp: no vectors were kept")


def test_where_nobody_kept_vectors_nothing_is_written(make_folder, tmp_path):
    projected = write_projector(make_folder({"als": None}), tmp_path / "board")
    assert projected.files == []
    assert len(projected.missing) == 1
    assert not (tmp_path / "board").exists()


def test_the_same_results_give_the_same_bytes(make_folder, tmp_path):
    folder = make_folder({"als": BOTH, "bpr": BOTH})
    first, second = (write_projector(folder, tmp_path / name).files for name in "ab")
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_a_description_of_other_items_is_refused(make_folder, tmp_path):
    with pytest.raises(StoreError, match=r"item_ids, titles.* are of 2 lengths"):
        write_projector(make_folder({"als": BOTH}, titles=["one", "two"]), tmp_path / "board")
