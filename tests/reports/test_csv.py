"""report.csv."""

import csv
import dataclasses
import io

import pandas as pd

from reports.csv import write_csv
from reports.table import to_frame


def test_the_file_reads_back_as_the_table(tmp_path, fake):
    results = fake.results()
    path = write_csv(results, tmp_path / "report.csv")
    frame = to_frame(results)
    read = pd.read_csv(
        path,
        dtype={"n_users": "Int64"},
        keep_default_na=False,
        na_values={name: [""] for name in frame.columns if name != "error"},
    )
    pd.testing.assert_frame_equal(read, frame, check_dtype=False, check_exact=True)


def test_the_same_results_give_the_same_bytes_in_any_order(tmp_path, fake):
    results = fake.results()
    first = write_csv(results, tmp_path / "a.csv").read_bytes()
    assert write_csv(results[::-1], tmp_path / "b.csv").read_bytes() == first
    assert first.decode("utf-8").endswith("\n")
    assert b"\r" not in first


def test_a_metric_that_does_not_apply_is_empty_and_whole_numbers_stay_whole(tmp_path, fake):
    results = [fake.result("ml-1m", "als"), fake.problem("ml-1m", "surprise-svd", "skipped", "no")]
    rows = list(csv.DictReader(io.StringIO(write_csv(results, tmp_path / "r.csv").read_text())))
    assert (rows[0]["n_users"], rows[0]["rmse"]) == ("60", "")
    assert {rows[1][name] for name in ("n_users", "ndcg@10", "rmse", "fit_seconds")} == {""}


def test_awkward_texts_stay_in_their_field(tmp_path, fake):
    errors = ['a "quoted", comma', "two\nlines", "two\r\nlines", "old\rmac", "nul \0 byte", "half \udc80", "עברית 🎬"]
    results = [fake.problem("ml-1m", f"m{place}", "failed", error) for place, error in enumerate(errors)]
    path = write_csv(results, tmp_path / "r.csv")
    with open(path, encoding="utf-8", newline="") as stream:
        read = [row["error"] for row in csv.DictReader(stream)]
    assert read == [
        'a "quoted", comma', "two\nlines", "two\nlines", "old\nmac", "nul  byte", "half \\udc80", "עברית 🎬",
    ]  # fmt: skip


def test_no_text_is_a_formula_for_a_spreadsheet(tmp_path, fake):
    results = [
        dataclasses.replace(fake.problem("=1+1", "@sum", "failed", error), key=error)
        for error in ("=cmd|' /C calc'!A0", "+1", "-1", "\t=1", "@x")
    ]
    for seed, result in enumerate(results):
        result.cell = dataclasses.replace(result.cell, split_seed=seed)
    with open(write_csv(results, tmp_path / "r.csv"), encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            assert not [value for value in row.values() if value.lstrip().startswith(("=", "+", "-", "@"))]


def test_no_results_give_a_header(tmp_path):
    assert write_csv([], tmp_path / "r.csv").read_text().startswith("dataset,split,split_seed,model,parameters,")
