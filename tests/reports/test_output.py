"""Files to be written are looked at before any work is done."""

import pytest

from reports.output import OutputError, check_outputs


def test_new_and_existing_files_in_a_folder_may_be_written(tmp_path):
    (tmp_path / "old.json").write_text("{}")
    check_outputs([tmp_path / "old.json", tmp_path / "new.json"], inputs=[tmp_path / "reference.json"])
    assert not (tmp_path / "new.json").exists(), "nothing is written yet"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "empty name"),
        (".", "is a folder"),
        ("missing/out.json", "make it first"),
        ("reference.json", "would replace"),
        ("/dev/null", "device or pipe"),
    ],
)
def test_what_cannot_be_written_is_named_with_the_reason(tmp_path, monkeypatch, name, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OutputError, match=message):
        check_outputs([name], inputs=["reference.json"])


def test_two_outputs_cannot_have_one_name(tmp_path):
    with pytest.raises(OutputError, match="also asked for"):
        check_outputs([tmp_path / "a.json", tmp_path / "." / "a.json"])
