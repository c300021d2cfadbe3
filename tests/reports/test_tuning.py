"""tuning.json and what a page shows of it."""

import csv
import json

import pytest

from reports.figures import model_styles
from reports.store import StoreError
from reports.tuning import Search, _points, read_tuning, tuning, write_tuning


def trial(number, value, state="complete", **changes):
    plain = {"parameters": {"x": 1.23456}, "iterations": None, "curve": {}, "seconds": 0.5, "error": ""}
    return {"number": number, "state": state, "value": value} | plain | changes


def search(model="als", values=(0.2, 0.1, 0.3), **changes):
    trials = [trial(number, value) for number, value in enumerate(values)]
    best = {"number": 2, "value": 0.3, "setting": {"x": 1.23456, "n": 3}}
    settings = {
        "dataset": "toy",
        "split": "random",
        "validation": "random",
        "model": model,
        "metric": "ndcg@10",
        "higher_is_better": True,
        "space": {"x": "1 to 9, log"},
        "budget": {"trials": 3, "seconds": None},
        "seed": 0,
        "jobs": 1,
        "command": f"python -m bench tune --models {model}",
        "versions": {"numpy": "2.0"},
        "best": best,
        "trials": trials,
    }
    return Search(**settings | changes)


def test_what_was_written_is_read_and_a_newer_search_takes_the_place_of_an_older(tmp_path):
    write_tuning(tmp_path, search("bpr"))
    write_tuning(tmp_path, search())
    newer = search(values=(0.5, 0.1, 0.3, 0.4))
    write_tuning(tmp_path, newer)
    assert read_tuning(tmp_path) == [newer, search("bpr")]
    rows = list(csv.DictReader((tmp_path / "tuning.csv").open()))
    assert [row["best_so_far"] for row in rows if row["model"] == "als"] == ["0.5", "0.5", "0.5", "0.5"]
    write_tuning(tmp_path, search(defaults=trial(-1, 0.25)))
    rows = list(csv.DictReader((tmp_path / "tuning.csv").open()))
    assert [row["number"] for row in rows if row["model"] == "als"] == ["-1", "0", "1", "2"]
    assert json.loads(rows[0]["parameters"]) == {"x": 1.23456}


def test_nothing_tuned_is_no_section(tmp_path):
    assert read_tuning(tmp_path) == []
    assert tuning([], {}) is None


@pytest.mark.parametrize("text", ["{", '{"format": 99}', '{"format": 1, "searches": [{"dataset": "x"}]}', "[]"])
def test_a_broken_file_is_named(tmp_path, text):
    (tmp_path / "tuning.json").write_text(text)
    with pytest.raises(StoreError, match=r"tuning\.json: can't be read.*bench tune"):
        read_tuning(tmp_path)


def test_the_best_so_far_counts_complete_trials_in_the_metrics_direction():
    trials = [trial(0, None, "failed"), trial(1, 0.9), trial(2, 0.1, "pruned"), trial(3, 0.7), trial(4, 0.8)]
    assert search(trials=trials, higher_is_better=False).best_so_far() == [None, 0.9, 0.9, 0.7, 0.7]
    assert search(trials=trials, higher_is_better=True).best_so_far() == [None, 0.9, 0.9, 0.9, 0.9]


def test_the_models_own_setting_stands_before_the_trials():
    own = trial(-1, 0.25)
    found = search(defaults=own)
    assert found.best_so_far() == [0.25, 0.25, 0.25, 0.3]
    assert found.seconds == 2.0
    (row,) = tuning([found], model_styles(["als"])).groups[0].rows
    assert (row.value, row.defaults, row.trials, row.setting) == ("0.3000", "0.2500", "3", "x 1.235, n 3")
    kept = search(values=(0.2, 0.1), defaults=own, best={"number": -1, "value": 0.25, "setting": {"x": 2.0}})
    (row,) = tuning([kept], model_styles(["als"])).groups[0].rows
    assert (row.value, row.setting) == ("0.2500", "x 2 (its defaults: no trial was better)")


def test_the_figure_begins_with_the_models_own_setting():
    found = search(values=(0.2, 0.1), defaults=trial(-1, 0.25))
    assert _points(found) == [(0, 0.25), (1, 0.25), (2, 0.25)]
    assert _points(search(values=(0.2, 0.1))) == [(1, 0.2), (2, 0.2)]
    assert "als 0.2500 after 2 trials" in tuning([found], model_styles(["als"])).groups[0].figure_in_words


def test_the_section_has_a_group_for_each_data_set_and_metric_best_model_first():
    better = search("warp", best={"number": 0, "value": 0.4, "setting": {"x": 2.0}})
    ratings = search("svd", metric="rmse", higher_is_better=False)
    nothing = search("bpr", best=None, trials=[trial(0, None, "failed", error="ValueError: it <diverged>")])
    section = tuning([search(), better, nothing, ratings], model_styles(["als", "warp"]))
    assert [group.metric for group in section.groups] == ["ndcg@10", "rmse"]
    assert [row.model for row in section.groups[0].rows] == ["warp", "als", "bpr"]
    als, bpr = section.groups[0].rows[1:]
    assert (als.value, als.trials, als.setting, als.seconds) == ("0.3000", "3", "x 1.235, n 3", "1.50 s")
    assert (bpr.value, bpr.trials) == ("–", "1 (1 failed)")
    assert "als 0.3000 after 3 trials" in section.groups[0].figure_in_words
    assert "(lower is better)" in section.groups[1].caption


def test_the_caption_says_the_budget_and_rows_do_where_it_differs():
    long = {"trials": 40, "seconds": 900.0}
    (same,) = tuning([search(budget=long), search("bpr", budget=long)], {}).groups
    assert same.caption.endswith(
        "Every model had the same budget: 40 trials in at most 15 min 00 s, beside its defaults"
    )
    assert [row.trials for row in same.rows] == ["3", "3"]
    pruned = [trial(0, 0.1), trial(1, None, "pruned")]
    (other,) = tuning([search(budget=long), search("bpr", trials=pruned)], {}).groups
    assert other.caption.endswith("Models did NOT have the same budget, which stands with their trials")
    assert [row.trials for row in other.rows] == [
        "3 (of 40 trials in at most 15 min 00 s)",
        "2 (of 3 trials, 1 pruned)",
    ]


def test_a_group_without_a_complete_trial_has_no_figure():
    section = tuning([search(best=None, trials=[trial(0, None, "failed")])], {})
    assert section.groups[0].figure == ""


def test_the_same_searches_make_the_same_figure():
    first, second = (tuning([search()], model_styles(["als"])).groups[0].figure for _ in range(2))
    assert first == second
    assert "<svg" in first


def test_the_page_shows_spaces_budget_settings_and_commands_and_escapes_names(tmp_path, measured):
    from reports.html import write_html

    store_folder = measured.folder(tmp_path, measured.runs(["als"], seeds=1))
    write_tuning(store_folder, search("<b>als</b>"))
    from reports.store import Store

    page = write_html(Store(store_folder), tmp_path / "report.html").read_text(encoding="utf-8")
    for text in (
        "Tuning</h2>",
        "x: 1 to 9, log",
        "x 1.235, n 3",
        "Quality against trials spent",
        "bench tune --models",
    ):
        assert text in page
    assert "<b>als</b>" not in page
