"""``compare`` and ``reference`` as a user types them: exit status, what is printed, what is written."""

import dataclasses
import json
import os
from xml.etree import ElementTree

import numpy as np
import pytest

import bench.api
from bench.cli import main
from reports.store import Store


@pytest.fixture
def folders(tmp_path, measured):
    """A reference, the same once more, a worse candidate."""
    return {
        "old": str(measured.folder(tmp_path / "old", measured.runs(["als", "bpr"]))),
        "same": str(measured.folder(tmp_path / "same", measured.runs(["als", "bpr"]))),
        "worse": str(measured.folder(tmp_path / "worse", measured.runs(["als", "bpr"], drop=0.2, run=1))),
    }


@pytest.fixture
def files(tmp_path):
    paths = {name: tmp_path / f"out.{name}" for name in ("json", "junit", "markdown")}
    return paths, [word for name, path in paths.items() for word in (f"--{name}", str(path))]


def test_the_same_results_pass(folders, capsys):
    assert main(["compare", folders["old"], folders["same"], "--strict"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "PASS"


def test_worse_results_fail_and_every_file_says_so(folders, files, capsys):
    paths, options = files
    assert main(["compare", folders["old"], folders["worse"], *options]) == 1
    out = capsys.readouterr().out
    assert out.splitlines()[-1] == "FAIL"
    assert "a drop beyond the margin" in out
    assert "5 seeds see a drop of" in out
    assert json.loads(paths["json"].read_text())["outcome"] == "FAIL"
    assert ElementTree.parse(paths["junit"]).getroot().get("failures") == "2"
    assert "a regression" in paths["markdown"].read_text(encoding="utf-8")


def test_a_reference_file_decides_as_its_folder_does(folders, tmp_path, capsys):
    reference = str(tmp_path / "reference.json")
    assert main(["reference", "save", folders["old"], "-o", reference]) == 0
    assert "10 cells, ndcg@10" in capsys.readouterr().out
    assert main(["compare", reference, folders["same"]]) == 0
    assert main(["compare", reference, folders["worse"]]) == 1
    by_file = bench.api.compare(reference, folders["worse"]).decisions
    by_folder = bench.api.compare(folders["old"], folders["worse"]).decisions
    for first, second in zip(by_file, by_folder, strict=True):
        assert (first.outcome, first.reason) == (second.outcome, second.reason)
        assert first.lower == pytest.approx(second.lower, rel=1e-5)


def test_the_margin_is_a_share_or_a_percentage(folders, capsys):
    assert main(["compare", folders["old"], folders["worse"], "--margin", "50%"]) == 0
    assert main(["compare", folders["old"], folders["worse"], "--margin", "0.5"]) == 0
    assert "50%" in capsys.readouterr().out
    for wrong in ("much", "-1%", "120%", "nan", ""):
        assert main(["compare", folders["old"], folders["same"], "--margin", wrong]) == 2
        assert "like 1% or 0.01" in capsys.readouterr().err


def test_inconclusive_is_0_and_with_strict_1(tmp_path, measured, capsys):
    old = str(measured.folder(tmp_path / "old", measured.runs(["als"], seeds=1)))
    new = str(measured.folder(tmp_path / "new", measured.runs(["als"], seeds=1, run=1)))
    assert main(["compare", old, new]) == 0
    assert main(["compare", old, new, "--strict"]) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "INCONCLUSIVE"


class TestNotComparable:
    def test_other_data_is_told_and_nothing_is_written(self, folders, files, tmp_path, measured, capsys):
        other = str(measured.folder(tmp_path / "other", measured.runs(["als", "bpr"], data="another file")))
        paths, options = files
        assert main(["compare", folders["old"], other, *options]) == 3
        captured = capsys.readouterr()
        assert "the data (a hash of its columns) differs: data of toy and another file" in captured.out
        assert "nothing was written" in captured.err
        assert not any(path.exists() for path in paths.values())

    def test_a_crash_is_told_and_written(self, folders, files, tmp_path, measured, capsys):
        results = measured.runs(["als", "bpr"])
        results[3] = dataclasses.replace(results[3], status="failed", error="ValueError: no luck", metrics={})
        crashed = str(measured.folder(tmp_path / "crashed", results))
        paths, options = files
        assert main(["compare", folders["old"], crashed, *options]) == 3
        assert "candidate, split seed 3: failed (ValueError: no luck)" in capsys.readouterr().out
        assert ElementTree.parse(paths["junit"]).getroot().get("errors") == "1"

    def test_no_common_cell_and_an_empty_folder(self, folders, files, tmp_path, measured, capsys):
        other = str(measured.folder(tmp_path / "other", measured.runs(["ease"])))
        (tmp_path / "empty").mkdir()
        paths, options = files
        for candidate, told in ((other, "no common cell"), (str(tmp_path / "empty"), "nothing was measured")):
            assert main(["compare", folders["old"], candidate, *options]) == 3
            assert told in capsys.readouterr().err
            assert not any(path.exists() for path in paths.values())

    def test_results_and_references_of_another_version(self, folders, tmp_path, capsys):
        reference = tmp_path / "reference.json"
        main(["reference", "save", folders["old"], "-o", str(reference)])
        reference.write_text(reference.read_text().replace('"format": 1', '"format": 7'))
        assert main(["compare", str(reference), folders["same"]]) == 3
        assert "format 7, this version reads 1" in capsys.readouterr().err
        path = next((tmp_path / "same").rglob("result.json"))
        path.write_text(path.read_text().replace('"format": 1', '"format": 7'))
        assert main(["compare", folders["old"], folders["same"]]) == 3
        assert "format 7, this version reads 1" in capsys.readouterr().err

    def test_a_candidate_without_the_references_metric(self, folders, tmp_path, measured, capsys):
        results = measured.runs(["als", "bpr"])
        for result in results:
            del result.metrics["ndcg@10"], result.per_user["ndcg@10"]
        candidate = str(measured.folder(tmp_path / "other", results))
        assert main(["compare", folders["old"], candidate]) == 3
        assert "has no ndcg@10" in capsys.readouterr().out


class TestWrongInput:
    def test_paths_and_metrics_that_are_not_there(self, folders, tmp_path, capsys):
        assert main(["compare", str(tmp_path / "nowhere"), folders["old"]]) == 2
        assert "no such results folder" in capsys.readouterr().err
        assert main(["compare", folders["old"], folders["same"], "--metric", "ndgc@10"]) == 2
        assert "there are: " in capsys.readouterr().err
        assert main(["compare", folders["old"]]) == 2

    def test_a_file_that_was_cut_off_and_one_that_was_edited(self, folders, files, tmp_path, capsys):
        reference = tmp_path / "reference.json"
        main(["reference", "save", folders["old"], "-o", str(reference)])
        whole = reference.read_text()
        paths, options = files
        for broken, told in ((whole[:-40], "cut off"), (whole.replace('"als"', '"bls"'), "edited")):
            reference.write_text(broken)
            assert main(["compare", str(reference), folders["same"], *options]) == 2
            assert told in capsys.readouterr().err
            assert main(["reference", "show", str(reference)]) == 2
        assert not any(path.exists() for path in paths.values())

    def test_a_result_that_was_edited(self, folders, tmp_path, capsys):
        path = next((tmp_path / "same").rglob("result.json"))
        content = json.loads(path.read_text())
        content["metrics"]["ndcg@10"]["value"] = 0.99
        path.write_text(json.dumps(content))
        assert main(["compare", folders["old"], folders["same"]]) == 2
        assert "one was edited" in capsys.readouterr().err

    def test_nothing_to_save(self, tmp_path, capsys):
        assert main(["reference", "save", str(tmp_path), "-o", str(tmp_path / "r.json")]) == 2
        assert "nothing to compare with" in capsys.readouterr().err
        assert list(tmp_path.iterdir()) == []

    def test_a_file_that_can_not_be_written_is_told_before_and_the_others_are_not_written(
        self, folders, tmp_path, capsys
    ):
        good, reference = tmp_path / "good.json", tmp_path / "reference.json"
        main(["reference", "save", folders["old"], "-o", str(reference)])
        before = reference.read_bytes()
        for words, told in (
            (["--json", str(good), "--junit", str(tmp_path / "no" / "x.xml")], "there is no folder"),
            (["--json", str(good), "--markdown", str(tmp_path)], "is a folder"),
            (["--json", str(good), "--markdown", str(good)], "also asked for"),
            (["--junit", str(good), "--json", str(reference)], "which is read"),
            (["--json", str(good), "--markdown", ""], "empty name"),
        ):
            assert main(["compare", str(reference), folders["worse"], *words]) == 2
            captured = capsys.readouterr()
            assert told in captured.err
            assert not good.exists()
        assert reference.read_bytes() == before
        assert main(["reference", "save", folders["old"], "-o", str(tmp_path / "no" / "r.json")]) == 2
        assert "there is no folder" in capsys.readouterr().err

    def test_a_wrong_metric_gets_the_nearest(self, folders, tmp_path, capsys):
        assert main(["compare", folders["old"], folders["same"], "--metric", "NDCG@10"]) == 2
        assert "Did you mean 'ndcg@10'?" in capsys.readouterr().err

    @pytest.mark.parametrize(
        ("file", "keys", "value"),
        [
            ("result.json", ["cell", "split_seed"], float("inf")),
            ("result.json", ["counts", "n_users"], -3),
            ("result.json", ["metrics", "recall@10", "value"], "0.5"),
            ("result.json", ["metrics", "recall@10", "value"], float("inf")),
            ("result.json", ["metrics", "recall@10", "higher_is_better"], "false"),
            ("measured.json", ["environment"], "a laptop"),
            ("measured.json", ["environment"], [1]),
        ],
    )
    def test_values_of_another_kind_are_named(self, folders, files, capsys, file, keys, value):
        path = sorted(Store(folders["same"]).folders())[0] / file
        content = part = json.loads(path.read_text())
        for key in keys[:-1]:
            part = part[key]
        part[keys[-1]] = value
        path.write_text(json.dumps(content))
        paths, options = files
        assert main(["compare", folders["old"], folders["same"], *options]) == 2
        assert f"error: {path}: " in capsys.readouterr().err
        assert not any(written.exists() for written in paths.values())

    def test_a_figure_that_is_not_known_is_a_dash_and_null(self, tmp_path, measured, files, capsys):
        folders = []
        for name, run in (("old", 0), ("new", 1)):
            results = measured.runs(["als"], run=run)
            for result in results:
                result.metrics["coverage@10"] = dataclasses.replace(result.metrics["coverage@10"], value=np.nan)
            folders.append(str(measured.folder(tmp_path / name, results)))
        paths, options = files
        assert main(["compare", *folders, *options]) in (0, 1)
        found = json.loads(paths["json"].read_text(), parse_constant=pytest.fail)
        (coverage,) = [change for change in found["decisions"][0]["others"] if change["metric"] == "coverage@10"]
        assert coverage["reference"] is None
        assert "| – | – | – |" in paths["markdown"].read_text(encoding="utf-8")

    def test_a_path_and_names_that_no_encoding_has(self, tmp_path, measured, files):
        odd = os.fsdecode(os.fsencode(str(tmp_path)) + b"/\xff")
        markup = "<b>|`x`](http://e) &lt;\n# h"
        measured.folder(odd, measured.runs([markup]))
        other = measured.folder(tmp_path / "other", measured.runs([markup], drop=0.3, run=1))
        paths, options = files
        assert main(["compare", odd, str(other), *options]) == 1
        json.loads(paths["json"].read_text(encoding="utf-8"))
        names = {case.get("classname") for case in ElementTree.parse(paths["junit"]).iter("testcase")}
        assert names == {f"toy.random.{markup}"}
        text = paths["markdown"].read_text(encoding="utf-8")
        assert r"\<b\>\|\`x\`\]\(http://e\) \&lt; \# h" in text
        assert "<b>" not in text


class TestReference:
    def test_two_that_hold_nothing_are_not_the_same(self, folders, tmp_path, capsys):
        (tmp_path / "empty").mkdir()
        empty = str(tmp_path / "empty")
        assert main(["reference", "diff", empty, empty]) == 2
        assert main(["reference", "show", empty]) == 2
        assert main(["compare", empty, folders["old"]]) == 3
        assert "there are no results here" in capsys.readouterr().err

    def test_diff_looks_at_every_metric(self, folders, tmp_path, measured, capsys):
        results = measured.runs(["als", "bpr"])
        results[0].metrics["coverage@10"] = dataclasses.replace(results[0].metrics["coverage@10"], value=0.4)
        other = str(measured.folder(tmp_path / "other", results))
        assert main(["reference", "diff", folders["old"], other]) == 1
        assert "seed 0.0 als: coverage@10 0.300000 and 0.400000" in capsys.readouterr().out

    def test_diff_of_a_reference_for_another_metric_with_its_folder_finds_none(self, folders, tmp_path, capsys):
        reference = str(tmp_path / "reference.json")
        main(["reference", "save", folders["old"], "-o", reference, "--metric", "recall@10"])
        assert main(["reference", "diff", reference, folders["same"]]) == 0

    def test_show_tells_models_seeds_and_means(self, folders, tmp_path, capsys):
        reference = str(tmp_path / "reference.json")
        main(["reference", "save", folders["old"], "-o", reference])
        capsys.readouterr()
        assert main(["reference", "show", reference]) == 0
        shown = capsys.readouterr().out.splitlines()
        assert [line.partition(":")[0] for line in shown] == ["toy random als", "toy random bpr"]
        assert shown[0].endswith("over 5 seeds")
        assert main(["reference", "show", reference, "--json"]) == 0
        assert [cell["model"] for cell in json.loads(capsys.readouterr().out)["cells"]] == ["als", "bpr"]

    def test_diff_names_the_cells_that_differ(self, folders, tmp_path, measured, capsys):
        results = [*measured.runs(["als"]), *measured.runs(["bpr"], seeds=4)]
        results[2] = measured.cell("als", 2)
        other = str(measured.folder(tmp_path / "other", results))
        assert main(["reference", "diff", folders["old"], folders["same"]]) == 0
        assert "the same cells" in capsys.readouterr().out
        assert main(["reference", "diff", folders["old"], other]) == 1
        lines = capsys.readouterr().out.splitlines()
        assert len(lines) == 2
        assert lines[0].startswith("toy random seed 2.0 als: ndcg@10 0.")
        assert lines[1] == f"toy random seed 4.0 bpr: only in {folders['old']}"

    def test_a_cell_that_did_not_finish_is_told_when_it_is_saved(self, tmp_path, measured, capsys):
        results = [*measured.runs(["als"]), measured.cell("ease", status="skipped", error="no", metrics={})]
        folder = str(measured.folder(tmp_path / "results", results))
        assert main(["reference", "save", folder, "-o", str(tmp_path / "r.json")]) == 0
        assert "1 cells did not finish (ease): they will never pass" in capsys.readouterr().err


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """A model that is no better than chance, and one that knows the tastes of the file below."""
    file = tmp_path_factory.mktemp("plugin") / "models.py"
    file.write_text(
        "import numpy as np\n"
        "class Good:\n"
        "    def fit(self, x):\n        self.n = x.shape[1]\n        return self\n"
        "    def score(self, u):\n"
        "        return -((np.asarray(u)[:, None] - np.arange(self.n)) % 2) + np.zeros((len(u), self.n))\n"
        "class Bad(Good):\n"
        "    def score(self, u):\n        return -super().score(u)\n"
        "MODELS = {'good': Good, 'bad': Bad}\n"
    )
    return str(file)


@pytest.fixture(scope="module")
def ratings(tmp_path_factory):
    rng = np.random.default_rng(0)
    rows = [
        f"{user},{item},{5 if (user + item) % 2 == 0 else 1}\n"
        for user in range(60)
        for item in sorted(rng.permutation(60)[:25])
    ]
    file = tmp_path_factory.mktemp("data") / "ratings.csv"
    file.write_text("user_id,item_id,rating\n" + "".join(rows))
    return str(file)


class TestStrictRuns:
    def run(self, ratings, models, names, out, *more):
        words = ["--dataset", ratings, "--plugin", models, "--models", names, "--k", "5", "--out", str(out)]
        return main(["run", *words, *more])

    def test_a_model_below_popularity_ends_a_strict_run_with_1_and_is_told_first(
        self, ratings, models, tmp_path, capsys
    ):
        assert self.run(ratings, models, "bad,popularity,random", tmp_path) == 0
        out = capsys.readouterr().out
        assert out.index("CHECK: ratings.csv, random: not better than popularity: bad") < out.index("NDCG@5")
        assert self.run(ratings, models, "bad,popularity,random", tmp_path, "--strict") == 1

    def test_results_that_can_not_go_where_they_shall(self, ratings, models, tmp_path, capsys):
        (tmp_path / "file").write_text("mine")
        assert self.run(ratings, models, "good", tmp_path / "file" / "below", "--strict") == 2
        assert f"{tmp_path / 'file'} is no folder" in capsys.readouterr().err
        assert (tmp_path / "file").read_text() == "mine"

    def test_healthy_models_pass_a_strict_run(self, ratings, models, tmp_path, capsys):
        assert self.run(ratings, models, "good,popularity", tmp_path, "--strict") == 0
        out = capsys.readouterr().out
        assert "CHECK" not in out
        assert "note: ratings.csv, random: not checked: no row of random" in out
        counts = next(iter(Store(tmp_path))).counts
        assert (counts["n_short_lists"], counts["n_seen_recommended"]) == (0, 0)
