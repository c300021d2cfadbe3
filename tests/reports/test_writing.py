"""All reports of a folder at once."""

from xml.etree import ElementTree

import pytest

from reports.store import Store, StoreError
from reports.writing import write_reports

REPORTS = ["report.html", "report.csv", "report-long.csv", "report.md", "report.tex"]


def test_the_reports_and_on_request_the_figures(tmp_path, fake):
    fake.store(tmp_path, fake.results(datasets=["ml-1m"], seeds=1))
    assert [path.name for path in write_reports(tmp_path)] == REPORTS
    assert not (tmp_path / "figures").exists()
    paths = write_reports(tmp_path, figures=True)[len(REPORTS) :]
    names = {path.name for path in paths}
    assert {"ml-1m_random_trade-time.svg", "ml-1m_random_overlap.svg", "ml-1m_random_beside-gini.svg"} <= names
    assert {path.parent for path in paths} == {tmp_path / "figures"}
    assert len(names) == len(paths)
    for path in paths:
        ElementTree.fromstring(path.read_text(encoding="utf-8"))


def test_the_same_results_give_the_same_bytes(tmp_path, fake):
    fake.store(tmp_path, fake.results(datasets=["ml-1m"], seeds=1))
    first = [path.read_bytes() for path in write_reports(tmp_path, figures=True)]
    assert [path.read_bytes() for path in write_reports(tmp_path, figures=True)] == first


def test_hostile_names_become_safe_file_names(tmp_path, fake):
    fake.hostile_report(tmp_path)
    paths = write_reports(tmp_path, figures=True)[len(REPORTS) :]
    assert paths
    assert len(set(paths)) == len(paths)
    for path in paths:
        assert path.parent == tmp_path / "figures"
        assert set(path.name) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._=,-")
        assert len(path.name) < 255


def test_nothing_to_report_is_said(tmp_path):
    with pytest.raises(StoreError, match="there are no results here"):
        write_reports(tmp_path)
    assert not list(Store(tmp_path).root.iterdir())
