"""A comparison as markdown, for a comment under a pull request."""

from __future__ import annotations

from reports import numbers
from reports.comparison import Comparison, Decision
from reports.markdown import escape, line

HEADLINES = {
    "PASS": "no regression",
    "FAIL": "a regression",
    "INCONCLUSIVE": "inconclusive",
    "INCOMPARABLE": "not comparable",
}
MARKS = {"PASS": "✅", "FAIL": "❌", "INCONCLUSIVE": "⚠️", "INCOMPARABLE": "⛔"}


def comment(comparison: Comparison, strict: bool = False) -> str:
    """Verdict and table first, then what these seeds could see, then the other metrics folded away."""
    title = f"## {MARKS[comparison.outcome]} recsys-bench: {HEADLINES[comparison.outcome]}"
    parts = [title, _summary(comparison), _table(comparison)]
    reasons = [
        f"- {MARKS[decision.outcome]} **{escape(decision.name)}**: {escape(decision.reason)}"
        for decision in comparison.decisions
        if decision.outcome != "PASS"
    ]
    if reasons:
        parts.append("\n".join(reasons))
    if strict and comparison.outcome == "INCONCLUSIVE":
        parts.append("With `--strict` an inconclusive cell is an error.")
    seen = sensitivity(comparison)
    if seen:
        parts.append("\n".join(f"- {escape(sentence)}" for sentence in seen))
    differing = [
        f"- {escape(decision.name)}: {escape('; '.join(decision.notes))}"
        for decision in comparison.decisions
        if decision.notes
    ]
    parts += [_folded("What else differs", "\n".join(differing))] if differing else []
    parts += [_folded("Other metrics: shown, not decided on", _others(comparison))] if _has_others(comparison) else []
    parts += [escape(note) for note in comparison.notes]
    return "\n\n".join(parts) + "\n"


def sensitivity(comparison: Comparison) -> list[str]:
    """The smallest drop that each cell's seeds could have seen, and how many seeds a smaller one needs."""
    return [_seen(decision) for decision in comparison.decisions if decision.visible is not None]


def _seen(decision: Decision) -> str:
    assert decision.visible is not None
    assert decision.target is not None
    seeds = "1 seed" if decision.n_seeds == 1 else f"{decision.n_seeds} seeds"
    text = f"{decision.name}: {seeds} see a drop of {share(decision.visible)} in 80 of 100 cases"
    if decision.margin is not None and decision.failing is not None and decision.failing > decision.visible:
        text += f", and with the margin of {share(decision.margin)} fail one of {share(decision.failing)}"
    if decision.target <= 0:
        return text
    wanted = f"{decision.seeds} split seeds" if decision.seeds is not None else "more than 1000 split seeds"
    return f"{text}; to see {share(decision.target)} takes {wanted}"


def share(value: float | None) -> str:
    """A relative size without a sign: ``2.1%``, ``0.04%``."""
    if value is None:
        return numbers.NOTHING
    return f"{numbers.significant(100 * value, 2)}%"


def _summary(comparison: Comparison) -> str:
    counts = [
        f"{sum(decision.outcome == outcome for decision in comparison.decisions)} {word}"
        for outcome, word in (("PASS", "passed"), ("FAIL", "failed"), ("INCONCLUSIVE", "inconclusive"))
    ]
    n_refused = sum(decision.outcome == "INCOMPARABLE" for decision in comparison.decisions)
    counts += [f"{n_refused} not comparable"] if n_refused else []
    return f"{escape(comparison.metric)}: {', '.join(counts)}. Changes are relative to the reference; minus is worse."


def _table(comparison: Comparison) -> str:
    titles = ["", "data set", "split", "model", "seeds", "reference", "candidate", "change", "one-sided 95%", "margin"]
    lines = [line(titles), line([*["---"] * 4, *["---:"] * 6])]
    for decision in comparison.decisions:
        names = [decision.dataset, decision.split, decision.model]
        lines.append(line([MARKS[decision.outcome], *map(escape, names), *figures(decision)]))
    return "\n".join(lines)


def figures(decision: Decision) -> list[str]:
    """Seeds, means, change, bounds and margin of a decision as text; a dash where there is none."""
    primary = decision.primary
    return [
        str(decision.n_seeds),
        numbers.fixed(primary.reference if primary else None, 4),
        numbers.fixed(primary.candidate if primary else None, 4),
        _percent(primary.change if primary else None),
        f"{_percent(decision.lower)} to {_percent(decision.upper)}" if decision.lower is not None else numbers.NOTHING,
        share(decision.margin),
    ]


def _percent(value: float | None) -> str:
    return numbers.NOTHING if value is None else numbers.percent(value)


def _has_others(comparison: Comparison) -> bool:
    return any(decision.others for decision in comparison.decisions)


def _others(comparison: Comparison) -> str:
    lines = [line(["cell", "metric", "reference", "candidate", "change"]), line(["---", "---", *["---:"] * 3])]
    for decision in comparison.decisions:
        for change in decision.others:
            values = [numbers.significant(change.reference, 4), numbers.significant(change.candidate, 4)]
            lines.append(line([escape(decision.name), escape(change.metric), *values, _percent(change.change)]))
    return "\n".join(lines)


def _folded(title: str, text: str) -> str:
    return f"<details>\n<summary>{title}</summary>\n\n{text}\n\n</details>"
