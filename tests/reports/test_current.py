"""One name, several data: no leaderboard has rows of both, and what is left out is said."""

import dataclasses
import itertools
import json
import os

import pandas as pd
import pytest

from bench.cli import main
from reports.listing import list_results, other_data
from reports.reference import read_side
from reports.store import Store
from reports.stores import open_stores
from reports.table import leaderboards
from reports.writing import write_reports

CLOCK = itertools.count(1_000_000_000)


@pytest.fixture
def cell(fake):
    """Make a cell of data ``data``, whose split of a seed is called by both."""

    def make(model, data, seed=0, finished="2026-01-01", ending=""):
        made = fake.small(model, [0.1, 0.2], seed=seed, metric="ndcg@10", measured={"finished": finished})
        identity = {"data": data, "split": f"{data}-{seed}"}
        return dataclasses.replace(made, key=f"{model}-{data}-{seed}{ending}", identity=identity)

    return make


def run(folder, cells):
    """Leave cells in a folder as a run of them does."""
    store = Store(folder)
    for one in cells:
        describe(store, one)
        store.write(one)
    return store


def describe(store, one):
    store.write_dataset(one.cell, {"name": "small", **one.identity})
    file = store.root / "datasets" / "small" / "random" / str(one.cell.split_seed) / "dataset.json"
    os.utime(file, (next(CLOCK),) * 2)


def shown(store):
    return sorted((one.cell.model, one.cell.split_seed, one.identity["data"]) for one in store.summaries())


def test_reports_are_about_the_data_of_the_last_run_even_where_it_computed_nothing(cell, tmp_path):
    first = [cell("als", "one"), cell("bpr", "one")]
    store = run(tmp_path, first)
    run(tmp_path, [cell("als", "two", finished="2026-01-02"), cell("ease", "two", finished="2026-01-02")])
    assert shown(store) == [("als", 0, "two"), ("ease", 0, "two")]
    describe(store, first[0])
    assert shown(store) == [("als", 0, "one"), ("bpr", 0, "one")]
    assert sorted(one.key for one in store) == ["als-one-0", "bpr-one-0"]
    assert [entry.cell.model for entry in read_side(tmp_path).entries] == ["als", "bpr"]


def test_seeds_that_the_last_run_had_not_are_left_out_with_their_data(cell, tmp_path):
    store = run(tmp_path, [cell("als", "one", seed) for seed in range(3)])
    run(tmp_path, [cell("als", "two")])
    assert shown(store) == [("als", 0, "two")]
    (verdict,) = other_data(store)
    assert (verdict.dataset, verdict.split, verdict.serious) == ("small", "random", False)
    assert verdict.text.startswith("3 cells rest on other data of this name")


def test_without_a_word_in_dataset_json_the_newest_cell_says_it(cell, tmp_path):
    store = Store(tmp_path)
    for data, finished in (("one", "2026-01-02"), ("two", "2026-01-01")):
        store.write(cell("als", data, finished=finished))
        store.write(cell("bpr", data, seed=1, finished=finished))
    assert shown(store) == [("als", 0, "one"), ("bpr", 1, "one")]


def test_a_cell_that_rests_on_nothing_stays(cell, fake, tmp_path):
    store = run(tmp_path, [cell("als", "one")])
    skipped = dataclasses.replace(fake.problem("small", "svd", "skipped", "not installed"), key="")
    store.write(skipped)
    assert [one.cell.model for one in store.summaries()] == ["als", "svd"]
    assert other_data(store) == []


def test_of_several_folders_the_one_that_was_run_last_says_which_data(cell, tmp_path):
    run(tmp_path / "one", [cell("als", "one"), cell("bpr", "one")])
    run(tmp_path / "two", [cell("als", "two")])
    for folders in (["one", "two"], ["two", "one"]):
        store = open_stores([tmp_path / name for name in folders])
        assert shown(store) == [("als", 0, "two")]
        assert store.read_dataset(next(store.summaries()).cell)["data"] == "two"
        assert len(other_data(store)) == 1


def test_a_chosen_result_is_shown_before_a_newer_one_of_its_cell(cell, tmp_path):
    old, new = cell("als", "one"), cell("als", "one", finished="2026-01-02", ending="-new")
    run(tmp_path, [old, new, cell("bpr", "one")])
    for chosen, key in (([], new.key), ([old], old.key)):
        (board,) = leaderboards(Store(tmp_path, chosen).summaries())
        assert {row.model: row.results[0].key for row in board.rows}["als"] == key
        write_reports(tmp_path, chosen=chosen)
        assert len(pd.read_csv(tmp_path / "report.csv")) == 2


def test_a_folder_with_nothing_but_other_data_has_a_report_that_says_so(cell, tmp_path):
    store = run(tmp_path, [cell("als", "one")])
    describe(store, cell("als", "two"))
    write_reports(tmp_path)
    assert "1 cell rests on other data" in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert not list(store.summaries())


def test_a_run_reports_its_own_cells_and_the_others_are_told_apart(tmp_path, capsys):
    rows = [(user, item, 1 + (user * item) % 5) for user in range(20) for item in range(30) if (user + item) % 3]
    pd.DataFrame(rows, columns=["user", "item", "rating"]).to_csv(tmp_path / "all.csv", index=False)
    out = tmp_path / "out"
    run = ["run", "--dataset", str(tmp_path / "all.csv"), "--models", "popularity", "--out", str(out)]
    assert main(run) == 0
    before = pd.read_csv(out / "report.csv")
    assert main([*run, "--threshold", "2"]) == 0
    assert not pd.read_csv(out / "report.csv").equals(before)
    assert main(run) == 0
    captured = capsys.readouterr()
    assert "nothing to compute" in captured.err
    assert "1 cell rests on other data of this name" in captured.out
    assert pd.read_csv(out / "report.csv").equals(before)
    assert main(["list", "results", "--out", str(out)]) == 0
    assert "all.csv, random: 1 ok, 1 on other data of that name" in capsys.readouterr().out
    assert main(["list", "results", "--json", "--out", str(out)]) == 0
    assert sorted(one["current"] for one in json.loads(capsys.readouterr().out)) == [False, True]
    with pytest.warns(match="all.csv, random: 1 cell rests"):
        assert main(["report", str(out)]) == 0
    assert pd.read_csv(out / "report.csv").equals(before)
    assert [one.current for one in list_results(Store(out))].count(True) == 1


def test_two_files_of_one_name_are_refused_in_one_run(tmp_path, capsys):
    files = [tmp_path / folder / "x.csv" for folder in "ab"]
    for file in files:
        file.parent.mkdir()
        file.write_text("user,item\n1,1\n1,2\n")
    both = [word for file in files for word in ("--dataset", str(file))]
    assert main(["run", *both, "--models", "popularity", "--out", str(tmp_path / "out")]) == 2
    assert "would both be x.csv in the results" in capsys.readouterr().err
