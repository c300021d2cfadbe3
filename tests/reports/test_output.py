"""Where a file that was asked for can't go is told before any work is done."""

import os

import pytest

from reports.output import OutputError, check_outputs


def test_what_can_be_written_passes_and_nothing_is_made(tmp_path):
    (tmp_path / "old.json").write_text("{}")
    check_outputs([tmp_path / "new.json", tmp_path / "old.json"], inputs=[tmp_path / "in.json"])
    assert [path.name for path in tmp_path.iterdir()] == ["old.json"]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("", "empty name"),
        ("no/such/x.json", "there is no folder"),
        (".", "is a folder"),
        ("file/x.json", "there is no folder"),
        ("/dev/null", "is a device or pipe"),
    ],
)
def test_a_path_that_can_not_be_written(tmp_path, monkeypatch, name, told):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=told):
        check_outputs(["fine.json", name])
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_one_file_twice_and_one_that_is_read(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OutputError, match="which is also asked for"):
        check_outputs(["x.json", tmp_path / "x.json"])
    with pytest.raises(OutputError, match=r"would replace \./r\.json, which is read"):
        check_outputs(["r.json"], inputs=["./r.json"])


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(OutputError, match="can't be written"):
        check_outputs([tmp_path / "x.json"])
