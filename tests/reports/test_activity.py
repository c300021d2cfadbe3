"""Users in groups by their training interactions."""

import math

import numpy as np
import pytest

from reports.activity import ByActivity, quantile_edges
from reports.cells import pass_over
from reports.table import leaderboards


def passed(results, analysis):
    (board,) = leaderboards(results)
    pass_over(board, lambda result: result, lambda cell: None, [analysis])
    return analysis


def test_groups_are_quarters_and_values_means_over_cells(fake):
    counts = [1, 2, 3, 4, 5, 6, 7, 8]
    results = [
        fake.small("a", [0, 1, 0, 0, 1, 1, 1, 1], counts, seed=0),
        fake.small("a", [1, 1, 1, 0, 0, 0, 1, 1], counts, seed=1),
        fake.small("b", [0, 0, 0, 0, 0, 0, 0, 1], counts, seed=0),
    ]
    frame = passed(results, ByActivity("ndcg@2")).frame()
    of_a = frame[frame["model"] == "a"]
    assert of_a[["smallest", "largest"]].to_numpy().tolist() == [[1, 2], [3, 4], [5, 6], [7, 8]]
    assert of_a["n_users"].tolist() == [4, 4, 4, 4]  # two on each of two splits
    assert of_a["value"].tolist() == [0.75, 0.25, 0.5, 1.0]
    assert frame[frame["model"] == "b"]["value"].tolist() == [0, 0, 0, 0.5]


def test_users_without_a_value_and_cold_users_do_not_count(fake):
    result = fake.small("a", [1, math.nan, 0, 1], [1, 1, 2, 2])
    result.per_user["warm"] = np.array([True, True, True, False])
    frame = passed([result], ByActivity("ndcg@2", 2)).frame()
    assert frame[["n_users", "value"]].to_numpy().tolist() == [[1, 1.0], [1, 0.0]]


def test_users_with_as_many_interactions_stay_together():
    assert quantile_edges(np.array([3, 3, 3, 3, 9]), 4).tolist() == [3]
    assert quantile_edges(np.array([5, 5, 5]), 4).tolist() == []
    assert quantile_edges(np.arange(1, 101), 4).tolist() == [25, 50, 75]


def test_a_rating_error_is_the_root_over_all_ratings_of_a_group(fake):
    result = fake.small("a", [0.0, 0.0, 0.0], [1, 1, 9])
    result.per_user |= {"rmse_sum": np.array([4.0, 0.0, 9.0]), "rmse_count": np.array([1.0, 3.0, 1.0])}
    result.metrics["rmse"] = result.metrics["ndcg@2"]
    frame = passed([result], ByActivity("rmse", 2)).frame()
    assert frame["value"].tolist() == [1.0, 3.0]


@pytest.mark.parametrize("order", [[2, 0, 1], [1, 2, 0]])
def test_the_order_of_users_in_a_cell_does_not_matter(fake, order):
    result = fake.small("a", [0.0, 0.5, 1.0], [1, 2, 3])
    result.users = result.users[order]
    result.per_user = {name: values[order] for name, values in result.per_user.items()}
    assert passed([result], ByActivity("ndcg@2", 3)).frame()["value"].tolist() == [0.0, 0.5, 1.0]


def test_results_of_before_training_counts_were_stored_have_no_groups(fake):
    assert passed([fake.small("a", [0.5])], ByActivity("ndcg@2")).frame().empty
