"""Tuned settings as files, and runs that use them."""

import json
from dataclasses import replace

import numpy as np
import pytest

from bench.building import check_values, model_parameters
from bench.cli import main
from bench.experiment import SplitChoice
from bench.registry import DATASETS, MODELS
from bench.settings import (
    HEADER,
    PACKAGED,
    Setting,
    SettingsError,
    _text,
    read_settings,
    tuned_settings,
    write_settings,
)
from reports.store import Store

EASE = Setting("ease", {"regularization": 123.0}, "ndcg@10", 0.25, 40, "random", "python -m bench tune ...")


TRIALS = {"ml-100k": 40, "ml-1m": 40, "lastfm": 15, "gowalla": 15}
MINUTES_WERE_OVER = {  # trials of those whose 15 minutes were over before
    ("ml-1m", "implicit-bpr"): 29,
    ("gowalla", "bpr"): 14,
    ("gowalla", "implicit-bpr"): 14,
    ("gowalla", "warp"): 9,
    ("gowalla", "lightfm-warp"): 4,
    ("gowalla", "ease"): 4,
}
LONGER = {("ml-1m", "lightfm-warp"): 3600}  # its 40 trials took 37 minutes, and it is a baseline: see docs
HAND_ROLLED_AND_TWINS = {"als", "implicit-als", "bpr", "implicit-bpr", "warp", "lightfm-warp", "ease"}


@pytest.mark.parametrize("path", sorted(PACKAGED.glob("*.toml")), ids=lambda path: path.stem)
def test_the_packages_settings_can_be_run_and_come_from_enough_trials(path):
    data = path.stem
    assert data in DATASETS
    settings = read_settings(path)
    assert {model for model, _ in settings} >= HAND_ROLLED_AND_TWINS
    for (model, split), setting in settings.items():
        check_values(model, MODELS[model], setting.parameters)
        assert setting.trials == MINUTES_WERE_OVER.get((data, model), TRIALS[data])
        assert f"--dataset {data} --split {split} " in setting.command
        assert f"--time-budget {LONGER.get((data, model), 900)}" in setting.command
        assert "--jobs" not in setting.command  # one job: it repeats
        assert setting.defaults is not None
        sign = 1 if MODELS[model].learns_from == "positives" else -1
        assert sign * setting.validation >= sign * setting.defaults


def test_a_setting_comes_back_as_it_was_whatever_its_model_is_called(tmp_path):
    odd = Setting('a "b".c', {"x": 1e-07, "n": 3, "kind": "é", "flag": True}, "auc", 0.5, 3, "random", "c")
    odd = replace(odd, defaults=0.25)
    for setting in (EASE, odd):
        path = write_settings(tmp_path, "my/data.csv", setting)
    assert path == tmp_path / "data.csv.toml"
    assert read_settings(path) == {EASE.place: EASE, odd.place: odd}


def test_a_file_of_one_split_is_written_as_it_always_was():
    """Byte by byte: files of before, and of a search that runs right now, stay what they are."""
    text = (PACKAGED / "ml-100k.toml").read_text()
    assert HEADER + _text(read_settings(PACKAGED / "ml-100k.toml")) == text


def test_settings_of_several_splits_stand_side_by_side(tmp_path):
    temporal = replace(EASE, split="temporal", parameters={"regularization": 5.0})
    larger = replace(EASE, split="random:test_fraction=0.3", parameters={"regularization": 7.0})
    als = replace(EASE, model="als", parameters={"factors": 8})
    for setting in (EASE, als, temporal, larger):
        path = write_settings(tmp_path, "toy", setting)
    assert read_settings(path) == {setting.place: setting for setting in (EASE, als, temporal, larger)}
    newer = replace(EASE, parameters={"regularization": 9.0}, trials=50)
    write_settings(tmp_path, "toy", newer)
    assert read_settings(path) == {setting.place: setting for setting in (newer, als, temporal, larger)}
    headings = [line for line in path.read_text().splitlines() if line.startswith("[")]
    assert headings == ["[als]", "[[ease]]", "[[ease]]", "[[ease]]"]


def test_a_split_is_the_same_however_its_parameters_are_written(write_toml):
    rule = "leave-one-out:by=random,test_fraction=0.30"
    path = write_toml(_text({EASE.place: EASE}).replace('"random"', f'"{rule}"'))
    assert list(read_settings(path)) == [("ease", SplitChoice.parse("leave-one-out:test_fraction=0.3,by=random").label)]


def test_the_results_folders_settings_go_before_the_packages(tmp_path, monkeypatch):
    package = tmp_path / "package"
    monkeypatch.setattr("bench.settings.PACKAGED", package)
    write_settings(package, "toy", EASE)
    write_settings(package, "toy", Setting("als", {"factors": 8}, "ndcg@10", 0.2, 40, "random", "c"))
    own = Setting("ease", {"regularization": 7.0}, "ndcg@10", 0.3, 5, "random", "c")
    other = replace(own, split="temporal")
    for setting in (own, other):
        write_settings(tmp_path / "out" / "tuned", "toy", setting)
    found = tuned_settings("toy", tmp_path / "out")
    assert found["ease", "random"] == own
    assert found["ease", "temporal"] == other
    assert found["als", "random"].parameters == {"factors": 8}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("parameters = {", "parameters = 5 # {", r"\[ease\]: parameters must be a table, not 5"),
        ("trials = 40", 'trials = "40"', r"\[ease\]: trials must be a whole number, not '40'"),
        ("trials = 40", "trials = true", r"\[ease\]: trials must be a whole number, not True"),
        ("validation = 0.25", "validation = [1]", r"validation must be a number"),
        ('metric = "ndcg@10"\n', "", r"\[ease\] must be a table with trials, metric"),
        ("trials = 40", "trials = 40\nseed = 1", r"\[ease\] must be a table with trials, metric.*; defaults may be"),
        ("trials = 40", 'trials = 40\ndefaults = "few"', r"\[ease\]: defaults must be a number, not 'few'"),
        ('split = "random"', 'split = "randon"', r"there is no split 'randon'"),
        ("[ease]", "ease = 3\n[x]", r"\[ease\] must be a table"),
        ("[ease]", "ease = [3]\n[x]", r"\[ease\] must be a table"),
        ("[ease]", "garbage\n[ease]", r"Expected '='"),
    ],
)
def test_a_broken_file_is_named_with_what_is_wrong_and_what_to_do(write_toml, old, new, message):
    text = _text({EASE.place: EASE})
    assert old in text
    path = write_toml(text.replace(old, new))
    with pytest.raises(SettingsError, match=rf"written\.toml: can't be read: .*{message}.*; correct or delete it"):
        read_settings(path)


def test_two_settings_of_one_split_are_refused(write_toml):
    table = _text({EASE.place: EASE}).replace("[ease]", "[[ease]]")
    with pytest.raises(SettingsError, match="two settings of one split"):
        read_settings(write_toml(table + table))


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """A small file in the folder that commands run in; no settings but those of its results folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("bench.settings.PACKAGED", tmp_path / "package")
    random = np.random.default_rng(0)
    rows = [f"{u},{i},{random.integers(1, 6)},{u * i}" for u in range(20) for i in random.permutation(20)[:12]]
    (tmp_path / "toy.csv").write_text("user,item,rating,timestamp\n" + "\n".join(rows) + "\n")
    return tmp_path


def ran(folder, model):
    """The regularisation that a model was run with, by split."""
    results = [result for result in Store(folder / "results") if result.cell.model == model]
    return {result.cell.split: result.cell.parameters["regularization"] for result in results}


TUNED = ["run", "--dataset", "toy.csv", "--models", "ease,als,popularity", "--set", "als.factors=4", "--tuned"]


def test_run_tuned_uses_them_says_so_and_set_goes_before_them(toy):
    write_settings(toy / "results" / "tuned", "toy.csv", EASE)
    assert main(TUNED) == 0
    assert main([*TUNED, "--set", "ease.regularization=5"]) == 0
    ease = [result for result in Store(toy / "results") if result.cell.model == "ease"]
    assert {result.cell.parameters["regularization"] for result in ease} == {5, 123.0}
    assert all("40 trials by ndcg@10" in result.identity["parameters_from"] for result in ease)
    assert all("--tuned" in result.identity["command"] for result in ease)


def test_a_setting_is_used_for_the_split_that_it_was_found_on_and_no_other(toy):
    default = model_parameters("ease", MODELS["ease"], {})["regularization"]
    larger = replace(EASE, split="random:test_fraction=0.3", parameters={"regularization": 7.0})
    for setting in (EASE, larger):
        write_settings(toy / "results" / "tuned", "toy.csv", setting)
    splits = ["--split", "random", "--split", "temporal", "--split", "random:test_fraction=0.30"]
    assert main([*TUNED, *splits]) == 0
    assert ran(toy, "ease") == {"random": 123.0, "temporal": default, "random:test_fraction=0.3": 7.0}


NOTHING = "not tuned: nothing was tuned on this data and split for"


def test_the_terminal_and_the_report_say_which_models_run_with_their_defaults(toy, capsys):
    write_settings(toy / "results" / "tuned", "toy.csv", EASE)
    assert main([*TUNED, "--split", "random", "--split", "temporal"]) == 0
    printed = capsys.readouterr().out
    assert (
        f"note: toy.csv, random: {NOTHING} als: they run with their defaults, and what was set; tuned: ease" in printed
    )
    temporal = next(line for line in printed.splitlines() if f"toy.csv, temporal: {NOTHING}" in line)
    assert "ease" in temporal
    assert "als" in temporal
    assert "popularity" not in temporal  # it has nothing to tune
    page = (toy / "results" / "report.html").read_text(encoding="utf-8")
    assert page.count("nothing was tuned on this data and split for") == 2


def test_cells_that_were_there_before_they_were_tuned_are_told_of_too(toy, capsys):
    """The tuned setting is one that was run by hand before, so that no cell is computed."""
    plain = [word for word in TUNED if word != "--tuned"]
    assert main([*plain, "--set", "ease.regularization=123.0"]) == 0
    assert "not tuned" not in capsys.readouterr().out
    write_settings(toy / "results" / "tuned", "toy.csv", EASE)
    assert main(TUNED) == 0
    printed = capsys.readouterr()
    assert "nothing to compute" in printed.err
    assert f"{NOTHING} als: they run with their defaults, and what was set; tuned: ease" in printed.out
    (ease,) = [result for result in Store(toy / "results") if result.cell.model == "ease"]
    assert ease.identity["parameters_from"] == EASE.origin
    assert NOTHING.partition(": ")[2] + " als" in (toy / "results" / "report.html").read_text(encoding="utf-8")


def test_where_nothing_is_tuned_it_is_said_what_is_and_how_to_tune(toy, capsys):
    write_settings(toy / "results" / "tuned", "toy.csv", EASE)
    assert main([*TUNED, "--split", "temporal"]) == 2
    message = capsys.readouterr().err
    assert "no tuned settings of ease,als,popularity on toy.csv with the split temporal" in message
    assert "toy.csv, random: ease" in message
    assert "tune --dataset toy.csv --split temporal --models ease,als,popularity --out results`" in message
    assert main(["run", "--dataset", "synthetic", "--tuned", "--out", "empty"]) == 2
    message = capsys.readouterr().err
    assert "no tuned settings of any model on synthetic with the split random" in message
    assert "(data set, split: models): none" in message


def test_a_setting_that_the_model_does_not_take_is_named_with_its_file(toy, capsys):
    path = write_settings(toy / "results" / "tuned", "toy.csv", replace(EASE, parameters={"volume": 11}))
    assert main(TUNED) == 2
    message = capsys.readouterr().err
    assert f"{path.relative_to(toy)}: model 'ease' has no parameter 'volume'" in message
    assert "tune 'ease' again" in message


def test_tune_looks_at_the_file_that_it_is_to_write_before_it_searches(toy, capsys):
    pytest.importorskip("optuna")
    path = write_settings(toy / "results" / "tuned", "toy.csv", EASE)
    path.write_text(path.read_text().replace("parameters = {", "parameters = 5 # {"))
    assert main(["tune", "--dataset", "toy.csv", "--models", "ease", "--trials", "1"]) == 2
    assert "toy.csv.toml: can't be read" in capsys.readouterr().err
    assert not (toy / "results" / "tuning").exists()


def test_tune_writes_the_split_as_run_looks_for_it(toy):
    pytest.importorskip("optuna")
    tune = ["tune", "--dataset", "toy.csv", "--models", "ease", "--trials", "1", "--split"]
    for split in ("random", "random:test_fraction=0.30", "random:test_fraction=0.3"):
        assert main([*tune, split]) == 0
    settings = read_settings(toy / "results" / "tuned" / "toy.csv.toml")
    assert list(settings) == [("ease", "random"), ("ease", "random:test_fraction=0.3")]
    tuned = ["run", "--dataset", "toy.csv", "--models", "ease", "--tuned", "--split", "random:test_fraction=0.3"]
    assert main(tuned) == 0
    assert ran(toy, "ease") == {
        "random:test_fraction=0.3": settings["ease", "random:test_fraction=0.3"].parameters["regularization"]
    }


def test_tune_takes_held_out_rows_of_a_file_as_run_does(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    rows = [f"{user},{item},{1 + (user * item) % 5}" for user in range(20) for item in range(user % 5, 20)]
    for name, part in (("train.csv", rows[::2] + rows[1::4]), ("test.csv", rows[3::4])):
        (tmp_path / name).write_text("user,item,rating\n" + "\n".join(part) + "\n")
    words = ["tune", "--dataset", "train.csv", "--test", "test.csv", "--models", "ease", "--trials", "1"]
    assert main(words) == 0
    (setting,) = read_settings(tmp_path / "results" / "tuned" / "train.csv.toml").values()
    assert setting.split == "fixed"
    assert "--split fixed" in setting.command
    assert "--test test.csv" in setting.command
    assert main([*words, "--split", "temporal"]) == 2
    assert "--split temporal would draw others" in capsys.readouterr().err


def test_tune_then_run_from_the_command_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    rows = [f"{user},{item},{1 + (user * item) % 5}" for user in range(20) for item in range(user % 5, 20)]
    (tmp_path / "toy.csv").write_text("user,item,rating\n" + "\n".join(rows) + "\n")
    assert main(["tune", "--dataset", "toy.csv", "--models", "ease", "--trials", "3"]) == 0
    printed = capsys.readouterr()
    assert "[3/3] ease: ndcg@10 0." in printed.err
    assert "validation part of train (random)" in printed.out
    assert (tmp_path / "results" / "tuning.csv").read_text().count("\n") == 5
    assert json.loads((tmp_path / "results" / "tuning.json").read_text())["searches"][0]["budget"]["trials"] == 3
    assert main(["run", "--dataset", "toy.csv", "--models", "ease", "--tuned"]) == 0
    assert main(["tune", "--dataset", "toy.csv", "--models", "ease", "--metric", "nonesuch@3"]) == 2
    (journal,) = (tmp_path / "results" / "tuning").glob("*.journal")
    journal.write_bytes(journal.read_bytes() + b"garbage\n")
    capsys.readouterr()
    assert main(["tune", "--dataset", "toy.csv", "--models", "ease", "--trials", "3"]) == 2
    assert f"error: {journal.relative_to(tmp_path)}: line " in capsys.readouterr().err
    assert main(["list", "spaces", "--json"]) == 0
