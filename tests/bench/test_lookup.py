"""Recommendations and neighbours of models that fail, of saved models that are damaged, and in folders with links."""

import zipfile
from dataclasses import replace

import numpy as np
import pytest

from bench.cli import main
from bench.settings import Setting, write_settings
from recsys_impl import ALS

PLUGIN = """
import numpy as np
import sys

class Base:
    def fit(self, x):
        self.n = x.shape[1]
        return self
    def score(self, u):
        return np.tile(np.arange(self.n), (len(u), 1)).astype(float)

def model(**methods):
    return type("M", (Base,), methods)

def fail(self, *arguments, **keywords):
    raise RuntimeError("no luck \\x1b[2J")

class E(Exception):
    def __str__(self):
        return 1 / 0

def fail_without_a_word(self, x):
    raise E()

MODELS = {
    "fit": model(fit=fail),
    "score": model(score=fail),
    "exit": model(fit=lambda self, x: sys.exit(0)),
    "shape": model(score=lambda self, u: np.zeros(3)),
    "texts": model(score=lambda self, u: np.full((1, self.n), "1")),
    "nan": model(score=lambda self, u: np.full((1, self.n), np.nan)),
    "neighbours": model(similar_items=lambda self, item, N=10: ([10**6], [1.0])),
    "unprintable": model(fit=fail_without_a_word),
    "none": model(similar_items=lambda self, item, N=10: None),
    "plain": model(),
}
"""


@pytest.fixture
def ask(tmp_path, monkeypatch, capsys):
    """ask("recommend", "als", ...) -> (exit status, what was said), on a small file with titles."""
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(0)
    pairs = [(user, item) for user in range(30) for item in range(20) if random.random() < 0.5]
    rows = [f"{user},{item},{random.integers(1, 6)},\x1b]0;x[/red] {item}\n" for user, item in pairs]
    (tmp_path / "r.csv").write_text("user,item,rating,title\n" + "".join(rows))
    (tmp_path / "plugin.py").write_text(PLUGIN)

    def ask(command, model, *words, out="out"):
        which = ["--user", "4"] if command == "recommend" else ["--item", "4"]
        options = ["--dataset", "r.csv", "--plugin", "plugin.py", "--out", out]
        status = main([command, "--model", model, *which, *options, *words])
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err
        assert "\x1b]0;" not in captured.out + captured.err
        assert "\x1b[2J" not in captured.out + captured.err
        return status, captured.out + captured.err

    return ask


@pytest.mark.parametrize(
    ("command", "model", "message"),
    [
        ("recommend", "fit", r"model 'fit' failed: RuntimeError: no luck"),
        ("recommend", "score", r"model 'score' failed: RuntimeError: no luck"),
        ("recommend", "exit", "model 'exit' failed: SystemExit"),
        ("recommend", "unprintable", "failed: E: a E that can't be printed"),
        ("recommend", "shape", "gave float64 of shape (3,) for one user: expected numbers of shape (1, "),
        ("recommend", "texts", "expected numbers"),
        ("recommend", "nan", "not finite"),
        ("similar", "neighbours", "something else than codes of items"),
        ("similar", "none", "model 'none' failed: TypeError"),
        ("similar", "plain", "has no similar_items"),
    ],
)
def test_a_model_that_fails_is_one_message(command, model, message, ask):
    status, said = ask(command, model)
    assert (status, message in said) == (2, True), said


def test_a_longer_list_than_there_are_items(ask):
    for command in ("recommend", "similar"):
        status, said = ask(command, "als", "--n", "1000000000000", "--set", "als.factors=4")
        assert status == 0, said


def test_a_parameter_of_another_type_is_one_message(ask):
    status, said = ask("recommend", "als", "--set", "als.factors=many")
    assert (status, "als.factors must be a whole number, not 'many'" in said) == (2, True)


def test_tuned_settings_of_the_random_split_are_used_and_set_goes_before_them(ask, tmp_path):
    for split, factors in (("temporal", 2), ("random", 3)):
        setting = Setting("als", {"factors": factors, "alpha": 7.0}, "ndcg@10", 0.2, 15, split, "tune")
        write_settings(tmp_path / "out" / "tuned", "r.csv", setting)
    assert ask("recommend", "als", "--tuned")[0] == 0
    assert ask("recommend", "als", "--tuned", "--set", "als.factors=5")[0] == 0
    fitted = [ALS.load(path) for path in (tmp_path / "out" / "fitted").iterdir()]
    assert sorted((model.factors, model.alpha) for model in fitted) == [(3, 7.0), (5, 7.0)]


def test_where_nothing_is_tuned_it_is_said_what_is(ask, tmp_path):
    setting = Setting("ease", {"regularization": 5.0}, "ndcg@10", 0.2, 15, "temporal", "tune")
    write_settings(tmp_path / "out" / "tuned", "r.csv", setting)
    status, said = ask("similar", "als", "--tuned")
    assert (status, "--tuned: no tuned settings of als on r.csv" in said) == (2, True)
    assert "r.csv, temporal: ease" in said
    assert ask("similar", "ease", "--tuned")[0] == 0  # the only split there is
    write_settings(tmp_path / "out" / "tuned", "r.csv", replace(setting, model="als", parameters={"factors": "many"}))
    status, said = ask("similar", "als", "--tuned")
    assert status == 2
    assert "r.csv.toml: als.factors must be a whole number, not 'many'; correct it" in said
    status, said = ask("similar", "alls", "--tuned")
    assert (status, "did you mean" in said.lower()) == (2, True), said


@pytest.mark.parametrize("damage", ["empty", "cut off", "junk", "an array too few", "half a mark"])
def test_a_damaged_saved_model_is_trained_again(damage, ask, tmp_path):
    words = ["--set", "als.factors=4", "--json"]
    status, first = ask("recommend", "als", *words)
    assert status == 0
    (path,) = (tmp_path / "out" / "fitted").iterdir()
    whole = path.read_bytes()
    if damage == "an array too few":
        with zipfile.ZipFile(path) as archive:
            kept = {name: archive.read(name) for name in archive.namelist() if "__model__" not in name}
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in kept.items():
                archive.writestr(name, content)
    else:
        contents = {
            "empty": b"",
            "cut off": whole[:-100],
            "junk": b"\x80\x04junk",
            "half a mark": b"PK",
        }
        path.write_bytes(contents[damage])
    with pytest.warns(UserWarning, match="is no whole saved model .* trained again"):
        status, second = ask("recommend", "als", *words)
    assert status == 0
    assert first in second
    assert len(path.read_bytes()) == len(whole)


def test_a_model_is_not_saved_through_a_link(ask, tmp_path):
    (tmp_path / "outside").mkdir()
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / "fitted").symlink_to(tmp_path / "outside")
    status, said = ask("recommend", "als", out="linked")
    assert (status, "out of the folder" in said) == (2, True)
    assert not list((tmp_path / "outside").iterdir())
