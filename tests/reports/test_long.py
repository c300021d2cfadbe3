"""report-long.csv."""

import csv
import dataclasses
import io

import numpy as np
import pandas as pd
import pytest

from reports.long import NAMES, long_frame, write_long_csv
from reports.table import leaderboards
from reports.uncertainty import uncertainties


@pytest.fixture
def boards(fake):
    results = [
        fake.small("a", [0.5, 1.0], seed=0, measured={"fit_seconds": 2.0}),
        fake.small("a", [0.5, 0.5], seed=1, measured={"fit_seconds": 4.0}),
        fake.small("b", [0.0, 0.5], seed=0),
        dataclasses.replace(fake.problem("small", "c", "skipped", "no"), key="c"),
    ]
    uncertain = uncertainties(leaderboards(results), lambda result: result)
    return leaderboards(results, uncertain)


def test_one_line_a_figure_and_one_for_what_did_not_finish(boards):
    frame = long_frame(boards)
    assert list(frame.columns) == list(NAMES)
    assert frame[["model", "metric", "k", "value"]].astype(object).where(frame.notna(), None).to_numpy().tolist()[
        :2
    ] == [
        ["a", "ndcg", 2, 0.625],
        ["a", "fit_seconds", None, 3.0],
    ]
    of_a = frame.iloc[0]
    assert (of_a["split_seeds"], of_a["model_seeds"], of_a["status"]) == ("0 1", "0", "ok")
    assert of_a["low"] <= 0.625 <= of_a["high"]
    assert of_a["best"] is np.True_ or of_a["best"] is True
    assert pd.isna(of_a["value_all"])
    assert frame["model"].tolist() == ["a", "a", "b", "c"]
    assert frame.iloc[3]["status"] == "skipped"
    assert pd.isna(frame.iloc[3]["metric"])


def test_the_bounds_are_the_leaderboard_s(boards):
    (board,) = boards
    frame = long_frame(boards).set_index(["model", "metric"])
    for row in board.rows:
        found = board.interval(row, board.primary)
        assert tuple(frame.loc[(row.label, "ndcg"), ["low", "high"]]) == (found.low, found.high)


def test_every_figure_of_a_full_board_is_there_once(fake):
    results = fake.results(datasets=["ml-1m"], seeds=1)
    frame = long_frame(leaderboards(results))
    (board,) = leaderboards(results)
    assert len(frame) == sum(len(row.values) + len(row.cost) for row in board.rows) + len(board.problems)
    assert not frame.duplicated(["model", "metric", "k"]).any()


def test_the_file_has_full_precision_and_no_formula(tmp_path, fake):
    result = fake.small("=1+1", [1 / 3])
    text = write_long_csv(leaderboards([result]), tmp_path / "l.csv").read_text()
    (line,) = csv.DictReader(io.StringIO(text))
    assert (line["model"], float(line["value"]), line["k"], line["low"]) == ("'=1+1", 1 / 3, "2", "")


def test_hostile_names_stay_in_their_field(tmp_path, fake):
    results = [fake.small(name, [0.5], seed=seed) for seed, name in enumerate(fake.hostile)]
    text = write_long_csv(leaderboards(results), tmp_path / "l.csv").read_text()
    assert len(list(csv.DictReader(io.StringIO(text)))) == len(fake.hostile)


def test_nothing_gives_a_header(tmp_path):
    assert write_long_csv([], tmp_path / "l.csv").read_text() == ",".join(NAMES) + "\n"
