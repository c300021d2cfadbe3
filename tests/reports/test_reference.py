"""The file that a comparison is made with, and what is wrong with broken ones."""

import dataclasses
import json

import numpy as np
import pytest

from reports.reference import ReferenceFileError, _checksum, read_reference, read_side, save_reference
from reports.store import Store, StoreError, VersionError


@pytest.fixture
def saved(tmp_path, measured):
    folder = measured.folder(tmp_path / "results", measured.runs(["als", "bpr"], seeds=2))
    path = tmp_path / "reference.json"
    save_reference(folder, path)
    return folder, path


def rewrite(path, change, sign=True):
    content = json.loads(path.read_text())
    change(content)
    if sign:
        content["checksum"] = _checksum(content)
    path.write_text(json.dumps(content))


class TestRoundTrip:
    def test_a_file_gives_what_the_folder_gives(self, saved):
        folder, path = saved
        old, new = read_side(folder), read_side(path)
        assert old.metric == new.metric == "ndcg@10"
        assert len(new.entries) == 4
        for first, second in zip(old.entries, new.entries, strict=True):
            assert first.cell == second.cell
            assert first.identity == second.identity
            assert first.digest == second.digest != ""
            assert {name: value.value for name, value in first.metrics.items()} == {
                name: value.value for name, value in second.metrics.items()
            }
            np.testing.assert_array_equal(first.users, second.users)
            np.testing.assert_allclose(first.values, second.values, rtol=1e-7)

    def test_the_same_results_give_the_same_bytes(self, saved, tmp_path):
        folder, path = saved
        save_reference(folder, tmp_path / "again.json")
        assert (tmp_path / "again.json").read_bytes() == path.read_bytes()

    def test_a_file_is_small_and_has_a_line_a_cell(self, saved):
        _, path = saved
        text = path.read_text()
        assert len(text) < 4 * 2500
        assert sum(line.startswith('  {"cell"') for line in text.splitlines()) == 4

    def test_a_cell_that_did_not_finish_is_kept_with_its_status(self, tmp_path, measured):
        results = [*measured.runs(["als"], seeds=1), measured.cell("bpr", status="failed", error="no luck", metrics={})]
        save_reference(measured.folder(tmp_path / "results", results), tmp_path / "r.json")
        failed = read_side(tmp_path / "r.json").entries[1]
        assert (failed.cell.model, failed.status, failed.error, failed.values) == ("bpr", "failed", "no luck", None)

    def test_another_metric_can_be_decided_on(self, tmp_path, saved):
        folder, _ = saved
        side = save_reference(folder, tmp_path / "rmse.json", metric="rmse")
        assert side.metric == "rmse"
        entry = read_side(tmp_path / "rmse.json").entries[0]
        assert entry.values.mean() == pytest.approx(entry.metrics["rmse"].value, rel=1e-6)

    def test_users_with_large_and_scattered_codes_come_back(self, tmp_path, measured):
        users = np.array([3, 70_000, 2_000_000_000])
        folder = measured.folder(tmp_path / "r", [measured.cell("als", values=[0.1, 0.2, 0.4], users=users)])
        save_reference(folder, tmp_path / "r.json")
        assert read_side(tmp_path / "r.json").entries[0].users.tolist() == users.tolist()


class TestBrokenFiles:
    @pytest.mark.parametrize("text", ["", "[]", "{}", "nonsense", '{"kind": "a recipe"}', "\udcff"])
    def test_something_else_is_told_from_a_reference(self, tmp_path, text):
        path = tmp_path / "r.json"
        path.write_bytes(text.encode("utf-8", "surrogateescape"))
        with pytest.raises(ReferenceFileError, match=r"r\.json: not a reference file.*reference save"):
            read_side(path)

    @pytest.mark.parametrize("part", [0.1, 0.5, 0.99])
    def test_a_file_that_was_cut_off(self, saved, part):
        _, path = saved
        path.write_bytes(path.read_bytes()[: int(part * path.stat().st_size)])
        with pytest.raises(ReferenceFileError, match="cut off"):
            read_side(path)

    def test_a_file_edited_by_hand(self, saved):
        _, path = saved
        rewrite(path, lambda content: content["cells"][0]["metrics"]["ndcg@10"].__setitem__(0, 0.1), sign=False)
        with pytest.raises(ReferenceFileError, match="edited or damaged"):
            read_side(path)

    @pytest.mark.parametrize(
        "change",
        [
            lambda content: content.pop("cells"),
            lambda content: content.update(cells=[]),
            lambda content: content.update(users=[]),
            lambda content: content.update(environments=[]),
            lambda content: content["cells"][0].update(status="great"),
            lambda content: content["cells"][0].update(values="%%%"),
            lambda content: content["cells"][0].update(values="AAAA"),
            lambda content: content["cells"][0].update(users="nobody"),
            lambda content: content["cells"][0].update(metrics={"ndcg@10": 0.5}),
            lambda content: content["cells"][0].update(metrics={}),
            lambda content: content["cells"][0]["metrics"].update({"ndcg@10": [0.5, True, 1e999]}),
            lambda content: content["cells"][0]["cell"].pop("model"),
            lambda content: content["cells"][0]["cell"].update(split_seed="0"),
            lambda content: content["cells"][0]["cell"].update(parameters=None),
            lambda content: content["users"].update(dict.fromkeys(content["users"], "eJwDAAAAAAE=")),
        ],
    )
    def test_a_file_with_a_right_checksum_and_wrong_content(self, saved, change):
        _, path = saved
        rewrite(path, change)
        with pytest.raises(ReferenceFileError, match=r"holds something else|no number of a result"):
            read_side(path)

    def test_a_file_of_another_version(self, saved):
        _, path = saved
        rewrite(path, lambda content: content.update(format=2))
        with pytest.raises(VersionError, match="format 2, this version reads 1"):
            read_reference(path)

    def test_a_path_that_is_not_there(self, tmp_path):
        with pytest.raises(ReferenceFileError, match="no such results folder or reference file"):
            read_side(tmp_path / "nothing")


class TestFolders:
    def test_a_result_whose_figure_does_not_fit_its_users_was_edited(self, tmp_path, measured):
        result = measured.cell("als")
        better = dataclasses.replace(result.metrics["ndcg@10"], value=0.99)
        folder = measured.folder(tmp_path, [dataclasses.replace(result, metrics={"ndcg@10": better})])
        with pytest.raises(ReferenceFileError, match=r"als: result\.json says ndcg@10 is 0\.99.*edited"):
            read_side(folder)

    def test_a_broken_cell_is_named_and_nothing_is_written(self, tmp_path, measured):
        folder = measured.folder(tmp_path / "results", [measured.cell("als")])
        next(folder.rglob("per_user.parquet")).write_bytes(b"half")
        with pytest.raises(StoreError, match=r"per_user\.parquet"):
            save_reference(folder, tmp_path / "r.json")
        assert not (tmp_path / "r.json").exists()

    def test_the_newest_result_of_a_cell_counts(self, tmp_path, measured):
        for key, values, finished in (("b", [0.1, 0.2], "2026-01-02"), ("a", [0.3, 0.4], "2026-01-01")):
            result = measured.cell("als", values=values, key=key)
            result.measured["finished"] = finished
            Store(tmp_path).write(result)
        (entry,) = read_side(tmp_path).entries
        assert entry.values.tolist() == [0.1, 0.2]

    def test_a_metric_that_no_cell_has_or_that_has_no_users(self, tmp_path, measured):
        folder = measured.folder(tmp_path, [measured.cell("als")])
        with pytest.raises(ReferenceFileError, match=r"no cell has the metric 'ndgc@10'; there are: .*ndcg@10"):
            read_side(folder, "ndgc@10")
        with pytest.raises(ReferenceFileError, match="coverage@10 is a figure of the whole catalogue"):
            read_side(folder, "coverage@10")

    def test_a_reference_is_for_one_metric(self, saved):
        _, path = saved
        with pytest.raises(ReferenceFileError, match="a reference for ndcg@10, not for recall@10"):
            read_side(path, "recall@10")

    def test_nothing_finished_is_no_reference(self, tmp_path, measured):
        folder = measured.folder(tmp_path / "results", [measured.cell("als", status="failed", metrics={})])
        with pytest.raises(ReferenceFileError, match="no cell finished"):
            save_reference(folder, tmp_path / "r.json")
        with pytest.raises(ReferenceFileError, match="no such results folder"):
            save_reference(tmp_path / "absent", tmp_path / "r.json")
        assert not (tmp_path / "r.json").exists()
