"""Real clusters on loopback: a scheduler and workers as processes of their own, and never longer than they may take."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from threading import Timer
from time import monotonic, sleep

import pytest

ROOT = Path(__file__).parents[3]
LONGEST = 300  # seconds that a test may take before its cluster is killed, so that nothing waits for ever

PLUGIN = """
import os, signal, time
from pathlib import Path

import numpy as np


def kill_worker():
    \"\"\"Kill the Dask worker above this process, and nothing else.\"\"\"
    pid = os.getpid()
    while pid > 1:
        pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        if "spawn_main" in Path(f"/proc/{pid}/cmdline").read_text():
            os.kill(pid, signal.SIGKILL)
            time.sleep(60)


class Tiny:
    def __init__(self, random_state=0):
        self.random_state = random_state

    def fit(self, x):
        self.shape = x.shape
        return self

    def score(self, u):
        random = np.random.default_rng(self.random_state)
        return random.random(self.shape)[u]


class Victim(Tiny):
    \"\"\"Its worker dies under the first that is fitted.\"\"\"

    def __init__(self, marker="", random_state=0):
        super().__init__(random_state)
        self.marker = Path(marker)

    def fit(self, x):
        if not self.marker.exists():
            self.marker.write_text(str(os.getpid()))
            kill_worker()
        return super().fit(x)


class Sleeper(Tiny):
    \"\"\"Says who it is, and is never done.\"\"\"

    def __init__(self, file=""):
        super().__init__()
        self.file = Path(file)

    def fit(self, x):
        temporary = self.file.with_suffix(".tmp")
        temporary.write_text(str(os.getpid()))
        temporary.rename(self.file)
        time.sleep(120)


class Deadly(Tiny):
    def fit(self, x):
        kill_worker()


MODELS = {"tiny": Tiny, "victim": Victim, "deadly": Deadly, "sleeper": Sleeper}
"""


class ProcessCluster:
    """``dask scheduler`` and ``dask worker`` processes; ``file`` is the scheduler's."""

    def __init__(self, folder, n_workers):
        self.folder, self.file = folder, folder / "scheduler.json"
        self.processes = []
        at = ["--host", "127.0.0.1", "--scheduler-file", str(self.file), "--no-dashboard"]
        self.scheduler = self.start("scheduler", *at, "--port", "0")
        deadline = monotonic() + LONGEST
        while not self.file.exists():
            assert self.scheduler.poll() is None, (folder / "scheduler-0.log").read_text()
            assert monotonic() < deadline, "the scheduler doesn't start"
            sleep(0.05)
        for _ in range(n_workers):
            self.start("worker", *at, "--nthreads", "1", "--local-directory", str(folder / "workers"))
        self.timer = Timer(LONGEST, self.kill)
        self.timer.daemon = True
        self.timer.start()

    def start(self, *arguments):
        with open(self.folder / f"{arguments[0]}-{len(self.processes)}.log", "wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "dask", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                cwd=self.folder,
                start_new_session=True,
            )
        self.processes.append(process)
        return process

    def kill(self):
        for process in self.processes:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                continue

    def close(self):
        self.timer.cancel()
        self.kill()
        for process in self.processes:
            process.wait(10)


@pytest.fixture(scope="module")
def plugin(tmp_path_factory):
    """A file with models that kill the worker they run on, and a harmless one."""
    file = tmp_path_factory.mktemp("plugin") / "models.py"
    file.write_text(PLUGIN)
    return str(file)


@pytest.fixture
def start_cluster(tmp_path):
    """Starts a cluster with a number of workers; it ends with the test."""
    pytest.importorskip("distributed", reason="needs Dask: pip install 'recsys-bench[cluster]'")
    if not Path("/proc/self/stat").exists():
        pytest.skip("the models that kill their workers need Linux's /proc")
    started = []

    def start(n_workers):
        folder = tmp_path / f"cluster-{len(started)}"
        folder.mkdir()
        started.append(ProcessCluster(folder, n_workers))
        return started[-1]

    yield start
    for cluster in started:
        cluster.close()
