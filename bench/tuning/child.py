"""The process that trains and judges: ``python -m bench.tuning.child JOB`` loads the data once, then answers requests.

A request is a line of JSON on stdin, {"model", "parameters", "measured_epochs"}. The answer is one of {"value",
"seconds"}, {"stopped", "seconds"} and {"error", "seconds"}; before it, after each measured epoch, comes {"epoch",
"value"}, which waits for a line true or false: whether to go on. What models print goes to stderr.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from time import perf_counter
from typing import Any, TextIO


def main(job_file: str) -> None:
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)
    job = json.loads(Path(job_file).read_text(encoding="utf-8"))
    for folder in job["sys_path"]:
        if folder not in sys.path:
            sys.path.append(folder)
    from bench.plugins import models
    from bench.tuning.objective import Objective
    from splits.files import load_split

    objective = Objective(load_split(job["split_folder"]), job["metric"], job["split_seed"], job["threads"])
    table = models(job["plugins"])
    warm: set[str] = set()
    print(json.dumps({"ready": True}), file=answers)
    for line in sys.stdin:
        request = json.loads(line)
        row = table[request["model"]]
        if request["model"] not in warm:
            _warm_up(objective, row, request["parameters"])
            warm.add(request["model"])
        print(json.dumps(_answer(objective, row, request, answers)), file=answers)


def _warm_up(objective: Any, row: Any, parameters: dict[str, Any]) -> None:
    """Compile kernels before a trial is timed; what is wrong with the model, its trial will say."""
    from contextlib import suppress

    from bench.building import build
    from bench.runner import warm_up

    with suppress(Exception):
        warm_up(lambda: build(row, parameters, 0, objective.task.threads), objective.material(row.learns_from))


def _answer(objective: Any, row: Any, request: dict[str, Any], answers: TextIO) -> dict[str, Any]:
    from bench.tuning.objective import Stopped

    def heard(epoch: int, value: float) -> bool:
        print(json.dumps({"epoch": epoch, "value": value}), file=answers)
        return bool(json.loads(sys.stdin.readline()))

    started = perf_counter()
    try:
        value, seconds = objective(row, request["parameters"], request["measured_epochs"], heard)
    except Stopped:
        return {"stopped": True, "seconds": perf_counter() - started}
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}", "seconds": perf_counter() - started}
    return {"value": value, "seconds": seconds}


if __name__ == "__main__":
    main(sys.argv[1])
