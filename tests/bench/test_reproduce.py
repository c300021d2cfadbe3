"""Every stored result carries the command that makes it again."""

import shlex

import numpy as np

from bench.cli import main
from reports.store import Store

ODD_NAMES = ["run", "--dataset", "data.csv", "--columns", "user=who,item=what,rating=stars", "--threshold", "3.5"]


def write_data(path):
    rng = np.random.default_rng(0)
    rows = [f"{user},{item},{rng.integers(1, 6)}" for user in range(30) for item in sorted(rng.permutation(40)[:15])]
    path.write_text("who,what,stars\n" + "\n".join(rows) + "\n")


def test_the_command_of_the_last_seed_makes_all_of_a_models_cells_again(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write_data(tmp_path / "data.csv")
    options = [
        "--split",
        "random:test_fraction=0.3",
        "--models",
        "als",
        "--seeds",
        "2",
        "--model-seeds",
        "2",
        "--k",
        "3",
    ]
    assert main([*ODD_NAMES, *options, "--set", "als.factors=4"]) == 0
    results = list(Store(tmp_path / "results"))
    last = next(r for r in results if (r.cell.split_seed, r.cell.model_seed) == (1, 1))
    words = shlex.split(last.identity["command"])
    assert words[:4] == ["python", "-m", "bench", "run"]
    capsys.readouterr()
    assert main(words[3:]) == 0
    assert "4 cells: nothing to compute, 4 already in the store" in capsys.readouterr().err
    assert last.identity["command"] in (tmp_path / "results" / "report.html").read_text(encoding="utf-8")


def test_a_row_that_was_skipped_carries_it_too(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_data(tmp_path / "data.csv")
    assert main([*ODD_NAMES, "--split", "temporal", "--split", "random", "--models", "popularity"]) == 0
    skipped = [result for result in Store(tmp_path / "results") if result.status == "skipped"]
    assert [result.cell.split for result in skipped] == ["temporal"]  # the file has no times
    assert "--split temporal --models popularity" in skipped[0].identity["command"]
    assert "--threshold 3.5" in skipped[0].identity["command"]
