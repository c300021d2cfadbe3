"""What dataset.json says of a split."""

import json

import numpy as np
import pytest

from bench.showcase import describe
from splits import Interactions
from splits.split import Split

FEBRUARY, MARCH, JUNE = (int(np.datetime64(day, "s").astype(int)) for day in ("1998-02-28", "1998-03-01", "1998-06-30"))


def make_split(timestamps=None, in_test=(0, 0, 1, 0, 1, 1)):
    """Users a, a, a, b, c, c; c has nothing in train. From a rating of 4 on an item is relevant."""
    users, items = ["a", "a", "a", "b", "c", "c"], [1, 2, 3, 1, 3, 4]
    data = Interactions.from_columns("toy", users, items, [5, 4, 4, 1, 3, 5], timestamps, relevance_threshold=4)
    return Split(data, np.array(in_test, bool))


def test_counts_of_users_and_items():
    described = describe(make_split(), "none")
    assert described["user_ids"] == ["a", "b", "c"]
    assert described["user_counts"] == [[0, 1], [1, 1], [2, 1]]
    assert (described["n_users_train"], described["n_users_test"]) == (2, 2)
    assert described["item_counts"] == [2, 1, 0, 0]
    assert described["test_item_counts"] == [0, 0, 2, 1]
    assert described["relevant_item_counts"] == [0, 0, 1, 1]
    assert described["activity"] is None


def test_activity_is_by_month_with_the_quiet_ones():
    described = describe(make_split([FEBRUARY, MARCH, MARCH, JUNE, JUNE, JUNE + 3600]), "none")
    assert described["activity"] == [
        ("1998-02", 1, 0),
        ("1998-03", 1, 1),
        ("1998-04", 0, 0),
        ("1998-05", 0, 0),
        ("1998-06", 1, 2),
    ]
    json.dumps(described)


@pytest.mark.parametrize(("months", "by_year"), [(119, False), (120, True)])
def test_activity_over_more_than_120_months_is_by_year(months, by_year):
    start = np.datetime64("2000-01")
    end = int((start + months).astype("datetime64[s]").astype(int))
    activity = describe(make_split([int(start.astype("datetime64[s]").astype(int))] * 5 + [end]), "none")["activity"]
    assert len(activity) == (11 if by_year else 120)
    assert (
        (activity[0], activity[-1]) == (("2000", 3, 2), ("2010", 0, 1))
        if by_year
        else (
            ("2000-01", 3, 2),
            ("2009-12", 0, 1),
        )
    )
    assert sum(train + test for _, train, test in activity) == 6


def test_times_that_are_no_seconds_have_no_activity():
    milliseconds = [1000 * time for time in (FEBRUARY, MARCH, MARCH, JUNE, JUNE, JUNE + 10**8)]
    assert describe(make_split(milliseconds), "none")["activity"] is None
    assert describe(make_split([-(2**62), 0, 0, 0, 0, 2**62]), "none")["activity"] is None
