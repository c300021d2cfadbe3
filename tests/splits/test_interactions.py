"""Raw columns become interactions, or an error that says which row is wrong."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from splits import Interactions, InteractionsError
from splits.interactions import labels


def rows(interactions):
    """(user, item, rating, time) as in the data, in file order."""
    columns = [interactions.user_ids[interactions.users], interactions.item_ids[interactions.items]]
    columns += [c for c in (interactions.ratings, interactions.timestamps) if c is not None]
    return list(zip(*(column.tolist() for column in columns), strict=True))


def test_codes_point_to_sorted_ids_and_rows_keep_the_files_order():
    interactions = Interactions.from_columns("two", [30, 10, 30], ["b", "b", "a"], [1, 2.5, 3], [9, 8, 7])
    assert interactions.user_ids.tolist() == [10, 30]
    assert interactions.item_ids.tolist() == ["a", "b"]
    assert rows(interactions) == [(30, "b", 1.0, 9), (10, "b", 2.5, 8), (30, "a", 3.0, 7)]
    assert (len(interactions), interactions.n_users, interactions.n_items) == (3, 2, 2)
    dtypes = [interactions.users.dtype, interactions.items.dtype, interactions.ratings.dtype]
    assert dtypes == [np.int32, np.int32, np.float32]
    assert interactions.timestamps.dtype == np.int64


def test_a_repeated_pair_keeps_its_last_row_by_time():
    interactions = Interactions.from_columns("repeats", [1, 1, 2, 1], [5, 5, 5, 5], [1, 2, 3, 4], [10, 30, 1, 20])
    assert rows(interactions) == [(1, 5, 2.0, 30), (2, 5, 3.0, 1)]


def test_a_repeated_pair_at_one_moment_keeps_its_last_row_in_the_file():
    interactions = Interactions.from_columns("repeats", [1, 1, 1], [5, 5, 5], [1, 2, 3], [10, 10, 9])
    assert rows(interactions) == [(1, 5, 2.0, 10)]


def test_a_repeated_pair_without_time_keeps_its_last_row_in_the_file():
    interactions = Interactions.from_columns("repeats", [1, 2, 1], [5, 5, 5], [1, 2, 3])
    assert rows(interactions) == [(2, 5, 2.0), (1, 5, 3.0)]


def test_a_pair_on_both_sides_of_a_published_split_is_collapsed_too():
    interactions = Interactions.from_columns("both", [1, 2, 1], [5, 5, 5], held_out=[False, False, True])
    assert interactions.held_out.tolist() == [False, True]


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=30),
    st.booleans(),
)
def test_collapsing_agrees_with_a_dict_that_is_overwritten(events, with_time):
    """The slow version: go through the rows by time, remember each pair's latest row, give them in file order."""
    users, items, times = zip(*events, strict=True)
    order = sorted(range(len(events)), key=lambda row: times[row]) if with_time else range(len(events))
    latest = {}
    for row in order:
        latest[users[row], items[row]] = row
    kept = sorted(latest.values())
    interactions = Interactions.from_columns(
        "drawn", users, items, np.arange(len(events)), times if with_time else None
    )
    assert interactions.ratings.tolist() == kept


@pytest.mark.parametrize(
    ("given_ids", "expected"),
    [
        ([3, 1, 2], [3, 1, 2]),
        (np.array([3, 1, 2], dtype=np.uint8), [3, 1, 2]),
        (np.array([3.0, 1.0, 2.0]), [3, 1, 2]),
        (pd.Series([3, 1, 2], dtype="Int64"), [3, 1, 2]),
        (pd.Series([3, 1, 2], index=[7, 7, 7]), [3, 1, 2]),
        (np.array([3, 1, 2], dtype=object), [3, 1, 2]),
        (["3", "01", "1"], ["3", "01", "1"]),
        ([3, "x", 2.5], ["3", "x", "2.5"]),
        ([1.5, 2.0, 3.0], ["1.5", "2.0", "3.0"]),
        (["nan", "None", "NaT"], ["nan", "None", "NaT"]),
        (pd.Series(["é", "ß", "日本"]), ["é", "ß", "日本"]),
        (np.array([2**63, 2**63 + 1, 5], dtype=np.uint64), ["9223372036854775808", "9223372036854775809", "5"]),
        ([2.0**53, 1.0, 2.0], ["9007199254740992.0", "1.0", "2.0"]),
        ([2**70, -(2**70), 1], [str(2**70), str(-(2**70)), "1"]),
    ],
)
def test_ids_are_whole_numbers_or_text(given_ids, expected):
    interactions = Interactions.from_columns("ids", given_ids, [0, 1, 2])
    assert labels(interactions.user_ids[interactions.users]) == expected
    assert interactions.user_ids.dtype.kind in "iU"


@pytest.mark.parametrize(
    "ids",
    [
        ["a", "", "c"],
        ["a", None, "c"],
        ["a", np.nan, "c"],
        [1, None, 3],
        [1.0, np.nan, 3.0],
        pd.Series(["a", None, "c"]),
        pd.Series([1, pd.NA, 3], dtype="Int64"),
        pd.Series(["a", pd.NA, "c"], dtype="string"),
    ],
)
def test_an_empty_id_is_named_by_column_and_row(ids):
    with pytest.raises(InteractionsError, match="holes: column 'item': row 2 is empty"):
        Interactions.from_columns("holes", [1, 2, 3], ids)


@pytest.mark.parametrize(
    ("ratings", "found"),
    [
        ([1, float("nan"), 3], "row 2 is nan"),
        ([1, 2, float("inf")], "row 3 is inf"),
        ([1, 1e39, 3], r"row 2 is 1e\+39"),
        (["1", "four", "3"], "row 2 is 'four'"),
        (["1", "", "3"], "row 2 is ''"),
        ([1, None, 3], "row 2 is None"),
        (pd.Series([1, pd.NA, 3], dtype="Int64"), "row 2 is (<NA>|nan)"),
    ],
)
def test_a_rating_that_is_no_number_is_named_by_row(ratings, found):
    with pytest.raises(InteractionsError, match=f"bad: column 'rating': {found}, not a finite number"):
        Interactions.from_columns("bad", [1, 2, 3], [1, 2, 3], ratings)


@pytest.mark.parametrize(
    ("times", "found"),
    [
        ([1.0, float("nan"), 3], "row 2 is nan"),
        ([1, 1e300, 3], r"row 2 is 1e\+300"),
        (["1", "yesterday", "3"], "row 2 is 'yesterday'"),
        (np.array(["2001-01-01", "NaT", "2001-01-03"], dtype="datetime64[ns]"), "row 2 is NaT"),
    ],
)
def test_a_timestamp_that_is_no_time_is_named_by_row(times, found):
    with pytest.raises(InteractionsError, match=f"bad: column 'timestamp': {found}, not a finite number"):
        Interactions.from_columns("bad", [1, 2, 3], [1, 2, 3], None, times)


def test_numbers_as_text_and_dates_are_understood():
    dates = np.array(["1970-01-01T00:00:01.5", "1970-01-02"], dtype="datetime64[ns]")
    interactions = Interactions.from_columns("text", [1, 2], [1, 2], ["3.5", "4"], dates)
    assert interactions.ratings.tolist() == [3.5, 4]
    assert interactions.timestamps.tolist() == [1, 86400]
    large = 2**62 + 1
    assert Interactions.from_columns("large", [1], [1], None, [large]).timestamps.tolist() == [large]


@pytest.mark.parametrize("column", ["items", "ratings", "timestamps", "held_out"])
def test_columns_of_different_lengths_are_an_error(column):
    columns = {"users": [1, 2], "items": [1, 2], column: [1, 0, 1]}
    with pytest.raises(InteractionsError, match=f"short: 2 users but 3 values in column '{column.rstrip('s')}'"):
        Interactions.from_columns("short", **columns)


@pytest.mark.parametrize("column", ["users", "items", "ratings", "timestamps", "held_out"])
def test_a_column_of_two_dimensions_is_an_error(column):
    columns = {"users": [1, 2], "items": [1, 2], column: [[1, 0], [1, 1]]}
    with pytest.raises(InteractionsError, match=r"square: column '.*' must be one-dimensional, not of shape \(2, 2\)"):
        Interactions.from_columns("square", **columns)


def test_no_rows_are_an_error():
    with pytest.raises(InteractionsError, match="nothing: no interactions"):
        Interactions.from_columns("nothing", [], [])


def test_titles_and_genres_stand_beside_the_items():
    interactions = Interactions.from_columns(
        "films", [1, 1], [7, 3], titles={7: "Heat", 9: "unseen"}, genres={3: ("Drama", "War")}
    )
    assert interactions.titles.tolist() == ["", "Heat"]
    assert interactions.genres == (("Drama", "War"), ())


def test_selecting_rows_keeps_all_users_items_and_titles():
    whole = Interactions.from_columns(
        "whole", [1, 2, 3], [1, 2, 3], [1, 2, 3], [4, 5, 6], titles={1: "one"}, held_out=[0, 1, 0]
    )
    for part in (whole.select(np.array([True, False, True])), whole.select(np.array([0, 2]))):
        assert rows(part) == [(1, 1, 1.0, 4), (3, 3, 3.0, 6)]
        assert part.held_out.tolist() == [False, False]
        assert (part.n_users, part.n_items) == (3, 3)
        assert part.titles is whole.titles
    assert whole.select(np.array([0])).relevant.shape == (1,)


def test_to_csr_puts_values_at_the_interactions():
    interactions = Interactions.from_columns("matrix", [1, 0, 1], [2, 1, 0])
    assert interactions.to_csr().toarray().tolist() == [[0, 1, 0], [1, 0, 1]]
    matrix = interactions.to_csr([5, 6, 7])
    assert matrix.toarray().tolist() == [[0, 6, 0], [7, 0, 5]]
    assert matrix.has_sorted_indices
    assert matrix.dtype == np.float32


def test_positives_of_ratings_are_ones_at_the_threshold_and_above():
    interactions = Interactions.from_columns("stars", [0, 0, 1], [0, 1, 1], [4, 3.5, 5], relevance_threshold=4)
    assert interactions.relevant.tolist() == [True, False, True]
    assert interactions.positives().toarray().tolist() == [[1, 0], [0, 1]]
    assert interactions.positives().nnz == 2


def test_positives_of_counts_are_their_logarithms_and_a_count_of_nothing_is_none():
    interactions = Interactions.from_columns("plays", [0, 0, 1, 1], [0, 1, 0, 1], [1, 100, 0, -1])
    assert interactions.relevant.tolist() == [True, True, False, False]
    assert np.allclose(interactions.positives().toarray(), [[np.log(2), np.log(101)], [0, 0]])
    assert interactions.positives().nnz == 2


def test_positives_without_ratings_are_ones_whatever_the_threshold():
    interactions = Interactions.from_columns("clicks", [0, 1], [0, 1], relevance_threshold=4)
    assert interactions.positives().toarray().tolist() == [[1, 0], [0, 1]]


BASE = {"users": [1, 2, 2], "items": [4, 4, 5], "ratings": [1, 2, 3], "timestamps": [7, 8, 9]}


def hash_of(name="set", **changes):
    return Interactions.from_columns(name, **(BASE | changes)).content_hash


@pytest.mark.parametrize(
    "changes",
    [
        {"users": [1, 2, 3]},
        {"users": [1, 2, 2], "items": [4, 4, 6]},
        {"ratings": [1, 2, 4]},
        {"ratings": None},
        {"timestamps": [7, 8, 10]},
        {"timestamps": None},
        {"held_out": [False, False, True]},
        {"held_out": [False, False, False]},
        {"relevance_threshold": 4},
        {"rating_scale": (1, 5)},
        {"users": [2, 1, 2], "items": [4, 4, 5]},
    ],
)
def test_the_hash_changes_with_everything_that_is_read(changes):
    assert hash_of(**changes) != hash_of()


def test_the_hash_is_that_of_the_content_and_not_of_its_spelling():
    assert hash_of("another name") == hash_of()
    assert hash_of(titles={4: "four"}, genres={4: ("Drama",)}) == hash_of()
    assert hash_of(ratings=np.array([1, 2, 3], dtype=np.int8), users=np.array([1.0, 2.0, 2.0])) == hash_of()
    assert hash_of(relevance_threshold=4, rating_scale=(1, 5)) == hash_of(
        relevance_threshold=np.float32(4), rating_scale=[1.0, 5.0]
    )


def test_ids_that_only_join_to_the_same_text_have_different_hashes():
    first = Interactions.from_columns("joined", ["a", "bc"], ["d", "d"])
    second = Interactions.from_columns("joined", ["a", "b"], ["cd", "cd"])
    assert first.content_hash != second.content_hash
