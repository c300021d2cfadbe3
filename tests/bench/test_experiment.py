"""Options and TOML files become experiments, or errors that say what to write instead."""

import os

import pytest

from bench.experiment import (
    Experiment,
    ExperimentError,
    SplitChoice,
    choose_models,
    is_file,
    parse_settings,
    parse_value,
    read_toml,
)
from bench.registry import DATASETS, METRICS, MODELS, SPLITS, UnknownNameError, look_up, resolve


@pytest.mark.parametrize(
    "text", ["random", "random:test_fraction=0.3", "k-fold:by=row,folds=4", "leave-one-out:by=random"]
)
def test_a_split_is_read_and_written_back(text):
    assert SplitChoice.parse(text).label == text


def test_parameters_of_a_split_are_sorted_and_typed():
    choice = SplitChoice.parse("k-fold:folds=4,by=row")
    assert choice.parameters == {"folds": 4, "by": "row"}
    assert choice.label == "k-fold:by=row,folds=4"


@pytest.mark.parametrize("text", ["random:0.3", "random:=3"])
def test_a_setting_of_a_split_without_a_name_is_refused(text):
    with pytest.raises(ExperimentError, match="must be parameter=value"):
        SplitChoice.parse(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1),
        ("1e-3", 0.001),
        ("true", True),
        ("True", True),
        ("None", None),
        ("time", "time"),
        ('"a b"', "a b"),
        ("[1, 2]", [1, 2]),
    ],
)
def test_values_are_read_as_a_person_means_them(text, value):
    assert parse_value(text) == value


def test_settings_name_a_model_and_a_parameter():
    assert parse_settings(["als.factors=8", "als.alpha=2.5", "my.model.x=1"]) == {
        "als": {"factors": 8, "alpha": 2.5},
        "my.model": {"x": 1},
    }
    for wrong in ("factors=8", "als.factors", ".x=1", "als.=1"):
        with pytest.raises(ExperimentError, match=r"write model\.parameter=value"):
            parse_settings([wrong])


def test_a_file_gives_the_arguments_of_an_experiment(tmp_path):
    file = tmp_path / "run.toml"
    file.write_text(
        'datasets = ["ml-100k"]\nmodels = ["als", "ease"]\nk = [5]\nseeds = 3\n[parameters.als]\nfactors = 8\n'
    )
    experiment = Experiment(**read_toml(file))
    assert experiment.models == ("als", "ease")
    assert experiment.parameters == {"als": {"factors": 8}}
    assert list(experiment.split_seeds(SplitChoice("random"))) == [0, 1, 2]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('datasets = ["a"]\n\nmodel = ["als"]\n', "line 3: unknown key 'model'; known are"),
        ('\nk = "ten"\n', "line 2: k must be a list"),
        ("k = [5.5]\n", "line 1: k must be a list of whole numbers"),
        ("seeds = true\n", "line 1: seeds must be a whole number"),
        ("models = [1]\n", "line 1: models must be a list of strings"),
        ("parameters = {als = 3}\n", r"line 1: write \[parameters.MODEL\]"),
        ("k = [\n", "can't be read"),
    ],
)
def test_a_wrong_file_is_an_error_with_its_line(tmp_path, text, message):
    file = tmp_path / "run.toml"
    file.write_text(text)
    with pytest.raises(ExperimentError, match=message):
        read_toml(file)


def test_a_missing_or_binary_file_is_an_error(tmp_path):
    with pytest.raises(ExperimentError, match="can't be read"):
        read_toml(tmp_path / "none.toml")
    (tmp_path / "b.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ExperimentError, match="can't be read"):
        read_toml(tmp_path / "b.toml")


@pytest.mark.parametrize("change", [{"k": ()}, {"k": (0,)}, {"k": (True,)}, {"seeds": 0}, {"model_seeds": -1}])
def test_senseless_numbers_are_refused(change):
    with pytest.raises(ExperimentError, match="from 1 to 10,000"):
        Experiment(**change).check()


def test_k_fold_runs_one_seed_a_fold_unless_told_otherwise():
    assert len(Experiment().split_seeds(SplitChoice("k-fold"))) == 5
    assert len(Experiment().split_seeds(SplitChoice("k-fold", {"folds": 3}))) == 3
    assert len(Experiment(seeds=2).split_seeds(SplitChoice("k-fold"))) == 2
    assert len(Experiment().split_seeds(SplitChoice("random"))) == 1


def test_a_file_is_told_from_a_name():
    assert is_file("ratings.csv")
    assert is_file("some/where")
    assert not is_file("ml-100k")
    assert not is_file("ml-100q")


def test_a_wrong_name_gets_what_exists_and_the_nearest():
    with pytest.raises(UnknownNameError, match=r"there is no model 'asl'\. Did you mean 'als'") as error:
        choose_models(["asl"], MODELS)
    assert "ease" in str(error.value)
    with pytest.raises(UnknownNameError, match="There are: ml-100k"):
        look_up(DATASETS, "data set", "zzzzzz")


def test_models_are_chosen_once_in_the_order_asked_for():
    assert choose_models(["ease", "als", "ease"], MODELS) == ["ease", "als"]
    assert choose_models([], MODELS) == [name for name in MODELS if name != "surprise-svdpp"]
    assert choose_models(["surprise-svdpp"], MODELS) == ["surprise-svdpp"]


@pytest.mark.parametrize("table", [DATASETS, SPLITS, MODELS, METRICS], ids=["datasets", "splits", "models", "metrics"])
def test_every_row_names_an_object_and_says_what_it_is(table):
    for name, row in table.items():
        assert callable(resolve(row.target)), name
        assert row.summary, name


def test_model_rows_are_complete():
    """Parameters are the constructor's and have a source, twins exist, libraries have an extra."""
    from bench.building import model_parameters

    for name, row in MODELS.items():
        complete = model_parameters(name, row, {})
        assert set(row.parameters) <= set(complete)
        assert not row.parameters or row.parameters_from, name
        assert not row.twin or row.twin in MODELS, name
        assert bool(row.library) == bool(row.extra), name
        assert not row.twin or MODELS[row.twin].learns_from == row.learns_from


HOSTILE_TOML = {
    "many levels": ("k = " + "[" * 100_000, "can't be read"),
    "a number of thousands of digits": ("seeds = " + "9" * 10_000, "can't be read"),
    "a huge number": ("seeds = 99999999999999999999", "seeds must be a whole number from 1 to"),
    "a value of megabytes": ("threshold = '" + "x" * 500_000 + "'", "threshold must be a number, not 'x+\\.\\.\\."),
    "a key of megabytes": ("x" * 500_000 + " = 1", "line 1: unknown key 'x+\\.\\.\\."),
    "more than a megabyte": ("#" * 2_000_000, "larger than 1 MB"),
    "a column that is a list": ("columns = {user = [1]}", "line 1: columns must give a name or a place"),
    "a date": ("seeds = 2024-01-01", "seeds must be a whole number"),
    "the same key twice": ("k = [1]\nk = [2]", "can't be read"),
    "a cut-off that no list reaches": ("k = [1000000000]", "k must be whole numbers from 1 to"),
}  # fmt: skip


@pytest.mark.parametrize("case", HOSTILE_TOML)
def test_a_hostile_file_is_one_short_message(case, tmp_path):
    text, message = HOSTILE_TOML[case]
    (tmp_path / "run.toml").write_text(text)
    with pytest.raises(ExperimentError, match=message) as caught:
        Experiment(**read_toml(tmp_path / "run.toml")).check()
    assert len(str(caught.value)) < 1000


def test_a_pipe_or_device_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "run.toml")
    for file in (tmp_path / "run.toml", tmp_path, "/dev/zero"):
        with pytest.raises(ExperimentError, match="a folder, a device or a pipe"):
            read_toml(file)


@pytest.mark.parametrize("value", ["9" * 10_000, "[" * 50_000, "{", "\n", "1\nvalue = 2"])
def test_any_text_is_a_value(value):
    assert isinstance(parse_value(value), str)


@pytest.mark.parametrize("folds", [0, 10**9, "many", 2.5, True])
def test_folds_that_would_never_end_are_refused(folds):
    with pytest.raises(ExperimentError, match="folds must be a whole number"):
        Experiment().split_seeds(SplitChoice("k-fold", {"folds": folds}))


def test_a_name_that_no_file_has_is_no_file():
    assert not is_file("a\0b.csv")
