"""The parent's side of a child that trains and judges: sends it settings, follows their epochs, outlives its death."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Timer
from time import perf_counter
from typing import Any

from bench.cells.job import child_environment
from bench.cells.running import how_it_ended

LOG_TAIL = 1000


@dataclass(frozen=True)
class Job:
    """What a child needs to know, as plain values: it is sent as JSON."""

    split_folder: str
    split_seed: int
    metric: str
    threads: int
    plugins: list[str]
    sys_path: list[str] = field(default_factory=lambda: list(sys.path))


@dataclass(frozen=True)
class Outcome:
    """How a trial ended: with a value, stopped, with an error, or (``out_of_time``) without any of them."""

    value: float | None = None
    stopped: bool = False
    error: str = ""
    seconds: float = 0.0
    out_of_time: bool = False


class Worker:
    """One child at a time, started when it is needed: after one that died comes another. Use it as a context."""

    def __init__(self, job: Job):
        self.job = job
        self._folder = TemporaryDirectory(prefix="recsys-bench-")
        self._log = Path(self._folder.name) / "log.txt"
        self._child: subprocess.Popen[str] | None = None

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._folder.cleanup()

    def run(
        self,
        model: str,
        parameters: dict[str, Any],
        measured_epochs: list[int],
        heard: Callable[[int, float], bool],
        most_seconds: float | None = None,
    ) -> Outcome:
        """Train and judge one setting; a child that isn't done in time is ended. To start one takes none of it."""
        child = self._started()
        expired: list[bool] = []

        def end() -> None:
            expired.append(True)
            child.kill()

        started = perf_counter()
        timer = Timer(most_seconds, end) if most_seconds is not None else None
        if timer is not None:
            timer.daemon = True
            timer.start()
        try:
            self._send({"model": model, "parameters": parameters, "measured_epochs": measured_epochs})
            for line in child.stdout or ():
                answer = _parsed(line)
                if "epoch" in answer:
                    self._send(heard(answer["epoch"], answer["value"]))
                elif answer:
                    return Outcome(**answer)
        except BrokenPipeError:
            pass  # it died between two lines
        finally:
            if timer is not None:
                timer.cancel()
        seconds = perf_counter() - started
        if expired:
            self.stop()
            return Outcome(seconds=seconds, out_of_time=True)
        return Outcome(error=self._last_words(child), seconds=seconds)

    def _started(self) -> subprocess.Popen[str]:
        if self._child is None or self._child.poll() is not None:
            self.stop()
            job_file = Path(self._folder.name) / "job.json"
            job_file.write_text(json.dumps(asdict(self.job)), encoding="utf-8")
            with open(self._log, "wb") as log:
                self._child = subprocess.Popen(
                    [sys.executable, "-m", "bench.tuning.child", str(job_file)],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    env=child_environment(self.job.threads),
                    text=True,
                    bufsize=1,
                )
            for line in self._child.stdout or ():
                if "ready" in _parsed(line):
                    break
        return self._child

    def _send(self, message: Any) -> None:
        assert self._child is not None
        assert self._child.stdin is not None
        self._child.stdin.write(json.dumps(message) + "\n")
        self._child.stdin.flush()

    def _last_words(self, child: subprocess.Popen[str]) -> str:
        exit_code = child.wait()
        self.stop()
        log = self._log.read_text(encoding="utf-8", errors="replace").strip()
        return f"the trial's process died: {how_it_ended(exit_code)}\n\n{log[-LOG_TAIL:]}".strip()

    def stop(self) -> None:
        """End the child, whatever it is at."""
        if self._child is not None:
            self._child.kill()
            self._child.communicate()
            self._child = None


def _parsed(line: str) -> dict[str, Any]:
    """The child's message; {} where a library wrote to the descriptor itself."""
    try:
        message = json.loads(line)
    except ValueError:
        return {}
    return message if isinstance(message, dict) else {}
