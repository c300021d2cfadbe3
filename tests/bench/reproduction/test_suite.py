"""Suites as files: the package's are whole, others are refused with the place of the fault."""

from dataclasses import replace

import pytest

from bench.building import model_parameters
from bench.registry import DATASETS, MODELS
from bench.reproduction.suite import SuiteError, SuiteRow, check_parameters, find_suite, read_suite, read_suites

WHOLE = """\
title = "t"
dataset = "synthetic"
protocol = "published-split"
source = "s"
note = "n"
[[rows]]
model = "als"
published = { "ndcg@10" = "0.150" }
"""


@pytest.mark.parametrize("name", sorted(read_suites()))
def test_the_packages_suites_name_data_models_and_parameters_that_exist(name):
    suite = read_suites()[name]
    assert suite.dataset in DATASETS
    assert suite.source
    assert suite.note
    for row in suite.rows:
        model_parameters(row.model, MODELS[row.model], row.parameters)
        assert row.settings_from or not row.parameters, f"{name}, {row.model}: where do the settings come from?"


def test_parameters_that_a_model_does_not_take_are_refused_before_it_is_measured():
    (suite,) = [suite for suite in read_suites().values() if suite.dataset == "gowalla"]
    for parameters, message in (({"factor": 3}, "no parameter 'factor'"), ({"factors": "many"}, "a whole number")):
        with pytest.raises(SuiteError, match=message):
            check_parameters(replace(suite, rows=[SuiteRow("als", {"recall@20": "0.1"}, parameters)]))


def test_the_sampled_table_says_so_in_its_title():
    assert "SAMPLED" in read_suites()["ncf-ml-1m"].title


def test_a_users_suite_is_found_by_its_path_and_the_packages_by_name(write_toml):
    assert find_suite(str(write_toml(WHOLE))).title == "t"
    with pytest.raises(ValueError, match=r"there is no suite 'gowala'. Did you mean 'gowalla'"):
        find_suite("gowala")


def test_the_printed_digits_are_the_tolerance_unless_one_is_given():
    row = SuiteRow("als", {"ndcg@10": "0.150", "rmse": "0.9"})
    assert row.tolerance_of("ndcg@10") == pytest.approx(0.0005)
    assert row.tolerance_of("rmse") == pytest.approx(0.05)
    assert SuiteRow("als", {"rmse": "0.9"}, tolerance=0.003).tolerance_of("rmse") == 0.003
    partly = SuiteRow("als", {"rmse": "0.9", "mae": "0.70"}, tolerance={"rmse": 0.01})
    assert (partly.tolerance_of("rmse"), partly.tolerance_of("mae")) == (0.01, pytest.approx(0.005))


@pytest.mark.parametrize(("text", "tolerance"), [("1", 1), ("0", 0), ("0.25", 0.25), ('{ "ndcg@10" = 1 }', 1)])
def test_a_tolerance_may_be_a_whole_number(write_toml, text, tolerance):
    suite = read_suite(write_toml(WHOLE.replace("[[rows]]", f"[[rows]]\nmemory_gib = 5\ntolerance = {text}")))
    assert suite.rows[0].tolerance_of("ndcg@10") == tolerance
    assert suite.rows[0].memory_gib == 5


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("title", "titel"), "unknown key 'titel'"),
        (('note = "n"\n', ""), "note"),
        (("published-split", "magic"), "there is no protocol 'magic'; there are: surprise-folds"),
        (
            ("published-split", "sampled-candidates"),
            "sampled-candidates has candidates for ml-1m alone, not for 'synth",
        ),
        (('"als"', '"alz"'), "row 1: there is no model 'alz'"),
        (('"0.150"', '"many"'), "row 1: could not convert"),
        (('{ "ndcg@10" = "0.150" }', "{}"), "row 1: needs published numbers"),
        (('"0.150"', "0.150"), "row 1: published: ndcg@10 must be a number in quotes, as it is printed, not 0.15"),
        (('"0.150"', '"nan"'), "row 1: published: ndcg@10 must be a number in quotes"),
        (("ndcg@10", "ndgc@10"), "row 1: there is no metric 'ndgc'. Did you mean 'ndcg'"),
        (("ndcg@10", "ndcg"), "row 1: published: write ndcg@10, not ndcg"),
        (("ndcg@10", "ndcg@" + "9" * 5000), "row 1: published: write ndcg@10, not ndcg@9"),
        (("ndcg@10", "rmse@10"), "row 1: published: write rmse, not rmse@10"),
        (('title = "t"', "title = 3"), r"written\.toml: title must be a text, not 3"),
        (('"als"', "3"), "row 1: model must be a text, not 3"),
        (("published = {", "published = 3 # {"), "row 1: published must be a table, not 3"),
        (("[[rows]]", "[[rows]]\nseeds = 0"), "row 1: seeds must be a whole number of at least 1, not 0"),
        (("[[rows]]", "[[rows]]\nparameters = 3"), "row 1: parameters must be a table, not 3"),
        (("[[rows]]", '[[rows]]\nmemory_gib = "5"'), "row 1: memory_gib must be a number of at least 0, not '5'"),
        (("[[rows]]", "[[rows]]\nmemory_gib = true"), "row 1: memory_gib must be a number of at least 0, not True"),
        (("[[rows]]", '[[rows]]\ntolerance = "0.9"'), "row 1: tolerance must be a number of at least 0, or a table"),
        (("[[rows]]", "[[rows]]\ntolerance = -1"), "row 1: tolerance must be a number of at least 0.*, not -1"),
        (("[[rows]]", "[[rows]]\ntolerance = inf"), "row 1: tolerance must be a number of at least 0.*, not inf"),
        (("[[rows]]", '[[rows]]\ntolerance = { "ndcg@10" = "1" }'), "row 1: tolerance must be a number of at least 0"),
        (
            ("[[rows]]", "[[rows]]\ntolerance = { rmse = 1 }"),
            "row 1: tolerance: 'rmse' is not published; that is ndcg@10",
        ),
        (("[[rows]]", "[rows]"), r"needs \[\[rows\]\]"),
        (("title", "title ="), "can't be read"),
    ],
)
def test_what_is_wrong_is_said(write_toml, change, message):
    with pytest.raises(SuiteError, match=message):
        read_suite(write_toml(WHOLE.replace(*change)))
