"""Ids to codes, by table or by sorting, against NumPy's own way."""

import numpy as np
import pytest

from splits import Interactions, InteractionsError
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


HOSTILE = {
    "character 0": ({"users": ["a\0", "a"]}, "row 1 has a character 0"),
    "bytes": ({"users": [b"\xff", b"a"]}, "bytes that are not ASCII"),
    "masked id": ({"users": np.ma.array([1, 2], mask=[0, 1])}, "row 2 is masked"),
    "masked rating": ({"ratings": np.ma.array([1, 2], mask=[1, 0])}, "row 1 is masked"),
    "complex rating": ({"ratings": np.array([1j, 2])}, "complex numbers"),
    "endless rating": ({"ratings": [10**400, 1]}, "row 1 is '1000"),
    "rating that is a list": ({"ratings": [[1], [2, 3]]}, "different lengths"),
    "time beyond int64": ({"timestamps": np.array([2**63 + 5, 1], np.uint64)}, "row 1 is 9223372036854775813"),
    "no time": ({"timestamps": np.array(["NaT", "2020"], "datetime64[s]")}, "row 1 is NaT"),
    "two columns in one": ({"users": [[1], [2]]}, "one-dimensional"),
    "no threshold": ({"ratings": [1, 2], "relevance_threshold": float("nan")}, "relevance_threshold is nan"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_columns_that_make_no_interactions_are_refused_in_one_short_message(case):
    columns, message = HOSTILE[case]
    with pytest.raises(InteractionsError, match=message) as caught:
        Interactions.from_columns("x", **{"users": [1, 2], "items": [3, 4], **columns})
    assert len(str(caught.value)) < 300


def test_whole_numbers_beyond_int64_stay_two_ids():
    ids = id_column("ids", [2**63, 2**63 + 1, 1])
    assert ids.tolist() == ["9223372036854775808", "9223372036854775809", "1"]
