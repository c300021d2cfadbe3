"""The comment for a pull request."""

import re

import pytest

from reports.comment import comment, sensitivity, share
from reports.comparison import Change, Comparison, Decision


def make(*decisions, notes=()):
    return Comparison("old", "new", "ndcg@10", None, decisions, notes)


def decision(model="als", outcome="FAIL", **changes):
    values = {
        "reason": "−2.1%, at best −1.6%: a drop beyond the margin of 1.0%",
        "n_seeds": 5,
        "primary": Change("ndcg@10", 0.4, 0.39, -0.025),
        "lower": -0.03,
        "upper": -0.016,
        "margin": 0.01,
        "visible": 0.0062,
        "failing": 0.0125,
        "target": 0.0031,
        "seeds": 17,
        "others": (Change("auc", 0.9, 0.8, -1 / 9),),
    }
    return Decision("ml-1m", "random", model, outcome, **(values | changes))


def test_the_verdict_stands_first_then_a_row_a_cell(tmp_path):
    text = comment(make(decision(), decision("bpr", "PASS")))
    assert text.splitlines()[0] == "## ❌ recsys-bench: a regression"
    rows = [line for line in text.splitlines() if re.match(r"\| [❌✅⚠⛔]", line)]
    assert rows[0] == "| ❌ | ml-1m | random | als | 5 | 0.4000 | 0.3900 | −2.5% | −3.0% to −1.6% | 1.0% |"
    assert rows[1].startswith("| ✅ | ml-1m | random | bpr |")
    assert "1 passed, 1 failed, 0 inconclusive" in text
    assert "- ❌ **ml-1m, random, als**: −2.1%, at best" in text
    assert "| ml-1m, random, als | auc | 0.9000 | 0.8000 | −11.1% |" in text


@pytest.mark.parametrize(
    ("outcome", "headline"),
    [("PASS", "no regression"), ("INCONCLUSIVE", "inconclusive"), ("INCOMPARABLE", "not comparable")],
)
def test_every_outcome_has_its_headline(outcome, headline):
    assert f"recsys-bench: {headline}" in comment(make(decision(outcome=outcome)))


def test_strict_says_that_inconclusive_is_an_error():
    assert "--strict" in comment(make(decision(outcome="INCONCLUSIVE")), strict=True)
    assert "--strict" not in comment(make(decision(outcome="INCONCLUSIVE")))


def test_it_says_what_these_seeds_could_have_seen():
    (sentence,) = sensitivity(make(decision()))
    assert "5 seeds see a drop of 0.62% in 80 of 100 cases" in sentence
    assert "with the margin of 1.0% fail one of 1.2%" in sentence
    assert sentence.endswith("to see 0.31% takes 17 split seeds")
    assert "more than 1000 split seeds" in sensitivity(make(decision(seeds=None)))[0]
    assert sensitivity(make(decision(visible=None))) == []


def test_names_and_notes_can_not_become_markup():
    text = comment(make(decision("<b>|*x*", notes=("x was `1`, is |2|",)), notes=("only in the candidate: @team",)))
    assert "\\<b\\>\\|\\*x\\*" in text
    assert "\\`1\\`" in text
    assert "\\@team" in text
    rows = [line for line in text.splitlines() if line.startswith("| ❌")]
    assert len(re.findall(r"(?<!\\)\|", rows[0])) == 11


def test_a_share_has_two_digits():
    assert [share(value) for value in (0.02134, 0.0004, 0.5, None, 0.0)] == ["2.1%", "0.040%", "50%", "–", "0%"]
