"""Suites from their names to their outcomes, one process a row."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench import environment
from bench.cells.job import child_environment
from bench.cells.running import how_it_ended
from bench.registry import MODELS, UnknownNameError, look_up
from bench.reproduction.outcome import Outcome, RowOutcome, judge
from bench.reproduction.suite import Suite, SuiteRow, check_parameters, find_suite, read_suites
from recsys_impl.threads import thread_count

Say = Callable[[str], None]
LOG_TAIL = 2000


def reproduce(names: Sequence[str], everything: bool, models: Sequence[str], threads: int, say: Say) -> list[Outcome]:
    """Measure each row of the suites and lay it beside the published numbers.

    Raises
    ------
    UnknownNameError, SuiteError
        No suite is named; there is none of that name, or no row of those models; one can't be read.
    """
    suites = chosen(names, everything)
    if models:
        for model in models:
            look_up(MODELS, "model", model)
            if not any(row.model == model for suite in suites for row in suite.rows):
                raise UnknownNameError(f"no row of these suites is of {model}")
        suites = [replace(suite, rows=[row for row in suite.rows if row.model in models]) for suite in suites]
    for suite in suites:
        check_parameters(suite)
    return [_outcome(suite, threads or thread_count(0), say) for suite in suites if suite.rows]


def chosen(names: Sequence[str], everything: bool) -> list[Suite]:
    """The suites to run."""
    if not names and not everything:
        raise UnknownNameError(f"which table? Name one, or give --all. There are: {', '.join(read_suites())}")
    every = list(read_suites().values()) if everything else []
    return every + [one for one in map(find_suite, dict.fromkeys(names)) if one not in every]


def _outcome(suite: Suite, threads: int, say: Say) -> Outcome:
    rows = []
    for row in suite.rows:
        outcome = _measured(suite, row, threads)
        told = ", ".join(f"{line.metric} {line.ours:.4f} {line.verdict}".strip() for line in outcome.lines)
        say(f"{Path(suite.file).stem}: {row.label}: {told or (outcome.error or outcome.skipped).splitlines()[0]}")
        rows.append(outcome)
    return Outcome(suite.title, suite.note, suite.source, rows)


def _measured(suite: Suite, row: SuiteRow, threads: int) -> RowOutcome:
    library, extra = MODELS[row.model].library, MODELS[row.model].extra
    if library and not environment.package_versions(library):
        skipped = f"{library} isn't installed: pip install 'recsys-bench[{extra}]'"
        return RowOutcome(row.label, row.parameters, row.settings_from, skipped=skipped)
    job = {
        "dataset": suite.dataset,
        "protocol": suite.protocol,
        "model": row.model,
        "parameters": row.parameters,
        "metrics": list(row.published),
        "seeds": row.seeds,
        "threads": threads,
    }
    measured, error = _in_a_child(job, threads)
    if error:
        return RowOutcome(row.label, row.parameters, row.settings_from, error=error)
    return judge(suite, row, measured)


def _in_a_child(job: dict[str, Any], threads: int) -> tuple[dict[str, Any], str]:
    """What the child measured, or why it didn't."""
    with TemporaryDirectory(prefix="recsys-bench-") as folder:
        job_file, log_file = Path(folder) / "job.json", Path(folder) / "log.txt"
        job_file.write_text(json.dumps(job), encoding="utf-8")
        with open(log_file, "wb") as log:
            child = subprocess.run(
                [sys.executable, "-m", "bench.reproduction.child", str(job_file)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                env=child_environment(threads),
                text=True,
                check=False,
            )
        if child.returncode == 0:
            return json.loads(child.stdout), ""
        words = log_file.read_text(encoding="utf-8", errors="replace").strip()
        reason = words.splitlines()[-1] if words else ""
        return {}, f"{how_it_ended(child.returncode)}: {reason}\n{words[-LOG_TAIL:]}"
