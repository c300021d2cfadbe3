"""A comparison as a JUnit file, which CI servers show: a case for every (data set, split, model, metric)."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from reports import numbers
from reports.comparison import Change, Comparison, Decision


def junit(comparison: Comparison, strict: bool = False) -> str:
    """The XML. A regression is a failure, what can't be compared an error, what is inconclusive is skipped.

    With ``strict`` an inconclusive cell is a failure, too. A metric that is shown and not decided on always passes,
    with its figures as output.
    """
    root = ElementTree.Element("testsuites", name=f"recsys-bench compare {comparison.metric}")
    suites: dict[str, ElementTree.Element] = {}
    for decision in sorted(comparison.decisions, key=lambda decision: decision.name):
        name = _printable(f"{decision.dataset}, {decision.split}")
        if name not in suites:
            suites[name] = ElementTree.SubElement(root, "testsuite", name=name)
        _add_decided(suites[name], decision, comparison.metric, strict)
        for change in decision.others:
            _add_shown(suites[name], decision, change)
    for suite in (*suites.values(), root):
        for kind, tag in (("tests", "testcase"), ("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            suite.set(kind, str(len(list(suite.iter(tag)))))
    ElementTree.indent(root, " ")
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _add_decided(suite: ElementTree.Element, decision: Decision, metric: str, strict: bool) -> None:
    case = _case(suite, decision, metric)
    reason = _printable(decision.reason)
    if decision.outcome == "INCOMPARABLE":
        ElementTree.SubElement(case, "error", message=reason, type="INCOMPARABLE")
    elif decision.outcome == "FAIL" or (strict and decision.outcome == "INCONCLUSIVE"):
        ElementTree.SubElement(case, "failure", message=reason, type=decision.outcome)
    elif decision.outcome == "INCONCLUSIVE":
        ElementTree.SubElement(case, "skipped", message=f"INCONCLUSIVE: {reason}")
    lines = [f"{decision.outcome}: {reason}"]
    if decision.primary is not None:
        lines.append(_figures(decision.primary))
    ElementTree.SubElement(case, "system-out").text = "\n".join([*lines, *map(_printable, decision.notes)])


def _add_shown(suite: ElementTree.Element, decision: Decision, change: Change) -> None:
    case = _case(suite, decision, change.metric)
    ElementTree.SubElement(case, "system-out").text = f"shown, not decided on: {_figures(change)}"


def _case(suite: ElementTree.Element, decision: Decision, metric: str) -> ElementTree.Element:
    """A case; its class name groups the metrics of a model, with the dots that CI servers read as folders replaced."""
    parts = (decision.dataset, decision.split, decision.model)
    class_name = ".".join(_printable(part).replace(".", "_") for part in parts)
    return ElementTree.SubElement(suite, "testcase", classname=class_name, name=_printable(metric))


def _figures(change: Change) -> str:
    relative = "no relative change" if change.change is None else numbers.percent(change.change)
    return f"{_printable(change.metric)} {change.reference:.6g} to {change.candidate:.6g} ({relative}, minus is worse)"


def _printable(text: str) -> str:
    """Text without what XML has no way to write."""
    return re.sub(r"[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "�", text)
