"""Models from outside the package, good ones and those that break the contract."""

import textwrap

import numpy as np
import pytest

from bench.building import ParameterError, build, is_seeded, model_parameters, source_hash
from bench.plugins import PluginError, models
from bench.registry import MODELS, ModelRow


def write(tmp_path, body, name="plugin.py"):
    file = tmp_path / name
    file.write_text(textwrap.dedent(body))
    return file


GOOD = """
    import numpy as np
    from helper_beside import OFFSET

    class Mine:
        '''Scores everything alike.'''

        def __init__(self, strength=1.5, random_state=0):
            self.strength = strength

        def fit(self, user_items):
            self.n = user_items.shape[1]
            return self

        def score(self, user_ids):
            return np.full((len(user_ids), self.n), self.strength + OFFSET)

    MODELS = {"mine": Mine, "mine-strong": (Mine, {"strength": 9.0})}
"""


@pytest.fixture
def plugin(tmp_path):
    (tmp_path / "helper_beside.py").write_text("OFFSET = 1.0\n")
    return write(tmp_path, GOOD)


def test_a_plugin_brings_its_models_behind_the_registrys(plugin):
    table = models([plugin])
    assert list(table)[: len(MODELS)] == list(MODELS)
    assert table["mine"].summary == "Scores everything alike."
    assert model_parameters("mine", table["mine"], {}) == {"strength": 1.5}
    assert model_parameters("mine-strong", table["mine-strong"], {}) == {"strength": 9.0}
    assert build(table["mine-strong"], {"strength": 9.0}, 3, 2).strength == 9.0
    assert is_seeded(table["mine"])


def test_an_unknown_parameter_is_an_error_that_lists_the_known(plugin):
    table = models([plugin])
    with pytest.raises(ParameterError, match="no parameter 'strenght'; it has: strength"):
        model_parameters("mine", table["mine"], {"strenght": 2})
    with pytest.raises(ParameterError, match="set by the bench"):
        model_parameters("mine", table["mine"], {"random_state": 2})


def test_another_text_of_the_plugin_is_another_source(tmp_path, plugin):
    other = write(tmp_path, GOOD.replace("1.5", "1.6"), "other.py")
    assert source_hash(models([plugin])["mine"]) != source_hash(models([other])["mine"])


def test_hand_rolled_models_hash_their_kernels_and_libraries_their_adapters():
    als, bpr = source_hash(MODELS["als"]), source_hash(MODELS["bpr"])
    assert als == source_hash(MODELS["als"])
    assert als == bpr, "all of recsys_impl is hashed"
    assert source_hash(MODELS["implicit-als"]) != als


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("x = 1\n", "needs a dict MODELS"),
        ("MODELS = {}\n", "needs a dict MODELS"),
        ("MODELS = [1]\n", "needs a dict MODELS"),
        ("MODELS = {'a': 3}\n", "must be a class"),
        ("class A: pass\nMODELS = {'a': A}\n", "no method fit"),
        ("class A:\n    def fit(self, x): pass\nMODELS = {'a': A}\n", "no method score"),
        ("class A:\n    learns_from = 'x'\n    fit = score = lambda *a: 0\nMODELS = {'a': A}\n", "learns_from must be"),
        ("class A:\n    fit = score = lambda *a: 0\nMODELS = {'als': A}\n", "already taken"),
        ("1 / 0\n", "ZeroDivisionError"),
        ("def (\n", "SyntaxError"),
        ("import no_such_module_anywhere\n", "ModuleNotFoundError"),
    ],
)
def test_a_broken_plugin_is_an_error_that_names_the_file(tmp_path, body, message):
    file = write(tmp_path, body)
    with pytest.raises(PluginError, match=message):
        models([file])


def test_a_missing_plugin_is_an_error(tmp_path):
    with pytest.raises(PluginError, match="no such file"):
        models([tmp_path / "none.py"])


def test_a_class_of_the_callers_is_a_row():
    class Own:
        """Mine alone."""

        def fit(self, user_items):
            return self

        def score(self, user_ids):
            return np.zeros((len(user_ids), 3))

    row = models(own={"own": Own})["own"]
    assert isinstance(row, ModelRow)
    assert row.target is Own
    assert source_hash(row) == source_hash(row)
    assert not is_seeded(row)
