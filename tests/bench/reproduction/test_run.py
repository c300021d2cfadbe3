"""Suites from the command line: verdicts, exit status, rows that can't be run."""

import json

import numpy as np
import pytest

from bench.cli import main
from bench.reproduction import protocols, run
from bench.reproduction.child import measure_row
from splits.split import Split

SUITE = """\
title = "A table of made-up data"
dataset = "synthetic"
protocol = "published-split"
source = "nowhere"
note = "n"
[[rows]]
model = "popularity"
published = {{ "hit_rate@50" = "{published}" }}
asked = "reach"
"""


@pytest.fixture
def suite(tmp_path):
    def suite(published="0.1", **changes):
        text = SUITE.format(published=published)
        for old, new in changes.items():
            text = text.replace(old, new)
        path = tmp_path / "suite.toml"
        path.write_text(text)
        return str(path)

    return suite


@pytest.fixture
def in_this_process(monkeypatch):
    """Rows measured here, with the random split in the place of a published one."""
    from bench import loading

    def measure(job, threads):
        data = loading.load("synthetic", n_users=40, n_items=30, n_interactions=600)
        split = loading.split(data)
        assert isinstance(split, Split)
        protocol = protocols.Protocol([split])
        return measure_row(protocol, job["model"], job["parameters"], job["metrics"], threads), ""

    monkeypatch.setattr(run, "_in_a_child", measure)


def test_a_number_that_is_reached_ends_with_0(suite, in_this_process, capsys):
    assert main(["reproduce", suite("0.100")]) == 0
    printed = capsys.readouterr()
    assert "A table of made-up data" in printed.out
    assert "passed" in printed.out
    assert "source: nowhere" in printed.out
    assert "suite: popularity: hit_rate@50" in printed.err


def test_a_miss_ends_with_1(suite, in_this_process, capsys):
    assert main(["reproduce", suite("1.500"), "--json"]) == 1
    (outcome,) = json.loads(capsys.readouterr().out)
    assert outcome["rows"][0]["lines"][0]["verdict"] == "MISS"


def test_a_row_that_dies_is_a_miss_with_its_reason(suite, capsys):
    """Made-up data has no published split."""
    assert main(["reproduce", suite()]) == 1
    printed = capsys.readouterr()
    reason = "exit status 1: splits.split.SplitError: synthetic comes without a split of its own; "
    assert f"failed: popularity: {reason}" in printed.out
    assert f"suite: popularity: {reason}" in printed.err


def test_a_row_is_measured_in_a_process_of_its_own(suite, tmp_path, capsys):
    """Nothing is put in its place: a file of 30 users, five folds, and the numbers that are measured here."""
    random = np.random.default_rng(0)
    rows = [f"{u},{i},{random.integers(1, 6)}" for u in range(30) for i in random.permutation(25)[:12]]
    file = tmp_path / "ratings.csv"
    file.write_text("user,item,rating\n" + "\n".join(rows) + "\n")
    own = {"item_regularization": 10.0, "user_regularization": 15.0}
    here = measure_row(protocols.surprise_folds(str(file)), "bias", own, ["rmse", "mae"], 1)["values"]
    parameters = ", ".join(f"{name} = {value}" for name, value in own.items())
    changes = {
        "synthetic": str(file),
        "published-split": "surprise-folds",
        '"popularity"': f'"bias"\nparameters = {{ {parameters} }}',
        '"hit_rate@50" = "0.1"': f'rmse = "{here["rmse"]:.6f}", mae = "9.9"',
    }
    assert main(["reproduce", suite(**changes), "--json", "--threads", "1"]) == 0
    ((row,),) = [outcome["rows"] for outcome in json.loads(capsys.readouterr().out)]
    assert (row["error"], row["skipped"], row["parameters"]) == ("", "", own)
    assert row["peak_memory_mb"] > 10
    assert [(line["metric"], line["verdict"]) for line in row["lines"]] == [("rmse", "reached"), ("mae", "passed")]
    assert {line["metric"]: line["ours"] for line in row["lines"]} == pytest.approx(here, rel=1e-12)
    assert 1 < here["mae"] < here["rmse"] < 2  # of ratings drawn from 1 to 5


def test_a_row_of_a_published_table_is_equal_to_it(data_folder, monkeypatch, capsys):
    """The cheapest of all, by its protocol and in full."""
    if not (data_folder / "ml-100k").is_dir():
        pytest.skip("no ml-100k")
    monkeypatch.setenv("BENCH_DATA", str(data_folder))
    assert main(["reproduce", "surprise-ml-100k", "--models", "bias", "--json"]) == 0
    ((row,),) = [outcome["rows"] for outcome in json.loads(capsys.readouterr().out)]
    found = [(line["metric"], line["published"], line["verdict"]) for line in row["lines"]]
    assert found == [("rmse", "0.944", "equal"), ("mae", "0.748", "equal")]


def test_a_library_that_is_not_installed_is_a_skipped_row(suite, monkeypatch, capsys):
    monkeypatch.setattr(run.environment, "package_versions", lambda *names: {})
    assert main(["reproduce", suite(popularity="implicit-als")]) == 0
    assert "skipped: implicit-als: implicit isn't installed" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "which table? Name one, or give --all. There are: "),
        (["nonesuch"], "there is no suite 'nonesuch'"),
        (["nonesuch.toml"], "nonesuch.toml: can't be read"),
        (["gowalla", "--models", "svd"], "no row of these suites is of svd"),
        (["gowalla", "--models", "popularity,svd"], "no row of these suites is of svd"),
        (["gowalla", "--models", "popularity,esae"], "there is no model 'esae'. Did you mean 'ease'"),
    ],
)
def test_what_can_not_be_run_is_said(words, message, capsys):
    assert main(["reproduce", *words]) == 2
    assert message in capsys.readouterr().err


def test_a_suite_that_is_named_twice_is_measured_once():
    assert [suite.file for suite in run.chosen(["gowalla", "gowalla"], everything=False)] == ["gowalla.toml"]
    every = run.chosen(["gowalla"], everything=True)
    assert len({suite.file for suite in every}) == len(every)


def test_suites_are_listed(capsys):
    assert main(["list", "suites"]) == 0
    assert "ncf-ml-1m" in capsys.readouterr().out
