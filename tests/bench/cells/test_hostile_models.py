"""Whatever a model does, its cell is a row that says so, and the next one is run as if nothing had been."""

import time

import pytest

MIB = 2**20
ENDINGS = {
    "Raises": ("failed", "RuntimeError: no luck"),
    "Crashes": ("failed", "killed by SIGSEGV"),
    "Aborts": ("failed", "killed by SIGABRT"),
    "AbortsForMemory": ("out-of-memory", "killed by SIGABRT"),
    "Exits": ("failed", "sys.exit(0)"),
    "ExitsAtOnce": ("failed", "without a result: exit status 0"),
    "KillsItself": ("failed", "killed by SIGKILL"),
    "Unprintable": ("failed", "Odd"),
    "PrintsMuch": ("failed", "RuntimeError: after all that"),
    "LeavesThread": ("ok", ""),
    "ClosesDescriptors": ("ok", ""),
    "Forks": ("ok", ""),
    "Good": ("ok", ""),
}


@pytest.mark.parametrize("model", ENDINGS)
def test_each_ending_is_a_row_of_its_kind(starter, cell_of, model):
    status, words = ENDINGS[model]
    result = cell_of(starter, model)
    assert (result.status, words in result.error) == (status, True), result.error
    assert len(result.error) < 10_000
    assert (result.status == "ok") == bool(result.metrics)


def test_a_crash_says_where_and_keeps_the_last_words(starter, cell_of):
    error = cell_of(starter, "Crashes").error
    assert "last words" in error
    assert "models.py" in error
    assert "in fit" in error


@pytest.mark.parametrize("model", ["Loops", "Blocks"])
def test_what_never_ends_is_ended_at_the_time_limit_and_says_where_it_was(starter, cell_of, model):
    result = cell_of(starter, model, timeout=8.0)
    assert result.status == "timeout"
    assert "after 8 seconds" in result.error
    assert "in fit" in result.error


@pytest.mark.parametrize("model", ["Eats", "AsksForMuch", "EatsInChildren"])
def test_what_takes_too_much_memory_is_out_of_memory(forking, cell_of, model):
    result = cell_of(forking, model, memory_limit=500 * MIB)
    assert result.status == "out-of-memory"
    assert ("--memory-limit" in result.error) == (model != "AsksForMuch"), result.error


def test_a_cell_within_its_limits_is_not_touched(starter, cell_of):
    assert cell_of(starter, "Good", memory_limit=500 * MIB, timeout=60.0).status == "ok"


def test_what_a_model_started_ends_with_it(forking, cell_of, tmp_path, monkeypatch):
    monkeypatch.setenv("LEFT_BEHIND", str(tmp_path / "pids"))
    from bench.cells.starting import Starter

    with Starter() as starter:  # one that has the variable
        assert cell_of(starter, "LeavesChildren").status == "ok"
        pids = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
        assert len(pids) == 2
        wait_until(lambda: not any(map(is_alive, pids)))


def test_a_model_that_kills_the_fork_server_is_a_row_and_the_next_cell_runs(cell_of):
    from bench.cells.starting import Starter

    with Starter() as starter:
        result = cell_of(starter, "KillsParent")
        assert result.status == "failed"
        assert "with the process that starts cells" in result.error
        assert cell_of(starter, "Good").status == "ok"


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as stream:
            return stream.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_until(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came to be"
        time.sleep(0.02)
