"""Search spaces: the package's, a user's file, and what is wrong with one."""

import pytest

from bench.building import model_parameters
from bench.registry import MODELS
from bench.tuning.space import Choice, Range, Space, SpaceError, read_spaces


@pytest.mark.parametrize("model", sorted(read_spaces()))
def test_every_space_of_the_package_is_of_parameters_that_the_model_takes(model):
    example = read_spaces()[model].example
    assert set(example) <= set(model_parameters(model, MODELS[model], example))


def test_all_models_that_have_parameters_can_be_tuned():
    """But for the notebook's, which are shown as they were: a trial of theirs takes a minute."""
    notebook = {name for name in MODELS if name.startswith("notebook-")}
    assert set(MODELS) - set(read_spaces()) == {"random", "popularity", *notebook}


def test_twins_search_the_same_numbers_of_factors():
    spaces = read_spaces()
    pairs = [(name, row.twin) for name, row in MODELS.items() if row.twin in spaces and name in spaces]
    assert len(pairs) >= 8
    for model, twin in pairs:
        assert spaces[model].searched["factors"] == spaces[twin].searched["factors"], (model, twin)


def test_a_file_adds_spaces_and_replaces_those_of_the_package(write_toml):
    spaces = read_spaces(
        write_toml('[ease]\nregularization = { low = 1, high = 9 }\n[mine]\nx = { choices = ["a", "b"] }\n')
    )
    assert spaces["ease"].searched == {"regularization": Range(1, 9)}
    assert spaces["mine"].searched == {"x": Choice(("a", "b"))}
    assert spaces["als"] == read_spaces()["als"]


def test_limits_that_are_both_whole_give_whole_numbers():
    assert Range(1, 9).whole
    assert not Range(1, 9.5).whole


@pytest.mark.parametrize(
    ("epochs", "measured"), [(50, [5, 10, 15, 20, 25, 30, 35, 40, 45, 50]), (3, [1, 2, 3]), (1, [1])]
)
def test_an_iterative_model_is_judged_ten_times_the_last_time_at_its_end(epochs, measured):
    assert Space({}, {}, epochs).measured_epochs == measured


def test_a_fixed_parameter_is_searched_no_more():
    space = read_spaces()["als"].fixing({"factors": 64, "iterations": 7})
    assert "factors" not in space.searched
    assert space.fixed["factors"] == 64
    assert space.measured_epochs == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[als\n", "can't be read"),
        ("als = 3\n", "'als' stands outside of a table"),
        ("[als]\nfactors = 3\n", r"\[als\]: has nothing to search"),
        ("[als]\nfactors = { low = 9, high = 1 }\n", r"\[als\]: factors: low must be below high"),
        ("[als]\nx = { low = 0.0, high = 1.0, log = true }\n", "above 0 where log is true"),
        ("[als]\nx = { low = 1 }\n", r"\[als\]: x: write"),
        ("[als]\nx = { choices = [] }\n", "choices"),
        ("[als]\nx = { low = 1, high = 2, step = 1 }\n", "choices"),
        ("[als]\nepochs = 0\n", "epochs must be a whole number of at least 1, not 0"),
        ("[als]\nepochs = { low = 1, high = 3 }\n", "epochs must be a whole number"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_with_its_place(write_toml, text, message):
    with pytest.raises(SpaceError, match=message):
        read_spaces(write_toml(text))
