"""Shares of a run: together they are the whole of it."""

import random

import pytest

import bench
from bench.cli import main
from bench.experiment import ExperimentError
from bench.shard import Shard, name_of
from reports.result import Cell

CELLS = [
    Cell(dataset, "random", seed, model, {}, model_seed)
    for dataset in ("ml-100k", "ml-1m")
    for seed in range(3)
    for model in ("als", "bpr", "ease", "svd", "warp")
    for model_seed in range(2)
]


@pytest.mark.parametrize("count", [1, 2, 3, 7, 60, 100])
def test_shares_are_disjoint_complete_and_even(count):
    shares = [Shard(index, count).of(CELLS) for index in range(1, count + 1)]
    assert sum(map(len, shares)) == len(CELLS)
    assert frozenset().union(*shares) == {name_of(cell) for cell in CELLS}
    assert max(map(len, shares)) - min(map(len, shares)) <= 1
    large = [sum("ml-1m" in name for name in share) for share in shares]
    assert max(large) - min(large) <= 1, "the data set that takes longer isn't one share's alone"


def test_neither_order_nor_parameters_change_a_share():
    shuffled = [Cell(c.dataset, c.split, c.split_seed, c.model, {"factors": 8}, c.model_seed) for c in CELLS]
    random.Random(0).shuffle(shuffled)
    assert Shard(2, 5).of(shuffled) == Shard(2, 5).of(CELLS)
    assert Shard(2, 5).of(CELLS) != Shard(3, 5).of(CELLS)


def test_a_share_is_read_as_it_is_written():
    assert Shard.parse(None) == Shard(1, 1)
    assert Shard.parse("2/5") == Shard(2, 5)
    for text in ("0/5", "6/5", "2", "2/0", "-1/5", "a/b", "1/2/3", "", "1.5/3"):
        with pytest.raises(ExperimentError, match="write I/N with I from 1 to N"):
            Shard.parse(text)


def test_the_command_line_refuses_a_wrong_share_before_any_work(tmp_path, capsys):
    assert main(["run", "--dataset", "synthetic", "--shard", "3/2", "--out", str(tmp_path / "out")]) == 2
    assert "shard '3/2'" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_shares_run_apart_are_one_run_together(tmp_path):
    settings = {"datasets": "synthetic", "models": ["random", "popularity"], "seeds": 2, "k": [5]}
    whole = bench.run(**settings, out=tmp_path / "whole")
    shares = [bench.run(**settings, shard=f"{index}/2", out=tmp_path / f"{index}") for index in (1, 2)]
    assert [len(share) for share in shares] == [2, 2]
    columns = ["split_seed", "model", "ndcg@5"]
    together = sorted(row for share in shares for row in share[columns].itertuples(index=False, name=None))
    assert together == sorted(whole[columns].itertuples(index=False, name=None))


def test_a_share_without_cells_is_an_empty_table(tmp_path):
    shares = [
        bench.run("synthetic", models="popularity", k=[5], shard=f"{index}/2", out=tmp_path / f"{index}")
        for index in (1, 2)
    ]
    assert sorted(map(len, shares)) == [0, 1]
