"""Searches from plan to files: the test part is out of reach, trials repeat, whatever happens to them is stored."""

import shlex
from dataclasses import replace
from threading import Lock
from time import perf_counter

import numpy as np
import pytest

from bench import loading
from bench.building import ParameterError
from bench.cli import main
from bench.plugins import models
from bench.settings import read_settings
from bench.tuning.objective import MetricError, Objective, validation_rule
from bench.tuning.plan import BudgetError, Plan
from bench.tuning.run import Searching, _seconds_left, tune
from bench.tuning.space import Choice, Range, Space, SpaceError
from bench.tuning.study import Study, open_storage
from bench.tuning.trial import DEFAULTS
from reports.tuning import read_tuning
from splits.split import Split

PLUGIN = '''
import os, time
import numpy as np

class Shrunk:
    """Popularity with a wrong turn: better with less noise."""

    def __init__(self, noise=0.0, trouble="", random_state=0):
        self.noise, self.trouble, self.random_state = noise, trouble, random_state

    def fit(self, user_items):
        if self.trouble == "raise":
            raise ValueError("too much trouble")
        if self.trouble == "die":
            os._exit(7)
        if self.trouble == "hang":
            time.sleep(60)
        counts = np.asarray(user_items.sum(axis=0)).ravel()
        random = np.random.default_rng(self.random_state)
        self.counts = (counts + self.noise * random.standard_normal(len(counts))).astype(np.float32)
        return self

    def score(self, user_ids):
        return np.tile(self.counts, (len(user_ids), 1))

class Early(Shrunk):
    """One that stops by itself after two iterations."""

    def __init__(self, noise=0.0, iterations=5, random_state=0):
        super().__init__(noise, "", random_state)
        self.iterations = iterations

    def fit(self, user_items, callback=None):
        super().fit(user_items)
        for iteration in range(2):
            callback is None or callback(iteration, 0.0)
        return self

class Learning(Shrunk):
    """One that gets better, then worse."""

    def __init__(self, noise=0.0, iterations=5, random_state=0):
        super().__init__(noise, "", random_state)
        self.iterations = iterations

    def fit(self, user_items, callback=None):
        for iteration in range(self.iterations):
            random = np.random.default_rng(self.random_state)
            counts = np.asarray(user_items.sum(axis=0)).ravel()
            noise = (1 + self.noise) * abs(iteration - 2) * 20
            self.counts = (counts + noise * random.standard_normal(len(counts))).astype(np.float32)
            if callback is not None:
                callback(iteration, 0.0)
        return self

MODELS = {"shrunk": Shrunk, "learning": Learning, "early": Early}
'''
NOISE = {"noise": Range(0.1, 100.0, log=True)}


@pytest.fixture(scope="module")
def plugin(tmp_path_factory):
    path = tmp_path_factory.mktemp("plugin") / "models.py"
    path.write_text(PLUGIN)
    return str(path)


@pytest.fixture(scope="module")
def split():
    small = loading.load("synthetic", n_users=60, n_items=50, n_interactions=1500, seed=3)
    return loading.split(small)


@pytest.fixture
def plan(plugin):
    def plan(space, model="shrunk", trials=6, **changes):
        settings = {"seconds": None, "metric": "", "seed": 0, "jobs": 1, "threads": 1} | changes
        spaces, table = {model: space}, models([plugin])
        return Plan("synthetic", "random", (model,), trials, spaces=spaces, table=table, plugins=(plugin,), **settings)

    return plan


def without_times(search):
    return [{name: value for name, value in trial.items() if name != "seconds"} for trial in search.trials]


def with_row(plan, **parameters):
    """The plan with other parameters in its row."""
    row = replace(plan.table["shrunk"], parameters=parameters)
    return replace(plan, table=plan.table | {"shrunk": row})


def silent(line):
    pass


def test_the_test_part_is_never_looked_at(plan, split, tmp_path):
    """Poisoned: other items, other ratings, other times where the test part is; the trials stay what they were."""
    data, held_out = split.interactions, split.in_test
    random = np.random.default_rng(1)
    items, ratings = data.items.copy(), data.ratings.copy()
    items[held_out] = random.permutation(items[held_out])
    ratings[held_out] = random.uniform(1, 5, held_out.sum())
    garbage = Split(replace(data, items=items, ratings=ratings), held_out)
    assert garbage.content_hash != split.content_hash
    (clean,) = tune(plan(Space(NOISE, {})), split, tmp_path / "clean", silent)
    (poisoned,) = tune(plan(Space(NOISE, {})), garbage, tmp_path / "poisoned", silent)
    assert without_times(clean) == without_times(poisoned)
    assert len({trial["value"] for trial in clean.trials}) > 1


def test_it_is_the_train_part_that_decides(plan, split, tmp_path):
    """The other way round: what was poisoned above does change trials where it is in train."""
    ratings = split.interactions.ratings.copy()
    ratings[~split.in_test] = np.random.default_rng(1).uniform(1, 5, (~split.in_test).sum())
    other = Split(replace(split.interactions, ratings=ratings), split.in_test)
    (clean,) = tune(plan(Space(NOISE, {}), trials=2), split, tmp_path / "clean", silent)
    (changed,) = tune(plan(Space(NOISE, {}), trials=2), other, tmp_path / "changed", silent)
    assert without_times(clean) != without_times(changed)


def test_two_searches_of_one_job_make_the_same_trials_and_a_stopped_one_goes_on(plan, split, tmp_path):
    space = Space(NOISE, {}, epochs=4)
    (first,) = tune(plan(space, "learning", trials=14), split, tmp_path / "first", silent)
    (begun,) = tune(plan(space, "learning", trials=5), split, tmp_path / "second", silent)
    (second,) = tune(plan(space, "learning", trials=14), split, tmp_path / "second", silent)
    assert without_times(begun) == without_times(first)[:5]
    assert without_times(second) == without_times(first)
    told = []
    tune(plan(space, "learning", trials=14), split, tmp_path / "second", told.append)
    assert told == ["learning: 14 trials are there already, 14 are asked for"]


def test_the_best_epoch_becomes_the_number_of_iterations(plan, split, tmp_path):
    (found,) = tune(plan(Space({"noise": Range(0.0, 0.1)}, {}, epochs=5), "learning", 3), split, tmp_path, silent)
    assert found.best["setting"]["iterations"] == 3
    assert [list(trial["curve"]) for trial in found.trials] == [["1", "2", "3", "4", "5"]] * 3
    assert found.trials[0]["value"] == max(found.trials[0]["curve"].values())


def test_failed_and_dead_trials_are_stored_with_their_reason_and_tuning_goes_on(plan, split, tmp_path):
    space = Space({"trouble": Choice(("", "raise", "die")), **NOISE}, {})
    (found,) = tune(plan(space, trials=9), split, tmp_path, silent)
    errors = {trial["parameters"]["trouble"]: trial["error"].splitlines() for trial in found.trials}
    assert len(found.trials) == 9
    assert errors[""] == []
    assert errors["raise"] == ["ValueError: too much trouble"]
    assert errors["die"][0] == "the trial's process died: exit status 7"
    assert found.best["setting"]["trouble"] == ""


def test_a_model_that_never_works_has_no_setting(plan, split, tmp_path):
    raising = plan(Space(NOISE, {"trouble": "die"}), trials=2, parameters={"shrunk": {"trouble": "raise"}})
    (found,) = tune(raising, split, tmp_path, silent)
    assert found.best is None
    assert found.defaults["error"] == found.trials[0]["error"] == "ValueError: too much trouble"
    assert not (tmp_path / "tuned").exists()


def test_the_time_budget_ends_a_trial_that_hangs_and_is_spent_for_good(plan, split, tmp_path):
    hanging = plan(Space(NOISE, {"trouble": "hang"}), trials=3, seconds=4.0)
    told = []
    (found,) = tune(hanging, split, tmp_path, told.append)
    assert found.trials == []
    assert told[0].startswith("[defaults] shrunk: ndcg@10 0.")
    assert "the time budget is spent" in told[1]
    told.clear()
    tune(hanging, split, tmp_path, told.append)
    assert told == []


def test_the_rows_own_setting_spends_of_the_time_budget_and_can_spend_all_of_it(plan, split, tmp_path):
    slow = plan(Space(NOISE, {}), trials=3, seconds=3.0, parameters={"shrunk": {"trouble": "hang"}})
    told = []
    (found,) = tune(slow, split, tmp_path, told.append)
    assert (found.trials, found.best, found.defaults) == ([], None, None)
    assert told[0].startswith("[defaults] shrunk: stopped: the time budget is spent, 3.")
    tune(slow, split, tmp_path, told.append)
    assert len(told) == 1  # the time is spent, and a second search doesn't begin
    tune(replace(slow, seconds=5.0), split, tmp_path, told.append)
    assert told[1].startswith("[defaults] shrunk: stopped: the time budget is spent, 2.")


def test_where_no_trial_was_completed_there_is_no_setting(plan, split, tmp_path):
    """The row's own setting works, but nothing was searched."""
    (found,) = tune(plan(Space(NOISE, {"trouble": "raise"}), trials=2), split, tmp_path, silent)
    assert found.best is None
    assert found.defaults["state"] == "complete"
    assert not (tmp_path / "tuned").exists()


def test_other_defaults_of_the_row_begin_a_new_search(plan, split, tmp_path):
    base = plan(Space({"noise": Range(0.1, 1.0)}, {}), trials=1)
    for noise in (500.0, 700.0):
        (found,) = tune(with_row(base, noise=noise), split, tmp_path, silent)
        assert found.defaults["parameters"] == {"noise": noise}


def test_a_smaller_number_of_trials_than_there_are_is_recorded_as_what_was_done(plan, split, tmp_path):
    tune(plan(Space(NOISE, {}), trials=4), split, tmp_path, silent)
    (found,) = tune(plan(Space(NOISE, {}), trials=2), split, tmp_path, silent)
    assert (len(found.trials), found.budget["trials"]) == (4, 4)
    assert "--trials 4" in found.command


def test_a_model_that_stops_by_itself_is_judged_where_it_stopped(plan, split, tmp_path):
    (found,) = tune(plan(Space(NOISE, {}, epochs=10), "early", 2), split, tmp_path, silent)
    assert [list(trial["curve"]) for trial in found.trials] == [["1", "2", "10"]] * 2
    assert [trial["state"] for trial in found.trials] == ["complete"] * 2


def test_trials_side_by_side_share_the_time_budget(plan, split, tmp_path):
    """What those under way took is spent, too: the third trial has what the first two left."""
    now = perf_counter()
    study = Study(open_storage(tmp_path / "a.journal"), "toy", Space(NOISE, {}), True, 0, {})
    searching = Searching(plan(Space(NOISE, {}), seconds=100.0), "shrunk", "ndcg@10", study, [], silent, Lock())
    study.waste(7.0)
    searching.running.update({0: now - 30.0, 1: now - 20.0})
    assert 42.0 < _seconds_left(searching) <= 43.0


def test_the_rows_own_setting_is_kept_where_no_trial_is_better(plan, split, tmp_path):
    """What the search finds is never worse than what a model does without it."""
    (found,) = tune(plan(Space({"noise": Range(50.0, 100.0)}, {}), trials=3), split, tmp_path, silent)
    assert found.best == {"number": DEFAULTS, "value": found.defaults["value"], "setting": {"noise": 0.0}}
    assert found.defaults["value"] > max(trial["value"] for trial in found.trials)
    (kept,) = read_settings(tmp_path / "tuned" / "synthetic.toml").values()
    assert (kept.parameters, kept.trials) == ({"noise": 0.0}, 3)
    assert kept.validation == kept.defaults == round(found.defaults["value"], 6)


def test_a_trial_that_is_better_than_the_rows_own_setting_takes_its_place(plan, split, tmp_path):
    noisy = with_row(plan(Space({"noise": Range(0.1, 1.0)}, {}), trials=3), noise=500.0)
    (found,) = tune(noisy, split, tmp_path, silent)
    assert found.defaults["parameters"] == {"noise": 500.0}
    assert found.best["number"] >= 0
    assert found.best["value"] == max(trial["value"] for trial in found.trials) > found.defaults["value"]


def test_trials_have_the_rows_parameters_that_are_not_searched(plan, split, tmp_path):
    """As `run` does: another model would be tuned than the one that runs with the result."""
    (found,) = tune(with_row(plan(Space(NOISE, {}), trials=2), trouble="raise"), split, tmp_path, silent)
    assert [trial["error"] for trial in found.trials] == ["ValueError: too much trouble"] * 2


def test_jobs_side_by_side_share_the_storage_and_the_budget(plan, split, tmp_path):
    (found,) = tune(plan(Space(NOISE, {}), trials=8, jobs=2), split, tmp_path, silent)
    assert [trial["number"] for trial in found.trials] == list(range(8))
    assert all(trial["state"] == "complete" for trial in found.trials)


def test_settings_go_beside_those_of_other_models_and_come_back(plan, split, tmp_path):
    tune(plan(Space(NOISE, {}), trials=2), split, tmp_path, silent, tmp_path / "mine")
    tune(plan(Space(NOISE, {}, epochs=2), "learning", 2), split, tmp_path, silent, tmp_path / "mine")
    written = read_settings(tmp_path / "mine" / "synthetic.toml")
    assert written == read_settings(tmp_path / "tuned" / "synthetic.toml")
    assert set(written) == {("shrunk", "random"), ("learning", "random")}
    assert written["learning", "random"].trials == 2
    assert written["learning", "random"].parameters["iterations"] in (1, 2, 5)  # 5 by default
    assert {search.model for search in read_tuning(tmp_path)} == {"shrunk", "learning"}
    assert "its defaults and 2 trials by ndcg@10" in written["shrunk", "random"].origin


def test_ratings_are_tuned_by_rmse_unless_told_otherwise(plugin):
    table = models([plugin])
    told = Plan("d", "random", ("svd", "als"), 1, None, "", 0, 1, 1, {}, table)
    assert (told.metric_of("svd", True), told.metric_of("svd", False), told.metric_of("als", True)) == (
        "rmse",
        "ndcg@10",
        "ndcg@10",
    )
    assert replace(told, metric="auc").metric_of("svd", True) == "auc"


def test_the_validation_part_is_cut_by_the_rule_of_the_split(split):
    assert validation_rule("temporal:test_fraction=0.3", split) == "temporal:test_fraction=0.3"
    assert validation_rule("fixed", split) == "random:test_fraction=0.20"
    one = Split(split.interactions, np.arange(len(split.in_test)) == 3)
    assert validation_rule("fixed", one) == "random:test_fraction=0.01"  # 0.00 would hold out nothing


def test_many_users_are_sampled_and_always_the_same(split, monkeypatch):
    monkeypatch.setattr("bench.tuning.objective.MOST_USERS", 20)
    chosen = [Objective(split, "ndcg@10", 0, 1).material("positives").test_users for _ in range(2)]
    assert len(chosen[0]) == 20
    assert np.array_equal(*chosen)


def test_a_model_that_predicts_no_ratings_says_so(split):
    objective = Objective(split, "rmse", 0, 1)
    with pytest.raises(MetricError, match="Popularity predicts no ratings"):
        objective(models()["popularity"], {}, [], lambda epoch, value: True)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"trials": 0}, BudgetError, "at least one trial"),
        ({"metric": "ndcg"}, MetricError, "'ndcg' needs a cut-off from 1 to 10,000, as in ndcg@10"),
        ({"metric": "ndcg@" + "9" * 5000}, MetricError, "'ndcg' needs a cut-off from 1 to 10,000"),
        ({"seconds": 1e300}, BudgetError, "some seconds, at most 1,000,000,000, not 6 and 1e"),
        ({"seconds": float("nan")}, BudgetError, "not 6 and nan"),
        ({"metric": "gini@10"}, MetricError, "'gini' says nothing of accuracy; these do: precision, recall"),
        ({"metric": "rmse@5"}, MetricError, "'rmse' has no cut-off"),
        ({"metric": "ndgc@5"}, ValueError, "Did you mean 'ndcg'"),
        ({"models": ("nonesuch",)}, ValueError, "there is no model 'nonesuch'"),
        ({"models": ("popularity",)}, SpaceError, "'popularity' has no search space; there are: shrunk"),
        ({"parameters": {"shrunk": {"volume": 11}}}, ValueError, "has no parameter 'volume'"),
        ({"parameters": {"nonesuch": {"volume": 11}}}, ValueError, "there is no model 'nonesuch'"),
        (
            {"parameters": {"als": {"factors": 3}}},
            ParameterError,
            "--set als: that model isn't searched; these are: shr",
        ),
        (
            {"models": ("als",), "spaces": {"als": Space({"factors": Choice((8, "b"))}, {})}},
            ParameterError,
            "als.factors must be a whole number, not 'b'",
        ),
        (
            {"models": ("als",), "spaces": {"als": Space({"alpha": Range(-1.0, 5.0)}, {})}},
            ParameterError,
            "alpha",
        ),
    ],
)
def test_a_plan_that_can_not_be_is_refused_before_anything_is_trained(plan, changes, error, message):
    with pytest.raises(error, match=message):
        replace(plan(Space(NOISE, {})), **changes).check()


def test_the_command_makes_the_search_again(plan):
    changes = {"parameters": {"shrunk": {"trouble": "x"}, "als": {"factors": 3}}, "plugins": ("a.py", "b c.py")}
    changes |= {"spaces_file": "own.toml", "reading": ("--columns", "user=who", "--threshold", "3.5"), "threads": 2}
    told = replace(plan(Space(NOISE, {}), trials=7, seconds=60.0, seed=2, metric="auc", jobs=2), **changes)
    assert told.command("shrunk") == (
        "python -m bench tune --dataset synthetic --split random --models shrunk --trials 7 --time-budget 60 "
        "--metric auc --seed 2 --jobs 2 --set 'shrunk.trouble=\"x\"' --spaces own.toml --plugin a.py "
        "--plugin 'b c.py' --columns user=who --threshold 3.5"
    )


def test_the_recorded_command_has_every_option_that_changes_the_search(tmp_path, monkeypatch, plugin):
    """Run once and again from what was recorded: the same trials, and the same command."""
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(0)
    rows = [f"{u},{i},{random.integers(0, 6)}" for u in range(30) for i in random.permutation(25)[:12]]
    (tmp_path / "toy.csv").write_text("who,what,stars\n" + "\n".join(rows) + "\n")
    (tmp_path / "titles.csv").write_text("item,title\n" + "".join(f"{i},Film {i}\n" for i in range(25)))
    (tmp_path / "own.toml").write_text("[shrunk]\nnoise = { low = 0.5, high = 2.0 }\ntrouble = { choices = [''] }\n")
    words = ["tune", "--dataset", "toy.csv", "--split", "random:test_fraction=0.3", "--models", "shrunk"]
    words += ["--trials", "2", "--metric", "ndcg@5", "--seed", "3", "--set", "shrunk.trouble=''"]
    words += ["--spaces", "own.toml", "--plugin", plugin, "--titles", "titles.csv", "--threshold", "0"]
    words += ["--columns", "user=who,item=what,rating=stars"]
    assert main([*words, "--out", "first"]) == 0
    (first,) = read_tuning(tmp_path / "first")
    assert sorted(word for word in shlex.split(first.command)[3:] if word.startswith("--")) == sorted(
        word for word in words if word.startswith("--")
    )
    assert main([*shlex.split(first.command)[3:], "--out", "second"]) == 0
    (second,) = read_tuning(tmp_path / "second")
    assert (second.command, without_times(second)) == (first.command, without_times(first))
