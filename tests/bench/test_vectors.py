"""The vectors of a model, whoever wrote it."""

from types import SimpleNamespace

import numpy as np
import pytest

from bench.runner import run_cell
from bench.vectors import vectors_of
from recsys_impl import ALS, Popularity


def test_factors_of_any_precision_and_layout_are_float32_rows():
    wide = np.arange(24.0).reshape(4, 6)
    found = vectors_of(SimpleNamespace(item_factors=wide[:, :2], user_factors=wide[:3].astype(np.float16)), 3, 4)
    assert list(found) == ["item_factors", "user_factors"]
    for values in found.values():
        assert values.dtype == np.float32
        assert values.flags.c_contiguous
    np.testing.assert_array_equal(found["item_factors"], wide[:, :2])


@pytest.mark.parametrize(
    "values",
    [
        None,
        "many",
        [[1.0, 2.0]] * 4,
        np.ones(4),
        np.ones((5, 2)),
        np.ones((2, 4)),
        np.ones((4, 0)),
        np.ones((4, 2), int),
        np.full((4, 2), np.nan),
        np.array([["a", "b"]] * 4),
    ],
    ids=str,
)
def test_what_only_bears_the_name_is_left_out(values):
    assert vectors_of(SimpleNamespace(item_factors=values), 3, 4) == {}
    assert vectors_of(object(), 3, 4) == {}


def test_a_cell_keeps_them_only_where_they_are_wanted(small_split, make_task):
    def make():
        return ALS(factors=8, iterations=2)

    assert run_cell(make, small_split, make_task()).vectors is None
    kept = run_cell(make, small_split, make_task(keep_vectors=True)).vectors
    assert {name: values.shape for name, values in kept.items()} == {"item_factors": (60, 8), "user_factors": (120, 8)}
    assert run_cell(Popularity, small_split, make_task(keep_vectors=True)).vectors == {}
