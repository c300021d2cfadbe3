"""The sections on differences, on what is beside accuracy and on the data, as a page shows them."""

import dataclasses
import re
from xml.etree import ElementTree

import numpy as np
import pytest

from reports.beside import beside
from reports.data import data, gini, long_tail
from reports.differences import differences
from reports.figures import model_styles
from reports.table import leaderboards

DATASET = {
    "name": "small",
    "n_users": 4,
    "n_items": 5,
    "n_train": 18,
    "n_test": 10,
    "n_users_train": 4,
    "n_users_test": 3,
    "n_cold_users": 0,
    "n_cold_items": 1,
    "relevance_threshold": 4.0,
    "rating_histogram": [[1.0, 2], [3.0, 6], [4.0, 12], [5.0, 8]],
    "item_counts": [6, 6, 4, 2, 0],
    "test_item_counts": [4, 2, 2, 1, 1],
    "relevant_item_counts": [4, 2, 2, 1, 1],
    "user_ids": ["ann", "bob", "cid", "dee"],
    "user_counts": [[1, 2], [4, 1], [12, 1]],
    "activity": [["2000-11", 12, 0], ["2000-12", 6, 3], ["2001-01", 0, 7]],
    "licence": "free",
}


@pytest.fixture(scope="module")
def results(fake):
    def cell(model, values, lists, hits, shown, **changes):
        per_item = {"hits@2": np.array(hits), "recommended@2": np.array(shown)}
        return fake.small(model, values, [1, 1, 4, 12], lists, per_item=per_item, **changes)

    return [
        cell("als", [1.0, 0.5, 0.5, 0.0], [[0, 1], [0, 2], [1, 2], [3, 4]], [3, 1, 0, 1, 0], [2, 2, 2, 1, 1]),
        cell("ease", [0.5, 0.5, 0.5, 0.25], [[0, 1], [0, 1], [1, 0], [0, 1]], [4, 0, 0, 0, 0], [4, 4, 0, 0, 0]),
        cell("implicit-als", [0.0, 0.5, 0.0, 0.5], [[0, 1], [2, 0], [0, 1], [1, 0]], [2, 2, 0, 0, 0], [4, 3, 1, 0, 0]),
    ]


@pytest.fixture(scope="module")
def board(results):
    (found,) = leaderboards(results)
    return found


@pytest.fixture(scope="module")
def section(board):
    return differences(board, lambda result: result, lambda cell: DATASET, styles(board))


def styles(board):
    return model_styles(row.model for row in (*board.rows, *board.problems))


def plot_of(section, name):
    return next(plot for plot in section.plots if plot.name == name)


def test_activity_in_words_and_in_a_table(section):
    plot = plot_of(section, "activity")
    assert plot.finding == ("The best by training interactions of the users: als (1), als (4), implicit-als (12).")
    assert plot.table.heads == (
        "Model",
        "1 interactions (2 users)",
        "4 interactions (1 users)",
        "12 interactions (1 users)",
    )
    assert [line.cells for line in plot.table.lines] == [
        ("0.7500", "0.5000", "0.0000"),
        ("0.5000", "0.5000", "0.2500"),
        ("0.2500", "0.0000", "0.5000"),
    ]


def test_popularity_in_words_and_in_a_table(section):
    plot = plot_of(section, "popularity")
    assert plot.finding == (
        "Finds most of the relevant items: ease (head), implicit-als (middle), als (tail). "
        "Nothing of the tail is found by ease and implicit-als."
    )
    assert plot.table.lines[0].cells == ("0.750", "0.500", "0.250", "0.250", "0.250", "0.500")
    assert plot.table.heads[1:3] == ("head recall", "middle recall")


def test_common_items_in_words_and_in_a_table(section):
    plot = plot_of(section, "overlap")
    assert plot.finding == "Most in common: ease and implicit-als, 88%; least: als and ease, 50%."
    assert [line.cells for line in plot.table.lines] == [
        ("100%", "50%", "62%"),
        ("50%", "100%", "88%"),
        ("62%", "88%", "100%"),
    ]


def test_who_gains_and_who_loses_beside_the_twin(section):
    assert section.gains.finding == (
        "With als instead of implicit-als, 50% of 4 users get a better NDCG@2 and 25% a worse one (split seed 0)."
    )
    assert [(line.name, line.cells) for line in section.gains.table.lines] == [
        ("ann", ("1", "1.0000", "0.0000", "+1.0000")),
        ("cid", ("4", "0.5000", "0.0000", "+0.5000")),
        ("dee", ("12", "0.0000", "0.5000", "−0.5000")),
    ]


def test_one_cell_is_read_at_a_time(fake, results):
    (board,) = leaderboards(
        [*results, *(dataclasses.replace(r, cell=dataclasses.replace(r.cell, split_seed=1)) for r in results)]
    )
    read = []

    def read_again(result):
        read.append((result.cell.split_seed, result.cell.model))
        return result

    differences(board, read_again, lambda cell: DATASET, styles(board))
    assert len(read) == len(set(read)) == 6
    assert [seed for seed, _ in read] == [0, 0, 0, 1, 1, 1]


def test_results_of_before_show_what_they_have(fake):
    (board,) = leaderboards([fake.small("a", [0.5, 0.25]), fake.small("b", [0.25, 0.25])])
    found = differences(board, lambda result: result, lambda cell: None, styles(board))
    assert found.plots == ()
    assert found.gains.table.lines[0].cells == ("–", "0.5000", "0.2500", "+0.2500")
    (alone,) = leaderboards([fake.small("a", [0.5])])
    assert differences(alone, lambda result: result, lambda cell: None, styles(alone)) is None
    (nothing,) = leaderboards([fake.problem("small", "x", "skipped", "no")])
    assert differences(nothing, lambda result: result, lambda cell: None, styles(nothing)) is None


def test_beside_accuracy_names_the_highest_and_the_one_nearly_as_good_as_the_best(fake):
    (board,) = leaderboards(fake.results(datasets=["ml-1m"], seeds=1))
    found = beside(board, styles(board))
    assert [plot.name for plot in found.plots] == [
        "beside-coverage", "beside-gini", "beside-novelty", "beside-diversity",
    ]  # fmt: skip
    best = board.rows[0]
    coverage = next(column for column in board.columns if column.name == "coverage@10")
    assert f"Highest: {best.label} ({board.text(best, coverage)})." in found.plots[0].finding
    assert found.plots[1].finding.startswith("Lowest: ")
    assert [line.name for line in found.table.lines] == [row.label for row in board.rows]


class TestData:
    @pytest.fixture
    def found(self, board):
        return data([board], lambda cell: DATASET)

    def test_facts(self, found):
        assert found.facts == (
            ("Users", "4"),
            ("Items", "5"),
            ("Interactions", "28"),
            ("Density", "140%"),
            ("Gini of the items' popularity", "0.36"),
            ("Relevant from a rating of", "4"),
            ("Licence", "free"),
        )

    def test_figures_tell_their_finding(self, found):
        told = {plot.name: plot.finding for plot in found.plots}
        assert told == {
            "long-tail": (
                "A third of the training interactions are with 1 items, the last third with 2; "
                "the most popular tenth of the items has 33%. 1 items have none."
            ),
            "users": (
                "The middle user has 1 training interactions; a tenth of the users have at most 1, a tenth at least 12."
            ),
            "ratings": "The most frequent rating is 4 (43%). 71% are relevant: 4 or more.",
            "activity-over-time": (
                "From 2000-11 to 2001-01, most in 2000-11 (43%). Test interactions are from 2000-12 to 2001-01."
            ),
        }

    def test_tables_hold_the_figures(self, found):
        tables = {plot.name: [(line.name, *line.cells) for line in plot.table.lines] for plot in found.plots}
        assert tables["long-tail"][0] == ("Head", "1", "6", "6–6")
        assert tables["long-tail"][-1] == ("Without any", "1", "0", "0")
        assert tables["users"] == [("0", "0"), ("1", "2"), ("2–4", "1"), ("5–9", "0"), ("10+", "1")]
        assert tables["ratings"][2] == ("4", "12", "43%")
        assert tables["activity-over-time"][1] == ("2000-12", "6", "3")

    def test_what_the_split_did(self, found):
        (line,) = found.splits.lines
        assert line.name == "random, seed 0"
        assert line.cells == ("18", "10 (36%)", "4", "3", "–", "–", "0", "1")

    def test_little_is_stored_and_nothing_is(self, board):
        assert data([board], lambda cell: None) is None
        little = data([board], lambda cell: {"name": "small"})
        assert (little.facts, little.plots) == ((), ())
        empty = {"item_counts": [0, 0], "user_counts": [], "activity": None, "rating_histogram": None}
        assert data([board], lambda cell: empty).plots == ()

    def test_gini_is_the_metric_s(self):
        assert gini(np.array([1, 1, 1])) == 0
        assert gini(np.array([0, 0, 4])) == pytest.approx(2 / 3)

    def test_the_long_tail_as_a_table(self):
        assert long_tail(DATASET).to_numpy().tolist() == [
            [0, 6, "head"],
            [1, 6, "middle"],
            [2, 4, "tail"],
            [3, 2, "tail"],
            [4, 0, "tail"],
        ]


def test_every_figure_is_xml_tells_what_it_shows_and_is_the_same_twice(board, section):
    again = differences(board, lambda result: result, lambda cell: DATASET, styles(board))
    for first, second in zip(section.plots, again.plots, strict=True):
        assert first.svg == second.svg
        ElementTree.fromstring(first.svg)
        assert first.words.startswith(f"{first.title}. ")
        assert len(re.findall(r'\bid="', first.inline)) == len(re.findall(rf'\bid="{first.anchor}-', first.inline))


def test_hostile_names_break_no_figure(fake, results):
    hostile = [*fake.hostile, "a$b$<script>", "$\\frac{$", "\n\n"]
    own = [
        dataclasses.replace(results[place % 3], cell=dataclasses.replace(results[place % 3].cell, model=name))
        for place, name in enumerate(hostile)
    ]
    for result in own:
        result.measured = {"fit_seconds": 1.0, "peak_memory_mb": 100.0}
    (board,) = leaderboards(own)
    texts = {**DATASET, "licence": "x" * 10_000, "user_ids": hostile[:4], "activity": [[h, 1, 1] for h in hostile]}
    found = differences(board, lambda result: result, lambda cell: texts, styles(board))
    for plot in (*found.plots, *data([board], lambda cell: texts).plots):
        root = ElementTree.fromstring(plot.svg)
        assert not list(root.iter("{http://www.w3.org/2000/svg}script"))
        assert len(plot.svg) < 200_000
        assert len(plot.finding) < 2000
