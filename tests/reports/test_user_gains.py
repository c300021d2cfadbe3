"""Who gains and who loses."""

import numpy as np
import pandas as pd
import pytest

from reports.cells import pass_over
from reports.table import leaderboards
from reports.user_gains import Gains, best_and_other


def gains_of(results, dataset=None):
    (board,) = leaderboards(results)
    found = Gains(*best_and_other(board), board.primary.name, board.primary.higher_is_better)
    pass_over(board, lambda result: result, lambda cell: dataset, [found])
    return found


def test_users_stand_by_their_gain_with_both_values(fake):
    results = [
        fake.small("a", [0.5, 1.0, 0.25, 1.0], [10, 20, 30, 40]),
        fake.small("b", [0.5, 0.5, 0.75, 0.0], [10, 20, 30, 40]),
    ]
    frame = gains_of(results, {"user_ids": ["u7", "u8", "u9", "u10"]}).frame()
    assert frame["user"].tolist() == [3, 1, 0, 2]
    assert frame["user_id"].tolist() == ["u10", "u8", "u7", "u9"]
    assert frame["n_train"].tolist() == [40, 20, 10, 30]
    assert frame["gain"].tolist() == [1.0, 0.5, 0.0, -0.5]
    assert frame[["first", "second"]].to_numpy()[-1].tolist() == [0.25, 0.75]


def test_it_is_the_first_split_that_both_have_with_model_seeds_averaged(fake):
    results = [
        fake.small("a", [0.9], seed=0),
        fake.small("a", [0.8], seed=1),
        fake.small("a", [0.6], seed=1, model_seed=1),
        fake.small("b", [0.3], seed=1),
        fake.small("a", [0.8], seed=2),
        fake.small("b", [0.1], seed=2),
    ]
    found = gains_of(results)
    assert found.seed == 1
    assert found.frame()["gain"].tolist() == pytest.approx([0.4])
    assert found.frame()["n_train"].isna().all()


def test_a_missing_user_and_rating_errors(fake):
    first, second = fake.small("a", [0.0, 0.0, 0.0]), fake.small("b", [0.0, 0.0])
    for result, sums in ((first, [4.0, 1.0, 9.0]), (second, [1.0, 16.0])):
        result.metrics = {"rmse": type(result.metrics["ndcg@2"])(1.0 if result is first else 2.0, None, False, 1)}
        result.per_user = {"rmse_sum": np.array(sums), "rmse_count": np.ones(len(sums))}
    frame = gains_of([first, second]).frame()
    assert frame[["user", "first", "second", "gain"]].to_numpy().tolist() == [[1, 1, 4, 3], [0, 2, 1, -1]]
    assert isinstance(frame, pd.DataFrame)


def test_the_other_is_the_twin_of_another_library_or_the_runner_up(fake):
    def other(*models):
        results = [fake.small(model, [0.9 - place / 10]) for place, model in enumerate(models)]
        (board,) = leaderboards(results)
        return best_and_other(board)[1].label

    assert other("als", "ease", "irspack-als", "implicit-als") == "irspack-als"
    assert other("implicit-als", "ease", "als") == "als"
    assert other("implicit-als", "ease", "irspack-als", "als") == "irspack-als"
    assert other("ease", "als", "implicit-als") == "als"
    (board,) = leaderboards([fake.small("als", [0.5])])
    assert best_and_other(board) is None
