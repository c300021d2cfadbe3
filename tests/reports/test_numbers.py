"""Numbers as a person reads them."""

import math

import pytest

from reports import numbers


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (math.nan, "–"),
        (0, "0 s"),
        (0.0002, "< 1 ms"),
        (0.0017, "1.70 ms"),
        (0.25, "250 ms"),
        (0.9994, "999 ms"),
        (0.9996, "1.00 s"),
        (4.2051, "4.21 s"),
        (9.999, "10.0 s"),
        (99.94, "99.9 s"),
        (99.96, "1 min 40 s"),
        (192, "3 min 12 s"),
        (605, "10 min 05 s"),
        (3599.6, "1 h 00 min"),
        (7530, "2 h 05 min"),
    ],
)
def test_seconds_are_written_in_the_unit_that_reads_best(value, text):
    assert numbers.seconds(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(None, "–"), (0.002, "< 0.01 ms"), (0.412, "0.412 ms"), (12, "12.0 ms"), (1200, "1.20 s")]
)
def test_milliseconds_become_seconds_when_they_are_many(value, text):
    assert numbers.milliseconds(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (0, "0 MB"),
        (0.001, "< 0.01 MB"),
        (0.41, "0.41 MB"),
        (4.77, "4.77 MB"),
        (212.4, "212 MB"),
        (1884, "1.84 GB"),
    ],
)
def test_megabytes_become_gigabytes_when_they_are_many(value, text):
    assert numbers.megabytes(value) == text


@pytest.mark.parametrize(
    ("change", "text"), [(0.0123, "+1.2%"), (-0.004, "−0.4%"), (0.0004, "0.0%"), (-0.0004, "0.0%"), (0, "0.0%")]
)
def test_a_change_has_its_sign_unless_it_reads_as_nothing(change, text):
    assert numbers.percent(change) == text


@pytest.mark.parametrize(
    ("values", "decimals"),
    [
        ([0.3, 0.12], 4),
        ([], 4),
        ([0.0], 4),
        ([1.2, 0.3], 3),
        ([8.12], 3),
        ([81.2], 2),
        ([812.0], 1),
        ([8120.0], 0),
        ([81200.0, 1], 0),
    ],
)
def test_the_largest_of_a_column_has_about_four_digits(values, decimals):
    assert numbers.decimals_for(values) == decimals


def test_a_value_that_reads_as_zero_has_no_sign():
    assert numbers.fixed(-0.00001, 4) == "0.0000"
    assert numbers.fixed(-0.5, 1) == "-0.5"


def test_a_missing_value_is_a_dash_and_not_zero():
    assert numbers.fixed(None, 4) == numbers.fixed(math.nan, 4) == numbers.fixed(math.inf, 4) == "–"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_what_is_not_finite_is_a_dash(value):
    assert numbers.percent(value) == numbers.significant(value) == numbers.fixed(value, 2) == numbers.NOTHING
