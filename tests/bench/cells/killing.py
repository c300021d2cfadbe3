"""Kills a real run, or a process of it, at random moments, and looks whether anything that was finished is lost.

    python tests/bench/cells/killing.py [KILLS] [SEED]        1,000 kills unless told otherwise

After each kill the store has to open, to keep every cell that was finished before, and no process of the run may be
left; when the run has ended, every file but measured.json has to be that of an undisturbed run.
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import uuid
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep

from reports.store import Store

COMMAND = (
    *("--dataset", "synthetic", "--models", "random,popularity,als", "--seeds", "2"),
    *("--set", "als.iterations=2", "--set", "als.factors=8"),
)
MARK = "RECSYS_BENCH_KILLED"
PATIENCE = 30  # seconds until what belongs to a run that was killed is gone


@dataclass
class Tally:
    """What was done: kills by who was killed, and how often a run was begun anew because it had ended."""

    runs: int = 0
    of_the_run: int = 0
    of_a_child: int = 0


def kill_runs(folder: Path, kills: int, seed: int) -> Tally:
    """Kill ``kills`` times; raises AssertionError where something was lost."""
    chance, tally = random.Random(seed), Tally()
    begun = monotonic()
    finish(folder / "undisturbed")
    duration = monotonic() - begun
    expected = contents(folder / "undisturbed")
    out = folder / "killed"
    for _ in range(kills):
        before = finished(out)
        if kill_once(out, chance, duration, tally):
            assert before <= finished(out), "a finished cell is lost"
        else:
            compare(out, expected)
            tally.runs += 1
            shutil.rmtree(out)
    finish(out)
    compare(out, expected)
    return tally


def kill_once(out: Path, chance: random.Random, duration: float, tally: Tally) -> bool:
    """Begin or go on with a run and kill it or a child of it; False where it had ended before."""
    mark = uuid.uuid4().hex
    run = subprocess.Popen(command(out), env={**os.environ, MARK: mark}, **QUIET)
    try:
        run.wait(chance.uniform(0, 1.1 * duration))
        return False
    except subprocess.TimeoutExpired:
        pass
    children = [process for process in marked(mark) if process != run.pid]
    if children and chance.random() < 0.5:
        kill(chance.choice(children))
        assert run.wait(120) in (0, 1), "a run whose child was killed goes on"
        tally.of_a_child += 1
    else:
        kill(run.pid)
        run.wait()
        tally.of_the_run += 1
    deadline = monotonic() + PATIENCE
    while marked(mark) and monotonic() < deadline:
        sleep(0.02)
    assert not marked(mark), "a process outlives its run"
    return True


def finish(out: Path) -> None:
    """Run to the end: also the cells that failed because they were killed."""
    ran = subprocess.run(command(out), stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr[-2000:]


def compare(out: Path, expected: dict[str, bytes]) -> None:
    """Whatever was killed, the finished run has the files of the undisturbed one, and nothing is left lying about."""
    if any(result.status != "ok" for result in Store(out).summaries()):
        finish(out)
    found = contents(out)
    assert found.keys() == expected.keys(), sorted(found.keys() ^ expected.keys())
    different = [name for name in found if found[name] != expected[name]]
    assert not different, different


def contents(out: Path) -> dict[str, bytes]:
    """Every file of the store but the measured ones."""
    files = (path for part in ("cells", "datasets") for path in (out / part).rglob("*") if path.is_file())
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in files if path.name != "measured.json"}


def finished(out: Path) -> set[tuple[str, int]]:
    """The cells that are done, each read whole: a broken one raises."""
    return {(result.cell.model, result.cell.split_seed) for result in Store(out) if result.status == "ok"}


def command(out: Path) -> list[str]:
    return [sys.executable, "-m", "bench", "run", *COMMAND, "--out", str(out)]


def marked(mark: str) -> list[int]:
    """The processes whose environment has the mark: the run and all that it started."""
    wanted, found = f"{MARK}={mark}".encode(), []
    for process in Path("/proc").iterdir():
        if process.name.isdecimal():
            try:
                alive = process.joinpath("stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
                if alive and wanted in process.joinpath("environ").read_bytes().split(b"\0"):
                    found.append(int(process.name))
            except (OSError, IndexError):  # it has just ended
                continue
    return found


def kill(process: int) -> None:
    with contextlib.suppress(ProcessLookupError):  # it was quicker
        os.kill(process, signal.SIGKILL)


QUIET = {
    "stdin": subprocess.DEVNULL,
    "stdout": subprocess.DEVNULL,
    "stderr": subprocess.DEVNULL,
    "start_new_session": True,
}


if __name__ == "__main__":
    wanted, first = (int(text) for text in (sys.argv[1:] + ["1000", "0"][len(sys.argv) - 1 :])[:2])
    with tempfile.TemporaryDirectory(prefix="recsys-bench-killing-") as scratch:
        print(kill_runs(Path(scratch), wanted, first))
