"""A results folder that somebody edited or sent: read as it is or refused with the file's name, never waited for, and
nothing is written through its links."""

import contextlib
import dataclasses
import json
import os

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from reports import opening
from reports.output import OutputError
from reports.reference import ReferenceFileError, read_side
from reports.result import Cell, Curve
from reports.store import Store, StoreError
from reports.writing import write_reports


@pytest.fixture
def result(fake):
    return fake.result("ml-1m", "als", n_users=7)


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "results")


def edit(path, keys, value):
    """Set what stands at the keys of a JSON file."""
    content = inner = json.loads(path.read_text())
    for key in keys[:-1]:
        inner = inner[key]
    inner[keys[-1]] = value
    path.write_text(json.dumps(content))


FILES = ["result.json", "measured.json", "per_user.parquet", "lists.parquet"]


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("kind", ["pipe", "device", "folder", "link to itself", "huge"])
def test_what_is_no_file_is_not_waited_for(name, kind, store, result):
    path = store.write(result) / name
    path.unlink()
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    elif kind == "folder":
        path.mkdir()
    elif kind == "link to itself":
        path.symlink_to(path)
    else:
        path.touch()
        os.truncate(path, opening.LARGEST + 1)
    with pytest.raises(StoreError, match=name):
        store.read(path.parent)


def test_a_reference_that_is_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "reference.json")
    with pytest.raises(ReferenceFileError, match="a folder, a pipe or a device"):
        read_side(tmp_path / "reference.json")


@pytest.mark.parametrize(
    ("keys", "value"),
    [
        (["notes"], "a text"),
        (["notes"], [3]),
        (["counts", "n_users"], 1.5),
        (["counts", "n_users"], True),
        (["metrics", "ndcg@10", "value"], 10**400),
        (["metrics", "ndcg@10", "version"], "1"),
        (["neighbours"], {"1": ["x"]}),
        (["neighbours"], {"1": 5}),
        (["cell", "split_seed"], -1),
        (["cell", "dataset"], ["a"]),
        (["tables", "per_user"], -1),
        (["tables", "per_user"], 10**12),
        (["identity"], 3),
    ],
)
def test_a_value_of_another_kind_is_named(keys, value, store, result):
    folder = store.write(result)
    edit(folder / "result.json", keys, value)
    with pytest.raises(StoreError, match=r"result\.json") as caught:
        store.read(folder)
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, '{"format": ' + "9" * 5000 + "}", "NaN", "\ud800"])
def test_json_that_is_made_to_break_a_reader(text, store, result):
    folder = store.write(result)
    (folder / "result.json").write_text(text, encoding="utf-8", errors="surrogatepass")
    with pytest.raises(StoreError, match=r"result\.json"):
        store.read(folder)


USERS = np.arange(7, dtype=np.int32)
LISTS = {
    "fractions": {"user": USERS, "rank_1": np.full(7, 1.5)},
    "beyond int32": {"user": USERS, "rank_1": np.full(7, 2**40)},
    "below -1": {"user": USERS, "rank_1": np.full(7, -2)},
    "texts": {"user": USERS, "rank_1": ["x"] * 7},
    "lists in lists": {"user": USERS, "rank_1": [[1]] * 7},
    "another column": {"user": USERS, "item": USERS},
    "a rank left out": {"user": USERS, "rank_2": USERS},
    "other users": {"user": USERS + 1, "rank_1": USERS},
    "users that are fractions": {"user": USERS + 0.5, "rank_1": USERS},
    "users below 0": {"user": USERS - 1, "rank_1": USERS},
    "no users": {"user": pa.nulls(7, pa.int32()), "rank_1": USERS},
    "fewer rows": {"user": USERS[:3], "rank_1": USERS[:3]},
}


@pytest.mark.parametrize("case", LISTS)
def test_lists_that_are_none_are_refused(case, store, result):
    folder = store.write(result)
    pq.write_table(pa.table(LISTS[case]), folder / "lists.parquet")
    with pytest.raises(StoreError, match=r"lists\.parquet"):
        store.read(folder)


def test_warm_is_yes_or_no(store, result):
    folder = store.write(result)
    pq.write_table(pa.table({"user": result.users, "warm": USERS}), folder / "per_user.parquet")
    with pytest.raises(StoreError, match=r"per_user\.parquet: column warm"):
        store.read(folder)


def test_a_table_that_unpacks_to_more_than_memory_is_not_read(store, result, monkeypatch):
    folder = store.write(result)
    monkeypatch.setattr("reports.store._largest_table", lambda: 7 * 8)
    with pytest.raises(StoreError, match="more than memory holds"):
        store.read(folder)


def test_a_table_of_text_is_not_unpacked(store, result):
    """A value of a megabyte, 10,000 times, in a file of a few KB."""
    folder = store.write(result)
    codes = pa.array(np.zeros(10_000, np.int32))
    bomb = pa.DictionaryArray.from_arrays(codes, pa.array(["x" * 2**20]))
    pq.write_table(pa.table({"user": np.arange(10_000), "x": bomb}), folder / "per_user.parquet", store_schema=False)
    edit(folder / "result.json", ["tables", "per_user"], 10_000)
    with pytest.raises(StoreError, match="column 'x' holds something else than numbers"):
        store.read(folder)


@pytest.mark.parametrize("large", [1e300, -1.7e308])
@pytest.mark.parametrize("where", ["a metric", "a cost", "a curve", "the seconds of a curve"])
def test_a_figure_beyond_all_reckoning_is_no_figure(where, large, fake, store):
    """Sums and axes overflow long before a number does."""
    for model in ("als", "bpr"):
        for seed in (0, 1):
            curve = Curve("ndcg@10", [1, 2], [0.1, large if where == "a curve" and model == "bpr" else 0.2], 7)
            result = fake.result("ml-1m", model, seed=seed, n_users=7, curve=curve)
            result.measured["curve_seconds"] = [1.0, 2.0]
            if model == "bpr":
                metric = result.metrics["ndcg@10"]
                if where == "a metric":
                    result.metrics["ndcg@10"] = dataclasses.replace(metric, value=large)
                elif where == "a cost":
                    result.measured["peak_memory_mb"] = large
                elif where == "the seconds of a curve":
                    result.measured["curve_seconds"] = [1.0, abs(large)]
            store.write(result)
    write_reports(store.root)
    table = pd.read_csv(store.root / "report.csv")
    assert table["ndcg@10"].max() < 1


@pytest.mark.parametrize("name", ["../../x", "/tmp/x", "..", "a/../../b"])
def test_names_in_a_file_lead_nowhere(name, store, result, tmp_path):
    """Whatever the cell in a result.json says, reports are written into the folder that was named."""
    folder = store.write(result)
    for key in ("dataset", "split", "model"):
        edit(folder / "result.json", ["cell", key], name)
    with contextlib.suppress(StoreError):
        write_reports(store.root)
    assert {path.name for path in tmp_path.iterdir()} == {"results"}
    assert {path.name for path in store.root.iterdir()} <= {
        "cells",
        "datasets",
        "report.html",
        "report.csv",
        "report.md",
    }


@pytest.mark.parametrize("level", ["cells", "cells/ml-1m", "cells/ml-1m/random", "cells/ml-1m/random/0"])
def test_a_cell_is_not_written_through_a_link(level, store, result, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    link = store.root / level
    link.parent.mkdir(parents=True)
    link.symlink_to(outside)
    result = dataclasses.replace(result, cell=Cell("ml-1m", "random", 0, "als", {}, 0))
    with pytest.raises(OutputError, match=r"leads to .*outside.*, out of the folder"):
        store.write(result)
    assert not list(outside.iterdir())


def test_a_data_set_is_not_written_through_a_link(store, result, tmp_path):
    (tmp_path / "outside").mkdir()
    store.root.mkdir()
    (store.root / "datasets").symlink_to(tmp_path / "outside")
    with pytest.raises(OutputError, match="out of the folder"):
        store.write_dataset(result.cell, {"name": "x"})
    assert not list((tmp_path / "outside").iterdir())


def test_a_cell_that_is_a_link_or_a_file_is_replaced_and_what_it_pointed_to_stays(store, result, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").touch()
    folder = store.cell_folder(result.cell, result.key)
    folder.parent.mkdir(parents=True)
    for make in (lambda: folder.symlink_to(outside), folder.touch):
        make()
        assert store.write(result) == folder
        assert not folder.is_symlink()
        os.rename(folder, tmp_path / f"moved{len(list(tmp_path.iterdir()))}")
    assert [path.name for path in outside.iterdir()] == ["kept"]


def test_a_report_that_is_a_link_is_replaced_and_what_it_pointed_to_stays(store, result, tmp_path):
    store.write(result)
    (tmp_path / "precious").write_text("kept")
    for name in ("report.html", "report.csv", "report.md"):
        (store.root / name).symlink_to(tmp_path / "precious")
    write_reports(store.root)
    assert (tmp_path / "precious").read_text() == "kept"


def test_a_root_that_is_a_link_is_the_users_own(result, tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "results").symlink_to(tmp_path / "disk")
    store = Store(tmp_path / "results")
    assert store.read(store.write(result)).cell == result.cell
