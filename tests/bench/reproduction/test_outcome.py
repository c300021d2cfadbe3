"""Verdicts: a miss is a miss."""

import pytest

from bench.reproduction.outcome import judge
from bench.reproduction.suite import Suite, SuiteRow

SUITE = Suite("t", "synthetic", "published-split", "s", "n", [])


def verdict(row, ours, **measured):
    values = {next(iter(row.published)): ours}
    told = {"values": values, "full_ranking": {}, "seconds": 1.0, "peak_memory_mb": 100.0} | measured
    return judge(SUITE, row, told)


@pytest.mark.parametrize(
    ("ours", "asked", "found"),
    [
        (0.1504, "equal", "equal"),
        (0.1496, "equal", "equal"),
        (0.1506, "equal", "MISS"),
        (0.1494, "equal", "MISS"),
        (0.2000, "reach", "passed"),
        (0.1496, "reach", "reached"),
        (0.1494, "reach", "MISS"),
        (0.9999, "beside", ""),
    ],
)
def test_equal_is_within_the_digits_and_reach_is_that_good_or_better(ours, asked, found):
    outcome = verdict(SuiteRow("als", {"ndcg@10": "0.150"}, asked=asked), ours)
    assert outcome.lines[0].verdict == found
    assert outcome.missed == (found == "MISS")


def test_what_the_table_has_no_number_of_is_shown_without_a_verdict():
    (line,) = verdict(SuiteRow("popularity", {"ndcg@10": ""}), 0.03).lines
    assert (line.published, line.ours, line.difference, line.verdict) == (None, 0.03, None, "")


def test_of_errors_the_smaller_is_better():
    row = SuiteRow("svd", {"rmse": "0.934"}, asked="reach")
    assert verdict(row, 0.920).lines[0].verdict == "passed"
    assert verdict(row, 0.940).missed


def test_more_memory_than_allowed_is_a_miss():
    row = SuiteRow("ease", {"ndcg@10": "0.15"}, memory_gib=5.0)
    assert not verdict(row, 0.15, peak_memory_mb=5119.0).missed
    assert verdict(row, 0.15, peak_memory_mb=5121.0).missed


def test_the_full_ranking_stands_beside_without_a_verdict():
    outcome = verdict(SuiteRow("als", {"ndcg@10": "0.15"}), 0.15, full_ranking={"ndcg@10": 0.01})
    assert [(line.metric, line.verdict) for line in outcome.lines] == [
        ("ndcg@10", "equal"),
        ("ndcg@10, full ranking", ""),
    ]
