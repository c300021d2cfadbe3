"""Scale measurements on sizes that take a second."""

import csv
from dataclasses import replace

import pytest

from bench import scale
from bench.scale import Measurement, ScaleError, Size, run_scale, table, write_table

SMALL, LARGER = Size(3_000, 60, 80), Size(9_000, 120, 150)
STEPS = [("prepare", step) for step in ("load", "split", "store")]
STEPS += [(model, step) for model in ("als", "bpr") for step in ("open", "fit", "rank", "metrics")]


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """What two small sizes gave, and the folder that it was written to."""
    out = tmp_path_factory.mktemp("scale")
    (out / "scale.md").write_text(f"# Title\n\n{scale.BEGIN}\nold\n{scale.END}\n\nAfter.\n")
    return run_scale((SMALL, LARGER), out, threads=1), out


def test_every_step_of_every_size_is_measured(done):
    measured, _ = done
    assert [(one.interactions, one.process, one.step) for one in measured] == [
        (size.interactions, *step) for size in (SMALL, LARGER) for step in STEPS
    ]
    for one in measured:
        assert one.seconds > 0
        assert 20 < one.peak_memory_mb < 2000


def test_amounts_are_interactions_or_passes_over_them_or_scores(done):
    measured, _ = done
    amounts = {(one.process, one.step): one.amount for one in measured if one.interactions == SMALL.interactions}
    assert amounts["prepare", "split"] == 3_000
    assert amounts["als", "rank"] == amounts["bpr", "metrics"] == 60 * 80
    positives = amounts["als", "fit"] / 15
    assert 0 < positives < 2_400
    assert amounts["bpr", "fit"] == 10 * positives


def test_the_files(done):
    measured, out = done
    rows = list(csv.DictReader((out / "scale.csv").open()))
    assert [(row["process"], row["step"], int(row["amount"])) for row in rows] == [
        (one.process, one.step, one.amount) for one in measured
    ]
    page = (out / "scale.md").read_text()
    assert page.startswith("# Title\n\n")
    assert page.endswith("\n\nAfter.\n")
    assert "old" not in page
    assert "| 9,000 | 120 x 150 |" in page
    svg = (out / "scale.svg").read_text()
    assert len(svg) < 200_000
    assert "BPR: evaluate" in svg
    assert "4 GiB" in svg


def fake(interactions, seconds):
    amounts = {"fit": 10 * interactions, "rank": 4_000, "metrics": 4_000}
    return [
        Measurement(interactions, 20, 200, process, step, seconds, amounts.get(step, interactions), 2048.0)
        for process, step in STEPS
    ]


def test_the_table_compares_the_cost_of_a_unit_of_work():
    last = table(fake(1_000, 1.0) + fake(2_000, 3.0), threads=2).splitlines()[-1]
    expected = ["2,000", "20 x 200", *["3 (1.50x)"] * 4, *["6 (3.00x)"] * 2, *["2.00"] * 3]
    assert [cell.strip() for cell in last.strip("|").split("|")] == expected


def test_of_several_runs_the_fewest_seconds_and_the_most_memory_count():
    one, two = fake(1_000, 2.0), [replace(each, peak_memory_mb=1.0) for each in fake(1_000, 1.0)]
    assert {(each.seconds, each.peak_memory_mb) for each in scale._best([one, two])} == {(1.0, 2048.0)}


def test_a_page_is_made_where_there_is_none(tmp_path):
    for text in ("one\n", "two\n"):
        write_table(text, tmp_path / "new.md")
    assert (tmp_path / "new.md").read_text() == f"{scale.BEGIN}\ntwo\n{scale.END}\n"


def test_a_process_that_dies_is_an_error_with_its_last_words(tmp_path):
    with pytest.raises(ScaleError, match=r"(?s)prepare of Size.*DatasetError: synthetic: 10 interactions don't fit"):
        run_scale((Size(10, 60, 80),), tmp_path)
