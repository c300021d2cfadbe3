"""The JUnit file: a case for every data set, split, model and metric."""

import dataclasses
from xml.etree import ElementTree

import pytest

from reports.comparison import Change, Comparison, Decision
from reports.junit import junit
from reports.store import write_text


def decision(model, outcome, reason="because", **changes):
    primary = None if outcome == "INCOMPARABLE" else Change("ndcg@10", 0.4, 0.36, -0.1)
    others = () if outcome == "INCOMPARABLE" else (Change("coverage@10", 0.2, 0.1, -0.5), Change("auc", 0.0, 0.1, None))
    return Decision("ml-1m", "random:a=0.3", model, outcome, reason, primary=primary, others=others, **changes)


@pytest.fixture
def comparison():
    decisions = tuple(
        decision(*pair) for pair in [("d", "INCOMPARABLE"), ("b", "FAIL"), ("c", "INCONCLUSIVE"), ("a", "PASS")]
    )
    return Comparison("old", "new", "ndcg@10", None, decisions, ())


def cases(text):
    return {(case.get("classname"), case.get("name")): case for case in ElementTree.fromstring(text).iter("testcase")}


def test_there_is_a_case_for_every_model_and_metric(comparison):
    found = cases(junit(comparison))
    assert set(found) == {
        *((f"ml-1m.random:a=0_3.{model}", metric) for model in "abc" for metric in ("ndcg@10", "coverage@10", "auc")),
        ("ml-1m.random:a=0_3.d", "ndcg@10"),
    }


@pytest.mark.parametrize(
    ("strict", "expected"),
    [(False, {"failure": "b", "error": "d", "skipped": "c"}), (True, {"failure": "bc", "error": "d", "skipped": ""})],
)
def test_outcomes_are_failures_errors_and_skipped_cases_and_are_counted(comparison, strict, expected):
    text = junit(comparison, strict)
    found = cases(text)
    for tag, models in expected.items():
        marked = {name for name, case in found.items() if case.find(tag) is not None}
        assert marked == {(f"ml-1m.random:a=0_3.{model}", "ndcg@10") for model in models}
    for suite in (ElementTree.fromstring(text), ElementTree.fromstring(text)[0]):
        counts = {name: int(suite.get(name)) for name in ("tests", "failures", "errors", "skipped")}
        assert counts == {
            "tests": 10,
            "failures": len(expected["failure"]),
            "errors": 1,
            "skipped": len(expected["skipped"]),
        }


def test_metrics_that_do_not_decide_pass_with_their_figures(comparison):
    case = cases(junit(comparison))["ml-1m.random:a=0_3.b", "coverage@10"]
    assert [child.tag for child in case] == ["system-out"]
    assert "0.2 to 0.1 (−50.0%, minus is worse)" in case.find("system-out").text


def test_hostile_text_stays_well_formed(comparison, tmp_path):
    hostile = dataclasses.replace(decision("<a>&\"'\0\x1b[31m", "FAIL", "]]>\0 \ud800 é"), dataset="x\x07")
    path = tmp_path / "junit.xml"
    write_text(path, junit(dataclasses.replace(comparison, decisions=(hostile,))))
    root = ElementTree.parse(path).getroot()
    assert root[0].get("name").startswith("x�")
    assert "é" in next(root.iter("failure")).get("message")
