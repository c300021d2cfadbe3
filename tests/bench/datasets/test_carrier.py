"""MovieLens 100K out of a wheel: tried on a small wheel of the same form."""

import subprocess
import sys

import pytest

from bench.datasets import carrier
from bench.datasets.errors import DatasetError
from bench.datasets.movielens import ml_100k

INTER = """user_id:token\titem_id:token\trating:float\ttimestamp:float
1\t1\t5\t100
1\t2\t3\t200
2\t2\t4\t300
"""
ITEM = """item_id:token\tmovie_title:token_seq\trelease_year:token\tclass:token_seq
1\tToy Story\t1995\tAnimation Children's Comedy
2\tunkonwn\tunkonwn\tunknown
"""
INSIDE = "recbole/dataset_example/ml-100k/"


@pytest.fixture(autouse=True)
def small_counts(monkeypatch):
    monkeypatch.setattr(carrier, "COUNTS", {"ratings": 3, "users": 2, "items": 2})


@pytest.fixture
def make_wheel(make_zip):
    def make(inter=INTER, item=ITEM):
        members = {INSIDE + "ml-100k.inter": inter, INSIDE + "ml-100k.item": item, "recbole/__init__.py": "raise Exit"}
        return make_zip("recbole-1.2.1-py3-none-any.whl", members)

    return make


def test_the_files_are_written_in_the_official_form(make_wheel, tmp_path):
    carrier.convert_wheel(make_wheel(), tmp_path)
    assert (tmp_path / "u.data").read_bytes() == b"1\t1\t5\t100\n1\t2\t3\t200\n2\t2\t4\t300\n"
    assert (tmp_path / "u.item").read_text("latin-1").splitlines() == [
        "1|Toy Story (1995)||||0|0|0|1|1|1|0|0|0|0|0|0|0|0|0|0|0|0|0",
        "2|unknown||||1|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0",
    ]


def test_accents_are_written_as_latin_1(make_wheel, tmp_path):
    carrier.convert_wheel(make_wheel(item=ITEM.replace("Toy Story", "Misérables, Les")), tmp_path)
    assert b"1|Mis\xe9rables, Les (1995)|" in (tmp_path / "u.item").read_bytes()


@pytest.mark.filterwarnings("ignore::bench.datasets.errors.DatasetWarning")
def test_what_was_written_loads(make_wheel, cache, monkeypatch, tmp_path):
    folder = tmp_path / "own" / "ml-100k"
    folder.mkdir(parents=True)
    carrier.convert_wheel(make_wheel(), folder)
    monkeypatch.setenv("BENCH_DATA", str(tmp_path / "own"))
    data = ml_100k()
    assert data.titles.tolist() == ["Toy Story (1995)", "unknown"]
    assert data.genres == (("Animation", "Children's", "Comedy"), ())


@pytest.mark.parametrize(
    ("inter", "item", "message"),
    [
        (INTER.replace("2\t2\t4\t300\n", ""), ITEM, "holds {'ratings': 2, 'users': 1"),
        (INTER.replace("2\t2\t4", "1\t2\t4"), ITEM, "'ratings': 2"),
        (INTER, ITEM.replace("2\tunkonwn\t", "3\tunkonwn\t"), "holds .* titles"),
        (INTER, ITEM + ITEM.splitlines()[1] + "\n", "3 titles"),
        (INTER.replace("rating:float", "stars:float"), ITEM, "has the columns"),
        (INTER.replace("\t300", ""), ITEM, "line 4 has 3 fields"),
        ("", ITEM, "has the columns"),
    ],
)
def test_a_wheel_that_does_not_hold_the_set_is_an_error(make_wheel, tmp_path, inter, item, message):
    with pytest.raises(DatasetError, match=message):
        carrier.convert_wheel(make_wheel(inter, item), tmp_path)
    assert not (tmp_path / "u.data").exists()


def test_pip_downloads_only_a_wheel_and_installs_nothing(make_wheel, tmp_path, monkeypatch):
    calls = []

    def pip(command, **options):
        calls.append(command)
        folder = command[command.index("--dest") + 1]
        make_wheel().rename(f"{folder}/recbole-1.2.1-py3-none-any.whl")
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", pip)
    carrier.ml_100k_from_package(tmp_path)
    ((*command,),) = calls
    assert command[:5] == [sys.executable, "-m", "pip", "download", "recbole==1.2.1"]
    assert {"--no-deps", "--only-binary=:all:"} <= set(command)
    assert (tmp_path / "u.data").is_file()


def test_pips_last_words_are_passed_on(tmp_path, monkeypatch):
    failed = subprocess.CompletedProcess([], 1, "", "WARNING: retrying\nERROR: No matching distribution found\n")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: failed)
    with pytest.raises(DatasetError, match="failed: ERROR: No matching distribution found"):
        carrier.ml_100k_from_package(tmp_path)


def test_a_pip_that_hangs_is_given_up(tmp_path, monkeypatch):
    def hang(command, timeout, **options):
        raise subprocess.TimeoutExpired(command, timeout)

    monkeypatch.setattr(subprocess, "run", hang)
    with pytest.raises(DatasetError, match="took more than"):
        carrier.ml_100k_from_package(tmp_path)
