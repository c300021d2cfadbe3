"""What a cell's model is built with."""

import sys

import pytest

from bench.building import ParameterError, build, check_values, model_parameters, random_state
from bench.registry import MODELS, ModelRow


def test_the_first_split_keeps_the_model_seed():
    assert [random_state(0, model_seed) for model_seed in range(4)] == [0, 1, 2, 3]


def test_every_split_and_model_seed_has_a_random_state_of_its_own():
    """Models of one seed on several splits would share their noise, and a mean over splits would hide it."""
    states = [random_state(split_seed, model_seed) for split_seed in range(20) for model_seed in range(20)]
    assert len(set(states)) == len(states)
    assert all(0 <= state < 2**31 for state in states)  # what every library takes


def test_a_random_state_stays_what_it_was():
    assert (random_state(1, 0), random_state(2, 3)) == (1982462498, 480164916)


@pytest.mark.parametrize(
    ("model", "override", "message"),
    [
        ("als", {"factors": "x"}, r"als\.factors must be a whole number, not 'x'"),
        ("als", {"factors": 64.0}, r"als\.factors must be a whole number, not 64\.0"),
        ("als", {"factors": True}, r"als\.factors must be a whole number, not True"),
        ("als", {"factors": 0}, r"als: ALS: factors must be a number at least 1, not 0"),
        ("als", {"use_bias": 1}, r"als\.use_bias must be true or false, not 1"),
        ("bpr", {"learning_rate": [1]}, r"bpr\.learning_rate must be a number, not \[1\]"),
        ("bpr", {"learning_rate": False}, r"bpr\.learning_rate must be a number, not False"),
        ("irspack-als", {"loss": 3}, r"irspack-als\.loss must be a text, not 3"),
        ("als", {"factors": 10**400}, r"als: ALS: factors must be a number at least 1, not 1000"),
        ("implicit-als", {"factors": -3}, r"implicit-als: ImplicitALS: factors must be a number at least 1, not -3"),
        ("implicit-item-bm25", {"K": 0}, r"K must be a number at least 1, not 0"),
        ("lightfm-warp", {"learning_rate": 0.0}, r"learning_rate must be a number above 0, not 0\.0"),
        ("surprise-svd", {"iterations": 0}, r"iterations must be a number at least 1, not 0"),
        ("sklearn-pure-svd", {"factors": -3}, r"PureSVD: factors must be a number at least 1, not -3"),
        ("sklearn-nmf", {"regularization": -1.0}, r"NMF: regularization must be a number at least 0, not -1\.0"),
    ],
)
def test_a_value_that_a_model_can_not_take_is_refused_before_anything_runs(model, override, message):
    with pytest.raises(ParameterError, match=message):
        check_values(model, MODELS[model], override)


@pytest.mark.parametrize("model", MODELS)
def test_a_rows_own_values_pass_and_a_whole_number_does_where_a_number_is_asked_for(model):
    own = model_parameters(model, MODELS[model], {})
    check_values(model, MODELS[model], own)
    for name, value in own.items():
        if isinstance(value, float) and value >= 1:
            check_values(model, MODELS[model], {name: int(value)})


def test_a_library_that_can_not_be_imported_is_its_rows_affair(monkeypatch):
    """It is installed and broken: the model is skipped with its reason, the others run."""
    monkeypatch.setitem(sys.modules, "implicit.als", None)
    with pytest.raises(ImportError):
        build(MODELS["implicit-als"], {}, 0, 1)
    check_values("implicit-als", MODELS["implicit-als"], {"factors": 8})


class Picky:
    """A plug-in's: its default is a whole number, and it takes others."""

    def __init__(self, weight=1):
        if weight == 0.5:
            raise ValueError("asked in the parent's process")


def test_a_plug_ins_constructor_is_asked_in_its_cell():
    check_values("picky", ModelRow(Picky, "A plug-in's."), {"weight": 0.5})
