"""Models from outside the package, good ones and those that break the contract."""

import sys
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


CLASS = """
    import numpy as np

    class A:
        def fit(self, x):
            self.n = x.shape[1]
            return self

        def score(self, u):
            return np.zeros((len(u), self.n))
"""
HOSTILE = {
    "sys.exit": ("import sys\nsys.exit(0)\n", "SystemExit"),
    "endless recursion": ("def f(): return f()\nf()\n", "RecursionError"),
    "a NUL in the source": ("MODELS = {}\0\n", "null byte"),
    "thousands of brackets": ("(" * 10_000, "plug-in .*(SyntaxError|MemoryError|RecursionError)"),
    "no memory": ("raise MemoryError('none')\n", "MemoryError: none"),
    "an error that can't be printed": ("class E(Exception):\n    def __str__(self): raise E()\nraise E()\n", "printed"),
    "a MODELS that can't be printed": ("class M:\n    def __repr__(self): 1 / 0\nMODELS = M()\n", "can't be printed"),
    "a path that it emptied": ("import sys\nsys.path.clear()\nMODELS = {}\n", "needs a dict MODELS"),
    "a MODELS that raises": ("def __getattr__(name): raise RuntimeError\n", "needs a dict MODELS"),
    "no name": (CLASS + "\n    MODELS = {'': A}\n", "a name is 1 to 100 printable"),
    "a number for a name": (CLASS + "\n    MODELS = {3: A}\n", "a model is named 3"),
    "a name of two lines": (CLASS + "\n    MODELS = {'a\\nb': A}\n", "printable"),
    "a name that clears the screen": (CLASS + "\n    MODELS = {'a\\x1b[2J': A}\n", "printable"),
    "half a character": (CLASS + "\n    MODELS = {'a\\udc80': A}\n", "printable"),
    "blanks around a name": (CLASS + "\n    MODELS = {' a': A}\n", "printable"),
    "a long name": (CLASS + "\n    MODELS = {'a' * 101: A}\n", "1 to 100"),
    "a comma in a name": (CLASS + "\n    MODELS = {'a,b': A}\n", "leave ',' and '=' out"),
    "a parameter that is a number": (CLASS + "\n    MODELS = {'a': (A, {3: 4})}\n", "must be texts"),
    "a matrix for learns_from": (CLASS + "\n    A.learns_from = np.eye(2)\n    MODELS = {'a': A}\n", "learns_from"),
    "a method that raises": (
        "class T(type):\n    fit = property(lambda self: 1 / 0)\nclass A(metaclass=T): pass\nMODELS = {'a': A}\n",
        "its fit raises ZeroDivisionError",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_plugin_is_one_short_message(case, tmp_path):
    body, message = HOSTILE[case]
    searched = list(sys.path)
    with pytest.raises(PluginError, match=message) as caught:
        models([write(tmp_path, body)])
    assert len(str(caught.value)) < 1000
    assert sys.path == searched, "what is imported later isn't found"


@pytest.mark.parametrize("name", ["a/b", "../../x", "..", "naïve 🎬", "a.b", "CON", "x" * 100])
def test_odd_names_are_names(name, tmp_path):
    assert name in models([write(tmp_path, CLASS + f"\n    MODELS = {{{name!r}: A}}\n")])


@pytest.mark.parametrize("docstring", ["' '", "3", "''", "'\\n\\n first \\n'"])
def test_any_docstring_gives_a_summary(docstring, tmp_path):
    file = write(tmp_path, CLASS + f"\n    A.__doc__ = {docstring}\n    MODELS = {{'a': A}}\n")
    assert models([file])["a"].summary in ("first", f"plug-in {file}")


def test_a_folder_or_a_pipe_is_no_plugin(tmp_path):
    import os

    os.mkfifo(tmp_path / "pipe.py")
    for file in (tmp_path, tmp_path / "pipe.py"):
        with pytest.raises(PluginError, match="not a file, but a folder, device or pipe"):
            models([file])


@pytest.mark.parametrize("value", ["nan", "inf", "2024-01-01", "[nan]"])
def test_a_parameter_that_no_result_could_name_is_refused_and_not_left_out(value):
    from bench.experiment import parse_value

    with pytest.raises(ParameterError, match=r"als.alpha is .*: it must be a finite number"):
        model_parameters("als", MODELS["als"], {"alpha": parse_value(value)})
    with pytest.raises(ParameterError, match="its parameter 'alpha' must be what JSON can hold"):
        model_parameters("x", ModelRow("recsys_impl.als:ALS", "", {"alpha": parse_value(value)}), {})


def test_an_entry_point_that_cannot_be_imported_is_one_message():
    from bench.registry import UnknownNameError, resolve

    with pytest.raises(UnknownNameError, match="no_such_module_anywhere:X can't be loaded: ModuleNotFoundError"):
        resolve("no_such_module_anywhere:X")
