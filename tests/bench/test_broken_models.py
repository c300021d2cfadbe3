"""The gate on real models through the real command line: what is broken on purpose is caught, another seed is not."""

import pytest

from bench.cli import main

SUBJECT = """
from recsys_impl import ALS

class Subject(ALS):
    def __init__(self, random_state=0):
        super().__init__(factors=32, regularization={regularization}, alpha=5.0, iterations=5,
                         random_state=random_state + {shift})

    def score(self, user_ids):
        return {sign} * super().score(user_ids)

MODELS = {{"subject": Subject}}
"""


def run(folder, regularization=20.0, shift=0, sign=1):
    """Results of the subject on three splits of made-up data, with this in it."""
    folder.mkdir()
    plugin = folder / "subject.py"
    plugin.write_text(SUBJECT.format(regularization=regularization, shift=shift, sign=sign))
    words = ["--dataset", "synthetic", "--plugin", str(plugin), "--models", "subject", "--seeds", "3", "--k", "10"]
    assert main(["run", *words, "--out", str(folder / "results")]) == 0
    return str(folder / "results")


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reference")
    file = str(folder / "reference.json")
    assert main(["reference", "save", run(folder / "healthy"), "-o", file]) == 0
    return file


def test_another_model_seed_passes(reference, tmp_path, capsys):
    assert main(["compare", reference, run(tmp_path / "seed", shift=1000)]) == 0
    out = capsys.readouterr().out
    assert "one-sided 95%" in out
    assert "the same values for every user" not in out


@pytest.mark.parametrize("broken", [{"sign": -1}, {"regularization": 0.0}], ids=["wrong sign", "no regularisation"])
def test_a_model_that_was_broken_fails(broken, reference, tmp_path, capsys):
    assert main(["compare", reference, run(tmp_path / "broken", **broken)]) == 1
    assert "a drop beyond the margin" in capsys.readouterr().out
