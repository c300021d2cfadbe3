"""Ids to codes, by table or by sorting, against NumPy's own way."""

import numpy as np
import pytest

from splits.columns import coded, id_column


@pytest.mark.parametrize(
    "ids",
    [
        np.array([7, 3, 7, 5], np.int8),
        np.array([-128, 127, 0, -128] * 40, np.int8),
        np.array([2**40, -(2**40), 3, 2**40]),
        np.array([2**63 - 1, 0, 5, 0], np.uint64),
        np.array([2**62 + 1, 2**62, 2**62 + 2], np.uint64),
        np.array(["b", "a", "b", "10", "9"]),
        np.array([4]),
    ],
    ids=["near", "whole int8", "wide", "wide uint64", "near uint64", "text", "one"],
)
def test_coded_is_numpys_unique(ids):
    distinct, codes = coded(ids)
    expected, places = np.unique(ids, return_inverse=True)
    assert distinct.tolist() == expected.tolist()
    assert codes.tolist() == places.tolist()
    assert codes.dtype == np.int32
    assert distinct.dtype.kind == "U" or distinct.dtype == np.int64


@pytest.mark.parametrize("spread", [1, 3, 5, 1000])
def test_table_and_sorting_agree_on_both_sides_of_the_border(spread):
    ids = np.random.default_rng(0).integers(-50 * spread, 50 * spread, 100).astype(np.int32)
    distinct, codes = coded(ids)
    np.testing.assert_array_equal(distinct[codes], ids)
    np.testing.assert_array_equal(distinct, np.unique(ids))


def test_whole_numbers_are_not_copied():
    ids = np.arange(5, dtype=np.int32)
    assert id_column("user", ids) is ids
    assert id_column("user", ids.astype(np.float64)).dtype == np.int64
