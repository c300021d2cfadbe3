"""How limits are written, and what counts as held memory."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bench.cells.limits import LimitError, held_bytes, parse_memory, parse_seconds, parse_timeout

MIB = 2**20
ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("text", "size"),
    [("4GiB", 4096), ("500MB", 500), ("1.5 g", 1536), ("500", 500), (500, 500), ("16m", 16), (None, 0), ("", 0)],
)
def test_sizes_are_read_in_units_of_1024(text, size):
    assert parse_memory(text) == size * MIB


@pytest.mark.parametrize("text", ["much", "4TB", "-5", "0", "0.5MB", "15MB", "4 G B", "nan", "1e3", "٤GB"])
def test_other_sizes_are_refused_with_what_is_allowed(text):
    with pytest.raises(LimitError, match="write a number of MB, or 500MB, or 4GiB"):
        parse_memory(text)


def test_a_bare_number_that_was_meant_for_gib_is_guessed():
    with pytest.raises(LimitError, match=r"at least 16 MB; did you mean 4GiB\?"):
        parse_memory("4")


def test_seconds_are_read_as_people_write_them():
    assert [parse_seconds("--time-budget", text) for text in ("900", "15m", "1h", "1.5s")] == [900, 900, 3600, 1.5]
    assert parse_timeout("15m") == 900
    with pytest.raises(LimitError, match="--time-budget soon: write seconds, or a number with s, m or h"):
        parse_seconds("--time-budget", "soon")


@pytest.mark.parametrize("seconds", ["0", "-1m", 0, -1, float("nan"), float("inf"), True, [1]])
def test_a_timeout_is_a_number_above_0(seconds):
    with pytest.raises(LimitError, match="number above 0"):
        parse_timeout(seconds)


def test_no_timeout_is_no_limit():
    assert (parse_timeout(None), parse_timeout(1.5), parse_timeout(3)) == (0.0, 1.5, 3.0)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_hard_limit_from_outside_stays_and_is_all_that_is_left_when_ours_is_lifted():
    words = """
import resource
from bench.cells import limits

resource.setrlimit(resource.RLIMIT_DATA, (30 * 2**30, 30 * 2**30))
limits.limit_data(500 * 2**20, threads=1)
soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
assert soft < 5 * 2**30 < hard == 30 * 2**30, (soft, hard)
limits.lift_data_limit()
assert resource.getrlimit(resource.RLIMIT_DATA) == (30 * 2**30, 30 * 2**30)
"""
    subprocess.run([sys.executable, "-c", words], env={**os.environ, "PYTHONPATH": str(ROOT)}, check=True)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
class TestHeld:
    HOLD = r"""
import numpy as np, os, sys
held = np.ones(64 * 2**17)
mapped = np.load(sys.argv[1], mmap_mode="r")
mapped.sum()
if sys.argv[2] == "fork" and os.fork() == 0:
    pass
os.write(1, b"ready\n")
sys.stdin.read()
"""

    def hold(self, file, how):
        child = subprocess.Popen(
            [sys.executable, "-c", self.HOLD, str(file), how], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        for _ in range(1 + (how == "fork")):
            assert child.stdout.readline() == b"ready\n"
        try:
            return held_bytes(child.pid)
        finally:
            child.communicate()

    @pytest.mark.parametrize("how", ["alone", "fork"])
    def test_own_memory_counts_once_and_mapped_files_do_not(self, tmp_path, how):
        np.save(tmp_path / "data.npy", np.ones(64 * 2**17))
        held = self.hold(tmp_path / "data.npy", how)
        assert 64 * MIB < held < 64 * MIB + 60 * MIB

    def test_a_process_that_is_gone_holds_nothing(self):
        child = subprocess.Popen([sys.executable, "-c", ""])
        child.wait()
        assert held_bytes(child.pid) == 0
