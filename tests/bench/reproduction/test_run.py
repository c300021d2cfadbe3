"""Suites from the command line: verdicts, exit status, rows that can't be run."""

import json

import pytest

from bench.cli import main
from bench.reproduction import protocols, run
from splits.split import Split

SUITE = """\
title = "A table of made-up data"
dataset = "synthetic"
protocol = "published-split"
source = "nowhere"
note = "n"
[[rows]]
model = "popularity"
published = {{ "hit_rate@50" = "{published}" }}
asked = "reach"
"""


@pytest.fixture
def suite(tmp_path):
    def suite(published="0.1", **changes):
        text = SUITE.format(published=published)
        for old, new in changes.items():
            text = text.replace(old, new)
        path = tmp_path / "suite.toml"
        path.write_text(text)
        return str(path)

    return suite


@pytest.fixture
def in_this_process(monkeypatch):
    """Rows measured here, with the random split in the place of a published one."""
    from bench import loading
    from bench.reproduction.child import measure_row

    def measure(job, threads):
        data = loading.load("synthetic", n_users=40, n_items=30, n_interactions=600)
        split = loading.split(data)
        assert isinstance(split, Split)
        protocol = protocols.Protocol([split])
        return measure_row(protocol, job["model"], job["parameters"], job["metrics"], threads), ""

    monkeypatch.setattr(run, "_in_a_child", measure)


def test_a_number_that_is_reached_ends_with_0(suite, in_this_process, capsys):
    assert main(["reproduce", suite("0.100")]) == 0
    printed = capsys.readouterr()
    assert "A table of made-up data" in printed.out
    assert "passed" in printed.out
    assert "source: nowhere" in printed.out
    assert "suite: popularity: hit_rate@50" in printed.err


def test_a_miss_ends_with_1(suite, in_this_process, capsys):
    assert main(["reproduce", suite("1.500"), "--json"]) == 1
    (outcome,) = json.loads(capsys.readouterr().out)
    assert outcome["rows"][0]["lines"][0]["verdict"] == "MISS"


def test_a_row_that_dies_is_a_miss_with_its_reason(suite, capsys):
    """Made-up data has no published split."""
    assert main(["reproduce", suite()]) == 1
    assert "failed: popularity: exit status 1: " in capsys.readouterr().out


def test_a_library_that_is_not_installed_is_a_skipped_row(suite, monkeypatch, capsys):
    monkeypatch.setattr(run.environment, "package_versions", lambda *names: {})
    assert main(["reproduce", suite(popularity="implicit-als")]) == 0
    assert "skipped: implicit-als: implicit isn't installed" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "which table? Name one, or give --all. There are: "),
        (["nonesuch"], "there is no suite 'nonesuch'"),
        (["nonesuch.toml"], "nonesuch.toml: can't be read"),
        (["gowalla", "--models", "svd"], "no row of these suites is of svd"),
    ],
)
def test_what_can_not_be_run_is_said(words, message, capsys):
    assert main(["reproduce", *words]) == 2
    assert message in capsys.readouterr().err


def test_suites_are_listed(capsys):
    assert main(["list", "suites"]) == 0
    assert "ncf-ml-1m" in capsys.readouterr().out
