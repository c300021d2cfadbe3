"""Intervals and comparisons of a leaderboard's rows."""

import dataclasses

import numpy as np
import pytest
from scipy import stats

from reports.html import write_html
from reports.markdown import leaderboard_markdown
from reports.table import leaderboards
from reports.uncertainty import uncertainties, uncertainty
from reports.writing import write_reports


def certain(results, metrics=None):
    """The only leaderboard of these results, with what its users and seeds say."""
    found = uncertainties(leaderboards(results), lambda result: result, metrics)
    (board,) = leaderboards(results, found)
    return board


def columns(board):
    return {column.name: column for column in board.columns}


class TestIntervals:
    def test_every_mean_has_one_around_it(self, measured):
        board = certain(measured.runs(["als", "bpr"], seeds=3))
        for row in board.rows:
            for name, value in row.values.items():
                interval = board.interval(row, columns(board)[name])
                if name == "coverage@10":  # no mean, and nothing per user
                    assert interval is None
                else:
                    assert interval.low < value < interval.high, name

    def test_of_one_run_it_is_that_of_a_bootstrap_over_users(self, measured):
        (result,) = measured.runs(["als"], seeds=1, n_users=300)
        board = certain([result])
        values = result.per_user["ndcg@10"]
        known = stats.bootstrap((values,), np.mean, method="percentile", n_resamples=9999, rng=1).confidence_interval
        found = board.interval(board.rows[0], board.primary)
        assert (found.low, found.high) == pytest.approx((known.low, known.high), abs=0.004)

    def test_noise_between_splits_widens_it(self, measured):
        def with_splits(noise):
            return [measured.cell("als", seed, np.linspace(0.3, 0.5, 200) + noise * (seed - 2)) for seed in range(5)]

        widths = []
        for noise in (0.0, 0.05):
            board = certain(with_splits(noise))
            interval = board.interval(board.rows[0], board.primary)
            widths.append(interval.high - interval.low)
        assert widths[1] > 5 * widths[0]

    def test_model_seeds_of_one_split_are_seeds_too(self, measured):
        results = [measured.cell("als", 0, np.linspace(0.3, 0.5, 200) + 0.05 * m, model_seed=m) for m in range(5)]
        board = certain(results)
        interval = board.interval(board.rows[0], board.primary)
        assert interval.high - interval.low > 0.08

    def test_only_the_primary_metric_on_request(self, measured):
        board = certain(measured.runs(["als"]), metrics=())
        assert list(board.uncertainty.intervals["als"]) == ["ndcg@10"]

    def test_without_values_per_user_there_is_none(self, measured):
        results = [dataclasses.replace(result, per_user={}, users=None) for result in measured.runs(["als", "bpr"])]
        board = certain(results)
        assert board.interval(board.rows[0], board.primary) is None
        assert board.interval_text(board.rows[0], board.primary) == "–"
        assert not board.is_like_best(board.rows[1])


class TestPairs:
    def test_models_are_compared_on_the_same_users_and_splits(self, measured):
        results = measured.runs(["als"]) + measured.runs(["bpr"], drop=0.05)
        board = certain(results)
        pair = board.uncertainty.between("als", "bpr")
        assert pair.relative == pytest.approx(1 / 0.95 - 1, abs=0.02)
        assert pair.effect.interval.low < pair.effect.difference < pair.effect.interval.high
        assert pair.n_splits == 5
        assert pair.p < 0.001
        assert not board.is_like_best(board.rows[1])

    def test_p_is_corrected_for_all_pairs_and_the_alike_are_marked(self, measured):
        results = measured.runs(["als", "bpr", "warp"]) + measured.runs(["svd"], drop=0.3)
        board = certain(results)
        assert len(board.uncertainty.pairs) == 6
        raw = [pair.effect.p for pair in board.uncertainty.pairs]
        assert all(pair.p >= pair.effect.p for pair in board.uncertainty.pairs)
        assert min(pair.p for pair in board.uncertainty.pairs) == pytest.approx(6 * min(raw), rel=1e-6)
        assert [board.is_like_best(row) for row in board.rows] == [False, True, True, False]

    def test_rows_without_a_common_split_are_not_compared(self, measured):
        board = certain([*measured.runs(["als"], seeds=1), measured.cell("bpr", 3)])
        assert board.uncertainty.pairs == ()

    def test_equal_models_are_alike(self, measured):
        values = np.linspace(0.1, 0.9, 50)
        board = certain([measured.cell("a", 0, values), measured.cell("b", 0, values)])
        assert board.uncertainty.pairs[0].p == 1
        assert board.is_like_best(board.rows[1])


class TestComponents:
    @pytest.fixture
    def grid(self, measured):
        def make(splits, seeds):
            return [
                measured.cell("als", s, np.linspace(0.3, 0.5, 50) + 0.1 * s + 0.01 * m, model_seed=m)
                for s in range(splits)
                for m in range(seeds)
            ]

        return make

    def test_they_need_several_model_seeds_on_several_splits(self, grid):
        assert certain(grid(3, 3)).uncertainty.components["als"].split_share > 0.9
        assert certain(grid(3, 1)).uncertainty.components == {}
        assert certain(grid(1, 3)).uncertainty.components == {}
        assert certain(grid(3, 3)[:-1]).uncertainty.components == {}

    def test_they_are_told_where_they_are_known(self, grid):
        share = round(100 * certain(grid(3, 3)).uncertainty.components["als"].split_share)
        told = f"Of NDCG@10's variance the split seed brings (the model seed the rest): als {share}%."
        assert told in leaderboard_markdown(certain(grid(3, 3))).replace("\\", "")
        assert "variance" not in leaderboard_markdown(certain(grid(3, 1)))


@pytest.fixture(scope="module")
def folder(tmp_path_factory, measured):
    results = [
        cell
        for model_seed in (0, 1)
        for cell in measured.runs(["als", "bpr", "<b>"], run=model_seed, model_seed=model_seed, seeds=3)
    ]
    path = tmp_path_factory.mktemp("results")
    measured.folder(path, results + measured.runs(["svd"], drop=0.4))
    write_reports(path)
    return path


class TestReports:
    def test_the_page_shows_intervals_pairs_and_components(self, folder):
        page = (folder / "report.html").read_text(encoding="utf-8")
        for told in ("95% interval", "Best is ahead by", "Every pair of models", "Variance by split seed", "≈ 0."):
            assert told in page
        assert "users and split seeds" in page

    def test_it_is_the_same_page_without_being_handed_the_figures(self, folder, tmp_path):
        from reports.store import Store

        assert write_html(Store(folder), tmp_path / "r.html").read_bytes() == (folder / "report.html").read_bytes()

    def test_markdown_has_the_interval_and_the_mark(self, folder, measured):
        text = (folder / "report.md").read_text(encoding="utf-8")
        header = text.splitlines()[2]
        assert header.startswith("| model | seeds | NDCG@10 | 95% | Recall@10 |")
        assert "≈ 0." in text
        assert "can't be told from the best" in text
        plain = leaderboard_markdown(leaderboards(measured.runs(["als"]))[0])
        assert "95%" not in plain

    def test_a_page_of_one_seed_says_that_seeds_are_not_in_its_intervals(self, tmp_path, measured):
        measured.folder(tmp_path, measured.runs(["als", "bpr"], seeds=1))
        write_reports(tmp_path)
        assert "there is one split seed" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_nothing_finished_is_no_error(measured):
    (board,) = leaderboards([measured.cell("als", status="failed", metrics={})])
    assert uncertainty(board, lambda result: result).pairs == ()
