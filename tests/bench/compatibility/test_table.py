"""Other programs' definitions against what those programs say of the same lists."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp

import bench
from bench.cli import main
from bench.compatibility.table import TOOLS, beside
from bench.ranking import Ranked
from bench.registry import UnknownNameError

HERE = Path(__file__).parent
spec = importlib.util.spec_from_file_location("compatibility_programs", HERE / "programs.py")
programs = importlib.util.module_from_spec(spec)
spec.loader.exec_module(programs)


def matrix(items_of):
    dense = np.zeros((programs.N_USERS, programs.N_ITEMS), np.float32)
    for user, items in items_of.items():
        dense[user, items] = 1
    return sp.csr_matrix(dense)


@pytest.fixture(scope="module")
def ranked():
    lists = np.full((programs.N_USERS, max(programs.LENGTHS)), -1, np.int32)
    for user, items in programs.LISTS.items():
        lists[user, : len(items)] = items
    return Ranked.from_lists(np.arange(programs.N_USERS), lists, matrix(programs.SEEN), matrix(programs.RELEVANT))


def stored(tool):
    return json.loads((HERE / f"{tool}.json").read_text(encoding="utf-8"))["values"]


@pytest.mark.parametrize("tool", TOOLS)
def test_a_definition_gives_what_the_program_said(tool, ranked):
    found = {row.metric: row.theirs for row in beside(tool, ranked, programs.KS)}
    assert found == pytest.approx(stored(tool), rel=1e-6)


@pytest.mark.parametrize("tool", TOOLS)
def test_the_program_still_says_so(tool):
    if not programs.is_installed(tool):
        pytest.skip(f"{programs.PROGRAMS[tool][1]} isn't installed")
    assert programs.PROGRAMS[tool][0]() == pytest.approx(stored(tool), rel=1e-6)


@pytest.mark.parametrize("tool", TOOLS)
def test_what_is_said_to_be_the_same_is_and_what_differs_does_somewhere(tool, ranked):
    rows = beside(tool, ranked, programs.KS)
    for metric in TOOLS[tool]:
        same = [row.ours == row.theirs for row in rows if row.metric.startswith(f"{metric}@")]
        said_to_be = TOOLS[tool][metric].difference == "The same."
        assert all(same) == said_to_be, metric


def test_an_unknown_program_is_answered_with_those_there_are(ranked):
    with pytest.raises(UnknownNameError, match="There are: implicit, rectools, lenskit, trec_eval"):
        beside("trec", ranked, (5,))


@pytest.fixture
def files(tmp_path):
    """train, test and lists as files: 3 users; the third has no list, the second has a hit at rank 3 only."""
    (tmp_path / "train.csv").write_text("user,item\na,1\nb,1\nc,2\n")
    (tmp_path / "test.csv").write_text("user,item\na,2\na,3\nb,4\nc,3\n")
    (tmp_path / "lists.csv").write_text("user,item,rank\na,2,1\na,4,2\nb,2,1\nb,3,2\nb,4,3\n")
    return {"recommendations": tmp_path / "lists.csv", "train": tmp_path / "train.csv", "test": tmp_path / "test.csv"}


def test_the_function_gives_a_table(files):
    table = bench.compat("trec_eval", **files, k=[2]).set_index("metric")
    assert table.loc["recall@2", ["ours", "theirs"]].tolist() == pytest.approx([1 / 6, 1 / 4])
    assert table.loc["mrr@2", ["ours", "theirs"]].tolist() == pytest.approx([1 / 3, 2 / 3])
    assert table.loc["mrr@2", "name"] == "recip_rank"


def test_the_command_prints_it(files, capsys):
    options = [f"--{name}={path}" for name, path in files.items()]
    assert main(["eval", *options, "--k", "2", "--compat", "implicit"]) == 0
    printed = capsys.readouterr().out
    assert "0.2500" in printed, "one hit of min(2, 2) + min(2, 1) + min(2, 1)"
    assert "precision: It adds up all users' hits" in printed
    assert main(["eval", *options, "--k", "2", "--compat", "lenskit", "--json"]) == 0
    rows = {row["metric"]: row for row in json.loads(capsys.readouterr().out)["beside"]}
    assert rows["recall@2"]["theirs"] == pytest.approx(1 / 4)
    assert main(["eval", *options, "--compat", "nobody"]) == 2
    assert "There are: implicit" in capsys.readouterr().err
