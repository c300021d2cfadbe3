"""The decision by margin, what may be compared with what, and how often the gate is wrong."""

import dataclasses
import json
import math
import re

import numpy as np
import pytest
from scipy import stats

from reports.comparison import as_json, compare
from reports.pairing import IncomparableError
from reports.reference import Side, _entry
from reports.statistics import smallest_visible_drop

MODELS = ["als", "bpr", "warp"]


def side(results, path="somewhere", metric="ndcg@10"):
    entries = (_entry(result, metric, path) for result in results)
    return Side(path, metric, tuple(sorted(entries, key=lambda entry: (entry.cell.model, entry.cell.split_seed))))


def compared(old, new, margin=None, metric="ndcg@10"):
    return compare(side(old, "old", metric), side(new, "new", metric), margin)


def only(comparison):
    (decision,) = comparison.decisions
    return decision


class TestDecisions:
    def test_the_same_bytes_pass_at_once(self, measured):
        runs = measured.runs(MODELS)
        comparison = compared(runs, measured.runs(MODELS))
        assert (comparison.outcome, comparison.status(), comparison.status(strict=True)) == ("PASS", 0, 0)
        assert all("same values" in decision.reason for decision in comparison.decisions)
        assert {decision.changed_users for decision in comparison.decisions} == {0}

    def test_a_large_drop_fails_and_names_what_it_saw(self, measured):
        comparison = compared(measured.runs(MODELS), measured.runs(MODELS, drop=0.1, run=1))
        assert (comparison.outcome, comparison.status()) == ("FAIL", 1)
        worst = comparison.decisions[0]
        assert worst.primary.change == pytest.approx(-0.1, abs=0.03)
        assert worst.lower < worst.primary.change < worst.upper < -worst.margin / 2
        assert worst.p_holm <= 0.05
        assert "a drop beyond the margin" in worst.reason

    def test_a_gain_passes(self, measured):
        assert compared(measured.runs(["als"]), measured.runs(["als"], drop=-0.1, run=1)).outcome == "PASS"

    def test_a_drop_within_the_margin_passes(self, measured):
        old, new = measured.runs(["als"], noise=0.001), measured.runs(["als"], noise=0.001, drop=0.02, run=1)
        assert only(compared(old, new, margin=0.05)).outcome == "PASS"
        assert only(compared(old, new, margin=0.01)).outcome == "FAIL"

    def test_noise_as_large_as_the_margin_is_inconclusive_and_an_error_only_with_strict(self, measured):
        old, new = measured.runs(["bpr"], noise=0.2, seeds=3), measured.runs(["bpr"], noise=0.2, seeds=3, run=1)
        comparison = compared(old, new, margin=0.02)
        assert (comparison.outcome, comparison.status(), comparison.status(strict=True)) == ("INCONCLUSIVE", 0, 1)
        assert only(comparison).seeds > 3

    def test_for_rmse_lower_is_better(self, measured):
        old, new = measured.runs(["svd"]), measured.runs(["svd"], drop=0.3, run=1)  # values further from the ratings
        decision = only(compared(old, new, metric="rmse"))
        assert decision.primary.candidate > decision.primary.reference
        assert decision.primary.change < 0
        assert decision.outcome == "FAIL"
        assert only(compared(new, old, metric="rmse")).outcome == "PASS"

    def test_for_one_cell_the_bounds_are_near_those_of_the_paired_t_test_over_splits(self, measured):
        old, new = measured.runs(["als"], n_users=400), measured.runs(["als"], drop=0.03, run=1, n_users=400)
        decision = only(compared(old, new))
        means = np.array([[r.metrics["ndcg@10"].value for r in results] for results in (old, new)])
        differences = (means[1] - means[0]) / means[0].mean()
        known = stats.ttest_1samp(differences, 0, alternative="less")
        assert decision.primary.change == pytest.approx(differences.mean())
        assert decision.upper == pytest.approx(known.confidence_interval(0.95).high, abs=0.25 * abs(differences.mean()))

    def test_the_default_margin_is_1_percent_or_what_the_seeds_see(self, measured):
        quiet = only(compared(measured.runs(["a"], noise=0.001), measured.runs(["a"], noise=0.001, run=1)))
        loud = only(compared(measured.runs(["a"], noise=0.3), measured.runs(["a"], noise=0.3, run=1)))
        assert quiet.margin == 0.01 > quiet.visible
        assert loud.margin == loud.visible > 0.01
        assert loud.target == 0.01
        assert loud.seeds > 5
        assert loud.failing > loud.margin

    def test_more_cells_need_larger_drops(self, measured):
        """With 12 cells the level of a cell is 5% / 12; the error is known better, from 12 x 4 degrees of freedom."""
        names = [f"m{n}" for n in range(12)]
        decision = compared(measured.runs(names), measured.runs(names, run=1)).decisions[0]
        df = 12 * 4  # the cells are made alike, so that they are pooled
        error = (decision.primary.change - decision.lower) / stats.t.ppf(0.95, df)
        assert decision.visible == pytest.approx(smallest_visible_drop(error, df, 0.05 / 12))
        assert decision.p_holm >= decision.p

    def test_cells_that_are_the_same_do_not_count_as_comparisons(self, measured):
        old = [*measured.runs(MODELS), *measured.runs(["als"], dataset="other")]
        new = [*measured.runs(MODELS), *measured.runs(["als"], dataset="other", drop=0.02, run=1)]
        changed = next(d for d in compared(old, new).decisions if d.dataset == "other")
        assert changed.p_holm == changed.p

    def test_several_model_seeds_are_averaged_within_a_split(self, measured):
        def both(run, drop=0.0):
            return [
                cell
                for model_seed in (0, 1)
                for cell in measured.runs(["als"], run=10 * run + model_seed, drop=drop, model_seed=model_seed, seeds=4)
            ]

        decision = only(compared(both(0), both(1, drop=0.1)))
        assert decision.outcome == "FAIL"
        assert decision.n_seeds == 8

    def test_one_split_with_several_model_seeds_can_decide(self, measured):
        def seeds(run, drop):
            return [
                dataclasses.replace(cell, cell=dataclasses.replace(cell.cell, split_seed=0, model_seed=n))
                for n in range(5)
                for cell in measured.runs(["als"], seeds=1, run=10 * run + n, drop=drop)
            ]

        assert only(compared(seeds(0, 0), seeds(1, 0.1))).outcome == "FAIL"

    def test_other_metrics_are_shown_and_never_decide(self, measured):
        old = measured.runs(["als"])
        new = []
        for result in measured.runs(["als"]):
            coverage = dataclasses.replace(result.metrics["coverage@10"], value=0.01)
            new.append(dataclasses.replace(result, metrics=result.metrics | {"coverage@10": coverage}))
        decision = only(compared(old, new))
        shown = next(change for change in decision.others if change.metric == "coverage@10")
        assert shown.change == pytest.approx(-1 + 0.01 / 0.3)
        assert decision.outcome == "PASS"
        assert "same values" not in decision.reason

    def test_users_that_changed_places_are_no_equal_bytes(self, measured):
        values = np.linspace(0.1, 0.9, 40)
        swapped = values.copy()
        swapped[[3, 6]] = swapped[[6, 3]]
        old, new = [measured.cell("als", s, values) for s in (0, 1)], [measured.cell("als", s, swapped) for s in (0, 1)]
        decision = only(compared(old, new))
        assert decision.outcome == "PASS"
        assert decision.named_users == (3, 6)
        assert "same values" not in decision.reason


class TestOneSeed:
    def test_users_alone_never_decide_about_a_model_with_a_seed(self, measured):
        comparison = compared(measured.runs(["als"], seeds=1), measured.runs(["als"], seeds=1, drop=0.5, run=1))
        assert comparison.outcome == "INCONCLUSIVE"
        assert "at least 3 split seeds" in only(comparison).reason

    def test_they_decide_about_a_model_without_one(self, measured):
        old = measured.runs(["ease"], seeds=1, seeded=False)
        assert only(compared(old, measured.runs(["ease"], seeds=1, seeded=False, drop=0.5, run=1))).outcome == "FAIL"

    def test_a_cell_that_can_not_be_tested_still_counts_as_one(self, measured):
        old = [*measured.runs(["als"]), *measured.runs(["bpr"], seeds=1)]
        new = [*measured.runs(["als"], drop=0.02, run=1), *measured.runs(["bpr"], seeds=1, run=1)]
        als = next(d for d in compared(old, new).decisions if d.model == "als")
        assert als.p_holm == pytest.approx(2 * als.p)


class TestComparability:
    def refused(self, old, new):
        comparison = compared(old, new)
        assert (comparison.outcome, comparison.status()) == ("INCOMPARABLE", 3)
        return comparison.decisions[0]

    @pytest.mark.parametrize(
        ("changed", "told"),
        [
            ({"data": "other"}, "the data .* differs: data of toy and other"),
            ({"split": "random 3 of else"}, "the split .* differs"),
            ({"candidates": "sampled"}, "the rule for candidates differs: all and sampled"),
            ({"data": None}, "data .* differs: data of toy and not stored"),
        ],
    )
    def test_other_data_splits_and_candidates_are_named(self, measured, changed, told):
        new = measured.runs(["als"])
        new[2].identity.update(changed)
        decision = self.refused(measured.runs(["als"]), new)
        assert decision.differs
        assert decision.primary is None
        assert re.search(told, decision.reason)
        assert "split seed 2" in decision.reason

    def test_other_users_are_counted(self, measured):
        old, new = measured.cell("als", users=range(40)), measured.cell("als", users=range(3, 43))
        decision = self.refused([old], [new])
        assert decision.differs
        assert "40 and 40, 3 only in the reference, 3 only in the candidate" in decision.reason

    def test_another_definition_of_the_metric(self, measured):
        new = measured.runs(["als"])
        new[0].metrics["ndcg@10"] = dataclasses.replace(new[0].metrics["ndcg@10"], version=2)
        decision = self.refused(measured.runs(["als"]), new)
        assert "the definition of ndcg@10 differs: version 1 and version 2" in decision.reason

    def test_another_definition_of_another_metric_only_hides_that(self, measured):
        new = measured.runs(["als"])
        new[0].metrics["recall@10"] = dataclasses.replace(new[0].metrics["recall@10"], version=2)
        decision = only(compared(measured.runs(["als"]), new))
        assert "recall@10" not in {change.metric for change in decision.others}
        assert decision.outcome == "PASS"

    @pytest.mark.parametrize("status", ["failed", "skipped", "timeout", "out-of-memory"])
    @pytest.mark.parametrize("where", ["reference", "candidate", "both"])
    def test_what_did_not_finish_is_never_a_pass(self, measured, status, where):
        old, new = measured.runs(["als", "bpr"]), measured.runs(["als", "bpr"])
        for results, name in ((old, "reference"), (new, "candidate")):
            if where in (name, "both"):
                results[1] = dataclasses.replace(results[1], status=status, error="no luck", metrics={})
        decision = self.refused(old, new)
        assert not decision.differs
        assert f"{status} (no luck)" in decision.reason
        assert "split seed 1" in decision.reason

    def test_a_missing_seed_and_a_missing_model_are_told(self, measured):
        assert "lacks split seed 4" in self.refused(measured.runs(["als"]), measured.runs(["als"], seeds=4)).reason
        decision = self.refused(measured.runs(["als", "bpr"]), measured.runs(["als"]))
        assert (decision.model, decision.reason) == ("bpr", "the candidate has no such cell")

    def test_what_only_the_candidate_has_is_a_note(self, measured):
        comparison = compared(measured.runs(["als"], seeds=3), measured.runs(["als", "bpr"], seeds=4))
        assert comparison.outcome == "PASS"
        assert comparison.notes == (
            "only in the candidate, so not compared: toy random bpr",
            "the candidate's further seeds are not used: toy random als",
        )

    def test_nothing_in_common_and_nothing_measured(self, measured):
        with pytest.raises(IncomparableError, match="no common cell: old has toy random als; new has toy random bpr"):
            compared(measured.runs(["als"]), measured.runs(["bpr"]))
        failed = [measured.cell("als", status="failed", metrics={})]
        with pytest.raises(IncomparableError, match="new: nothing was measured"):
            compared(measured.runs(["als"]), failed)
        with pytest.raises(IncomparableError, match="old: nothing was measured"):
            compared([], measured.runs(["als"]))

    def test_a_metric_that_a_model_does_not_have_on_either_side_is_a_note(self, measured):
        def without_rmse(results):
            for result in results:
                del result.metrics["rmse"]
            return results

        old = measured.runs(["svd"]) + without_rmse(measured.runs(["als"]))
        comparison = compared(old, old, metric="rmse")
        assert comparison.outcome == "PASS"
        assert comparison.notes == ("have no rmse, so not compared: toy random als",)
        lost = without_rmse(measured.runs(["svd"]))
        with_als = [*measured.runs(["als"]), *lost]
        assert compared([*measured.runs(["als"]), *measured.runs(["svd"])], with_als, metric="rmse").status() == 3
        with pytest.raises(IncomparableError, match="none of the cells"):
            compared(lost, lost, metric="rmse")

    def test_a_reference_of_0_has_no_relative_difference(self, measured):
        old, new = [measured.cell("als", values=np.zeros(9))], [measured.cell("als", values=np.full(9, 0.1))]
        assert "is 0" in self.refused(old, new).reason
        assert compared(old, old).outcome == "PASS"

    def test_models_with_several_settings_are_matched_by_them(self, measured):
        def both(run):
            return [
                cell
                for factors in (8, 16)
                for cell in measured.runs(["als"], run=10 * run + factors, parameters={"factors": factors})
            ]

        comparison = compared(both(0), both(0))
        assert sorted(decision.model for decision in comparison.decisions) == [
            'als {"factors":16}',
            'als {"factors":8}',
        ]
        assert comparison.outcome == "PASS"

    def test_what_else_differs_is_told_and_no_obstacle(self, measured):
        old = measured.runs(["als"], parameters={"factors": 8})
        new = measured.runs(["als"], parameters={"factors": 9, "alpha": 1}, run=1)
        for result in new:
            result.identity |= {"source": "b2", "versions": {"numpy": "2.1"}}
        decision = only(compared(old, new))
        assert decision.notes == (
            "alpha was not set, is 1",
            "factors was 8, is 9",
            "the model's source changed",
            "versions changed: numpy 2.0 to 2.1",
        )

    def test_users_are_compared_one_by_one_only_on_the_same_machine(self, measured):
        old, new = measured.runs(["als"], seeds=2), measured.runs(["als"], seeds=2)
        values = new[1].per_user["ndcg@10"].copy()
        values[[5, 17]] += 0.1
        new[1] = measured.cell("als", 1, values)
        here = only(compared(old, new))
        assert (here.changed_users, here.named_users) == (2, (5, 17))
        new[1].measured["environment"]["processor"] = "another"
        there = only(compared(old, new))
        assert there.changed_users is None
        assert "computed on another processor, so values aren't compared user by user" in there.notes


class TestHowOftenItIsWrong:
    """Simulated, seeded; the rates of real models stand in the documentation."""

    def rates(self, measured, n_cells, seeds, drop, trials=60):
        names = [f"m{n}" for n in range(n_cells)]
        outcomes = []
        for trial in range(trials):
            options = {"seeds": seeds, "noise": 0.02, "n_users": 60}
            old = measured.runs(names, run=2 * trial + 100, **options)
            new = measured.runs(names[1:], run=2 * trial + 101, **options)
            new += measured.runs(names[:1], run=2 * trial + 101, drop=drop, **options)
            comparison = compared(old, new)
            outcomes.append((comparison.outcome, next(d.outcome for d in comparison.decisions if d.model == "m0")))
        return outcomes

    @pytest.mark.parametrize(("n_cells", "seeds"), [(1, 3), (1, 5), (6, 3), (6, 5)])
    def test_without_a_change_it_fails_in_at_most_5_of_100(self, measured, n_cells, seeds):
        outcomes = self.rates(measured, n_cells, seeds, drop=0)
        assert sum(whole == "FAIL" for whole, _ in outcomes) <= 0.05 * len(outcomes)
        assert sum(cell == "PASS" for _, cell in outcomes) >= 0.7 * len(outcomes)

    def test_many_cells_and_no_margin_do_not_add_up_to_false_alarms(self, measured):
        """Eight tests at 5% each would raise one in a third of these."""
        false = uncorrected = 0
        for trial in range(60):
            names = [f"m{n}" for n in range(8)]
            old = measured.runs(names, run=2 * trial + 500, noise=0.02, n_users=60)
            comparison = compared(old, measured.runs(names, run=2 * trial + 501, noise=0.02, n_users=60), margin=0.0)
            false += comparison.outcome == "FAIL"
            uncorrected += min(decision.p for decision in comparison.decisions) <= 0.05
        assert false <= 0.1 * 60
        assert uncorrected >= 0.2 * 60

    @pytest.mark.parametrize("n_cells", [1, 6])
    def test_a_drop_twice_as_large_as_the_margin_is_seen(self, measured, n_cells):
        outcomes = self.rates(measured, n_cells, seeds=5, drop=0.06)
        assert sum(cell == "FAIL" for _, cell in outcomes) >= 0.95 * len(outcomes)

    def test_noise_that_a_seed_brings_to_all_users_is_seen_as_noise(self, measured):
        """A test over users would raise the alarm in most of these."""
        false = over_users = 0
        for trial in range(80):
            rng = np.random.default_rng(trial)
            old = measured.runs(["bpr"], noise=0.01)
            new = []
            for result in old:
                values = result.per_user["ndcg@10"] * (1 + 0.03 * rng.standard_normal())
                values += 0.01 * rng.standard_normal(len(values))
                new.append(measured.cell("bpr", result.cell.split_seed, values))
            false += compared(old, new).outcome == "FAIL"
            pooled = np.concatenate(
                [b.per_user["ndcg@10"] - a.per_user["ndcg@10"] for a, b in zip(old, new, strict=True)]
            )
            over_users += stats.ttest_1samp(pooled, 0, alternative="less").pvalue < 0.05
        assert false <= 0.05 * 80
        assert over_users >= 0.25 * 80


def test_it_can_be_written_as_json(measured):
    comparison = compared(measured.runs(["als", "bpr"]), measured.runs(["als", "bpr"], drop=0.1, run=1))
    content = json.loads(json.dumps(as_json(comparison), allow_nan=False))
    assert (content["outcome"], content["status"], content["metric"]) == ("FAIL", 1, "ndcg@10")
    first = content["decisions"][0]
    assert first["primary"]["change"] < 0
    assert all(math.isfinite(first[name]) for name in ("lower", "upper", "margin", "visible", "p_holm"))
