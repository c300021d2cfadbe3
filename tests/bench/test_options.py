"""What options imply, and those that could change nothing: refused before anything is computed."""

import numpy as np
import pandas as pd
import pytest

from bench.cli import main


@pytest.fixture
def files(tmp_path):
    """Train and test rows of ratings from 1 to 5, and the same train rows with ratings from 1 to 10."""
    random = np.random.default_rng(0)
    rows = pd.DataFrame(
        [(user, item, random.integers(1, 6)) for user in range(20) for item in random.permutation(30)[:10]],
        columns=["user", "item", "rating"],
    )
    held_out = rows.groupby("user").tail(2)
    for name, frame in {
        "train": rows.drop(held_out.index), "test": held_out, "ten": rows.assign(rating=2 * rows["rating"] - 1),
        "seen": rows[["user", "item"]],
    }.items():  # fmt: skip
        frame.to_csv(tmp_path / f"{name}.csv", index=False)
    return tmp_path


def run(files, *options, data="train.csv"):
    out = str(files / "out")
    return main(["run", "--dataset", str(files / data), "--models", "popularity", "--out", out, *options])


def test_a_file_of_held_out_rows_is_the_split(files):
    assert run(files, "--test", str(files / "test.csv")) == 0
    report = pd.read_csv(files / "out" / "report.csv")
    assert report["split"].tolist() == ["fixed"]
    assert report["n_users"].item() <= 20


def test_another_split_of_held_out_rows_is_refused(files, capsys):
    test = ["--test", str(files / "test.csv")]
    assert run(files, *test, "--split", "random") == 2
    assert "--split random would draw others" in capsys.readouterr().err
    assert run(files, *test, "--split", "fixed") == 0
    assert run(files, *test, "--dataset", "synthetic") == 2
    assert "synthetic has no held-out rows" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("data", "options", "told"),
    [
        ("train.csv", [], "ratings of 4 or more"),
        ("train.csv", ["--threshold", "3"], "ratings of 3 or more"),
        ("ten.csv", [], "every interaction, whatever its rating from 1 to 9 (--threshold says from where on)"),
        ("seen.csv", [], "every interaction"),
    ],
)
def test_a_run_says_what_is_relevant(files, capsys, data, options, told):
    assert run(files, *options, data=data) == 0
    assert f"{data}: relevant: {told}\n" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--models", ","], "holds no name"),
        (["--set", "svd.factors=3"], "--set svd: that model isn't run; these are: popularity"),
        (["--memory-limit", "4"], "at least 16 MB; did you mean 4GiB?"),
        (["--memory-limit", "4MB"], "at least 16 MB\n"),
        (["--timeout", "soon"], "write seconds, or a number with s, m or h"),
    ],
)
def test_an_option_that_could_change_nothing_is_refused(files, capsys, options, told):
    assert run(files, *options) == 2
    assert told in capsys.readouterr().err
    assert not (files / "out").exists()


@pytest.mark.parametrize("option", [["--columns", "user=who,item=what"], ["--threshold", "3"], ["--titles", "x.csv"]])
def test_what_says_how_to_read_a_file_needs_one(tmp_path, capsys, option):
    arguments = ["--dataset", "synthetic", *option]
    assert main(["run", *arguments, "--models", "popularity", "--out", str(tmp_path / "out")]) == 2
    assert f"{option[0]}: for a file of your own, not for synthetic" in capsys.readouterr().err
    assert main(["export-split", *arguments, "--out", str(tmp_path / "split")]) == 2
    assert "go with a file of your own" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["90", "1.5m", "1h"])
def test_a_timeout_may_have_a_unit(files, text):
    assert run(files, "--timeout", text) == 0


def test_the_closing_count_adds_up_and_nothing_is_said_of_checks_that_had_nothing(files, capsys):
    (files / "broken.py").write_text(
        "class Broken:\n    def fit(self, x):\n        raise ValueError\n    score = fit\nMODELS = {'broken': Broken}\n"
    )
    plugin = ["--plugin", str(files / "broken.py"), "--models"]
    assert run(files, *plugin, "broken") == 1
    captured = capsys.readouterr()
    assert "1 cells: 0 computed, 0 already in the store, 1 failed" in captured.err
    assert "sanity checks" not in captured.out
    assert run(files, *plugin, "broken,popularity,random") == 1
    captured = capsys.readouterr()
    assert "3 cells: 2 computed, 0 already in the store, 1 failed" in captured.err
    assert "* the best of its column" in captured.out


def test_a_name_is_found_whatever_its_case_and_number(files, capsys):
    assert run(files, "--models", "ALS") == 2
    assert "Did you mean 'als'?" in capsys.readouterr().err
    assert main(["list", "model"]) == 0
    assert capsys.readouterr().out.startswith("models:")


def test_a_reference_of_one_seed_is_warned_of_and_a_metric_needs_its_cut_off(files, capsys):
    assert run(files, "--models", "popularity,random") == 0
    capsys.readouterr()
    out, file = str(files / "out"), str(files / "reference.json")
    assert main(["reference", "save", out, "-o", file]) == 0
    assert "warning: fewer than 3 split seeds (random)" in capsys.readouterr().err
    assert main(["compare", out, out, "--metric", "ndcg"]) == 2
    assert "Did you mean 'ndcg@10'?" in capsys.readouterr().err


def test_lists_without_names_of_their_columns_get_advice_that_helps(files, capsys):
    (files / "lists.csv").write_text("1,2,0.5\n1,3,0.4\n")
    data = ["--train", str(files / "train.csv"), "--test", str(files / "test.csv")]
    assert main(["eval", "--recommendations", str(files / "lists.csv"), *data]) == 2
    assert "Give the lists a first line with user, item and rank or score" in capsys.readouterr().err
