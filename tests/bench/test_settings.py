"""Tuned settings as files, and runs that use them."""

import json

import pytest

from bench.building import model_parameters
from bench.cli import main
from bench.registry import DATASETS, MODELS
from bench.settings import PACKAGED, Setting, SettingsError, read_settings, tuned_settings, write_settings
from reports.store import Store

EASE = Setting("ease", {"regularization": 123.0}, "ndcg@10", 0.25, 40, "random", "python -m bench tune ...")


@pytest.mark.parametrize("path", sorted(PACKAGED.glob("*.toml")), ids=lambda path: path.stem)
def test_the_packages_settings_can_be_run_and_come_from_enough_trials(path):
    assert path.stem in DATASETS
    for model, setting in read_settings(path).items():
        model_parameters(model, MODELS[model], setting.parameters)
        assert setting.trials >= 15
        assert f"--dataset {path.stem} " in setting.command
        assert "--jobs" not in setting.command  # one job: it repeats


def test_a_setting_comes_back_as_it_was_whatever_its_model_is_called(tmp_path):
    odd = Setting('a "b".c', {"x": 1e-07, "n": 3, "kind": "é", "flag": True}, "auc", 0.5, 3, "random", "c")
    for setting in (EASE, odd):
        path = write_settings(tmp_path, "my/data.csv", setting)
    assert path == tmp_path / "data.csv.toml"
    assert read_settings(path) == {"ease": EASE, odd.model: odd}


def test_the_results_folders_settings_go_before_the_packages(tmp_path, monkeypatch):
    package = tmp_path / "package"
    monkeypatch.setattr("bench.settings.PACKAGED", package)
    write_settings(package, "toy", EASE)
    write_settings(package, "toy", Setting("als", {"factors": 8}, "ndcg@10", 0.2, 40, "random", "c"))
    own = Setting("ease", {"regularization": 7.0}, "ndcg@10", 0.3, 5, "random", "c")
    write_settings(tmp_path / "out" / "tuned", "toy", own)
    found = tuned_settings("toy", tmp_path / "out")
    assert found["ease"] == own
    assert found["als"].parameters == {"factors": 8}


def test_without_settings_the_message_says_how_to_make_some(tmp_path):
    with pytest.raises(SettingsError, match=r"no tuned settings of 'nowhere'.*bench tune --dataset nowhere"):
        tuned_settings("nowhere", tmp_path)


def test_a_broken_file_is_named(tmp_path):
    (tmp_path / "toy.toml").write_text("[ease]\nparameters = {}\n")
    with pytest.raises(SettingsError, match=r"toy\.toml: can't be read: .*missing"):
        read_settings(tmp_path / "toy.toml")


def test_run_tuned_uses_them_says_so_and_set_goes_before_them(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    rows = [f"{user},{item},{1 + (user * item) % 5}" for user in range(20) for item in range(user % 5, 20)]
    (tmp_path / "toy.csv").write_text("user,item,rating\n" + "\n".join(rows) + "\n")
    write_settings(tmp_path / "results" / "tuned", "toy.csv", EASE)
    tuned = ["run", "--dataset", "toy.csv", "--models", "ease,popularity", "--tuned"]
    assert main(tuned) == 0
    assert main([*tuned, "--set", "ease.regularization=5"]) == 0
    ease = [result for result in Store(tmp_path / "results") if result.cell.model == "ease"]
    assert {result.cell.parameters["regularization"] for result in ease} == {5, 123.0}
    assert all("40 trials by ndcg@10" in result.identity["parameters_from"] for result in ease)
    assert all("--tuned" in result.identity["command"] for result in ease)
    assert main(["run", "--dataset", "synthetic", "--models", "ease", "--tuned"]) == 2
    assert "no tuned settings of 'synthetic'" in capsys.readouterr().err


def test_tune_then_run_from_the_command_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    rows = [f"{user},{item},{1 + (user * item) % 5}" for user in range(20) for item in range(user % 5, 20)]
    (tmp_path / "toy.csv").write_text("user,item,rating\n" + "\n".join(rows) + "\n")
    assert main(["tune", "--dataset", "toy.csv", "--models", "ease", "--trials", "3"]) == 0
    printed = capsys.readouterr()
    assert "[3/3] ease: ndcg@10 0." in printed.err
    assert "validation part of train (random)" in printed.out
    assert (tmp_path / "results" / "tuning.csv").read_text().count("\n") == 4
    assert json.loads((tmp_path / "results" / "tuning.json").read_text())["searches"][0]["budget"]["trials"] == 3
    assert main(["run", "--dataset", "toy.csv", "--models", "ease", "--tuned"]) == 0
    assert main(["tune", "--dataset", "toy.csv", "--models", "ease", "--metric", "nonesuch@3"]) == 2
    assert main(["list", "spaces", "--json"]) == 0
