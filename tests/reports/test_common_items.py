"""How much two rows' lists have in common."""

import numpy as np
import pytest

from reports.cells import pass_over
from reports.common_items import Overlap, common_shares
from reports.table import leaderboards


def lists(*rows):
    return np.arange(len(rows), dtype=np.int32), np.array(rows, np.int32)


def test_full_lists_share_what_they_have_in_common():
    first, second = lists([1, 2], [3, 4]), lists([2, 9], [4, 3])
    assert common_shares([first, second]).tolist() == pytest.approx(np.array([[1, 0.75], [0.75, 1]]))


def test_short_and_empty_lists_and_users_whom_one_row_has_not():
    first = lists([1, 2, 3, 4], [5, -1, -1, -1], [-1, -1, -1, -1])
    second = (np.array([1, 0], np.int32), np.array([[5, 6, 7, 8], [1, 2, 3, 9]], np.int32))
    shares = common_shares([first, second])
    assert shares[0, 1] == pytest.approx((3 / 4 + 1 / np.sqrt(4)) / 2)
    assert shares[0, 0] == pytest.approx(1)


def test_the_product_is_what_sets_say():
    rng = np.random.default_rng(7)
    rows = [lists(*(rng.permutation(30)[:5] for _ in range(20))) for _ in range(4)]
    shares = common_shares(rows)
    for one in range(4):
        for other in range(4):
            pairs = zip(rows[one][1].tolist(), rows[other][1].tolist(), strict=True)
            assert shares[one, other] == pytest.approx(np.mean([len({*a} & {*b}) / 5 for a, b in pairs]))


def test_means_are_over_splits_and_only_first_places_count(fake):
    results = [
        fake.small("a", [0.5, 0.5], lists=[[1, 2, 3], [4, 5, 6]], seed=0),
        fake.small("b", [0.4, 0.4], lists=[[1, 9, 2], [4, 5, 7]], seed=0),
        fake.small("a", [0.5], lists=[[1, 2, 3]], seed=1),
        fake.small("b", [0.4], lists=[[2, 1, 7]], seed=1),
        fake.small("c", [0.3], lists=[[8, 9, 7]], seed=2),
    ]
    (board,) = leaderboards(results)
    found = Overlap(board, 2)
    pass_over(board, lambda result: result, lambda cell: None, [found])
    frame = found.frame()
    assert list(frame.index) == list(frame.columns) == ["a", "b"]
    assert frame.loc["a", "b"] == pytest.approx((0.75 + 1) / 2)
