"""speed.csv as a section of the report, with the ratios of the last release beside it."""

import csv
import re

import pytest

from reports.html import write_html
from reports.speed import NUMBERS, TEXTS, last_release, make_speed, read_speed
from reports.store import StoreError

LINE = {
    **dict.fromkeys([*NUMBERS, *TEXTS], ""),
    "contest": "als-64",
    "measure": "an iteration",
    "unit": "s",
    "kind": "time",
    "threads": "2",
    "status": "ok",
    "ours": "0.05",
    "ours_low": "0.04",
    "ours_high": "0.06",
    "peer_name": "implicit-als",
    "ratio": "4.0",
    "peer": "0.2",
    "peer_low": "0.19",
    "peer_high": "0.21",
    "goal": "3.0",
    "goal_is": "at least",
    "reached": "yes",
    "quality_name": "objective",
    "our_quality": "1234.5",
    "peer_quality": "1240.5",
    "contest_note": "lower is better",
    "rounds": "3",
    "dataset": "ml-1m",
    "processor": "Abacus 3000",
    "versions": "numpy 2",
}


def write(folder, *lines, name="speed.csv"):
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / name).open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, [*TEXTS, *NUMBERS])
        writer.writeheader()
        writer.writerows(lines)
    return folder


def shown(**changes):
    (row,) = make_speed([{**LINE, **changes}]).rows
    return row


def test_values_are_shown_with_their_spread_in_one_unit():
    row = shown()
    assert row.ours == "50.0 (40.0–60.0) ms"
    assert row.peer == "200 (190–210) ms"
    assert (row.ratio, row.goal, row.reached, row.faster) == ("4.00×", "≥ 3", "yes", "ours")
    assert (row.our_quality, row.peer_quality) == ("1,234", "1,240")
    assert shown(ours_low="0.05", ours_high="0.05").ours == "50.0 ms"
    assert shown(peer_high="1.5").peer == "200 ms (190 ms–1.50 s)"


def test_rates_are_shown_a_second():
    row = shown(kind="rate", unit="1/s", ours="6620000", ours_low="6600000", ours_high="6700000", peer="")
    assert row.ours == "6.62 (6.60–6.70) M/s"
    assert row.peer == "–"
    assert shown(kind="rate", unit="1/s", ours="95000", ours_low="95000", ours_high="95000").ours == "95.0 k/s"


def test_who_is_faster_is_the_peer_neither_or_nobody():
    assert shown(ratio="0.5", ours_low="0.4", ours_high="0.5").faster == "implicit-als"
    assert shown(ratio="0.5", ours_low="0.4", ours_high="0.5").peer_is_faster
    assert shown(ours_high="0.2").faster == "neither"
    assert not shown(ours_high="0.2").peer_is_faster
    for kind in ("cost", "threads"):
        assert shown(kind=kind).faster == ""
    assert shown(ratio="", ours="", ours_low="", ours_high="").faster == ""
    assert shown(kind="cost", goal_is="at most", goal="2.2").goal == "≤ 2.2"


def test_rounds_that_differ_by_more_than_half_are_marked():
    assert not shown().uneven
    assert shown(ours_high="0.061").uneven
    assert shown(peer_low="0.1").uneven
    assert not shown(peer="", peer_low="", peer_high="").uneven


def test_a_folder_without_the_file_has_nothing_to_show(tmp_path):
    assert read_speed(tmp_path) is None


def test_the_last_release_is_the_highest_version_and_rows_are_matched_by_what_they_are(tmp_path):
    assert last_release(tmp_path / "nowhere") == ("", {})
    releases = tmp_path / "data"
    write(releases, {**LINE, "ratio": "1.0"}, name="speed-0.9.1.csv")
    write(releases, {**LINE, "ratio": "2.5"}, {**LINE, "threads": "1", "ratio": ""}, name="speed-0.10.0.csv")
    folder = write(tmp_path, LINE, {**LINE, "threads": "1"}, {**LINE, "dataset": "ml-100k"})
    found = read_speed(folder, releases)
    assert found.release == "0.10.0"
    assert [row.last for row in found.rows] == ["2.50×", "", ""]
    assert read_speed(folder, tmp_path / "nowhere").release == ""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n", "no column ours"),
        (",".join([*TEXTS, *NUMBERS]) + "\nals-64,an iteration\n", "line 2: is cut off"),
        (",".join([*TEXTS, *NUMBERS]) + "\n" + "," * len(TEXTS) + "fast" + "," * (len(NUMBERS) - 1), "'fast'"),
        ("\xff", "speed"),
    ],
)
def test_a_file_that_is_something_else_is_named(tmp_path, text, message):
    (tmp_path / "speed.csv").write_bytes(text.encode("latin-1"))
    with pytest.raises(StoreError, match=message) as caught:
        read_speed(tmp_path)
    assert str(tmp_path / "speed.csv") in str(caught.value)


@pytest.fixture
def page_of(fake, tmp_path):
    """A function that writes the report of one cell and some lines of speed.csv; gives the page without tags."""

    def make(*lines):
        store = fake.store(tmp_path, [fake.result("ml-1m", "als")])
        if lines:
            write(tmp_path, *lines)
        page = write_html(store, tmp_path / "report.html").read_text(encoding="utf-8")
        return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page.partition("</style>")[2]))

    return make


def test_the_report_has_a_section_only_where_there_is_the_file(page_of):
    assert "Speed" not in page_of()
    page = page_of(LINE, {**LINE, "status": "skipped", "peer_name": "irspack-als", "note": "pip install x"})
    assert "50.0 (40.0–60.0) ms implicit-als 200 (190–210) ms 4.00×" in page
    assert "skipped irspack-als: pip install x" in page
    assert "als-64 : lower is better." in page
    assert "Abacus 3000" in page


def test_the_report_shows_the_last_release_beside_the_ratio(page_of, monkeypatch, tmp_path):
    monkeypatch.setattr("reports.html.read_speed", lambda folder: read_speed(folder, tmp_path / "none"))
    assert "Last release" not in page_of(LINE)
    releases = write(tmp_path / "data", {**LINE, "ratio": "2.5"}, name="speed-1.0.csv")
    monkeypatch.setattr("reports.html.read_speed", lambda folder: read_speed(folder, releases))
    page = page_of(LINE)
    assert "4.00× 2.50× ours ≥ 3 yes" in page
    assert "last release (1.0)" in page


def test_what_comes_from_a_file_is_text_in_the_report(page_of, tmp_path):
    page_of({**LINE, "contest": "<b>bold</b>", "note": "<script>"})
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "<b>bold" not in page
    assert "<script>/*! DataTables" in page
    assert page.count("<script>") == 2  # the page's own
    assert "&lt;b&gt;bold&lt;/b&gt;" in page
