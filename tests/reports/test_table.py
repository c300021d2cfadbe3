"""Leaderboards and the long table, on hand-made results whose answers are known."""

import dataclasses
import json
import math
import random

import pytest

from reports.result import Cell, MetricValue, Result
from reports.table import latest, leaderboards, to_frame


def cell(model, seed=0, status="ok", parameters=None, dataset="toy", split="random", model_seed=0, error="", **metrics):
    """A result with these metrics; ``ndcg_10=.3`` is ndcg@10, and rmse, mae and gini are better when lower."""
    values = {}
    for name, value in metrics.items():
        name = name.replace("_10", "@10").replace("_5", "@5").replace("_20", "@20")
        value, over_all = value if isinstance(value, tuple) else (value, None)
        values[name] = MetricValue(value, over_all, name.split("@")[0] not in ("rmse", "mae", "gini"), 1)
    identity = Cell(dataset, split, seed, model, parameters or {}, model_seed)
    return Result(
        identity, f"{model}{seed}{model_seed}", {}, status, error, values, counts={"n_users": 5} if values else {}
    )


def only(results):
    (board,) = leaderboards(results)
    return board


class TestRows:
    def test_a_row_is_the_mean_over_seeds(self):
        board = only(
            [cell("als", 0, ndcg_10=0.2), cell("als", 1, ndcg_10=0.4), cell("als", 1, model_seed=1, ndcg_10=0.9)]
        )
        (row,) = board.rows
        assert row.values == {"ndcg@10": pytest.approx(0.5)}
        assert (row.n_seeds, row.split_seeds) == (3, (0, 1))

    def test_rows_are_sorted_by_ndcg_at_10_best_first(self):
        board = only(
            [cell("a", ndcg_10=0.1, recall_10=0.9), cell("b", ndcg_10=0.3, recall_10=0.1), cell("c", ndcg_10=0.2)]
        )
        assert [row.model for row in board.rows] == ["b", "c", "a"]
        assert board.primary.name == "ndcg@10"

    def test_equal_rows_are_sorted_by_name(self):
        assert [row.model for row in only([cell("b", ndcg_10=0.1), cell("a", ndcg_10=0.1)]).rows] == ["a", "b"]

    def test_the_order_of_the_results_changes_nothing(self, fake):
        results = fake.results()
        shuffled = random.Random(3).sample(results, len(results))
        assert [repr(board) for board in leaderboards(shuffled)] == [repr(board) for board in leaderboards(results)]
        assert to_frame(shuffled).equals(to_frame(results))

    def test_data_sets_and_splits_have_boards_of_their_own_the_random_split_first(self):
        results = [
            cell("a", dataset=d, split=s, ndcg_10=0.1) for d in ("y", "x") for s in ("temporal", "random", "k-fold")
        ]
        assert [(board.dataset, board.split) for board in leaderboards(results)] == [
            (dataset, split) for dataset in ("x", "y") for split in ("random", "k-fold", "temporal")
        ]

    def test_parameters_make_rows_and_labels_of_their_own(self):
        board = only(
            [
                cell("als", parameters={"factors": 8, "alpha": 1.0}, ndcg_10=0.1),
                cell("als", parameters={"alpha": 1.0, "factors": 16}, ndcg_10=0.2),
                cell("als", parameters={"factors": 16, "alpha": 1.0}, seed=1, ndcg_10=0.2),
                cell("ease", parameters={"regularization": 5}, ndcg_10=0.05),
            ]
        )
        assert [(row.label, row.n_seeds) for row in board.rows] == [
            ("als (factors=16)", 2),
            ("als (factors=8)", 1),
            ("ease", 1),
        ]

    def test_a_parameter_that_only_one_set_has_is_told_from_defaults(self):
        board = only([cell("als", ndcg_10=0.1), cell("als", parameters={"solver": "cg"}, ndcg_10=0.2)])
        assert [row.label for row in board.rows] == ["als (solver=cg)", "als (defaults)"]

    def test_a_row_whose_primary_metric_is_missing_comes_last(self):
        board = only([cell("a", rmse=0.9), cell("b", ndcg_10=0.001)])
        assert [row.model for row in board.rows] == ["b", "a"]

    def test_rows_on_different_split_seeds_are_told(self):
        assert only([cell("a", 0, ndcg_10=0.1), cell("b", 0, ndcg_10=0.1), cell("b", 1, ndcg_10=0.1)]).uneven_seeds
        assert not only(
            [cell("a", 0, ndcg_10=0.1), cell("b", 0, ndcg_10=0.1), cell("b", 0, model_seed=1, ndcg_10=0.1)]
        ).uneven_seeds

    def test_costs_are_means_and_what_was_not_measured_is_absent(self):
        first, second = cell("a", 0, ndcg_10=0.1), cell("a", 1, ndcg_10=0.1)
        first.measured, second.measured = (
            {"fit_seconds": 1.0, "environment": {}},
            {"fit_seconds": 2, "peak_memory_mb": None},
        )
        assert only([first, second]).rows[0].cost == {"fit_seconds": 1.5}


class TestProblems:
    def test_failed_skipped_and_timed_out_cells_are_kept_with_their_reason(self):
        board = only(
            [
                cell("a", ndcg_10=0.1),
                cell("b", status="skipped", error="not installed: pip install b"),
                cell("c", status="failed", error="Traceback (most recent call last):\n  File x\nValueError: no"),
                cell("d", status="timeout", error="ModelError: took 60 s\n\nTraceback ..."),
                cell("e", status="out-of-memory"),
            ]
        )
        assert [(row.model, row.status, row.reason) for row in board.problems] == [
            ("b", "skipped", "not installed: pip install b"),
            ("c", "failed", "ValueError: no"),
            ("d", "timeout", "ModelError: took 60 s"),
            ("e", "out-of-memory", "no reason was stored"),
        ]
        assert [row.model for row in board.rows] == ["a"]

    def test_a_model_that_fails_on_one_seed_has_two_rows(self):
        board = only(
            [
                cell("a", 0, ndcg_10=0.1),
                cell("a", 1, status="failed", error="x"),
                cell("a", 2, status="failed", error="x"),
            ]
        )
        assert [(row.model, row.n_seeds) for row in board.rows + board.problems] == [("a", 1), ("a", 2)]

    def test_metrics_of_a_cell_that_failed_do_not_count(self):
        board = only([cell("a", 0, ndcg_10=0.1), cell("a", 1, status="failed", error="x", ndcg_10=0.9, mrr_10=0.9)])
        assert board.rows[0].values == {"ndcg@10": 0.1}
        assert [column.name for column in board.columns] == ["ndcg@10"]

    def test_a_board_without_a_finished_cell_has_no_columns_and_no_primary(self):
        board = only([cell("a", status="skipped", error="x")])
        assert (board.columns, board.rows, board.primary, board.best, board.k) == ((), (), None, {}, None)

    def test_no_results_give_no_boards(self):
        assert leaderboards([]) == []


class TestColumns:
    def test_accuracy_comes_first_then_ratings_then_what_is_beside_accuracy(self):
        board = only(
            [cell("a", gini_10=1, rmse=1, coverage_10=1, auc=1, mine_10=1, ndcg_20=1, recall_10=1, ndcg_5=1, mae=1)]
        )
        assert [column.name for column in board.columns] == [
            "ndcg@5", "ndcg@20", "recall@10", "auc", "mine@10", "rmse", "mae", "coverage@10", "gini@10",
        ]  # fmt: skip
        assert [column.name for column in board.select("accuracy")] == ["recall@10", "auc", "mine@10"]
        assert [column.name for column in board.select("accuracy", "beside", k=5)] == ["ndcg@5", "auc"]

    @pytest.mark.parametrize(
        ("metrics", "primary"),
        [
            ({"ndcg_5": 1, "ndcg_20": 1}, "ndcg@5"),
            ({"ndcg_20": 1, "recall_20": 1}, "ndcg@20"),
            ({"recall_10": 1, "rmse": 1}, "recall@10"),
            ({"rmse": 1, "mae": 1}, "rmse"),
            ({"mae": 1, "coverage_10": 1}, "mae"),
            ({"coverage_10": 1}, None),
        ],
    )
    def test_the_primary_metric_falls_back(self, metrics, primary):
        found = only([cell("a", **metrics)]).primary
        assert (found.name if found else None) == primary

    def test_rating_models_alone_are_sorted_by_rmse_lowest_first(self):
        assert [row.model for row in only([cell("a", rmse=0.95), cell("b", rmse=0.87)]).rows] == ["b", "a"]

    def test_titles_are_as_papers_print_them(self):
        board = only([cell("a", ndcg_10=1, hit_rate_10=1, recall_min_10=1, auc=1)])
        assert [column.title for column in board.columns] == ["NDCG@10", "Recall min@10", "Hit rate@10", "AUC"]


class TestBest:
    def marked(self, board):
        return {
            column.name: [row.model for row in board.rows if board.is_best(row, column)] for column in board.columns
        }

    def test_the_best_of_each_column_is_marked_by_its_direction(self):
        board = only([cell("a", ndcg_10=0.3, recall_10=0.1, rmse=0.9), cell("b", ndcg_10=0.2, recall_10=0.2, rmse=0.8)])
        assert self.marked(board) == {"ndcg@10": ["a"], "recall@10": ["b"], "rmse": ["b"]}

    def test_ties_are_all_marked(self):
        board = only([cell(model, ndcg_10=value) for model, value in [("a", 0.1 + 0.2), ("b", 0.3), ("c", 0.29)]])
        assert self.marked(board) == {"ndcg@10": ["a", "b"]}

    def test_values_that_read_the_same_are_marked_the_same(self):
        assert self.marked(only([cell("a", ndcg_10=0.30001), cell("b", ndcg_10=0.30002)])) == {"ndcg@10": ["b", "a"]}

    def test_what_is_beside_accuracy_has_no_best(self):
        board = only(
            [cell("a", ndcg_10=0.1, coverage_10=0.9, gini_10=0.1, novelty_10=3, popularity_10=9, diversity_10=1)]
        )
        assert {name for name, models in self.marked(board).items() if models} == {"ndcg@10"}

    def test_a_row_without_the_metric_is_not_the_best(self):
        assert self.marked(only([cell("a", ndcg_10=0.2), cell("b", ndcg_10=0.3, rmse=0.9)])) == {
            "ndcg@10": ["b"],
            "rmse": ["b"],
        }


class TestFrame:
    def test_the_columns_stand_as_documented(self):
        frame = to_frame([cell("svd", ndcg_10=(0.2, 0.1), auc=0.7, gini_10=0.2, rmse=0.9, mae=0.7)])
        assert list(frame.columns) == [
            *("dataset", "split", "split_seed", "model", "parameters", "model_seed", "status", "n_users"),
            *("ndcg@10", "auc", "gini@10", "rmse", "mae", "ndcg@10_all"),
            *("fit_seconds", "recommend_seconds", "compile_seconds", "latency_median_ms", "latency_p99_ms"),
            *("peak_memory_mb", "model_size_mb", "error"),
        ]

    def test_rating_errors_have_columns_even_where_no_model_predicts(self):
        frame = to_frame([cell("als", ndcg_10=0.2)])
        assert frame[["rmse", "mae"]].isna().all(axis=None)
        assert not [name for name in frame if name.endswith("_all")]

    def test_there_is_one_row_a_cell_and_what_does_not_apply_is_missing(self, fake):
        results = fake.results(seeds=2)
        frame = to_frame(results)
        assert len(frame) == len(results)
        skipped = frame[frame.status == "skipped"]
        assert len(skipped) == 4
        assert skipped[["n_users", "ndcg@10", "rmse", "fit_seconds"]].isna().all(axis=None)
        assert (skipped.error != "").all()
        assert frame.loc[frame.model == "als", "rmse"].isna().all()
        assert frame.loc[frame.model == "svd", "rmse"].notna().all()

    def test_parameters_are_compact_json_sorted_by_name(self):
        frame = to_frame([cell("als", parameters={"b": 1.5, "a": {"y": [1], "x": "ü"}}, ndcg_10=0.1)])
        assert frame.parameters[0] == '{"a":{"x":"ü","y":[1]},"b":1.5}'
        assert json.loads(frame.parameters[0]) == {"a": {"x": "ü", "y": [1]}, "b": 1.5}

    def test_no_results_give_an_empty_table_with_its_columns(self):
        frame = to_frame([])
        assert len(frame) == 0
        assert {"dataset", "rmse", "error"} <= set(frame.columns)

    def test_a_value_that_is_not_a_number_is_missing(self):
        assert math.isnan(to_frame([cell("a", ndcg_10=math.nan)])["ndcg@10"][0])


class TestLatest:
    def at(self, when, status="ok", key="k", **metrics):
        return dataclasses.replace(cell("als", status=status, **metrics), key=key, measured={"finished": when})

    def test_the_newest_result_of_a_cell_counts_whatever_its_key(self):
        old, new = self.at("2024-01-01", key="z", ndcg_10=0.1), self.at("2024-02-01", key="a", ndcg_10=0.2)
        assert latest([old, new]) == latest([new, old]) == [new]
        assert only([old, new]).rows[0].values == {"ndcg@10": 0.2}
        assert len(to_frame([old, new])) == 1

    def test_a_newer_failure_hides_an_older_success(self):
        assert latest([self.at("2024-02-01", "failed", key="b"), self.at("2024-01-01")])[0].status == "failed"

    def test_a_skipped_cell_hides_nothing(self):
        assert latest([self.at("2024-01-01"), self.at("2024-02-01", "skipped", key="b")])[0].status == "ok"
        assert latest([self.at("2024-02-01", "skipped", key="b")])[0].status == "skipped"
