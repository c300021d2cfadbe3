"""A run that is killed at random moments loses nothing; going on with it gives the undisturbed numbers."""

import importlib.util
import sys
from pathlib import Path

import pytest

FILE = Path(__file__).with_name("killing.py")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="finds a run's processes in /proc")
def test_twenty_kills_lose_nothing(tmp_path):
    spec = importlib.util.spec_from_file_location("killing", FILE)
    killing = importlib.util.module_from_spec(spec)
    sys.modules["killing"] = killing
    spec.loader.exec_module(killing)
    tally = killing.kill_runs(tmp_path, kills=20, seed=1)
    assert tally.of_the_run + tally.of_a_child + tally.runs == 20
    assert tally.of_the_run >= 5
