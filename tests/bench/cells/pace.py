"""What it costs to run each cell in a process of its own, and how long a large store takes to be listed.

    python tests/bench/cells/pace.py [--cells 60] [--many 500] [--listed 10000] [--folder DIR]

Prints, on cells whose own work is tens of milliseconds: what a cell takes beyond its own work, one and two side by side
(that work is measured in this process, by the same function); how long a whole run of many such cells takes; and the
listing of a large store. The figures mean something on a machine that does nothing else.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from time import perf_counter

ROOT = Path(__file__).parents[3]
KS = (5, 10, 20)
SHAPE = (200, 100, 4000)  # users, items, ratings
REPEATS = 20  # of a cell's own work; the median counts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", type=int, default=60, help="For the cost of one. [default: 60]")
    parser.add_argument("--many", type=int, default=500, help="Cells of a whole run. [default: 500]")
    parser.add_argument(
        "--listed", type=int, default=10_000, help="Cells of the store that is listed. [default: 10000]"
    )
    parser.add_argument("--folder", help="Where to work. [default: a temporary folder]")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        own = prepare(folder)
        print(f"a cell's own work: {1000 * own:.1f} ms", flush=True)
        for parallel in (1, 2):
            time_cells(folder, options.cells, parallel, own)
        for parallel in (1, 2):
            time_run(folder, options.many, parallel, own)
        time_listing(folder, options.listed)


def prepare(folder: Path) -> float:
    """Write the data and its split; the seconds that a cell's own work takes in this process."""
    import pandas as pd

    from bench.datasets.file import from_file
    from bench.datasets.synthetic import synthetic
    from splits.files import save_split
    from splits.holdout import random

    made = synthetic(*SHAPE)
    columns = {"user": made.user_ids[made.users], "item": made.item_ids[made.items], "rating": made.ratings}
    pd.DataFrame(columns).to_csv(folder / "ratings.csv", index=False)
    save_split(random(from_file(folder / "ratings.csv"), seed=0), folder / "split")
    return own_work(folder / "split")


def own_work(split: Path) -> float:
    """The median time of what a cell's process does between its start and the writing of its files."""
    from statistics import median

    from threadpoolctl import threadpool_limits

    from bench import registry, runner
    from bench.building import build
    from splits.files import load_split

    row = registry.MODELS["random"]
    metrics = {name: (metric, registry.resolve(metric.target)) for name, metric in registry.METRICS.items()}
    task = runner.Task(jobs(split, 1)[0].cell, "", {}, row.learns_from, KS, metrics)

    def work() -> None:
        runner.run_cell(lambda: build(row, {}, 0, 1), load_split(split), task)

    with threadpool_limits(1):
        work()  # loads the kernels
        return median(seconds(work)[0] for _ in range(REPEATS))


def jobs(split: Path, n: int) -> list:
    from bench.cells.job import Job
    from reports.result import Cell

    cell = Cell("ratings", "random", 0, "random", {}, 0)
    return [Job(replace(cell, model_seed=seed), f"{seed:032x}"[::-1], {}, KS, str(split), 1) for seed in range(n)]


def time_cells(folder: Path, n: int, parallel: int, own: float) -> None:
    """A pool over cells, after one that waits for the fork server."""
    from bench.cells.interrupts import Interrupts
    from bench.cells.pool import Pool
    from bench.cells.running import run_in_child
    from bench.cells.starting import Starter
    from bench.listener import Listener
    from reports.scratch import scratch_folder
    from reports.store import Store

    out, found = folder / f"cells-{parallel}", []
    first, *others = jobs(folder / "split", n + 1)
    with scratch_folder(out) as scratch, Starter() as starter, Interrupts() as interrupts:
        pool = Pool(partial(run_in_child, starter), parallel, Store(out), scratch, Listener(), interrupts)
        pool.carry_out([first], lambda job, result: None)
        wall, _ = seconds(lambda: pool.carry_out(others, lambda job, result: found.append(result.status)))
    assert found == ["ok"] * n, found
    beyond = wall * parallel / n - own
    print(
        f"{n} cells, {parallel} side by side: {1000 * wall / n:.1f} ms of wall time a cell; "
        f"each takes {1000 * beyond:.1f} ms beyond its own work",
        flush=True,
    )


def time_run(folder: Path, n: int, parallel: int, own: float) -> None:
    """``bench.run`` from its start to the last cell, and to the written report."""
    import bench
    from bench.listener import Listener

    class Last(Listener):
        def ended(self, result, reused):
            self.ended_at = perf_counter()

    last, began = Last(), perf_counter()
    frame = bench.run(
        str(folder / "ratings.csv"),
        models="random",
        model_seeds=n,
        k=KS,
        jobs=parallel,
        threads=1,
        out=folder / f"run-{parallel}",
        listener=last,
    )
    whole = perf_counter() - began
    assert frame["status"].tolist() == ["ok"] * n, frame["error"].tolist()
    wall, ideal = last.ended_at - began, n * own / parallel
    print(
        f"a run of {n} cells, {parallel} side by side: {wall:.2f} s to the last one, {wall / ideal:.2f} times "
        f"cells x own work / {parallel} ({ideal:.2f} s); {whole:.2f} s with its reports",
        flush=True,
    )


def time_listing(folder: Path, n: int) -> None:
    """What goes through all cells of a store, in this process; then ``list results``, its start included."""
    from reports.listing import list_results

    store = fill(folder / "large", next((folder / "run-1").glob("cells/*/*/*/*")), n)
    ways: dict[str, Callable[[], list]] = {
        "Store.folders": store.folders,
        "list_results": lambda: list_results(store),
        "Store.summaries": lambda: list(store.summaries()),
    }
    for name, way in ways.items():
        wall, found = seconds(way)
        assert len(found) == n, f"{name} found {len(found)} of {n}"
        print(f"{n} stored cells, {name}: {wall:.2f} s", flush=True)
    words = [sys.executable, "-m", "bench", "list", "results", "--out", str(store.root)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    wall, _ = seconds(lambda: subprocess.run(words, env=environment, stdout=subprocess.DEVNULL, check=True))
    print(f"{n} stored cells, python -m bench list results: {wall:.2f} s", flush=True)


def fill(root: Path, like: Path, n: int):
    """A store of n cells like one: 10 models, up to 10 split seeds each; tables are links to that one's."""
    from reports.store import Store, to_json

    store, cell = Store(root), Store(root).read(like, tables=()).cell
    content = json.loads((like / "result.json").read_bytes())
    measured = (like / "measured.json").read_bytes()
    for number in range(n):
        one = replace(cell, model=f"model-{number % 10}", split_seed=number // 10 % 10, model_seed=number // 100)
        content |= {"cell": asdict(one), "key": f"{number:032x}"[::-1]}
        folder = store.cell_folder(one, content["key"])
        folder.mkdir(parents=True)
        (folder / "result.json").write_text(to_json(content), encoding="utf-8")
        (folder / "measured.json").write_bytes(measured)
        for table in like.glob("*.parquet"):
            os.link(table, folder / table.name)
    return store


def seconds(work: Callable[[], object]) -> tuple[float, object]:
    """How long some work takes, and what it gives."""
    began = perf_counter()
    given = work()
    return perf_counter() - began, given


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main()
