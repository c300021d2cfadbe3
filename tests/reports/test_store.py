"""The results folder: complete or absent, the same bytes for the same result, errors that name the file."""

import dataclasses
import json
import math
import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from reports import store as store_module
from reports.result import Cell, Curve, ItemMap, MetricValue, Result
from reports.store import Store, StoreError


@pytest.fixture
def result(fake):
    """A finished cell with all that one can hold, but for the factors, which only some keep."""
    result = fake.result("ml-1m", "als", n_users=7)
    result.per_user["n_train"] = np.arange(7, dtype=np.int32)
    result.per_item = {name: np.arange(5, dtype=np.int32) for name in ("recommended@10", "hits@10")}
    result.curve = Curve("ndcg@10", [1, 4, 15], [0.1, 0.3, 0.31], 500)
    result.measured["curve_seconds"] = [0.5, 2.0, 3.1]
    result.item_map = ItemMap(np.array([4, 0, 2], np.int32), np.array([[0, 1.5], [-2, 3], [1, 1]], np.float32))
    return result


@pytest.fixture
def vectors():
    rng = np.random.default_rng(0)
    return {name: rng.standard_normal((n, 3), np.float32) for name, n in (("item_factors", 5), ("user_factors", 7))}


def assert_same(read, written):
    """All fields are equal, but for the time that the store adds to what was measured."""
    for field in dataclasses.fields(Result):
        ours, theirs = getattr(read, field.name), getattr(written, field.name)
        if field.name in ("per_user", "per_item"):
            assert list(ours) == list(theirs)
            for name in ours:
                np.testing.assert_array_equal(ours[name], theirs[name])
                assert ours[name].dtype == theirs[name].dtype
        elif isinstance(theirs, np.ndarray):
            np.testing.assert_array_equal(ours, theirs)
            assert ours.dtype == theirs.dtype
        elif isinstance(theirs, ItemMap):
            for mine, yours in ((ours.items, theirs.items), (ours.places, theirs.places)):
                np.testing.assert_array_equal(mine, yours)
                assert mine.dtype == yours.dtype
        elif field.name == "measured":
            assert {name: value for name, value in ours.items() if name != "finished"} == theirs
        else:
            assert ours == theirs, field.name


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "measured.json"}


class TestRoundTrip:
    def test_a_finished_cell_comes_back_as_it_was(self, tmp_path, result):
        store = Store(tmp_path)
        assert_same(store.read(store.write(result)), result)

    def test_a_cell_with_nothing_but_a_reason_comes_back(self, tmp_path, fake):
        store = Store(tmp_path)
        skipped = fake.problem("ml-1m", "surprise-svd", "skipped", "not installed:\npip install it")
        assert_same(store.read(store.write(skipped)), skipped)

    def test_a_cell_without_lists_keeps_its_values_per_user(self, tmp_path, result):
        result.lists = None
        store = Store(tmp_path)
        assert_same(store.read(store.write(result)), result)

    def test_a_summary_leaves_out_what_is_per_user_and_nothing_else(self, tmp_path, result):
        store = Store(tmp_path)
        store.write(result)
        (summary,) = store.summaries()
        assert_same(
            summary, dataclasses.replace(result, users=None, lists=None, per_user={}, per_item={}, item_map=None)
        )

    def test_no_evaluated_user_is_a_result_too(self, tmp_path, result):
        nobody = dataclasses.replace(
            result, users=result.users[:0], lists=result.lists[:0], per_user={"ndcg@10": np.empty(0)}
        )
        store = Store(tmp_path)
        assert_same(store.read(store.write(nobody)), nobody)

    def test_a_result_of_before_curves_and_maps_comes_back_without(self, tmp_path, fake):
        store = Store(tmp_path)
        older = fake.result("ml-1m", "als", n_users=7, item_map=None, curve=None, per_item={})
        folder = store.write(older)
        content = json.loads((folder / "result.json").read_text())
        assert set(content["tables"]) == {"per_user", "lists"}
        assert "curve" not in content
        assert_same(store.read(folder), older)

    def test_texts_survive_whatever_they_hold(self, tmp_path, result):
        result.error = "half a character: \udc80, a nul: \0, a newline:\n, קוראים, 🎬, </script>"
        result.notes = ["“quoted” \\ back"]
        store = Store(tmp_path)
        assert_same(store.read(store.write(result)), result)

    def test_numpy_scalars_are_stored_as_numbers(self, tmp_path, result):
        result.counts = {"n_users": np.int64(7)}
        result.measured["fit_seconds"] = np.float32(0.5)
        result.neighbours = {3: list(np.arange(3, 6, dtype=np.int32))}
        store = Store(tmp_path)
        read = store.read(store.write(result))
        assert (read.counts, read.measured["fit_seconds"], read.neighbours) == ({"n_users": 7}, 0.5, {3: [3, 4, 5]})

    def test_a_metric_that_is_not_a_number_is_null_in_the_file_and_nan_when_read(self, tmp_path, result):
        result.metrics["ndcg@10"] = MetricValue(math.nan, None, True, 1)
        store = Store(tmp_path)
        folder = store.write(result)
        text = (folder / "result.json").read_text()
        json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} isn't JSON"))
        assert math.isnan(store.read(folder).metrics["ndcg@10"].value)

    def test_an_object_that_is_no_json_is_refused_and_leaves_nothing(self, tmp_path, result):
        result.identity = {"model": object()}
        with pytest.raises(TypeError, match="can't hold a object"):
            Store(tmp_path).write(result)
        assert not list(tmp_path.rglob("*.json"))


class TestBytes:
    def test_the_same_result_gives_the_same_bytes(self, tmp_path, result):
        assert contents(Store(tmp_path / "a").write(result)) == contents(Store(tmp_path / "b").write(result))

    def test_reading_and_writing_again_gives_the_same_bytes(self, tmp_path, result):
        store = Store(tmp_path / "a")
        folder = store.write(result)
        again = Store(tmp_path / "b").write(store.read(folder))
        assert contents(again) == contents(folder)
        assert (again / "measured.json").read_bytes() == (folder / "measured.json").read_bytes()

    def test_the_files_can_be_read_with_nothing_but_json_and_parquet(self, tmp_path, result):
        import pandas as pd

        folder = Store(tmp_path).write(result)
        assert json.loads((folder / "result.json").read_text(encoding="utf-8"))["cell"]["model"] == "als"
        lists = pd.read_parquet(folder / "lists.parquet")
        assert list(lists.columns[:3]) == ["user", "rank_1", "rank_2"]
        np.testing.assert_array_equal(lists.iloc[:, 1:].to_numpy(), result.lists)


class TestVectors:
    def test_factors_come_back_when_they_are_asked_for_and_never_with_the_rest(self, tmp_path, result, vectors):
        store = Store(tmp_path)
        folder = store.write(dataclasses.replace(result, vectors=vectors))
        assert_same(store.read(folder), result)
        read = store.read_vectors(result)
        assert list(read) == list(vectors)
        for name, values in read.items():
            np.testing.assert_array_equal(values, vectors[name])
            assert values.dtype == np.float32

    def test_no_factors_and_nobody_asked_are_told_apart(self, tmp_path, result):
        store = Store(tmp_path)
        store.write(result)
        assert store.read_vectors(result) is None
        store.write(dataclasses.replace(result, vectors={}))
        assert store.read_vectors(result) == {}

    def test_whether_factors_were_kept_is_told_without_reading_them(self, tmp_path, result):
        store = Store(tmp_path)
        assert not store.has_vectors(result.cell, result.key)
        store.write(result)
        assert not store.has_vectors(result.cell, result.key)
        store.write(dataclasses.replace(result, vectors={}))
        assert store.has_vectors(result.cell, result.key)

    def test_factors_change_no_other_file_and_have_the_same_bytes_again(self, tmp_path, result, vectors):
        without = contents(Store(tmp_path / "a").write(result))
        first, second = (
            contents(Store(tmp_path / name).write(dataclasses.replace(result, vectors=vectors))) for name in "bc"
        )
        assert first == second
        assert {name: first[name] for name in without} == without

    @pytest.mark.parametrize("damage", ["empty", "cut off", "changed inside", "other bytes", "pickled", "one array"])
    def test_a_broken_file_is_named(self, tmp_path, result, vectors, damage):
        store = Store(tmp_path)
        path = store.write(dataclasses.replace(result, vectors=vectors)) / "vectors.npz"
        whole = path.read_bytes()
        middle = len(whole) // 4
        path.write_bytes(
            {
                "empty": b"",
                "cut off": whole[: len(whole) // 2],
                "changed inside": whole[:middle] + bytes([whole[middle] ^ 255]) + whole[middle + 1 :],
            }.get(damage, b"PK\3\4 no archive")
        )
        if damage == "pickled":
            np.savez(path, item_factors=np.array([{}], dtype=object))
        elif damage == "one array":
            with open(path, "wb") as stream:
                np.save(stream, vectors["item_factors"])
        with pytest.raises(StoreError, match=r"vectors\.npz.*delete the folder"):
            store.read_vectors(result)

    @pytest.mark.parametrize(
        "wrong",
        [
            {"colours": np.ones((2, 2), np.float32)},
            {"item_factors": np.ones(3, np.float32)},
            {"item_factors": np.array([["a"]])},
            {"user_factors": np.full((2, 2), np.nan, np.float32)},
        ],
    )
    def test_what_are_no_factors_is_named(self, tmp_path, result, wrong):
        store = Store(tmp_path)
        store.write(dataclasses.replace(result, vectors=wrong))
        with pytest.raises(StoreError, match=r"vectors\.npz: (colours|item_factors|user_factors) is not"):
            store.read_vectors(result)


class TestWriting:
    def test_an_older_result_of_the_same_key_is_replaced(self, tmp_path, result):
        store = Store(tmp_path)
        store.write(dataclasses.replace(result, status="failed", error="first try"))
        folder = store.write(result)
        assert store.read(folder).status == "ok"
        assert store.folders() == [folder]
        assert [path.name for path in folder.parent.iterdir()] == [folder.name]

    def test_what_is_told_later_stands_in_the_identity_and_changes_nothing_else(self, tmp_path, result):
        store = Store(tmp_path)
        folder = store.write(result)
        before = contents(folder)
        told = store.tell(store.read(folder), {"tuned": True})
        assert told.identity == {**result.identity, "tuned": True}
        assert_same(store.read(folder), dataclasses.replace(result, identity=told.identity))
        assert {name for name, content in contents(folder).items() if before.get(name) != content} == {"result.json"}
        told_at = (folder / "result.json").stat().st_mtime_ns
        store.tell(told, {"tuned": True})
        assert (folder / "result.json").stat().st_mtime_ns == told_at

    def test_results_of_several_keys_lie_side_by_side(self, tmp_path, result):
        store = Store(tmp_path)
        store.write(result)
        store.write(dataclasses.replace(result, key="another key"))
        assert len(list(store)) == 2

    def test_cells_without_a_key_differ_by_their_parameters(self, tmp_path, fake):
        store = Store(tmp_path)
        for factors in (8, 16, 16):
            skipped = fake.problem("ml-1m", "als", "skipped", "no data", parameters={"factors": factors})
            store.write(dataclasses.replace(skipped, key=""))
        assert sorted(result.cell.parameters["factors"] for result in store) == [8, 16]

    @pytest.mark.parametrize("failing", ["_write_parquet", "write_text", "_replace_folder"])
    def test_a_write_that_breaks_off_leaves_nothing(self, tmp_path, result, monkeypatch, failing):
        def killed(*_):
            raise KeyboardInterrupt

        monkeypatch.setattr(store_module, failing, killed)
        with pytest.raises(KeyboardInterrupt):
            Store(tmp_path).write(result)
        assert not [path for path in tmp_path.rglob("*") if path.is_file()]
        assert Store(tmp_path).folders() == []

    def test_a_write_that_breaks_off_leaves_the_older_result(self, tmp_path, result, monkeypatch):
        store = Store(tmp_path)
        store.write(result)
        monkeypatch.setattr(store_module, "_write_parquet", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            store.write(result)
        assert_same(next(iter(store)), result)

    def test_what_a_killed_process_left_is_never_read(self, tmp_path, result):
        """A process killed just before the rename leaves all files under a temporary name."""
        store = Store(tmp_path)
        folder = store.write(result)
        os.rename(folder, folder.with_name(".tmp-abc123"))
        assert store.folders() == []
        assert store.find(result.cell, result.key) is None

    def test_many_writers_of_one_cell_leave_one_complete_result(self, tmp_path, result):
        store = Store(tmp_path)
        with ThreadPoolExecutor(8) as pool:
            folders = set(pool.map(lambda _: store.write(result), range(24)))
        assert len(folders) == 1
        assert_same(store.read(folders.pop()), result)

    def test_write_text_that_fails_keeps_the_older_file(self, tmp_path, monkeypatch):
        path = tmp_path / "report.csv"
        store_module.write_text(path, "first\n")
        monkeypatch.setattr(os, "replace", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            store_module.write_text(path, "second\n")
        assert path.read_bytes() == b"first\n"
        assert list(tmp_path.iterdir()) == [path]


class TestFind:
    def test_a_finished_cell_is_found_by_its_key(self, tmp_path, result):
        store = Store(tmp_path)
        folder = store.write(result)
        assert store.find(result.cell, result.key) == folder
        assert store.find(result.cell, "another") is None
        assert store.find(dataclasses.replace(result.cell, model_seed=1), result.key) is None

    def test_a_key_with_the_same_beginning_is_another_key(self, tmp_path, result):
        store = Store(tmp_path)
        store.write(dataclasses.replace(result, key="0123456789abcdef"))
        assert store.find(result.cell, "0123456789ab") is None

    def test_a_failed_cell_is_not_finished(self, tmp_path, result):
        store = Store(tmp_path)
        store.write(dataclasses.replace(result, status="failed"))
        assert store.find(result.cell, result.key) is None


class TestBrokenFiles:
    @pytest.mark.parametrize(
        "name",
        ["result.json", "measured.json", "per_user.parquet", "lists.parquet", "per_item.parquet", "map.parquet"],
    )
    @pytest.mark.parametrize("damage", ["missing", "empty", "cut off", "other bytes"])
    def test_a_broken_file_is_named(self, tmp_path, result, name, damage):
        store = Store(tmp_path)
        path = store.write(result) / name
        whole = path.read_bytes()
        if damage == "missing":
            path.unlink()
        else:
            path.write_bytes({"empty": b"", "cut off": whole[: len(whole) // 2], "other bytes": b"\xff\xfe{}"}[damage])
        with pytest.raises(StoreError, match=f"{name}.*delete the folder"):
            store.read(path.parent)

    @pytest.mark.parametrize(
        ("keys", "value"),
        [
            (["format"], 99),
            (["format"], None),
            (["status"], "great"),
            (["cell"], "als"),
            (["cell", "parameters"], [1]),
            (["cell", "split_seed"], "first"),
            (["cell", "colour"], "blue"),
            (["metrics"], []),
            (["metrics", "ndcg@10"], 0.4),
            (["metrics", "ndcg@10", "value"], "high"),
            (["neighbours"], {"Toy Story": [1]}),
            (["counts", "n_users"], "many"),
            (["notes"], None),
            (["tables"], {"lists": "all"}),
            (["tables"], {"lists": 3}),
            (["curve"], [0.1, 0.2]),
            (["curve", "metric"], 10),
            (["curve", "epochs"], [1, 2]),
            (["curve", "epochs"], [1, 1, 15]),
            (["curve", "epochs"], [15, 4, 1]),
            (["curve", "values"], [0.1, "0.3", 0.31]),
            (["curve", "values"], [0.1, None, 0.31]),
            (["curve", "n_users"], -1),
            (["curve", "colour"], "blue"),
        ],
    )
    def test_a_file_edited_into_something_else_is_named(self, tmp_path, result, keys, value):
        store = Store(tmp_path)
        folder = store.write(result)
        content = json.loads((folder / "result.json").read_text())
        inner = content
        for key in keys[:-1]:
            inner = inner[key]
        inner[keys[-1]] = value
        (folder / "result.json").write_text(json.dumps(content))
        with pytest.raises(StoreError, match=r"result\.json|lists\.parquet"):
            store.read(folder)

    @pytest.mark.parametrize("missing", ["cell", "key", "status", "metrics", "tables"])
    def test_a_missing_entry_is_named(self, tmp_path, result, missing):
        store = Store(tmp_path)
        folder = store.write(result)
        content = json.loads((folder / "result.json").read_text())
        del content[missing]
        (folder / "result.json").write_text(json.dumps(content))
        with pytest.raises(StoreError, match=f"result\\.json: .*{missing}"):
            store.read(folder)

    def test_a_table_without_users_is_named(self, tmp_path, result):
        store = Store(tmp_path)
        folder = store.write(result)
        store_module._write_parquet(folder / "per_user.parquet", {"ndcg@10": np.ones(7)})
        with pytest.raises(StoreError, match=r"per_user\.parquet"):
            store.read(folder)

    @pytest.mark.parametrize("seconds", [None, "fast", 3, [1.0, 2.0], [1.0, 3.0, 2.0], [-1.0, 2.0, 3.0], [1, 2, None]])
    def test_seconds_that_are_not_the_curves_are_named(self, tmp_path, result, seconds):
        result.measured["curve_seconds"] = seconds
        store = Store(tmp_path)
        with pytest.raises(StoreError, match=r"measured\.json: curve_seconds"):
            store.read(store.write(result))

    @pytest.mark.parametrize(
        ("name", "columns"),
        [
            ("map", {"item": [0, 1, 1], "x": [0.0, 1.0, 2.0], "y": [0.0, 1.0, 2.0]}),
            ("map", {"item": [0, 1, -2], "x": [0.0, 1.0, 2.0], "y": [0.0, 1.0, 2.0]}),
            ("map", {"item": [0.0, 1.0, 2.0], "x": [0.0, 1.0, 2.0], "y": [0.0, 1.0, 2.0]}),
            ("map", {"item": [0, 1, 2], "x": [0.0, 1.0, np.inf], "y": [0.0, 1.0, 2.0]}),
            ("map", {"item": [0, 1, 2], "x": [0.0, 1.0, 2.0]}),
            ("map", {"item": [0, 1, 2], "x": [0.0, 1.0, 2.0], "z": [0.0, 1.0, 2.0]}),
            ("map", {"item": [0, 1], "x": [0.0, 1.0], "y": [0.0, 1.0]}),
            ("per_item", {"item": [0, 1, 2, 3, 3], "hits@10": [0, 0, 0, 0, 0]}),
            ("per_item", {"item": [0, 1, 2, 3, 4], "hits@10": [0, 0, 0, 0, -1]}),
            ("per_item", {"item": [0, 1, 2, 3, 4], "hits@10": [0, 0, 0, 0, 0.5]}),
            ("per_item", {"user": [0, 1, 2, 3, 4], "hits@10": [0, 0, 0, 0, 0]}),
            ("per_item", {"item": [0, 1], "hits@10": [0, 0]}),
        ],
    )
    def test_a_table_with_other_values_is_named(self, tmp_path, result, name, columns):
        store = Store(tmp_path)
        folder = store.write(result)
        store_module._write_parquet(folder / f"{name}.parquet", {key: np.array(one) for key, one in columns.items()})
        with pytest.raises(StoreError, match=rf"{name}\.parquet"):
            store.read(folder)

    @pytest.mark.parametrize("text", ["[]", "nonsense", '{"titles": 3}', '{"showcase": [{"user": 1}]}'])
    def test_a_broken_data_set_is_named(self, tmp_path, result, text):
        store = Store(tmp_path)
        store.write_dataset(result.cell, {"name": "ml-1m"})
        path = next(tmp_path.rglob("dataset.json"))
        path.write_text(text)
        with pytest.raises(StoreError, match=r"dataset\.json"):
            store.read_dataset(result.cell)


class TestDatasets:
    def test_a_data_set_comes_back_and_is_kept_once_a_split_and_seed(self, tmp_path, result, fake):
        store = Store(tmp_path)
        assert store.read_dataset(result.cell) is None
        store.write_dataset(result.cell, fake.dataset("ml-1m"))
        assert store.read_dataset(dataclasses.replace(result.cell, model="ease")) == fake.dataset("ml-1m")
        assert store.read_dataset(dataclasses.replace(result.cell, split_seed=1)) is None


HOSTILE = [
    "..",
    "../..",
    "/etc/passwd",
    "a/b",
    "a\\b",
    ".hidden",
    "",
    " ",
    "a\0b",
    "x" * 300,
    "naïve 🎬",
    "random:k=3/../..",
]


class TestNames:
    @pytest.mark.parametrize("name", HOSTILE)
    def test_a_hostile_name_stays_inside_the_folder(self, tmp_path, fake, name):
        root = tmp_path / "results"
        store = Store(root)
        result = fake.result("ml-1m", "als", n_users=3, key=name)
        cell = Cell(name, name, 0, name, {}, 0)
        folder = store.write(dataclasses.replace(result, cell=cell))
        store.write_dataset(cell, {"name": name})
        assert [path.name for path in tmp_path.iterdir()] == ["results"]
        assert folder.resolve().is_relative_to(root.resolve() / "cells")
        assert len(folder.relative_to(root / "cells").parts) == 4
        assert store.folders() == [folder]
        assert store.read(folder).cell == cell
        assert store.read_dataset(cell) == {"name": name}

    def test_two_names_never_share_a_folder(self, tmp_path):
        store = Store(tmp_path)
        names = [*HOSTILE, "a_b", "_", "x" * 299, "x" * 301, "etc_passwd", "hidden"]
        folders = {store.cell_folder(Cell(name, "random", 0, "als", {}, 0), "key") for name in names}
        assert len(folders) == len(names)

    def test_usual_names_are_left_readable(self, tmp_path):
        folder = Store(tmp_path).cell_folder(
            Cell("ml-1m", "random:test_fraction=0.3", 2, "als", {}, 1), "0123456789abcdef"
        )
        assert folder.relative_to(tmp_path).as_posix() == "cells/ml-1m/random_test_fraction=0.3/2/als-1-0123456789ab"
