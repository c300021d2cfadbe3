"""What is said before any ranking, on results with something wrong with them."""

import dataclasses

import numpy as np
import pytest

from reports.table import leaderboards
from reports.uncertainty import uncertainties
from reports.verdicts import popularity_p, verdicts
from reports.writing import write_reports

LEVELS = {"als": 0.6, "bpr": 0.5, "popularity": 0.3, "random": 0.05}


def healthy(measured, seeds=2, **levels):
    """Models of these levels with lists of their own."""
    results = []
    for place, (model, level) in enumerate({**LEVELS, **levels}.items()):
        for result in measured.runs([model], drop=1 - level, seeds=seeds, noise=0.02, run=place):
            lists = np.random.default_rng([place, result.cell.split_seed]).permuted(
                np.tile(np.arange(30), (200, 1)), axis=1
            )
            metrics = {name: value for name, value in result.metrics.items() if name not in ("rmse", "coverage@10")}
            results.append(dataclasses.replace(result, lists=lists[:, :10].astype(np.int32), metrics=metrics))
    return results


def found(results, dataset=None):
    certain = uncertainties(leaderboards(results), lambda result: result)
    return verdicts(leaderboards(results, certain), lambda result: result, lambda cell: dataset)


def kinds(results, dataset=None):
    return [verdict.kind for verdict in found(results, dataset) if verdict.serious]


def test_nothing_is_said_of_healthy_results(measured):
    assert found(healthy(measured), {"item_counts": [80, 160, 40], "test_item_counts": [20, 40, 10]}) == []


class TestFloors:
    def test_a_model_below_popularity_and_one_below_random(self, measured):
        told = [verdict.text for verdict in found(healthy(measured, bpr=0.2, als=0.01))]
        assert [text.partition(":")[0] for text in told] == [
            "bpr isn't better than popularity",
            "als isn't better than popularity",
            "als isn't better than random",
        ]

    def test_a_model_that_can_not_be_told_from_popularity(self, measured):
        (verdict,) = found(healthy(measured, bpr=0.3001))
        assert verdict.serious
        assert "popularity" in verdict.text

    def test_popularity_must_be_better_than_random(self, measured):
        assert kinds(healthy(measured, popularity=0.02)) == ["not better than random"]

    def test_a_model_of_ratings_below_popularity_is_told_and_not_serious(self, measured):
        rated = [dataclasses.replace(r, lists=r.lists + 5) for r in measured.runs(["svd"], drop=0.8, seeds=2)]
        (verdict,) = found(healthy(measured) + rated)
        assert (verdict.kind, verdict.serious) == ("not better than popularity", False)
        assert verdict.text.startswith("svd")

    def test_without_the_floors_it_is_said_that_they_are_missing(self, measured):
        results = [result for result in healthy(measured) if result.cell.model in ("als", "random")]
        (verdict,) = found(results)
        assert (verdict.kind, verdict.serious) == ("not checked", False)
        assert "popularity" in verdict.text
        assert "random" not in verdict.text.split(":")[0]


class TestLists:
    def change(self, results, model, change):
        return [dataclasses.replace(r, lists=change(r.lists.copy())) if r.cell.model == model else r for r in results]

    def test_two_models_with_the_same_lists(self, measured):
        results = healthy(measured)
        lists = {r.cell.split_seed: r.lists for r in results if r.cell.model == "als"}
        copied = [
            dataclasses.replace(r, lists=lists[r.cell.split_seed]) if r.cell.model == "bpr" else r for r in results
        ]
        (verdict,) = found(copied)
        assert (verdict.kind, verdict.text) == ("identical lists", "als and bpr recommend exactly the same")
        one_seed_only = [
            dataclasses.replace(r, lists=lists[0]) if r.cell.model == "bpr" and r.cell.split_seed == 0 else r
            for r in results
        ]
        assert found(one_seed_only) == []

    def test_lists_with_empty_places(self, measured):
        def empty(lists):
            lists[3, -1] = -1
            return lists

        (verdict,) = found(self.change(healthy(measured), "als", empty))
        assert (verdict.kind, verdict.text) == ("short lists", "als gives 2 lists of fewer items than asked for")

    def test_empty_places_are_fine_where_it_was_counted_that_there_was_no_candidate(self, measured):
        def empty(lists):
            lists[3, -1] = -1
            return lists

        results = self.change(healthy(measured), "als", empty)
        for result in results:
            result.counts["n_short_lists"] = 0
        assert found(results) == []
        results[0].counts["n_short_lists"] = 7
        assert "7 lists of fewer than k" in found(results)[0].text

    def test_seen_items_counted_by_the_run_or_found_in_the_showcase(self, measured):
        results = healthy(measured)
        user_0 = {"showcase": [{"user": 0, "history": list(range(30)), "test": []}]}
        assert kinds(results, user_0) == ["seen item recommended"] * 4
        assert "als recommends 20 items" in found(results, user_0)[0].text
        results[0].counts["n_seen_recommended"] = 3
        assert [verdict.text for verdict in found(results)] == ["als recommends 3 items that the user has in train"]


class TestData:
    def test_mostly_cold_users(self, measured):
        results = healthy(measured)
        for result in results:
            result.counts |= {"n_users": 150, "n_left_out": 50, "n_cold_users": 101}
        told = found(results)
        assert [verdict.kind for verdict in told] == ["mostly cold users"] * 2
        assert "split seed 0: 101 of 200 test users are cold" in told[0].text
        for result in results:
            result.counts["n_cold_users"] = 100
        assert found(results) == []

    def test_a_metric_that_is_the_same_for_all_models(self, measured):
        results = healthy(measured)
        for result in results:
            result.metrics["recall@10"] = dataclasses.replace(result.metrics["recall@10"], value=0.5)
        (verdict,) = found(results)
        assert (verdict.kind, verdict.text) == (
            "metric does not change",
            "Recall@10 is 0.5 for all 4 models, whose lists differ",
        )
        two = [result for result in results if result.cell.model in ("als", "popularity")]
        assert kinds(two) == [], "two may coincide"

    def test_pairs_in_both_halves(self, measured):
        told = found(healthy(measured), {"n_in_both": 3})
        assert [verdict.kind for verdict in told] == ["train and test overlap"] * 2

    def test_a_split_that_is_not_as_random_as_it_says(self, measured):
        popular = {"item_counts": [800, 100, 100], "test_item_counts": [50, 100, 100]}
        assert kinds(healthy(measured), popular) == ["train and test differ"] * 2
        temporal = [
            dataclasses.replace(r, cell=dataclasses.replace(r.cell, split="temporal")) for r in healthy(measured)
        ]
        assert kinds(temporal, popular) == []


class TestPopularity:
    def test_random_splits_pass_and_p_is_uniform(self):
        rng = np.random.default_rng(0)
        total = rng.zipf(1.5, 300).clip(max=500)
        p = []
        for _ in range(300):
            test = rng.binomial(total, 0.2)
            p.append(popularity_p(total - test, test))
        assert np.mean(np.array(p) < 0.05) == pytest.approx(0.05, abs=0.035)

    def test_splits_by_popularity_do_not(self):
        total = np.full(300, 100)
        share = np.linspace(0.1, 0.3, 300)
        test = np.random.default_rng(0).binomial(total, share)
        assert popularity_p(total - test, test) < 1e-6

    def test_nothing_to_compare_is_no_verdict(self):
        assert popularity_p(np.array([3, 0]), np.array([0, 0])) == 1
        assert popularity_p(np.array([3, 1]), np.array([1, 0])) == 1


def asked_to_be_tuned(results, **tuned):
    """The results as those of a run with tuned settings; models that aren't named were run without."""
    told = [(result, tuned.get(result.cell.model)) for result in results]
    return [
        result
        if so is None
        else dataclasses.replace(
            result,
            cell=dataclasses.replace(result.cell, parameters={"factors": 8}),
            identity={**result.identity, "tuned": so},
        )
        for result, so in told
    ]


@pytest.mark.parametrize(
    ("tuned", "text"),
    [
        ({"als": True, "bpr": False}, "for bpr: they run with their defaults, and what was set; tuned: als"),
        ({"als": False, "bpr": False}, "for als, bpr: they run with their defaults, and what was set"),
        ({"als": True, "bpr": True}, None),
        ({"als": True}, None),
        ({}, None),
    ],
)
def test_models_without_tuned_settings_beside_others_are_named(measured, tuned, text):
    told = found(asked_to_be_tuned(healthy(measured), **tuned))
    expected = [] if text is None else [("not tuned", False, f"nothing was tuned on this data and split {text}")]
    assert [(verdict.kind, verdict.serious, verdict.text) for verdict in told] == expected


def test_a_model_without_parameters_has_nothing_to_tune(measured):
    results = asked_to_be_tuned(healthy(measured), als=True, popularity=False)
    plain = [
        dataclasses.replace(one, cell=dataclasses.replace(one.cell, parameters={}))
        if one.cell.model == "popularity"
        else one
        for one in results
    ]
    assert found(plain) == []


def test_the_page_begins_with_them(tmp_path, measured):
    measured.folder(tmp_path, healthy(measured, als=0.1))
    write_reports(tmp_path)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert page.index("als isn&#39;t better than popularity") < page.index('id="leaderboards"')
    assert "Look at these before you believe the ranking" in page
    healthy_folder = tmp_path / "healthy"
    measured.folder(healthy_folder, healthy(measured))
    write_reports(healthy_folder)
    assert "Nothing serious was found" in (healthy_folder / "report.html").read_text(encoding="utf-8")
