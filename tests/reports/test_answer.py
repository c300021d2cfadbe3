"""The answer of a leaderboard."""

import dataclasses

import pytest

from reports.answer import answer, guessed_twins, twins
from reports.result import Cell, MetricValue, Result
from reports.statistics import Effect, Interval
from reports.table import leaderboards
from reports.uncertainty import PairEffect, Uncertainty


def cell(model, seconds=1.0, status="ok", **metrics):
    values = {
        name.replace("_10", "@10"): MetricValue(value, None, name != "rmse", 1) for name, value in metrics.items()
    }
    return Result(
        Cell("toy", "random", 0, model, {}, 0), model, {}, status, "", values, measured={"fit_seconds": seconds}
    )


def board(*cells):
    (found,) = leaderboards(cells)
    return found


def test_the_answer_names_the_best_the_close_the_fastest_and_the_floor():
    found = answer(
        board(
            cell("ease", 4.0, ndcg_10=0.400),
            cell("als", 3.0, ndcg_10=0.397),
            cell("warp", 1.0, ndcg_10=0.381),
            cell("bpr", 0.1, ndcg_10=0.379),
            cell("popularity", 0.0, ndcg_10=0.18),
        )
    )
    assert found.best.model == "ease"
    assert ([row.model for row in found.rivals], found.tested) == (["als"], False)
    assert (found.take.model, found.runner_up.model) == ("als", "warp")
    assert found.fastest.model == "warp"
    assert found.popularity.model == "popularity"


def test_lower_is_better_for_rating_errors():
    found = answer(board(cell("svd", 2.0, rmse=0.870), cell("bias", 0.1, rmse=0.875), cell("mean", 0.0, rmse=1.1)))
    assert (found.best.model, [row.model for row in found.rivals], found.fastest.model) == ("svd", ["bias"], "bias")


def test_there_is_no_answer_where_nothing_was_measured():
    assert answer(board(cell("a", status="failed"))) is None
    assert answer(board(cell("a"))) is None


def test_a_best_value_of_zero_is_no_division_by_zero():
    found = answer(board(cell("a", ndcg_10=0.0), cell("b", ndcg_10=0.0)))
    assert [row.model for row in found.rivals] == ["b"]


def judged(*cells, alike=()):
    """A leaderboard whose best row can't be told from those of these models, but from the others."""
    found = board(*cells)
    best, *others = found.rows
    effect = Effect(0.01, Interval(0.0, 0.02), 0.2, 0.01)
    pairs = tuple(
        PairEffect(best.label, row.label, effect, 0.01, 0.5 if row.model in alike else 0.001, 2) for row in others
    )
    return dataclasses.replace(found, uncertainty=Uncertainty({}, pairs, {}, 2))


def test_the_fastest_of_those_that_can_not_be_told_from_the_best_is_taken_but_none_far_below_it():
    cells = [cell("ease", 4.0, ndcg_10=0.400), cell("als", 3.0, ndcg_10=0.39), cell("bm25", 0.1, ndcg_10=0.35)]
    found = answer(judged(*cells, cell("warp", 0.1, ndcg_10=0.34), alike=("als", "bm25")))
    assert ([row.model for row in found.rivals], found.tested) == (["als", "bm25"], True)
    assert (found.take.model, found.runner_up.model) == ("als", "warp")
    assert answer(judged(*cells)).take.model == "ease"


def test_twins_are_compared_by_the_primary_metric_and_better_is_positive():
    (pair,) = twins(board(cell("als", ndcg_10=0.33), cell("implicit-als", ndcg_10=0.30)))
    assert (pair.own.model, pair.library.model, pair.metric.name) == ("als", "implicit-als", "ndcg@10")
    assert pair.change == pytest.approx(0.1)


def test_twins_that_predict_ratings_are_compared_by_rmse_and_lower_is_better():
    (pair,) = twins(board(cell("svd", ndcg_10=0.1, rmse=0.9), cell("surprise-svd", ndcg_10=0.2, rmse=1.0)))
    assert (pair.metric.name, pair.change) == ("rmse", pytest.approx(0.1))


def test_a_twin_that_did_not_finish_is_named_with_its_status():
    (pair,) = twins(board(cell("als", ndcg_10=0.3), cell("implicit-als", status="skipped")))
    assert (pair.library, pair.library_name, pair.library_status, pair.change) == (
        None,
        "implicit-als",
        "skipped",
        None,
    )


def test_a_library_without_our_model_has_no_twin():
    assert twins(board(cell("implicit-als", ndcg_10=0.3), cell("als", status="failed"))) == []


def test_given_pairs_replace_the_guess():
    found = board(cell("als", ndcg_10=0.3), cell("other", ndcg_10=0.2), cell("implicit-als", ndcg_10=0.1))
    assert [pair.library_name for pair in twins(found, {"other": "als", "absent": "als"})] == ["other"]


def kin(model, library="", twin="", **options):
    return dataclasses.replace(cell(model, **options), identity={"library": library, "twin": twin})


def test_the_twins_that_cells_stored_count_and_not_the_names():
    cells = [
        kin("als", twin="implicit-als", ndcg_10=0.3),
        kin("implicit-als", "implicit", "als", ndcg_10=0.3),
        kin("fast", "irspack", "als", status="skipped"),
        kin("surprise-als", ndcg_10=0.2),
        kin("mine", twin="surprise-als", ndcg_10=0.2),
    ]
    found = twins(board(*cells))
    assert [(pair.own.model, pair.library_name) for pair in found] == [
        ("als", "fast"),
        ("als", "implicit-als"),
        ("mine", "surprise-als"),
    ]


def test_ours_is_better_only_where_a_test_says_so():
    cells = [cell("als", ndcg_10=0.33), cell("implicit-als", ndcg_10=0.30)]
    found = {alike: twins(judged(*cells, alike=alike))[0].judgement for alike in [(), ("implicit-als",)]}
    assert found == {(): "better", ("implicit-als",): "equal"}
    worse = judged(cell("als", ndcg_10=0.30), cell("implicit-als", ndcg_10=0.33))
    assert twins(worse)[0].judgement == "worse"
    assert twins(board(*cells))[0].judgement == "better"  # nothing was tested: the digits


def test_rating_errors_are_judged_by_their_intervals():
    found = board(cell("svd", ndcg_10=0.1, rmse=0.90), cell("surprise-svd", ndcg_10=0.1, rmse=0.95))
    for high, judgement in ((0.94, "equal"), (0.92, "better")):
        intervals = {"svd": {"rmse": Interval(0.88, high)}, "surprise-svd": {"rmse": Interval(0.93, 0.97)}}
        sure = dataclasses.replace(found, uncertainty=Uncertainty(intervals, (), {}, 1))
        assert twins(sure)[0].judgement == judgement


def test_only_the_names_of_libraries_make_twins():
    assert guessed_twins(
        ["svd", "pure-svd", "surprise-svd", "implicit-item-bm25", "bpr", "lightfm-bpr", "implicit-bpr"]
    ) == {
        "surprise-svd": "svd",
        "lightfm-bpr": "bpr",
        "implicit-bpr": "bpr",
    }
