"""Real runs in processes of their own: killed, interrupted, two at a time, on a full disk."""

import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from reports.store import Store

ROOT = Path(__file__).parents[3]
MODELS = Path(__file__).with_name("models.py")

spec = importlib.util.spec_from_file_location("killing", Path(__file__).with_name("killing.py"))
killing = importlib.util.module_from_spec(spec)
spec.loader.exec_module(killing)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are found in /proc")


@pytest.fixture(scope="module")
def ratings(tmp_path_factory):
    return killing.write_ratings(tmp_path_factory.mktemp("data") / "ratings.csv")


def start(ratings, out, models, *words, **options):
    """A run of some of the hostile models."""
    words = ["--dataset", str(ratings), "--plugin", str(MODELS), "--models", models, "--out", str(out), *words]
    return subprocess.Popen(
        [sys.executable, "-m", "bench", "run", *words],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def await_line(run, words):
    """What the run says until a line with these words."""
    said = ""
    for line in run.stderr:
        said += line
        if words in line:
            return said
    raise AssertionError(f"it never said {words!r}: {said}")


def statuses(out):
    return {result.cell.model: result.status for result in Store(out).summaries()}


@pytest.mark.slow
def test_twenty_kills_lose_nothing_and_change_nothing(tmp_path):
    counts = killing.kill_runs(tmp_path, 20, seed=0)
    assert sum(counts.values()) - counts["left in peace"] == 20


def test_two_runs_into_one_folder_do_each_other_no_harm(tmp_path, ratings):
    runs = [killing.start(ratings, tmp_path / "both", "") for _ in range(2)]
    assert [run.wait(300) for run in runs] == [0, 0]
    assert killing.start(ratings, tmp_path / "alone", "").wait(300) == 0
    assert killing.contents(tmp_path / "both") == killing.contents(tmp_path / "alone")
    assert len(killing.contents(tmp_path / "both")) == 8
    assert not killing.left_over(tmp_path / "both")


def test_a_first_ctrl_c_finishes_what_runs_and_a_second_run_does_the_rest(tmp_path, ratings):
    out = tmp_path / "out"
    with start(ratings, out, "Sleeps,Good") as run:
        wait_for_cell(run)
        run.send_signal(signal.SIGINT)
        said = await_line(run, "interrupted")
        assert "finishing the cell that is running" in said
        said += run.stderr.read()
    assert run.returncode == 130
    assert statuses(out) == {"Sleeps": "ok"}
    assert "what was finished is kept" in said
    finished = killing.contents(out)
    with start(ratings, out, "Sleeps,Good") as run:
        said = run.stderr.read()
    assert run.returncode == 0
    assert "1 computed, 1 already in the store" in said
    assert statuses(out) == {"Sleeps": "ok", "Good": "ok"}
    assert finished.items() <= killing.contents(out).items()


@pytest.mark.parametrize("signals", [[signal.SIGINT, signal.SIGINT], [signal.SIGTERM]], ids=["two Ctrl-C", "SIGTERM"])
def test_a_second_ctrl_c_and_a_termination_stop_at_once(tmp_path, ratings, signals):
    out = tmp_path / "out"
    with start(ratings, out, "Good,Loops") as run:
        await_line(run, "Good")
        cell = wait_for_cell(run)
        for number in signals:
            run.send_signal(number)
            time.sleep(0.5)
        assert run.wait(60) == 130
    assert not os.path.exists(f"/proc/{cell}")
    assert statuses(out) == {"Good": "ok"}
    assert not killing.left_over(out)


def test_limits_are_rows_and_the_run_goes_on(tmp_path, ratings):
    out = tmp_path / "out"
    limits = ["--timeout", "15", "--memory-limit", "600MB", "--jobs", "2"]
    with start(ratings, out, "Loops,Eats,Crashes,Exits,ExitsAtOnce,PrintsMuch,Good", *limits) as run:
        said = run.stderr.read()
    assert run.returncode == 1, said
    assert statuses(out) == {
        "Loops": "timeout",
        "Eats": "out-of-memory",
        "Crashes": "failed",
        "Exits": "failed",
        "ExitsAtOnce": "failed",
        "PrintsMuch": "failed",
        "Good": "ok",
    }
    table = pd.read_csv(out / "report.csv").set_index("model")
    assert table["error"].notna().to_dict() == {model: model != "Good" for model in statuses(out)}
    assert table["side_by_side"].dropna().to_dict() == {"Good": 2}
    assert "up to 2 cells ran side by side" in (out / "report.html").read_text(encoding="utf-8")


def test_cells_come_to_a_result_under_a_hard_limit_of_the_systems(tmp_path, ratings):
    import resource

    def hard_limit():
        resource.setrlimit(resource.RLIMIT_DATA, (30 * 2**30, 30 * 2**30))

    with start(ratings, tmp_path / "out", "Good", preexec_fn=hard_limit) as run:
        said = run.stderr.read()
    assert run.returncode == 0, said
    assert statuses(tmp_path / "out") == {"Good": "ok"}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--timeout", "0"], "write seconds, a number above 0"),
        (["--timeout", "nan"], "write seconds, or a number with s, m or h"),
        (["--memory-limit", "much"], "write a number of MB, or 500MB, or 4GiB"),
    ],
)
def test_a_limit_that_makes_no_sense_is_refused(tmp_path, ratings, words, message):
    with start(ratings, tmp_path / "out", "Good", *words) as run:
        said = run.stderr.read()
    assert run.returncode == 2
    assert message in said
    assert "Traceback" not in said


def test_what_a_dead_run_left_goes_and_what_a_living_one_writes_stays(tmp_path, ratings):
    out = tmp_path / "out"
    with start(ratings, out, "Loops") as dead:
        wait_for_cell(dead)
        dead.kill()
    left = killing.left_over(out)
    assert left, "a killed run can't clear up"
    with start(ratings, out, "Loops") as living:
        wait_for_cell(living)
        of_living = [path for path in killing.left_over(out) if path not in left]
        assert of_living
        assert not any(path.exists() for path in left)
        with start(ratings, out, "Good") as other:
            other.stderr.read()
        assert other.returncode == 0
        assert all(path.exists() for path in of_living)
        living.kill()


class TestFullDisk:
    def test_a_disk_that_takes_no_more_ends_the_run_with_a_message_and_the_store_is_whole(self, small_disk, ratings):
        out = small_disk / "out"
        with start(ratings, out, "Good") as run:
            run.stderr.read()
        assert run.returncode == 0
        before = killing.contents(out)
        fill(small_disk, left=40_000)
        with start(ratings, out, "Good,popularity,bias,random", "--seeds", "2") as run:
            said = run.stderr.read()
        assert run.returncode == 2, said
        assert "No space left on device" in said
        assert "Traceback" not in said
        assert killing.contents(out).items() >= before.items()
        (small_disk / "filling").unlink()
        with start(ratings, out, "Good,popularity,bias,random", "--seeds", "2") as run:
            said = run.stderr.read()
        assert run.returncode == 0, said
        assert set(statuses(out).values()) == {"ok"}

    def test_a_cell_that_is_too_large_for_the_disk_ends_the_run(self, tmp_path, ratings):
        """The same where no small disk can be had: files may not grow beyond some size."""
        import resource

        def no_large_files():
            resource.setrlimit(resource.RLIMIT_FSIZE, (12_000, 12_000))

        out = tmp_path / "out"
        with start(ratings, out, "Good", "--k", "30", preexec_fn=no_large_files) as run:
            said = run.stderr.read()
        assert run.returncode == 2, said
        assert "File too large" in said
        assert "Traceback" not in said
        assert not list(Store(out))


@pytest.fixture
def small_disk(tmp_path):
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=8m", "none", str(folder)]
    if os.getuid() != 0 or not shutil.which("mount") or subprocess.run(command, capture_output=True).returncode != 0:
        pytest.skip("a small disk can only be mounted by root")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(disk, left):
    """Leave this many bytes free."""
    free = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize
    with open(disk / "filling", "wb") as stream:
        stream.write(bytes(free - left))


def wait_for_cell(run, seconds=120):
    """The process of a cell that has begun its fit."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for server in killing.children(run.pid):
            for cell in killing.children(server):
                if b"bench.cells.forkserver" in killing.read(server, "cmdline"):
                    return cell
        time.sleep(0.01)
    raise AssertionError("no cell began")
