"""The answer of a leaderboard."""

import pytest

from reports.answer import answer, guessed_twins, twins
from reports.result import Cell, MetricValue, Result
from reports.table import leaderboards


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
    assert [row.model for row in found.close] == ["als"]
    assert found.fastest.model == "warp"
    assert found.popularity.model == "popularity"


def test_lower_is_better_for_rating_errors():
    found = answer(board(cell("svd", 2.0, rmse=0.870), cell("bias", 0.1, rmse=0.875), cell("mean", 0.0, rmse=1.1)))
    assert (found.best.model, [row.model for row in found.close], found.fastest.model) == ("svd", ["bias"], "bias")


def test_there_is_no_answer_where_nothing_was_measured():
    assert answer(board(cell("a", status="failed"))) is None
    assert answer(board(cell("a"))) is None


def test_a_best_value_of_zero_is_no_division_by_zero():
    found = answer(board(cell("a", ndcg_10=0.0), cell("b", ndcg_10=0.0)))
    assert [row.model for row in found.close] == ["b"]


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


def test_only_the_names_of_libraries_make_twins():
    assert guessed_twins(
        ["svd", "pure-svd", "surprise-svd", "implicit-item-bm25", "bpr", "lightfm-bpr", "implicit-bpr"]
    ) == {
        "surprise-svd": "svd",
        "lightfm-bpr": "bpr",
        "implicit-bpr": "bpr",
    }
