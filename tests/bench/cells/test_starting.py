"""How a child begins: from a process without threads, with the threads and the randomness of its own."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bench.cells import starting
from bench.cells.starting import Starter

PROBE = """
import os
import numpy as np
from threadpoolctl import threadpool_info

class Probe:
    def fit(self, user_items):
        pools = {pool["num_threads"] for pool in threadpool_info()}
        variables = {os.environ[name] for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
        raise RuntimeError(f"pools {pools} variables {variables} draw {np.random.random()}"
                           f" session {os.getsid(0) == os.getpid()} parent {os.getppid()}")
    def score(self, user_ids): ...

MODELS = {"probe": Probe}
"""


@pytest.fixture
def probe(cell_of, tmp_path):
    plugin = tmp_path / "probe.py"
    plugin.write_text(PROBE)

    def look(starter, threads):
        error = cell_of(starter, "probe", plugins=[str(plugin)], threads=threads).error
        (found,) = re.findall(
            r"^RuntimeError: pools \{(.*)\} variables \{(.*)\} draw (.*) session (.*) parent (.*)", error
        )
        return found

    return look


@pytest.mark.parametrize("threads", [1, min(2, os.cpu_count() or 1)])  # OpenBLAS itself takes no more than cores
def test_a_child_has_the_threads_it_was_given(starter, probe, threads):
    pools, variables, _, session, _ = probe(starter, threads)
    assert (pools, variables, session) == (str(threads), repr(str(threads)), "True")


def test_children_of_one_server_draw_different_numbers(forking, probe):
    first, second = probe(forking, 1), probe(forking, 1)
    assert first[4] == second[4], "they have one parent"
    assert first[2] != second[2]


def test_the_fork_server_has_no_thread_but_one(forking, probe):
    parent = probe(forking, 1)[4]
    assert len(os.listdir(f"/proc/{parent}/task")) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux forks")
def test_where_the_server_can_not_start_a_cell_is_run_by_a_fresh_interpreter(cell_of, monkeypatch):
    class Broken(starting.ForkServer):
        def refusal(self):
            super().refusal()
            return "it can't fork"

    monkeypatch.setattr(starting, "ForkServer", Broken)
    with Starter() as starter:
        assert cell_of(starter, "Good").status == "ok"
        assert not starter._fork


def test_a_killed_fork_server_is_started_again(forking, probe, cell_of):
    parent = int(probe(forking, 1)[4])
    os.kill(parent, signal.SIGKILL)
    assert cell_of(forking, "Good").status == "ok"
    assert int(probe(forking, 1)[4]) != parent


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux forks")
@pytest.mark.parametrize("deaths", [1, 3])  # after three a fresh interpreter takes the job
def test_a_job_that_a_lost_child_has_read_is_whole_for_the_next(cell_of, monkeypatch, deaths):
    """The server may die between forking a child and saying so."""
    left = [deaths]

    class Dying(starting.ForkServer):
        def start(self, *job):
            child = super().start(*job)
            if not left[0]:
                return child
            left[0] -= 1
            wait_until(lambda: child.poll() is not None)
            child.close()
            raise EOFError("the fork server died")

    monkeypatch.setattr(starting, "ForkServer", Dying)
    with Starter() as starter:
        assert cell_of(starter, "Good").status == "ok"
    assert left == [0]


@pytest.mark.parametrize("fork", [True, False])
def test_children_end_with_a_run_that_is_killed(tmp_path, split_folder, fork):
    """``kill -9`` of the run while a cell loops: neither the cell nor the server is there a moment later."""
    if fork and sys.platform != "linux":
        pytest.skip("only Linux forks")
    script = tmp_path / "script.py"
    script.write_text(f"""
from pathlib import Path
from bench.cells.job import Job
from bench.cells.running import run_in_child
from bench.cells.starting import Starter
from reports.result import Cell

job = Job(Cell("synthetic", "random", 0, "told", {{}}, 0), "a key", {{}}, [5], {split_folder!r}, 1,
          plugins=[{str(tmp_path / "told.py")!r}])
Path({str(tmp_path / "cell")!r}).mkdir()
with Starter(fork={fork}) as starter:
    run_in_child(starter, job, Path({str(tmp_path / "cell")!r}))
""")
    (tmp_path / "told.py").write_text(f"""
import os, subprocess, sys, time

class Told:
    def fit(self, user_items):
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"])
        with open({str(tmp_path / "pids")!r}, "w") as stream:
            print(os.getpid(), os.getppid() if {fork} else os.getpid(), child.pid, file=stream, flush=True)
        while True: pass
    def score(self, user_ids): ...

MODELS = {{"told": Told}}
""")
    root = Path(__file__).parents[3]
    run = subprocess.Popen([sys.executable, str(script)], env={**os.environ, "PYTHONPATH": str(root)})
    try:
        wait_until(lambda: (tmp_path / "pids").exists() and (tmp_path / "pids").read_text().endswith("\n"))
        pids = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
        assert all(map(is_alive, pids))
    finally:
        run.kill()
        run.wait()
    wait_until(lambda: not any(map(is_alive, pids)))


def is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_until(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came to be"
        time.sleep(0.02)
