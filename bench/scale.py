"""How time and memory grow from 100 thousand to 20 million interactions: the shapes of the MovieLens sets, made up.

    python -c "from bench.scale import run_scale; run_scale(out='docs')"

measures again and writes scale.csv, scale.svg and the table in scale.md: about ten minutes on two cores.
"""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from bench import environment, scale_chart
from bench.cells.job import child_environment
from recsys_impl.threads import thread_count

BEGIN, END = "<!-- table: written by bench/scale.py -->", "<!-- end of table -->"
LOG_TAIL = 4000
REPEATS, SMALL = 3, 1_000_000  # up to how many interactions a size is measured again


class ScaleError(RuntimeError):
    """A step's process died; the message has the end of what it printed."""


@dataclass(frozen=True)
class Size:
    """The shape of a made-up data set."""

    interactions: int
    users: int
    items: int


ML_1M = Size(1_000_000, 6_040, 3_700)
SIZES = (Size(100_000, 943, 1_682), ML_1M, Size(10_000_000, 70_000, 10_700), Size(20_000_000, 138_000, 27_000))


@dataclass(frozen=True)
class Measurement:
    """One step on one size.

    ``process`` says which child did it ("prepare" or the model), ``peak_memory_mb`` is that whole process's (2**20
    bytes). ``amount`` is what the step's seconds are to grow with: interactions, interactions x passes, or scores.
    """

    interactions: int
    users: int
    items: int
    process: str
    step: str
    seconds: float
    amount: int
    peak_memory_mb: float


def run_scale(sizes: Sequence[Size] = SIZES, out: str | Path = "docs", threads: int = 0) -> list[Measurement]:
    """Load, split, fit ALS and BPR, rank and measure every size, each part in a process of its own.

    Writes scale.csv, scale.svg and, between the marks in scale.md, the table.

    Raises
    ------
    ScaleError
        A process died.
    """
    measured = [one for size in sizes for one in measure_size(size, threads or thread_count(0))]
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    write_csv(measured, out / "scale.csv")
    (out / "scale.svg").write_text(scale_chart.chart(measured), encoding="utf-8")
    write_table(table(measured, threads or thread_count(0)), out / "scale.md")
    return measured


def measure_size(size: Size, threads: int) -> list[Measurement]:
    """The steps of one size: one child makes and divides the data, one for each model maps them, fits and evaluates.

    Small sizes are measured several times: their steps last milliseconds, and one disturbance would be all there is.
    """
    repeats = REPEATS if size.interactions <= SMALL else 1
    with tempfile.TemporaryDirectory(prefix="recsys-bench-scale-") as folder:
        job = {**asdict(size), "folder": folder, "threads": threads}
        return [
            one
            for process in ("prepare", "als", "bpr")
            for one in _best([_run_child(size, job, process) for _ in range(repeats)])
        ]


def _best(runs: Sequence[Sequence[Measurement]]) -> list[Measurement]:
    """The fewest seconds of each step and the largest memory."""
    return [
        replace(
            same[0],
            seconds=min(one.seconds for one in same),
            peak_memory_mb=max(one.peak_memory_mb for one in same),
        )
        for same in zip(*runs, strict=True)
    ]


def _run_child(size: Size, job: dict[str, Any], process: str) -> list[Measurement]:
    command = [sys.executable, "-m", "bench.scale_steps", json.dumps({**job, "process": process})]
    done = subprocess.run(command, capture_output=True, text=True, env=child_environment(job["threads"]))
    if done.returncode != 0:
        raise ScaleError(f"{process} of {size}: exit status {done.returncode}\n{done.stderr[-LOG_TAIL:]}")
    said = json.loads(done.stdout.splitlines()[-1])
    return [Measurement(**asdict(size), process=process, **step, **said["process"]) for step in said["steps"]]


def write_csv(measured: Sequence[Measurement], path: Path) -> None:
    """One row a step."""
    with open(path, "w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, [field.name for field in fields(Measurement)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(
            {**asdict(one), "seconds": f"{one.seconds:.4f}", "peak_memory_mb": f"{one.peak_memory_mb:.0f}"}
            for one in measured
        )


def table(measured: Sequence[Measurement], threads: int) -> str:
    """Markdown: seconds, what each unit of work costs beside the first size of ML-1M's shape, and memory."""
    sizes = list(dict.fromkeys(Size(one.interactions, one.users, one.items) for one in measured))
    base = ML_1M if ML_1M in sizes else sizes[0]
    head = ["interactions", "users x items", "load", "split"]
    head += ["ALS fit", "BPR fit", "ALS evaluate", "BPR evaluate", "memory: prepare", "ALS", "BPR"]
    lines = [f"Seconds (beside them, per unit of work, times that of {base.interactions:,}) and peak memory in GiB, on"]
    lines[0] += f" {environment.processor()}, {threads} threads.\n"
    lines += [_row(head), _row(["---:"] * len(head))]
    of = {
        size: [one for one in measured if (one.interactions, one.users) == (size.interactions, size.users)]
        for size in sizes
    }
    for size in sizes:
        cells = [f"{size.interactions:,}", f"{size.users:,} x {size.items:,}"]
        for process, steps in scale_chart.COLUMNS:
            cells.append(_seconds(*(scale_chart.together(of[each], process, steps) for each in (size, base))))
        cells += [f"{_peak(of[size], process):.2f}" for process in ("prepare", "als", "bpr")]
        lines.append(_row(cells))
    return "\n".join(lines) + "\n"


def write_table(text: str, path: Path) -> None:
    """Put the table between the marks of a page; a page without them, or none, becomes one of the table alone."""
    page = path.read_text(encoding="utf-8") if path.exists() else ""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    path.write_text(f"{before}{BEGIN}\n{text}{END}{after or chr(10)}", encoding="utf-8")


def _seconds(here: tuple[float, float], base: tuple[float, float]) -> str:
    seconds, each = here
    return f"{seconds:.3g} ({each / base[1]:.2f}x)"


def _peak(measured: Sequence[Measurement], process: str) -> float:
    return max(one.peak_memory_mb for one in measured if one.process == process) / 1024


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
