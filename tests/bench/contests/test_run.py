"""A whole run of contests on small data. No test here says how fast anything is."""

import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import bench
from bench import api
from bench.cli import main
from bench.contests import clock
from bench.contests.run import SpeedError, chosen
from bench.contests.table import CONTESTS, THREADS, TO_QUALITY
from bench.registry import UnknownNameError
from recsys_impl import ALS
from reports.speed import read_speed

for library in ("implicit", "irspack", "lightfm", "surprise"):
    pytest.importorskip(library, reason=f"{library} isn't installed")


@pytest.fixture(scope="module")
def data():
    return bench.load("synthetic", n_users=150, n_items=80, n_interactions=4000, seed=3)


@pytest.fixture(scope="module")
def finished(data, tmp_path_factory):
    """(folder, frame, lines of progress) of all contests."""
    out = tmp_path_factory.mktemp("speed")
    said = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clock, "SPIN", 0.0)  # the times don't matter here
        return out, bench.speed(data, threads=[2, 1], rounds=2, out=out, say=said.append), said


def test_every_contest_has_a_row_for_each_measure_peer_and_number_of_threads(finished):
    _, frame, _ = finished
    expected = []
    for contest in CONTESTS:
        counted = [(measure, peer) for measure, goals in contest.counted.items() for peer in goals]
        expected += [(contest.name, measure.name, peer, n) for n in (1, 2) for measure, peer in counted]
        if contest.part == "fit":
            expected.append((contest.name, THREADS.name, f"{contest.ours.name}, 1 thread", 2))
    found = list(zip(frame["contest"], frame["measure"], frame["peer_name"], frame["threads"], strict=True))
    assert found == expected


def test_ratios_are_those_of_the_medians_which_lie_in_their_spread(finished):
    _, frame, _ = finished
    frame = frame[frame["status"] == "ok"]
    assert len(frame) > 40
    assert (frame[["ours", "peer"]] > 0).all(axis=None)
    upside = frame["kind"].isin(["rate", "cost"])
    expected = np.where(upside, frame["ours"] / frame["peer"], frame["peer"] / frame["ours"])
    assert np.allclose(frame["ratio"], expected)
    for name in ("ours", "peer"):
        assert frame[name].between(frame[f"{name}_low"], frame[f"{name}_high"]).all()
    goals = frame[frame["goal"].notna()]
    reached = np.where(goals["goal_is"] == "at most", goals["ratio"] <= goals["goal"], goals["ratio"] >= goals["goal"])
    assert goals["reached"].tolist() == np.where(reached, "yes", "no").tolist()
    assert (frame.loc[frame["goal"].isna(), "reached"] == "").all()


def test_who_counts_as_having_reached_the_quality_has_it(finished):
    _, frame, _ = finished
    raced = frame[frame["measure"] == TO_QUALITY.name]
    assert set(raced["status"]) <= {"ok", "not reached"}
    assert raced["note"].str.startswith("iterations: ").all()
    for contest in CONTESTS:
        for _, rows in raced[raced["contest"] == contest.name].groupby("threads"):
            lead = rows.set_index("peer_name").loc[contest.peers[0].name]
            ok = rows[rows["status"] == "ok"]
            if contest.quality == "objective":
                assert (ok["our_quality"] <= lead["peer_quality"]).all()
            else:
                assert (ok["our_quality"] >= lead["peer_quality"]).all()
                assert ok["our_quality"].between(0.01, 1).all()


def test_the_objective_and_the_error_are_those_of_our_own_code(finished, data):
    _, frame, _ = finished
    split = bench.split(data)
    model = ALS(64, 100.0, 10.0, iterations=3, use_cg=False).fit(split.train.positives(), show_progress=False)
    exact = frame[(frame["contest"] == "als-exact-64") & (frame["threads"] == 1)].iloc[0]
    assert exact["our_quality"] == pytest.approx(model.objective(split.train.positives()), rel=1e-5)
    rating = frame[frame["contest"] == "svd-100"].iloc[0]
    assert rating["quality_name"] == "RMSE"
    spread = split.test.ratings.std()
    assert 0.3 * spread < rating["our_quality"] < 1.1 * spread
    assert 0.3 * spread < rating["peer_quality"] < 1.1 * spread


def test_speed_csv_holds_the_frame_with_the_machine_and_the_versions(finished):
    out, frame, _ = finished
    written = pd.read_csv(out / "speed.csv", keep_default_na=False, na_values={"ratio": [""], "goal": [""]})
    assert written.columns.tolist() == frame.columns.tolist()
    assert np.allclose(written["ratio"], frame["ratio"], equal_nan=True)
    assert written["contest"].tolist() == frame["contest"].tolist()
    assert (written["dataset"] == "synthetic").all()
    assert (written["rounds"] == 2).all()
    assert written["processor"].str.len().min() > 0
    for library in ("numpy", "numba", "implicit", "irspack", "lightfm-next", "scikit-surprise", "recsys-bench"):
        assert library in written["versions"][0]
    assert [path.name for path in out.iterdir()] == ["speed.csv"]


def test_contestants_take_turns_and_progress_is_told(finished):
    _, _, said = finished
    svd = [line for line in said if line.startswith("svd-100")]
    assert svd == [
        "svd-100: compiling",
        *(f"svd-100: round {n} of 2, {threads}" for n in (1, 2) for threads in ("1 thread", "2 threads")),
    ]


def test_only_takes_the_beginnings_of_names_in_any_order():
    names = [contest.name for contest in chosen(["svd", "als-exact"])]
    assert names == ["als-exact-64", "als-exact-128", "als-exact-256", "svd-100"]
    assert chosen([]) == list(CONTESTS)


def test_a_wrong_contest_names_what_exists_and_the_nearest(capsys):
    with pytest.raises(UnknownNameError, match=r"contest 'warp64'.*'warp-64'.*als-64, als-256"):
        api.speed(only="warp64")
    assert main(["speed", "--only", "warp64"]) == 2
    assert "Did you mean 'warp-64'?" in capsys.readouterr().err


@pytest.mark.parametrize("wrong", [{"rounds": 0}, {"threads": [0]}, {"threads": []}])
def test_no_rounds_or_threads_are_refused(wrong, data, tmp_path):
    with pytest.raises(SpeedError, match="at least 1"):
        bench.speed(data, only="svd", out=tmp_path, **wrong)


def test_a_peer_that_is_not_installed_is_a_skipped_row_with_the_command(monkeypatch, data, tmp_path):
    hide(monkeypatch, "lightfm")
    frame = bench.speed(data, only=["warp", "bpr"], threads=[1], rounds=1, out=tmp_path)
    skipped = frame[frame["status"] == "skipped"]
    assert set(skipped["peer_name"]) == {"lightfm-bpr", "lightfm-warp"}
    assert len(skipped) == 4
    assert skipped["note"].str.contains("pip install 'recsys-bench[lightfm]'", regex=False).all()
    assert skipped[["ours", "peer", "ratio"]].isna().all(axis=None)
    assert (frame.loc[frame["peer_name"] == "implicit-bpr", "status"] != "skipped").all()


def test_without_the_peer_that_sets_the_quality_the_others_race_for_iterations_only(monkeypatch, data, tmp_path):
    hide(monkeypatch, "implicit")
    frame = bench.speed(data, only=["als-64", "evaluation"], threads=[1], rounds=1, out=tmp_path)
    irspack = frame[frame["peer_name"] == "irspack-als"].set_index("measure")
    assert irspack.loc["an iteration", "status"] == "ok"
    assert irspack.loc[TO_QUALITY.name, "status"] == "skipped"
    assert "recsys-bench[implicit]" in irspack.loc[TO_QUALITY.name, "note"]
    ranking = frame[frame["contest"] == "evaluation"].set_index("peer_name")
    assert ranking.loc["implicit", "status"] == "skipped"
    assert (ranking.loc["bare product", "status"] == "ok").all()


def test_a_contest_of_ratings_is_skipped_for_data_without(data, tmp_path):
    frame = bench.speed(replace(data, ratings=None, rating_scale=None), only="svd", rounds=1, out=tmp_path)
    assert frame["status"].tolist() == ["skipped", "skipped"]
    assert frame["note"].tolist() == ["'synthetic' has no ratings"] * 2


def test_the_command_line_prints_the_machine_the_table_and_who_is_faster(data, tmp_path, capsys):
    file = tmp_path / "ratings.csv"
    frame = pd.DataFrame({"user": data.users, "item": data.items, "rating": data.ratings})
    frame.to_csv(file, index=False)
    arguments = ["speed", "--dataset", str(file), "--only", "svd", "--threads", "1", "--rounds", "2"]
    assert main([*arguments, "--out", str(tmp_path / "new" / "results")]) == 0
    printed = capsys.readouterr()
    assert printed.out.index("Processor: ") < printed.out.index("svd-100") < printed.out.index("goals: ")
    assert "surprise-svd" in printed.out
    assert str(tmp_path / "new" / "results" / "speed.csv") in printed.out
    assert "svd-100: round 2 of 2, 1 thread" in printed.err
    assert len(read_speed(tmp_path / "new" / "results").rows) == 1


def hide(monkeypatch, module):
    """Make ``import module`` and that of all its submodules fail, loaded or not."""
    for loaded in [name for name in sys.modules if name == module or name.startswith(f"{module}.")]:
        monkeypatch.delitem(sys.modules, loaded)
    monkeypatch.setitem(sys.modules, module, None)
