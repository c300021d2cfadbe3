"""Intervals drawn beside their numbers."""

import dataclasses

import pytest

from reports.result import Cell, MetricValue, Result
from reports.statistics import Interval
from reports.table import leaderboards
from reports.uncertainty import Uncertainty
from reports.whiskers import WIDTH, whiskers


def cell(model, value, higher=True):
    metrics = {"ndcg@10": MetricValue(value, None, higher, 1)}
    return Result(Cell("toy", "random", 0, model, {}, 0), model, {}, "ok", "", metrics)


def drawn(intervals, higher=True):
    """Whiskers of models whose value is the middle of their interval."""
    cells = [
        Result(
            Cell("toy", "random", 0, model, {}, 0),
            model,
            {},
            "ok",
            "",
            {"ndcg@10": MetricValue((low + high) / 2, None, higher, 1)},
        )
        for model, (low, high) in intervals.items()
    ]
    (board,) = leaderboards(cells)
    sure = {model: {"ndcg@10": Interval(low, high)} for model, (low, high) in intervals.items()}
    return whiskers(dataclasses.replace(board, uncertainty=Uncertainty(sure, (), {}, 1)), board.columns[0])


def test_the_better_half_is_on_one_scale_and_what_is_far_below_points_there():
    found = drawn({"a": (0.38, 0.40), "b": (0.37, 0.39), "c": (0.36, 0.38), "d": (0.1, 0.12), "e": (0.0, 0.01)})
    assert (found["c"].low, found["a"].high) == (2, WIDTH - 2)
    assert found["b"].value == pytest.approx(WIDTH / 2)
    assert [found[model].beyond for model in "abcde"] == [0, 0, 0, -1, -1]


def test_where_lower_is_better_the_worse_point_to_the_right():
    found = drawn({"a": (0.87, 0.88), "b": (0.88, 0.89), "c": (0.90, 0.91), "d": (1.1, 1.2)}, higher=False)
    assert [found[model].beyond for model in "abcd"] == [0, 0, 0, 1]


def test_what_reaches_out_of_the_scale_is_cut_there():
    found = drawn({"a": (0.38, 0.40), "b": (0.38, 0.40), "c": (0.38, 0.40), "d": (0.30, 0.385)})
    assert (found["d"].low, found["d"].beyond) == (0, 0)


def test_equal_bounds_and_no_intervals_are_no_trouble():
    assert drawn({"a": (0.5, 0.5)})["a"].value == 2
    assert drawn({"a": (0.1, 0.2)}) != {}
    (board,) = leaderboards([cell("a", 0.5)])
    assert whiskers(board, board.columns[0]) == {}
