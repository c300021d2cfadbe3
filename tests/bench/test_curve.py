"""Learning curves: which epochs are looked at, what the clock counts, and that a fit doesn't notice."""

import numpy as np
import pytest

from bench import curve
from bench.curve import POINTS, USERS, Judge, Watch, judge_lists, judge_ratings, sample
from bench.metrics import ndcg
from bench.ranking import rank
from bench.runner import Material, run_cell
from recsys_impl import ALS, EASE, SVD, Bias, Popularity


class Time:
    """A clock that goes on only where it is told to."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now

    def pass_by(self, seconds):
        self.now += seconds


@pytest.fixture
def time(monkeypatch):
    time = Time()
    monkeypatch.setattr("bench.curve.perf_counter", time)
    return time


def watched(time, epochs, total=None, fails_at=None):
    """A fit that prepares for 3 s, takes 2 s an epoch and 1 s to end; each look at it takes 50 s."""
    done = 0

    def measure():
        time.pass_by(50)
        if done == fails_at:
            raise AttributeError("no factors yet\nand a long story")
        return done / 100

    told = []
    watch = Watch(Judge("ndcg@10", 7, measure), total, told.append)
    time.pass_by(1000)
    watch.start()
    time.pass_by(3)
    for epoch in range(1, epochs + 1):
        time.pass_by(2)
        done = epoch
        watch(epoch - 1, 2.0, loss=0.5)
    time.pass_by(1)
    seconds = watch.stop()
    assert told == list(range(1, epochs + 1))
    return watch, seconds


def test_the_clock_stands_still_while_a_point_is_measured(time):
    watch, seconds = watched(time, epochs=4, total=4)
    found, at = watch.curve()
    assert seconds == 3 + 4 * 2 + 1
    assert at == [5, 7, 9, 11]
    assert (found.metric, found.n_users, found.epochs, found.values) == (
        "ndcg@10",
        7,
        [1, 2, 3, 4],
        [0.01, 0.02, 0.03, 0.04],
    )


@pytest.mark.parametrize("total", [2, 19, 20, 21, 24, 100, 1000])
def test_a_known_number_of_epochs_is_looked_at_evenly_from_the_first_to_the_last(time, total):
    found, _ = watched(time, total, total)[0].curve()
    assert len(found.epochs) == min(total, POINTS)
    assert (found.epochs[0], found.epochs[-1]) == (1, total)
    steps = np.diff(found.epochs)
    assert steps.max() - steps.min() <= 1
    assert found.values == [epoch / 100 for epoch in found.epochs]


@pytest.mark.parametrize("epochs", [2, 3, 7, 39, 40, 41, 42, 43, 100, 1001])
def test_an_unknown_number_of_epochs_ends_with_the_last_too(time, epochs):
    watch, seconds = watched(time, epochs)
    if epochs < 3:  # one point is no curve
        assert watch.curve() == (None, [])
        return
    found, at = watch.curve()
    assert 2 <= len(found.epochs) <= POINTS
    assert found.epochs[-1] == epochs
    assert len(set(np.diff(found.epochs[:-1]))) <= 1
    assert at[:-1] == [3 + 2 * epoch for epoch in found.epochs[:-1]]
    assert at[-1] in (seconds - 1, seconds)  # asked after its last epoch, or after the fit


def test_a_fit_that_stops_early_or_goes_on_longer_ends_with_its_last_epoch(time):
    stopped, _ = watched(time, epochs=9, total=50)[0].curve()
    assert stopped.epochs == [1, 4, 6, 9]
    longer, _ = watched(time, epochs=30, total=20)[0].curve()
    assert longer.epochs[-1] == 30
    assert len(longer.epochs) <= POINTS


@pytest.mark.parametrize("total", [1, None])
def test_one_epoch_or_none_is_never_looked_at(time, total):
    for epochs in (0, 1):
        watch, seconds = watched(time, epochs, total)
        assert watch.points == []
        assert seconds == 3 + 2 * epochs + 1


def test_a_model_that_cant_be_asked_yet_is_fitted_and_not_asked_again(time):
    before = time.now
    watch, seconds = watched(time, epochs=6, total=6, fails_at=3)
    assert watch.curve() == (None, [])
    assert watch.trouble == "AttributeError: no factors yet"
    assert seconds == 16
    assert time.now - before == 1000 + seconds + 3 * 50


def test_nobody_looks_without_a_judge(time):
    watch = Watch(tell=lambda epoch: None)
    watch.start()
    for _ in range(5):
        time.pass_by(1)
        watch()
    assert watch.stop() == 5
    assert watch.curve() == (None, [])


def test_the_sample_is_the_same_part_of_the_evaluated_users_each_time():
    users = np.arange(1000, 3000)
    chosen = sample(users)
    assert len(chosen) == USERS == len(set(chosen.tolist()))
    assert set(chosen.tolist()) < set(users.tolist())
    np.testing.assert_array_equal(chosen, np.sort(chosen))
    np.testing.assert_array_equal(chosen, sample(users))
    np.testing.assert_array_equal(sample(users[:10]), users[:10])


def test_lists_are_judged_by_ndcg_at_the_cutoff_nearest_to_10(small_split):
    material = Material(small_split, "positives")
    model = Popularity().fit(material.positives)
    users = material.test_users[material.has_relevant][:30]
    tables = (users, material.seen, material.relevant)
    judge = judge_lists(model.score, *tables, [20, 12, 8, 3], seed=0)
    assert (judge.metric, judge.n_users) == ("ndcg@8", 30)
    assert judge.measure() == ndcg(rank(model.score, *tables, 8, 0), 8).mean()


def test_ratings_are_judged_by_the_rmse_of_the_sampled_users_clipped(small_split):
    test = small_split.test
    users = np.unique(test.users)[:20]
    judge = judge_ratings(lambda who, what: np.where(what % 2, 9.0, 3.0), users, test)
    rows = np.isin(test.users, users)
    expected = np.sqrt(np.mean((np.where(test.items[rows] % 2, 5.0, 3.0) - test.ratings[rows]) ** 2))
    assert (judge.metric, judge.n_users) == ("rmse", 20)
    assert judge.measure() == pytest.approx(expected, rel=1e-12)
    with pytest.raises(ValueError, match="not finite"):
        judge_ratings(lambda who, what: np.full(len(who), np.nan), users, test).measure()


class TestCells:
    """What whole cells store."""

    def test_the_last_point_is_the_metric_that_the_cell_reports(self, small_split, make_task):
        """All users are sampled here, so both are means over the same ones."""
        result = run_cell(lambda: ALS(factors=8, iterations=5), small_split, make_task())
        assert result.curve.epochs == [1, 2, 3, 4, 5]
        assert result.curve.n_users == result.counts["n_users"]
        assert result.curve.values[-1] == pytest.approx(result.metrics["ndcg@10"].value, rel=1e-12)
        seconds = result.measured["curve_seconds"]
        assert seconds == sorted(seconds)
        assert 0 < seconds[0] < seconds[-1] <= result.measured["fit_seconds"]

    @pytest.mark.parametrize("model", [SVD, Bias])
    def test_a_model_of_ratings_is_judged_by_its_rmse(self, small_split, make_task, model):
        result = run_cell(lambda: model(iterations=4), small_split, make_task("ratings"))
        assert result.curve.metric == "rmse"
        evaluated = result.per_user["n_relevant"] > 0
        errors, ratings = (result.per_user[f"rmse_{part}"][evaluated].sum() for part in ("sum", "count"))
        assert result.curve.values[-1] == pytest.approx(np.sqrt(errors / ratings), rel=1e-6)
        assert result.curve.values[0] != result.curve.values[-1]

    @pytest.mark.parametrize("model", [EASE, Popularity])
    def test_a_model_of_one_epoch_has_none_and_says_nothing_of_it(self, small_split, make_task, model):
        result = run_cell(model, small_split, make_task())
        assert result.curve is None
        assert "curve_seconds" not in result.measured
        assert not any("curve" in note for note in result.notes)

    def test_a_plug_in_that_calls_back_has_a_curve(self, small_split, make_task):
        class Plugin:
            def fit(self, user_items, callback=None):
                self.scores = user_items.toarray().sum(axis=0)
                for epoch in range(1, 7):
                    self.scores = self.scores * 0.5
                    callback(epoch)
                return self

            def score(self, user_ids):
                return np.tile(self.scores, (len(user_ids), 1))

        result = run_cell(Plugin, small_split, make_task())
        assert result.curve.epochs == [2, 4, 6]
        assert len(set(result.curve.values)) == 1

    def test_a_plug_in_that_cant_score_in_its_fit_is_measured_all_the_same(self, small_split, make_task):
        class Plugin:
            iterations = 3

            def fit(self, user_items, callback=None):
                for epoch in range(self.iterations):
                    callback(epoch)
                self.popularity = Popularity().fit(user_items)
                return self

            def score(self, user_ids):
                return self.popularity.score(user_ids)

        result = run_cell(Plugin, small_split, make_task())
        assert result.status == "ok"
        assert result.curve is None
        (note,) = [note for note in result.notes if "curve" in note]
        assert "AttributeError" in note

    def test_epochs_are_told_as_before(self, small_split, make_task):
        told = []
        run_cell(lambda: ALS(factors=4, iterations=3), small_split, make_task(tell=lambda *event: told.append(event)))
        assert told == [("epoch", 1), ("epoch", 2), ("epoch", 3)]

    def test_nobody_evaluated_is_no_curve_and_no_error(self, small_split, make_task, monkeypatch):
        monkeypatch.setattr(curve, "USERS", 0)
        result = run_cell(lambda: ALS(factors=4, iterations=3), small_split, make_task())
        assert result.curve is None
