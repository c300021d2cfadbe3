"""Kill real runs at random moments and compare what is left, and what the next run makes of it, with a run in peace.

    python tests/bench/cells/killing.py 1000 [--seed 0] [--folder DIR]

Each round starts ``python -m bench run`` on a small file and, at a moment drawn from the run's whole length, ends the
run, its fork server or one of its cells by SIGKILL, or the run by SIGTERM or Ctrl-C. Then every cell in the store has
to be whole and have the bytes that the run in peace gave it, none that was there before may be missing, and no process
may be left. A run whose cell was killed goes on: that cell is a failed row, and it alone; one whose server was killed
tries again what it lost. The folder is used again until a round ends by itself: then all is there, with the same bytes,
and nothing under a temporary name. Linux only: processes are found in /proc.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[3]
MODELS = "random,popularity,bias,als"
MARK = "BENCH_KILL_ROUND"  # in the environment of a round's processes, by which those that are left are found
WAYS = ("run", "server", "cell", "SIGTERM", "Ctrl-C", "two Ctrl-C")
PATIENCE = 3600  # seconds for a run to end, or for its processes to be gone


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rounds", type=int, nargs="?", default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", help="Where to work. [default: a temporary folder]")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        counts = kill_runs(Path(folder), options.rounds, options.seed, say=print)
    print(", ".join(f"{count} {what}" for what, count in sorted(counts.items())))
    return 0


def kill_runs(folder: Path, rounds: int, seed: int, say=lambda line: None) -> Counter[str]:
    """Do the rounds and return how often what was killed; raises AssertionError where something was lost or changed."""
    signal.signal(
        signal.SIGINT, signal.default_int_handler
    )  # a shell's background jobs would hand on that it's ignored
    draw, counts = random.Random(seed), Counter()
    data = write_ratings(folder / "ratings.csv")
    assert start(data, folder / "peace", "").wait(PATIENCE) == 0
    expected = contents(folder / "peace")
    length = 5.0  # of a run, in seconds; put right by each that is left in peace
    number = killed = 0
    while killed < rounds or number:
        out = folder / "disturbed"
        way = draw.choice(WAYS) if killed < rounds else "nothing"
        before = contents(out)
        mark = f"{os.getpid()}-{killed}-{number}"
        process, began = start(data, out, mark), time.monotonic()
        seconds, place = draw.uniform(0.1, length), draw.random()
        hit = disturb(process, way, seconds, place) if way != "nothing" else ""
        status = process.wait(PATIENCE)
        await_end(mark)
        check(out, before, expected)
        check_rows(out, hit, status, expected)
        killed, number = killed + bool(hit), number + 1
        counts[hit or "left in peace"] += 1
        length = length if hit else time.monotonic() - began
        say(f"{killed} of {rounds}: {hit or 'nothing killed'}, exit {status}, {len(contents(out))} cells there")
        if status == 0:
            assert contents(out) == expected, "a run that ends well has all cells, with the bytes of a run in peace"
            assert data_files(out) == data_files(folder / "peace")
            assert not left_over(out), f"left over: {left_over(out)}"
            shutil.rmtree(out)
            number = 0
        else:
            assert hit, f"exit status {status} although nothing was killed"
    return counts


def write_ratings(path: Path) -> Path:
    """60 users who rated some of 30 items."""
    draw = random.Random(0)
    rows = [(user, item, draw.randint(1, 5)) for user in range(60) for item in range(30) if draw.random() < 0.5]
    path.write_text("user,item,rating\n" + "".join(f"{u},{i},{r}\n" for u, i, r in rows))
    return path


def start(data: Path, out: Path, mark: str) -> subprocess.Popen[bytes]:
    """A run of eight cells, two at a time."""
    words = ["run", "--dataset", str(data), "--models", MODELS, "--seeds", "2", "--k", "5", "--jobs", "2"]
    words += ["--set", "als.iterations=2", "--set", "als.factors=4", "--out", str(out)]
    environment = {**os.environ, MARK: mark, "PYTHONPATH": str(ROOT)}
    nowhere = subprocess.DEVNULL
    return subprocess.Popen(
        [sys.executable, "-m", "bench", *words], env=environment, stdin=nowhere, stdout=nowhere, stderr=nowhere
    )


def disturb(process: subprocess.Popen[bytes], way: str, seconds: float, place: float) -> str:
    """Kill what ``way`` says, after that time or as soon as it is there; what was hit, "" where the run ended before.

    ``place`` in [0, 1) chooses among several cells.
    """
    deadline = time.monotonic() + seconds
    while process.poll() is None:
        victims = victims_of(process, way)
        if time.monotonic() >= deadline and victims:
            victim = victims[int(place * len(victims))]
            hit = way if way != "cell" or stop(victim) else "cell that had ended"
            for _ in range(1 + (way == "two Ctrl-C")):
                send(victim, way)
                time.sleep(0.02)
            return hit
        time.sleep(0.005)
    return ""


def victims_of(process: subprocess.Popen[bytes], way: str) -> list[int]:
    if way not in ("server", "cell"):
        return [process.pid]
    servers = [pid for pid in children(process.pid) if b"bench.cells.forkserver" in read(pid, "cmdline")]
    if way == "server":
        return servers
    return [child for server in servers for child in children(server) if leads_a_session(child)]


def leads_a_session(pid: int) -> bool:
    """As a cell does, and a command by which the server looks at its environment (git, say) doesn't."""
    return read(pid, "stat").rpartition(b") ")[2].split()[3:4] == [str(pid).encode()]


def stop(pid: int) -> bool:
    """Halt a process, so that nothing but a kill can end it any more; False where it had ended."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGSTOP)
    while (state := read(pid, "stat").rpartition(b") ")[2][:1]) not in (b"T", b"Z", b"X", b""):
        time.sleep(0.001)
    return state == b"T"


def send(pid: int, way: str) -> None:
    number = {"SIGTERM": signal.SIGTERM, "Ctrl-C": signal.SIGINT, "two Ctrl-C": signal.SIGINT}.get(way, signal.SIGKILL)
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def check(out: Path, before: dict[str, bytes], expected: dict[str, bytes]) -> None:
    """Every cell that is there is whole and as it was in peace; what was finished before is still there."""
    from reports.store import Store

    for folder in Store(out).folders():
        Store(out).read(folder)
    found = contents(out)
    for name, content in found.items():
        assert content == expected[name], f"{name} has other bytes than in peace"
    assert not set(before) - set(found), f"lost: {set(before) - set(found)}"


def check_rows(out: Path, hit: str, status: int, expected: dict[str, bytes]) -> None:
    """Where a cell or the server was killed the run went on, and there is a row of each cell."""
    from reports.store import Store

    if hit not in ("cell", "cell that had ended", "server"):
        return
    rows = {str(folder.relative_to(out)): Store(out).read(folder, tables=()) for folder in Store(out).folders()}
    assert rows.keys() == expected.keys(), f"no row of {expected.keys() - rows.keys()}"
    failed = [row.error for row in rows.values() if row.status != "ok"]
    assert (len(failed), status) == ((1, 1) if hit == "cell" else (0, 0)), f"exit status {status}, failed: {failed}"
    assert all(error.startswith("the cell's process died: killed by SIGKILL") for error in failed), failed


def contents(out: Path) -> dict[str, bytes]:
    """The bytes of each finished cell's files, but for what was measured: that never is the same."""
    from reports.store import Store

    store, found = Store(out), {}
    for folder in store.folders():
        if store.read(folder, tables=()).status == "ok":
            files = sorted(file for file in folder.iterdir() if file.name != "measured.json")
            found[str(folder.relative_to(out))] = b"".join(file.name.encode() + file.read_bytes() for file in files)
    return found


def data_files(out: Path) -> dict[str, bytes]:
    """The bytes of what is stored once a split."""
    return {str(path.relative_to(out)): path.read_bytes() for path in (out / "datasets").rglob("*") if path.is_file()}


def left_over(out: Path) -> list[Path]:
    return [path for path in out.rglob("*") if path.name.startswith(".")]


def await_end(mark: str) -> None:
    """Wait until no process of a round is left."""
    deadline = time.monotonic() + PATIENCE
    while left := [pid for pid in processes() if f"{MARK}={mark}\0".encode() in read(pid, "environ")]:
        assert time.monotonic() < deadline, f"processes {left} outlived their run"
        time.sleep(0.02)


def processes() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdecimal()]


def children(pid: int) -> list[int]:
    return [int(child) for child in read(pid, f"task/{pid}/children").split()]


def read(pid: int, name: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:
        return b""


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    sys.exit(main())
