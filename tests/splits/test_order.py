"""Sorting rows by a key, against NumPy's stable argsort."""

import numpy as np
import pytest

from splits.order import stable_by


@pytest.mark.parametrize(
    ("lowest", "highest", "dtype"),
    [(0, 3, np.int32), (-5, 5, np.int32), (0, 2**31 - 1, np.int64), (0, 2**31, np.int64), (-(2**62), 2**62, np.int64)],
)
def test_stable_by_is_a_stable_argsort_of_the_rows(lowest, highest, dtype):
    random = np.random.default_rng(1)
    key = random.choice([lowest, highest, (lowest + highest) // 2], 500).astype(dtype)
    key[:2] = lowest, highest
    rows = random.permutation(500)
    np.testing.assert_array_equal(stable_by(key, rows), rows[np.argsort(key[rows], kind="stable")])
