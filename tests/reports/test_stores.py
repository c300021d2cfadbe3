"""Several results folders read as one."""

import pytest

import bench
from bench.cli import main
from reports.reference import read_side, save_reference
from reports.result import MetricValue
from reports.store import Store, StoreError
from reports.stores import Stores, disagreements, open_stores
from reports.writing import write_reports


@pytest.fixture
def two(measured, tmp_path):
    """als in the first, bpr in the second folder, and ease in both, newer in the second."""
    old = measured.cell("ease", measured={"finished": "2026-01-01"})
    new = measured.cell("ease", measured={"finished": "2026-01-02"})
    return (
        measured.folder(tmp_path / "one", [measured.cell("als"), old]),
        measured.folder(tmp_path / "two", [measured.cell("bpr"), new]),
    )


def with_ndcg(result, value):
    result.metrics["ndcg@10"] = MetricValue(value, None, True, 1, "ndcg@10")
    return result


def test_every_cell_is_there_once_the_newest_of_those_that_are_there_twice(two):
    stores = Stores(two)
    assert [result.cell.model for result in stores.summaries()] == ["als", "bpr", "ease"]
    ease = next(result for result in stores if result.cell.model == "ease")
    assert ease.measured["finished"] == "2026-01-02"
    assert stores.read_again(ease).per_user["ndcg@10"].tolist() == ease.per_user["ndcg@10"].tolist()
    assert stores.cell_folder(ease.cell, ease.key).is_relative_to(two[1])
    assert Stores(two[::-1]).cell_folder(ease.cell, ease.key).is_relative_to(two[1])
    assert disagreements(stores) == []


def test_a_finished_cell_counts_more_than_a_newer_one_that_was_skipped(measured, tmp_path):
    done = measured.cell("als", measured={"finished": "2026-01-01"})
    skipped = measured.cell("als", status="skipped", measured={"finished": "2026-01-02"})
    folders = [measured.folder(tmp_path / str(i), [one]) for i, one in enumerate((done, skipped))]
    assert [result.status for result in Stores(folders)] == ["ok"]


def test_the_data_set_is_that_of_the_first_folder_that_has_it(two):
    cell = next(iter(Store(two[0]))).cell
    assert Stores(two).read_dataset(cell) is None
    Store(two[1]).write_dataset(cell, {"name": "toy", "showcase": []})
    assert Stores(two).read_dataset(cell)["name"] == "toy"


def test_the_same_key_with_other_numbers_is_pointed_out(measured, tmp_path):
    folders = [
        measured.folder(tmp_path / name, [with_ndcg(measured.cell("als"), value), measured.cell("bpr")])
        for name, value in (("one", 0.25), ("two", 0.5))
    ]
    (found,) = disagreements(open_stores(folders))
    assert (found.kind, found.dataset, found.split, found.serious) == ("folders disagree", "toy", "random", True)
    assert "1 cell is in several folders" in found.text
    assert f"ndcg@10 of als, seeds 0 and 0, is 0.25 in {folders[0]} and 0.5 in {folders[1]}" in found.text
    with pytest.warns(UserWarning, match="1 cell is in several folders with the same key and other numbers"):
        bench.report(folders, tmp_path / "both")
    page = (tmp_path / "both" / "report.html").read_text(encoding="utf-8")
    assert "Folders disagree" in page
    assert str(tmp_path) not in page


def test_rounding_is_told_and_not_serious(measured, tmp_path):
    folders = [
        measured.folder(tmp_path / name, [with_ndcg(measured.cell("als"), value)])
        for name, value in (("one", 0.1 + 0.2), ("two", 0.3))
    ]
    assert [verdict.serious for verdict in disagreements(open_stores(folders))] == [False]


def test_one_report_on_two_folders_is_that_on_all_cells_in_one(measured, two, tmp_path, capsys):
    together = measured.folder(tmp_path / "together", [*Store(two[0]), *Store(two[1])])
    write_reports(together)
    assert main(["report", *map(str, two), "--out", str(tmp_path / "new" / "both")]) == 0
    assert capsys.readouterr().out.count("both/report") == 5
    for name in ("report.csv", "report-long.csv", "report.html", "report.md", "report.tex"):
        assert (tmp_path / "new" / "both" / name).read_bytes() == (together / name).read_bytes()
        assert not (two[0] / name).exists()


def test_where_a_report_goes_has_to_be_said_for_several_folders(two, tmp_path, capsys):
    assert main(["report", *map(str, two)]) == 2
    assert "say where with --out" in capsys.readouterr().err
    (tmp_path / "file").touch()
    assert main(["report", str(two[0]), "--out", str(tmp_path / "file")]) == 2
    assert "is no folder" in capsys.readouterr().err
    with pytest.raises(StoreError, match="nothing: there are no results here"):
        write_reports([two[0], tmp_path / "nothing"], tmp_path / "out")
    with pytest.raises(StoreError, match="no results folder was named"):
        open_stores([])


def test_a_reference_is_saved_of_several_folders(measured, two, tmp_path):
    together = measured.folder(tmp_path / "together", [*Store(two[0]), *Store(two[1])])
    save_reference(together, tmp_path / "one.json")
    assert main(["reference", "save", *map(str, two), "-o", str(tmp_path / "two.json")]) == 0
    assert (tmp_path / "one.json").read_bytes() == (tmp_path / "two.json").read_bytes()
    assert len(read_side(tmp_path / "two.json").entries) == 3
