"""What users add to a metric."""

import numpy as np
import pytest

from reports.per_user import parts_of


def test_the_parts_of_a_mean_are_its_values_in_the_order_of_the_users(measured):
    result = measured.cell("als", values=[0.3, 0.1, 0.2], users=[7, 2, 5])
    parts = parts_of(result, "ndcg@10")
    assert parts.users.tolist() == [2, 5, 7]
    assert parts.values.tolist() == [0.1, 0.2, 0.3]
    assert parts.figure == pytest.approx(result.metrics["ndcg@10"].value)


def test_cold_users_and_users_without_a_value_are_left_out(measured):
    result = measured.cell("als", values=[0.3, np.nan, 0.2, 0.9])
    result.per_user["warm"][3] = False
    assert parts_of(result, "ndcg@10").users.tolist() == [0, 2]


def test_the_values_of_rmse_have_its_mean_and_its_variance(measured):
    """A ratio's linearised values: their mean is the figure, their variance that of resampled users."""
    rng = np.random.default_rng(0)
    result = measured.cell("svd", values=rng.random(500))
    parts = parts_of(result, "rmse")
    assert parts.root
    assert parts.values.mean() == pytest.approx(result.metrics["rmse"].value)
    draws = rng.integers(500, size=(4000, 500))
    resampled = np.sqrt(parts.sums[draws].sum(axis=1) / parts.counts[draws].sum(axis=1))
    assert parts.values.std() / np.sqrt(500) == pytest.approx(resampled.std(), rel=0.05)


def test_a_figure_of_the_whole_catalogue_has_no_parts(measured):
    result = measured.cell("als")
    assert parts_of(result, "coverage@10") is None
    assert parts_of(result, "mrr@10") is None
