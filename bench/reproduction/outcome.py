"""Published beside ours: the difference, and whether it is what was asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from bench.registry import METRICS
from bench.reproduction.suite import Suite, SuiteRow, digits_of

Verdict = Literal["equal", "reached", "passed", "MISS", ""]


@dataclass(frozen=True)
class Line:
    """One number; its verdict is "" where it isn't judged, and ``published`` None where nothing is published."""

    metric: str
    published: str | None
    ours: float
    difference: float | None
    digits: int
    asked: str
    verdict: Verdict


@dataclass(frozen=True)
class RowOutcome:
    """A model's numbers; ``error`` says why there are none, ``skipped`` that its library isn't installed."""

    model: str
    parameters: dict[str, Any]
    settings_from: str
    lines: list[Line] = field(default_factory=list)
    seconds: float = 0.0
    peak_memory_mb: float = 0.0
    error: str = ""
    skipped: str = ""

    @property
    def missed(self) -> bool:
        return bool(self.error) or any(line.verdict == "MISS" for line in self.lines)


@dataclass(frozen=True)
class Outcome:
    """A table's outcome."""

    title: str
    protocol: str
    source: str
    rows: list[RowOutcome]

    @property
    def missed(self) -> bool:
        return any(row.missed for row in self.rows)


def judge(suite: Suite, row: SuiteRow, measured: dict[str, Any]) -> RowOutcome:
    """A row's numbers beside the published ones."""
    lines = [_line(row, metric, measured["values"][metric]) for metric in row.published]
    if row.memory_gib is not None:
        lines.append(_memory(row.memory_gib, measured["peak_memory_mb"] / 1024))
    for metric, value in measured["full_ranking"].items():
        lines.append(Line(f"{metric}, full ranking", None, value, None, 4, "", ""))
    settings_from = "; ".join(filter(None, [row.settings_from, _spread(measured.get("by_seed", []))]))
    return RowOutcome(row.label, row.parameters, settings_from, lines, measured["seconds"], measured["peak_memory_mb"])


def _spread(by_seed: list[dict[str, float]]) -> str:
    """How far the numbers of several model seeds lie apart."""
    if len(by_seed) < 2:
        return ""
    values = {name: [of_seed[name] for of_seed in by_seed] for name in by_seed[0]}
    told = [f"{name} {min(found):.4f} to {max(found):.4f}" for name, found in values.items()]
    return f"mean of {len(by_seed)} seeds ({', '.join(told)})"


def _line(row: SuiteRow, metric: str, ours: float) -> Line:
    if not row.published[metric]:
        return Line(metric, None, ours, None, 4, "", "")
    published = float(row.published[metric])
    difference, tolerance = ours - published, row.tolerance_of(metric)
    better = difference if METRICS[metric.partition("@")[0]].higher_is_better else -difference
    close = abs(difference) <= tolerance + 1e-12
    verdicts: dict[str, Verdict] = {
        "equal": "equal" if close else "MISS",
        "reach": "passed" if better > tolerance else "reached" if close else "MISS",
        "beside": "",
    }
    verdict = verdicts[row.asked]
    digits = max(4, digits_of(row.published[metric]))
    asked = {"equal": f"± {tolerance:g}", "reach": f"reach, ± {tolerance:g}", "beside": "beside"}[row.asked]
    return Line(metric, row.published[metric], ours, difference, digits, asked, verdict)


def _memory(limit: float, ours: float) -> Line:
    return Line(
        "peak memory, GiB", f"< {limit:g}", ours, ours - limit, 2, "below", "reached" if ours < limit else "MISS"
    )
