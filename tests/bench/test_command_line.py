"""The command line as a user types it, on a small file of ratings, wrong input included."""

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import bench
from bench.cli import main
from reports.store import Store

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def ratings(tmp_path_factory):
    """A CSV of 80 users x 40 items with two tastes, ratings, times and titles."""
    random = np.random.default_rng(0)
    rows = []
    for user in range(80):
        for item in random.permutation(40)[:20]:
            liked = (user + item) % 2 == 0
            rows.append((user + 1, item + 100, int(random.integers(4, 6) if liked else random.integers(1, 4))))
    frame = pd.DataFrame(rows, columns=["user_id", "item_id", "rating"])
    frame["timestamp"] = random.integers(10**9, 10**9 + 10**6, len(frame))
    frame["title"] = [f"{'Even' if item % 2 == 0 else 'Odd'} film {item}" for item in frame["item_id"]]
    path = tmp_path_factory.mktemp("data") / "ratings.csv"
    frame.to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def finished(ratings, tmp_path_factory):
    """A results folder with three models on the file."""
    out = tmp_path_factory.mktemp("results")
    frame = bench.run(str(ratings), models=["popularity", "als", "svd"], k=[3, 5], out=out)
    return out, frame


def test_a_run_gives_a_row_a_cell_and_the_reports(finished):
    out, frame = finished
    assert frame["model"].tolist() == ["als", "popularity", "svd"]
    assert (frame["status"] == "ok").all(), frame["error"].tolist()
    indexed = frame.set_index("model")
    assert indexed.loc["als", "ndcg@5"] > 1.3 * indexed.loc["popularity", "ndcg@5"]
    assert indexed.loc["svd", "rmse"] < 1.2
    assert np.isnan(indexed.loc["als", "rmse"])
    for name in ("fit_seconds", "recommend_seconds", "compile_seconds", "peak_memory_mb", "latency_median_ms"):
        assert (frame[name] >= 0).all(), name
    written = pd.read_csv(out / "report.csv")
    assert written["model"].tolist() == frame["model"].tolist()
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "als" in page
    assert str(out) not in page


def test_a_second_run_computes_nothing_and_force_computes_again(finished, ratings, capsys):
    out, _ = finished
    before = {folder: (folder / "measured.json").read_bytes() for folder in Store(out).folders()}
    arguments = ["run", "--dataset", str(ratings), "--models", "popularity,als,svd", "--k", "3,5", "--out", str(out)]
    assert main(arguments) == 0
    captured = capsys.readouterr()
    assert "nothing to compute, 3 already in the store" in captured.err
    assert "als" in captured.out
    assert {folder: (folder / "measured.json").read_bytes() for folder in Store(out).folders()} == before
    results = {folder: (folder / "result.json").read_bytes() for folder in Store(out).folders()}
    assert main([*arguments, "--force"]) == 0
    assert "3 computed" in capsys.readouterr().err
    for folder, content in results.items():
        assert (folder / "result.json").read_bytes() == content, "the same key, the same bytes"
        assert (folder / "measured.json").read_bytes() != before[folder]


def test_a_report_made_again_has_the_same_bytes(finished):
    out, _ = finished
    names = ("report.html", "report.csv", "report.md")
    before = {name: (out / name).read_bytes() for name in names}
    for name in names:
        (out / name).unlink()
    assert main(["report", str(out)]) == 0
    assert {name: (out / name).read_bytes() for name in names} == before


def test_other_parameters_and_seeds_are_other_rows(ratings, tmp_path):
    frame = bench.run(
        str(ratings), models="als", parameters={"als": {"factors": 4}}, seeds=2, model_seeds=2, out=tmp_path, k=[5]
    )
    assert sorted(zip(frame["split_seed"], frame["model_seed"], strict=True)) == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert frame["ndcg@5"].nunique() == 4
    assert all(json.loads(parameters)["factors"] == 4 for parameters in frame["parameters"])


def plugin(tmp_path, body):
    file = tmp_path / "models.py"
    file.write_text(
        "import numpy as np, os, sys\n"
        "class Base:\n    def fit(self, x):\n        self.n = x.shape[1]\n        return self\n"
        "    def score(self, u):\n        return np.zeros((len(u), self.n))\n" + textwrap.dedent(body)
    )
    return str(file)


def test_a_cell_that_fails_is_a_row_with_its_reason_and_the_rest_goes_on(ratings, tmp_path, capsys):
    file = plugin(
        tmp_path,
        """
        class Raises(Base):
            def fit(self, x): raise RuntimeError("no luck")
        class Dies(Base):
            def fit(self, x): print("last words", flush=True); os.kill(os.getpid(), 9)
        class Exits(Base):
            def fit(self, x): sys.exit(3)
        class Shape(Base):
            def score(self, u): return np.zeros((len(u), 2))
        class Nan(Base):
            def score(self, u): return np.full((len(u), self.n), np.nan)
        class Prints(Base):
            def fit(self, x): print('{"epoch": "x"}' * 1000); return super().fit(x)
        MODELS = {"raises": Raises, "dies": Dies, "exits": Exits, "shape": Shape, "not-finite": Nan, "prints": Prints}
        """,
    )
    names = "raises,dies,exits,shape,not-finite,prints,popularity"
    out = tmp_path / "out"
    arguments = [
        "run",
        "--dataset",
        str(ratings),
        "--models",
        names,
        "--plugin",
        file,
        "--out",
        str(out),
        "--jobs",
        "2",
    ]
    assert main(arguments) == 1
    rows = pd.read_csv(out / "report.csv").set_index("model")
    assert rows["status"].to_dict() == {
        "raises": "failed", "dies": "failed", "exits": "failed", "shape": "failed", "not-finite": "failed",
        "prints": "ok", "popularity": "ok",
    }  # fmt: skip
    assert "RuntimeError: no luck" in rows.loc["raises", "error"]
    assert "killed by SIGKILL" in rows.loc["dies", "error"]
    assert "last words" in rows.loc["dies", "error"]
    assert "the model called sys.exit(3)" in rows.loc["exits", "error"]
    assert "gave an array of shape (2, 2) for 2 users: expected (2, 40)" in rows.loc["shape", "error"]
    assert "nan" in rows.loc["not-finite", "error"]
    assert "no luck" in capsys.readouterr().out


def test_a_constant_model_gets_what_chance_gives(ratings, tmp_path):
    """Ties are broken by a hash: about 1 in 20 candidates is relevant for each of the 4 held-out items."""
    file = plugin(tmp_path, "MODELS = {'constant': Base}")
    frame = bench.run(str(ratings), models=["constant", "random"], plugins=[file], seeds=3, k=[5], out=tmp_path)
    means = frame.groupby("model")["precision@5"].mean()
    assert means["constant"] == pytest.approx(means["random"], abs=0.03)
    assert (frame["auc"].sub(0.5).abs() < 0.1).all()
    assert (frame["coverage@5"] > 0.9).all()


def test_a_class_of_a_notebook_runs_in_a_child(ratings, tmp_path):
    class Mine:
        """Defined in a function: no module to import it from."""

        def __init__(self, shift=0.0):
            self.shift = shift

        def fit(self, user_items):
            self.counts = np.asarray(user_items.sum(axis=0)).ravel()
            return self

        def score(self, user_ids):
            return np.tile(self.counts + self.shift, (len(user_ids), 1))

    frame = bench.run(str(ratings), models=["popularity", Mine], out=tmp_path).set_index("model")
    assert frame.loc["mine", "status"] == "ok", frame.loc["mine", "error"]
    assert frame.loc["mine", "ndcg@10"] == frame.loc["popularity", "ndcg@10"]


def test_cold_users_are_counted_and_reported_apart(ratings, tmp_path):
    frame = bench.run(str(ratings), splits="global-temporal", models=["popularity"], out=tmp_path)
    assert frame["status"].tolist() == ["ok"]
    test = tmp_path / "test.csv"
    pd.DataFrame({"user_id": [1, 999], "item_id": [101, 102], "rating": [5, 5]}).to_csv(test, index=False)
    train = pd.read_csv(ratings).drop(columns="timestamp")
    train = train[~((train["user_id"] == 1) & (train["item_id"] == 101))]
    train.to_csv(tmp_path / "train.csv", index=False)
    out = tmp_path / "fixed"
    frame = bench.run(
        str(tmp_path / "train.csv"), test=str(test), splits="fixed", models=["als"], out=out, columns=None
    )
    (result,) = Store(out)
    assert result.counts["n_cold_users"] == 1
    assert result.counts["n_empty_histories"] == 1
    assert any("cold" in note for note in result.notes)
    assert "ndcg@10_all" in frame.columns


def test_eval_scores_lists_of_any_program(tmp_path, capsys):
    """Hand-made: u1 hits at rank 1 of two relevant, u2 has no list, u3's only held-out item isn't relevant."""
    pd.DataFrame({"user": ["u1", "u2", "u3"], "item": ["a", "a", "b"], "rating": [5, 4, 2]}).to_csv(
        tmp_path / "train.csv", index=False
    )
    pd.DataFrame({"user": ["u1", "u1", "u2", "u3"], "item": ["b", "c", "b", "a"], "rating": [5, 4, 4, 1]}).to_csv(
        tmp_path / "test.csv", index=False
    )
    pd.DataFrame(
        {"user": ["u1", "u1", "u1", "u9"], "item": ["a", "b", "zzz", "a"], "score": [0.1, 0.9, 0.5, 1.0]}
    ).to_csv(tmp_path / "lists.csv", index=False)
    files = [f"--{name}={tmp_path / file}" for name, file in
             (("recommendations", "lists.csv"), ("train", "train.csv"), ("test", "test.csv"))]  # fmt: skip
    assert main(["eval", *files, "--k", "1,2", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["counts"]["n_users"] == 2
    assert found["counts"]["n_left_out"] == 1
    assert found["counts"]["n_without_list"] == 1
    assert found["counts"]["n_unknown_users"] == 1
    assert found["counts"]["n_unknown_items"] == 1
    assert found["metrics"]["precision@1"] == 0.5
    assert found["metrics"]["recall@2"] == 0.25
    assert found["metrics"]["ndcg@2"] == pytest.approx(0.5 / (1 + 1 / np.log2(3)))
    assert main(["eval", *files, "--k", "1,2"]) == 0
    assert "note: 1 evaluated users have no list" in capsys.readouterr().out
    pd.DataFrame({"user": ["u1", "u1"], "item": ["c", "b"], "rank": [2, 1]}).to_csv(tmp_path / "lists.csv", index=False)
    assert main(["eval", *files, "--k", "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["metrics"]["mrr@1"] == 0.5
    pd.DataFrame({"user": ["u1"], "item": ["c"]}).to_csv(tmp_path / "lists.csv", index=False)
    assert main(["eval", *files]) == 2
    assert "no column 'rank' or 'score'" in capsys.readouterr().err


def test_eval_agrees_with_run(ratings, tmp_path):
    """Lists that a run stored, scored against the exported split, give the run's own metrics."""
    frame = bench.run(str(ratings), models=["als"], k=[5], out=tmp_path / "out").iloc[0]
    interactions = bench.load(str(ratings))
    bench.export_split(interactions, "random", 0, tmp_path)
    (result,) = Store(tmp_path / "out")
    users = np.repeat(interactions.user_ids[result.users], 5)
    lists = pd.DataFrame(
        {
            "user": users,
            "item": interactions.item_ids[result.lists.ravel()],
            "rank": [1, 2, 3, 4, 5] * len(result.users),
        }
    )
    found = bench.evaluate(lists, tmp_path / "train.csv", tmp_path / "test.csv", k=[5])
    for name in ("precision@5", "recall@5", "ndcg@5", "map@5", "mrr@5", "hit_rate@5", "novelty@5", "gini@5"):
        assert found.metrics[name] == pytest.approx(frame[name]), name


def test_recommend_and_similar_speak_in_titles(ratings, tmp_path, capsys):
    shared = ["--dataset", str(ratings), "--model", "als", "--out", str(tmp_path), "--n", "4"]
    assert main(["recommend", *shared, "--user", "2", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    rated = {item["id"] for item in found["history"]}
    assert len(found["items"]) == 4
    assert not rated & {item["id"] for item in found["items"]}
    assert all(item["title"].startswith("Odd") for item in found["items"]), "user 2's code is 1: odd items"
    assert [item["value"] for item in found["history"]] == sorted((i["value"] for i in found["history"]), reverse=True)
    assert main(["recommend", *shared, "--user", "2"]) == 0
    assert "history, best rated first" in capsys.readouterr().out
    assert len(list((tmp_path / "fitted").glob("*.npz"))) == 1
    assert main(["similar", *shared, "--item", "odd FILM 10"]) == 0
    captured = capsys.readouterr()
    assert "similar to Odd film 10" in captured.out
    assert "also matching: Odd film" in captured.err
    assert captured.out.count("Odd film") == 5
    assert main(["similar", *shared, "--item", "100", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["item"]["title"] == "Even film 100"


def test_export_split_loses_nothing(ratings, tmp_path):
    assert main(["export-split", "--dataset", str(ratings), "--split", "temporal", "--out", str(tmp_path)]) == 0
    parts = [pd.read_csv(tmp_path / name) for name in ("train.csv", "test.csv")]
    together = pd.concat(parts)[["user", "item", "rating"]].sort_values(["user", "item"]).to_numpy()
    whole = pd.read_csv(ratings)[["user_id", "item_id", "rating"]].sort_values(["user_id", "item_id"]).to_numpy()
    np.testing.assert_array_equal(together, whole)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "--models", "asl"], "Did you mean 'als'"),
        (["run", "--dataset", "ml-100q"], "Did you mean 'ml-100k'"),
        (["run", "--dataset", "nowhere.csv"], "nowhere.csv"),
        (["run", "--dataset", "FILE", "--split", "randon"], "Did you mean 'random'"),
        (["run", "--dataset", "FILE", "--split", "random:fraction=0.1"], "no parameter 'fraction'"),
        (["run", "--dataset", "FILE", "--split", "random:test_fraction=2"], "test_fraction"),
        (["run", "--dataset", "FILE", "--split", "fixed"], "--test"),
        (["run", "--dataset", "FILE", "--set", "als.factor=3"], "no parameter 'factor'; it has: alpha"),
        (["run", "--dataset", "FILE", "--set", "factors=3"], "write model.parameter=value"),
        (["run", "--k", "ten"], "whole numbers from 1 to"),
        (["run", "--seeds", "0"], "0 is not in the range"),
        (["run", "--config", "none.toml"], "can't be read"),
        (["run", "--plugin", "none.py"], "no such file"),
        (["run", "--columns", "user"], "must be like"),
        (["report", "EMPTY"], "there are no results here"),
        (["recommend", "--dataset", "FILE", "--model", "als", "--user", "12345"], "there is no user '12345'"),
        (["similar", "--dataset", "FILE", "--model", "als", "--item", "Nothing"], "no title contains it"),
        (["similar", "--dataset", "FILE", "--model", "popularity", "--item", "100"], "no notion of similar items"),
        (["frobnicate"], "No such command"),
        (["run", "--frobnicate"], "No such option"),
    ],
)
def test_wrong_input_is_one_message_and_exit_status_2(arguments, message, ratings, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    given = [str(ratings) if word == "FILE" else str(tmp_path) if word == "EMPTY" else word for word in arguments]
    assert main(given) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert "Traceback" not in captured.err
    assert not (tmp_path / "results" / "report.html").exists()


def test_list_shows_the_tables_as_text_and_json(capsys):
    assert main(["list"]) == 0
    shown = capsys.readouterr().out
    for name in ("ml-1m", "global-temporal", "lightfm-warp", "ndcg", "licence: free for research"):
        assert name in shown
    assert main(["list", "models", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["models"]["als"]["parameters"]["factors"] > 0


def test_listing_imports_nothing_heavy():
    code = "import sys; from bench.cli import main; main(['list']); print(sorted(sys.modules), file=sys.stderr)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    for module in ("numpy", "pandas", "numba", "scipy", "sklearn", "matplotlib", "torch", "implicit", "rich"):
        assert f"'{module}'" not in run.stderr, module


def test_the_module_runs_from_another_folder(ratings, tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "bench", "run", "--dataset", str(ratings), "--models", "popularity"]
    run = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment)
    assert run.returncode == 0, run.stderr
    assert (tmp_path / "results" / "report.html").exists()
    assert "popularity" in run.stdout
    assert "Traceback" not in run.stderr


class TestTensorboard:
    """``--tensorboard``: cells keep their vectors, also those that were finished without."""

    def test_a_run_keeps_vectors_once_and_writes_them(self, ratings, tmp_path, capsys):
        out, board = tmp_path / "results", tmp_path / "a board"
        words = ["run", "--dataset", str(ratings), "--models", "als,popularity", "--seeds", "2", "--out", str(out)]
        assert main(words) == 0
        assert not list(out.rglob("vectors.npz"))
        assert main(["report", str(out), "--tensorboard", str(board)]) == 2
        assert "no vectors were kept" in capsys.readouterr().err
        assert main([*words, "--tensorboard", str(board)]) == 0
        told = capsys.readouterr()
        assert told.err.count("computed again, because its vectors are asked for") == 2
        assert "popularity: the model has no vectors" in told.err
        assert f"tensorboard --logdir '{board}'" in told.out
        kept = list(out.rglob("vectors.npz"))
        assert {path.parts[-3] for path in kept} == {"0"}  # of the first split alone
        config = (board / "projector_config.pbtxt").read_text()
        assert config.count("embeddings {") == 2
        assert main([*words, "--tensorboard", str(board)]) == 0
        assert "4 already in the store" in capsys.readouterr().err
        assert (board / "projector_config.pbtxt").read_text() == config

    def test_report_writes_what_was_kept(self, ratings, tmp_path, capsys):
        out = tmp_path / "results"
        bench.run(str(ratings), models="als", out=out, tensorboard=tmp_path / "first")
        assert main(["report", str(out), "--tensorboard", str(tmp_path / "second")]) == 0
        first, second = (
            {path.relative_to(tmp_path / name): path.read_bytes() for path in (tmp_path / name).rglob("*.[tp]*")}
            for name in ("first", "second")
        )
        assert first == second
        assert len(first) == 5
        metadata = next((tmp_path / "first").rglob("items/metadata.tsv")).read_text().splitlines()
        assert metadata[0] == "title\titem\tinteractions in train"
        assert metadata[1].startswith("Even film 100\t100\t")

    def test_a_file_in_its_place_is_refused_before_anything_is_computed(self, ratings, tmp_path, capsys):
        (tmp_path / "board").write_text("")
        words = ["run", "--dataset", str(ratings), "--models", "als", "--out", str(tmp_path / "results")]
        assert main([*words, "--tensorboard", str(tmp_path / "board")]) == 2
        assert "--tensorboard" in capsys.readouterr().err
        assert not (tmp_path / "results").exists()
