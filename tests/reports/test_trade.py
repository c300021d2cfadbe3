"""The Pareto front and learning curves."""

import pytest

from reports.figures import model_styles
from reports.result import Curve
from reports.table import leaderboards
from reports.trade import learning_curves, mean_curves, pareto, trade


def board_of(results):
    (board,) = leaderboards(results)
    return board


def costs(fake, **of_models):
    """A board of models with (quality, seconds, megabytes)."""
    return board_of(
        fake.small(model, [value], measured={"fit_seconds": seconds, "peak_memory_mb": memory})
        for model, (value, seconds, memory) in of_models.items()
    )


def section(board):
    return trade(board, model_styles(row.model for row in board.rows))


class TestPareto:
    def test_who_is_beaten_and_by_whom(self, fake):
        board = costs(fake, a=(0.9, 4.0, 100), b=(0.8, 1.0, 300), c=(0.7, 2.0, 50), d=(0.1, 0.5, 60))
        frame = pareto(board)
        assert frame["model"].tolist() == ["a", "b", "c", "d"]
        assert frame["on_front"].tolist() == [True, True, False, True]
        assert frame["beaten_by"].tolist() == ["", "", "b", ""]
        by_memory = pareto(board, "peak_memory_mb")
        assert by_memory["on_front"].tolist() == [True, False, True, False]
        assert by_memory["beaten_by"].tolist() == ["", "a", "", "c"]
        assert by_memory["cost_value"].tolist() == [100, 300, 50, 60]

    def test_equals_are_on_the_front_together_and_a_tie_in_one_figure_is_beaten(self, fake):
        frame = pareto(costs(fake, a=(0.9, 1.0, 1), b=(0.9, 1.0, 2), c=(0.9, 2.0, 3), d=(0.8, 1.0, 4)))
        assert frame["on_front"].tolist() == [True, True, False, False]
        assert frame["beaten_by"].tolist() == ["", "", "a", "a"]

    def test_lower_is_better_of_a_rating_error(self, fake):
        results = [fake.result("ml-1m", model) for model in ("svd", "bias")]
        for result, (error, seconds) in zip(results, ((0.8, 9.0), (0.9, 1.0)), strict=True):
            metric = result.metrics["rmse"]
            result.metrics = {"rmse": type(metric)(error, None, False, 1)}
            result.measured["fit_seconds"] = seconds
        frame = pareto(board_of(results))
        assert dict(zip(frame["model"], frame["on_front"], strict=True)) == {"svd": True, "bias": True}
        results[1].measured["fit_seconds"] = 10.0
        assert pareto(board_of(results)).set_index("model")["beaten_by"]["bias"] == "svd"

    def test_rows_without_a_cost_are_left_out(self, fake):
        board = board_of([fake.small("a", [0.5], measured={"fit_seconds": 1.0}), fake.small("b", [0.4])])
        assert pareto(board)["model"].tolist() == ["a"]
        assert pareto(board, "peak_memory_mb").empty


class TestCurves:
    @pytest.fixture
    def board(self, fake):
        def cell(model, seed, values, seconds, epochs=(1, 2, 4)):
            curve = Curve("ndcg@2", list(epochs), list(values), 3)
            return fake.small(model, [0.5], seed=seed, curve=curve, measured={"curve_seconds": list(seconds)})

        return board_of(
            [
                cell("a", 0, (0.2, 0.4, 0.3), (1.0, 2.0, 4.0)),
                cell("a", 1, (0.4, 0.6, 0.3), (3.0, 4.0, 8.0)),
                cell("a", 2, (0.9, 0.9), (0.1, 0.2), epochs=(1, 2)),
                cell("b", 0, (0.1, 0.2, 0.4), (0.5, 1.0, 1.5)),
                fake.small("c", [0.1]),
            ]
        )

    def test_each_epoch_of_each_cell_is_a_line(self, board):
        frame = learning_curves(board)
        assert len(frame) == 11
        first = frame[(frame["model"] == "a") & (frame["split_seed"] == 1)]
        assert first[["epoch", "seconds", "value", "n_users"]].to_numpy().tolist() == [
            [1, 3.0, 0.4, 3],
            [2, 4.0, 0.6, 3],
            [4, 8.0, 0.3, 3],
        ]

    def test_a_mean_is_over_cells_with_the_same_epochs(self, board):
        of_a = next(curve for curve in mean_curves(board) if curve.row.label == "a")
        assert of_a.epochs == [1, 2, 4]
        assert of_a.values.tolist() == pytest.approx([0.3, 0.5, 0.3])
        assert of_a.seconds.tolist() == [2.0, 3.0, 6.0]

    def test_the_finding_says_who_is_there_first_and_who_was_better_before(self, board):
        (plot,) = (plot for plot in section(board).plots if plot.name == "curves")
        assert plot.finding == (
            "Within 1% of its own best NDCG@2 is soonest b after 1.50 s (epoch 4), last a after 3.00 s (epoch 2). "
            "Better by more than 1% before the end: a (epoch 2 of 4)."
        )
        assert [line.cells for line in plot.table.lines] == [
            ("0.3000", "4", "0.5000", "2", "3.00 s", "2"),
            ("0.4000", "4", "0.4000", "4", "1.50 s", "4"),
        ]


def test_the_section_names_the_front_in_words_and_in_a_table(fake):
    found = section(costs(fake, a=(0.9, 4.0, 100), b=(0.8, 1.0, 300), c=(0.7, 2.0, 50)))
    assert [plot.name for plot in found.plots] == ["trade-time", "trade-memory"]
    assert found.plots[0].finding == (
        "On the Pareto front: b (0.8000, 1.00 s) and a (0.9000, 4.00 s). "
        "To every other row there is one that is at least as good and at least as fast."
    )
    assert [(line.name, line.cells[-2:]) for line in found.front.lines] == [
        ("a", ("yes", "yes")),
        ("b", ("yes", "–")),
        ("c", ("–", "yes")),
    ]
    assert found.plots[0].svg.count("font-weight: 700") == 2


def test_nothing_measured_gives_no_section(fake):
    assert section(board_of([fake.problem("small", "x", "skipped", "no")])) is None
    assert section(board_of([fake.small("a", [0.5])])) is None
