"""What a notebook's user gets: one test a function, with values worked out by hand."""

import subprocess
import sys

import numpy as np
import pytest
from matplotlib.figure import Figure

import reports
from reports.notebook import FIGURES, ChoiceError
from reports.result import Curve
from reports.store import Store, StoreError


@pytest.fixture(scope="module")
def folder(fake, tmp_path_factory):
    def cell(model, values, lists, hits, shown, seconds, **changes):
        per_item = {"hits@2": np.array(hits, np.int32), "recommended@2": np.array(shown, np.int32)}
        measured = {"fit_seconds": seconds, "peak_memory_mb": 10.0, **changes.pop("measured", {})}
        return fake.small(model, values, [1, 3], lists, per_item=per_item, measured=measured, **changes)

    store = Store(tmp_path_factory.mktemp("small"))
    curve = {"curve": Curve("ndcg@2", [1, 2], [0.25, 0.5], 2), "measured": {"curve_seconds": [0.5, 1.0]}}
    for result in (
        cell("als", [1.0, 0.5], [[0, 1], [1, 2]], [1, 1, 0], [1, 2, 1], 4.0, **curve),
        cell("ease", [0.5, 0.5], [[0, 1], [0, 1]], [1, 0, 0], [2, 2, 0], 1.0),
        cell("slow", [0.5, 0.0], [[2, 1], [2, 1]], [0, 0, 1], [0, 2, 2], 2.0),
    ):
        store.write(result)
        store.write_dataset(
            result.cell,
            {"item_counts": [4, 4, 4], "relevant_item_counts": [2, 1, 1], "user_ids": ["ann", "bob"]},
        )
    return store.root


def test_leaderboard(folder):
    frame = reports.leaderboard(folder)
    assert frame["model"].tolist() == ["als", "ease", "slow"]
    assert frame["ndcg@2"].tolist() == [0.75, 0.5, 0.25]
    assert frame["fit_seconds"].tolist() == [4.0, 1.0, 2.0]
    assert frame["n_seeds"].tolist() == [1, 1, 1]
    assert ((frame["low"] <= frame["ndcg@2"]) & (frame["ndcg@2"] <= frame["high"])).all()


def test_long_table(folder):
    frame = reports.long_table(folder)
    assert frame[frame["metric"] == "ndcg"]["value"].tolist() == [0.75, 0.5, 0.25]
    assert set(frame["metric"]) == {"ndcg", "fit_seconds", "peak_memory_mb"}


def test_pareto(folder):
    frame = reports.pareto(folder)
    assert frame.columns[:3].tolist() == ["dataset", "split", "model"]
    assert frame["on_front"].tolist() == [True, True, False]
    assert frame["beaten_by"].tolist() == ["", "", "ease"]
    assert reports.pareto(folder, "peak_memory_mb")["on_front"].tolist() == [True, False, False]
    with pytest.raises(ChoiceError, match="no cost is called 'money'; there are fit_seconds, peak_memory_mb"):
        reports.pareto(folder, "money")


def test_learning_curves(folder):
    frame = reports.learning_curves(folder)
    assert frame[["model", "epoch", "seconds", "value"]].to_numpy().tolist() == [
        ["als", 1, 0.5, 0.25],
        ["als", 2, 1.0, 0.5],
    ]


def test_by_user_activity(folder):
    frame = reports.by_user_activity(folder, n_groups=2)
    assert frame[["model", "smallest", "value"]].to_numpy().tolist() == [
        ["als", 1, 1.0],
        ["als", 3, 0.5],
        ["ease", 1, 0.5],
        ["ease", 3, 0.5],
        ["slow", 1, 0.5],
        ["slow", 3, 0.0],
    ]
    with pytest.raises(ChoiceError, match="no metric 'recall@9'; there are ndcg@2"):
        reports.by_user_activity(folder, "recall@9")
    with pytest.raises(ChoiceError, match="at least 1"):
        reports.by_user_activity(folder, n_groups=0)


def test_by_item_popularity(folder):
    frame = reports.by_item_popularity(folder).set_index(["model", "group"])
    assert frame["recall"].unstack().loc["als", ["head", "middle", "tail"]].tolist() == [0.5, 1.0, 0.0]
    assert frame.loc[("slow", "tail"), "share_of_lists"] == 0.5


def test_overlap(folder):
    frame = reports.overlap(folder)
    assert frame.loc["als", "ease"] == pytest.approx(0.75)
    assert frame.loc["slow", "als"] == pytest.approx(0.75)
    assert frame.loc["ease", "slow"] == pytest.approx(0.5)
    assert reports.overlap(folder, k=1).loc["als", "ease"] == pytest.approx(0.5)


def test_gains(folder):
    frame = reports.gains(folder)
    assert frame[["user_id", "gain"]].to_numpy().tolist() == [["ann", 0.5], ["bob", 0.0]]
    assert reports.gains(folder, "slow", "als")["gain"].tolist() == [-0.5, -0.5]
    with pytest.raises(ChoiceError, match="no row is called 'bpr'; there are als, ease, slow"):
        reports.gains(folder, "bpr")
    with pytest.raises(ChoiceError, match="als was given, or taken, twice"):
        reports.gains(folder, "als", "als")


@pytest.mark.parametrize("name", sorted(FIGURES))
def test_figure(name, folder, full_store):
    if name.startswith("beside"):
        assert isinstance(reports.figure(full_store.root, name, dataset="ml-1m"), Figure)
        with pytest.raises(ChoiceError, match="nothing is stored that beside-"):
            reports.figure(folder, name)
    else:
        assert isinstance(reports.figure(folder, name), Figure)


def test_what_does_not_exist_is_said(folder, tmp_path):
    with pytest.raises(ChoiceError, match="no figure is called 'pie'; there are trade-time"):
        reports.figure(folder, "pie")
    with pytest.raises(ChoiceError, match="no leaderboard of ml-9, any split; there are: small, random"):
        reports.leaderboard(folder, "ml-9")
    with pytest.raises(StoreError, match="there are no results here"):
        reports.overlap(tmp_path)
    with pytest.raises(AttributeError, match="no attribute 'pie'"):
        _ = reports.pie


def test_the_names_are_there_and_importing_them_costs_nothing():
    assert set(reports.__all__) <= set(dir(reports))
    code = "import reports, sys; print({'pandas', 'matplotlib', 'numpy'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"
