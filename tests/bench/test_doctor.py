"""``doctor``: what is here, what is missing and how to get it, and whether results repeat byte by byte."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp

import bench
from bench import fingerprint
from bench.checkup.holdings import look_at_data
from bench.checkup.kernel_cache import look_at_kernel_cache
from bench.checkup.libraries import groups, look_at_libraries
from bench.checkup.machine import cores_quota
from bench.checkup.repetition import RepetitionError
from bench.cli import main
from bench.registry import DATASETS, MODELS

PLUGIN = '''
import os
import numpy as np

class Steady:
    def __init__(self, num_threads=1, random_state=0):
        self.num_threads = num_threads
    def fit(self, x):
        self.item_counts = np.asarray(x.sum(axis=0), np.float64).ravel()
        return self
    def score(self, users):
        return np.tile(self.item_counts, (len(users), 1))

class ByThreads(Steady):
    """Its last bit depends on the threads, as that of a sum in another order does: no list or metric changes."""
    def fit(self, x):
        super().fit(x)
        self.item_counts = self.item_counts + 1e-9 * self.num_threads
        return self

class ByProcess(Steady):
    def score(self, users):
        return np.random.default_rng(os.getpid()).random((len(users), len(self.item_counts)))

class Fails(Steady):
    def fit(self, x):
        if self.num_threads == 2:
            raise RuntimeError("no luck")
        return super().fit(x)

MODELS = {"steady": Steady, "by-threads": ByThreads, "by-process": ByProcess, "fails": Fails}
'''


@pytest.fixture(scope="module")
def plugin(tmp_path_factory):
    file = tmp_path_factory.mktemp("plugin") / "models.py"
    file.write_text(PLUGIN)
    return str(file)


@pytest.fixture
def ratings(tmp_path):
    rng = np.random.default_rng(0)
    rows = [f"{user},{item},{rng.integers(1, 6)}" for user in range(30) for item in sorted(rng.permutation(40)[:15])]
    file = tmp_path / "ratings.csv"
    file.write_text("who,what,stars\n" + "\n".join(rows) + "\n")
    return ["--dataset", str(file), "--columns", "user=who,item=what,rating=stars"]


@pytest.fixture
def nothing_here(tmp_path, monkeypatch):
    """A machine without data sets."""
    monkeypatch.delenv("BENCH_DATA", raising=False)
    monkeypatch.setenv("RECSYS_BENCH_CACHE", str(tmp_path / "cache"))
    return tmp_path


class TestRepeats:
    def test_what_is_not_equal_is_caught_and_named(self, plugin, ratings, nothing_here, capsys):
        models = "steady,by-threads,by-process,popularity"
        words = ["doctor", "--repeat", "2", *ratings, "--plugin", plugin, "--models", models, "--json"]
        assert main(words) == 1
        captured = capsys.readouterr()
        found = {one["model"]: one for one in json.loads(captured.out)["repeated"]}
        assert {name: one["outcome"] for name, one in found.items()} == {
            "steady": "equal", "popularity": "equal", "by-threads": "different", "by-process": "different"
        }  # fmt: skip
        assert found["steady"]["threads"] == [1, 2]
        assert found["by-threads"]["reason"] == "factors: item_counts"
        assert found["by-process"]["reason"].startswith("lists: items; metrics: ")
        first, second = found["by-threads"]["digests"]["lists"]
        assert first == second != ""
        assert "by-threads, repeat 2, 2 threads: ok" in captured.err

    def test_equal_ones_end_with_0_and_a_table(self, plugin, ratings, nothing_here, capsys):
        assert main(["doctor", "--repeat", "3", *ratings, "--plugin", plugin, "--models", "steady"]) == 0
        (line,) = [line for line in capsys.readouterr().out.splitlines() if "│ steady" in line]
        assert "1, 2, 1" in line
        assert line.count("equal") == 4  # factors, lists, metrics and the outcome

    def test_a_cell_that_fails_proves_nothing(self, plugin, ratings, nothing_here, capsys):
        assert main(["doctor", "--repeat", "2", *ratings, "--plugin", plugin, "--models", "fails"]) == 1
        assert "failed: fails: failed: RuntimeError: no luck" in capsys.readouterr().out

    def test_by_default_the_hand_rolled_and_the_plug_ins_models(self):
        from bench.checkup.repetition import is_repeatable

        chosen = [name for name, row in MODELS.items() if is_repeatable(name, row)]
        assert chosen == ["random", "popularity", "bias", "svd", "svdpp", "als", "bpr", "warp", "ease"]
        assert is_repeatable("mine", MODELS["implicit-als"])

    def test_wrong_words(self, capsys):
        assert main(["doctor", "--repeat", "1"]) == 2
        assert main(["doctor", "--repeat", "2", "--models", "asl"]) == 2
        assert "Did you mean 'als'?" in capsys.readouterr().err
        with pytest.raises(RepetitionError, match="at least 2, not 1"):
            bench.doctor(1)


class TestLibraries:
    def test_a_missing_one_is_named_with_its_command_and_so_is_one_that_kills_its_process(
        self, nothing_here, monkeypatch, capsys
    ):
        for name, body in (
            ("implicit", "raise ModuleNotFoundError(\"No module named 'implicit'\")"),
            ("lightfm", "import os; os.kill(os.getpid(), 11)"),
            ("surprise", "raise SystemError('built for another NumPy')"),
        ):
            (nothing_here / f"{name}.py").write_text(body)
        monkeypatch.setenv("PYTHONPATH", str(nothing_here))
        assert main(["doctor"]) == 0
        lines = {
            line.split()[1].rstrip(":"): line
            for line in capsys.readouterr().out.splitlines()
            if line.startswith("baseline ")
        }
        assert "No module named 'implicit'" in lines["implicit"]
        assert "pip install 'recsys-bench[implicit]'" in lines["implicit"]
        assert "implicit-als, implicit-bpr" in lines["implicit"]
        assert "killed by SIGSEGV" in lines["lightfm-next"]
        assert "SystemError: built for another NumPy" in lines["scikit-surprise"]
        assert "sklearn: ready [sklearn-pure-svd, sklearn-nmf]" in lines["sklearn"]

    def test_every_library_of_the_registry_is_looked_at(self):
        assert set(groups(MODELS)) == {row.library for row in MODELS.values() if row.library} | {"sklearn"}

    def test_what_is_here_needs_no_command(self):
        pytest.importorskip("implicit")
        found = {library.name: library for library in look_at_libraries()}
        assert (found["implicit"].reason, found["implicit"].command) == ("", "")
        assert found["implicit"].version


class TestDataSets:
    def test_nothing_is_downloaded_and_what_needs_no_files_is_ready(self, nothing_here):
        found = {holding.name: holding for holding in look_at_data()}
        assert list(found) == list(DATASETS)
        assert found["synthetic"].state == "ready"
        assert "50,000 rows" in found["synthetic"].text
        others = [holding for name, holding in found.items() if name != "synthetic"]
        assert {holding.state for holding in others} == {"absent"}
        assert found["ml-1m"].place == str(nothing_here / "cache" / "datasets" / "ml-1m")
        assert not (nothing_here / "cache").exists()

    def test_a_file_that_was_cut_off_is_broken_and_a_small_copy_is_ready_with_a_warning(
        self, nothing_here, monkeypatch
    ):
        monkeypatch.setenv("BENCH_DATA", str(nothing_here))
        for name in ("ml-latest-small", "ml-1m", "gowalla"):
            (nothing_here / name).mkdir()
        (nothing_here / "gowalla" / "train.txt").write_text("0 1 2\n")
        (nothing_here / "ml-latest-small" / "ratings.csv").write_text("userId,movieId,rating,timestamp\n1,10,4.0,100\n")
        (nothing_here / "ml-latest-small" / "movies.csv").write_text("movieId,title,genres\n10,One,Drama\n")
        (nothing_here / "ml-1m" / "ratings.dat").write_text("1::10::4::100\n1::11::4")
        (nothing_here / "ml-1m" / "movies.dat").write_text("10::One::Drama\n")
        found = {holding.name: holding for holding in look_at_data()}
        assert found["ml-latest-small"].state == "ready"
        assert "the official set has 100,836 rows" in found["ml-latest-small"].text
        assert found["ml-1m"].state == "broken"
        assert "line 2" in found["ml-1m"].text
        assert found["gowalla"].state == "broken"
        assert "lacks test.txt" in found["gowalla"].text


class TestMachine:
    def test_json_has_all_that_the_text_says(self, nothing_here, capsys):
        assert main(["doctor", "--json"]) == 0
        found = json.loads(capsys.readouterr().out)
        assert (found["repeated"], found["status"]) == ([], 0)
        assert found["machine"]["executable"] == sys.executable
        assert 1 <= found["machine"]["cores_allowed"] <= found["machine"]["cores"]
        assert found["machine"]["memory_available_mb"] > 0
        assert any(pool.startswith("blas: ") for pool in found["machine"]["thread_pools"])
        assert found["machine"]["versions"]["numpy"] == np.__version__

    def test_the_quota_of_control_groups(self, tmp_path):
        proc, groups_of = tmp_path / "proc", tmp_path / "cgroup"
        (proc / "self").mkdir(parents=True)
        assert cores_quota(proc, groups_of) is None
        (groups_of / "a" / "b").mkdir(parents=True)
        (groups_of / "a" / "b" / "cpu.max").write_text("max 100000\n")
        (groups_of / "a" / "cpu.max").write_text("150000 100000\n")
        (proc / "self" / "cgroup").write_text("0::/a/b\n")
        assert cores_quota(proc, groups_of) == 1.5
        (groups_of / "cpu").mkdir()
        (groups_of / "cpu" / "cpu.cfs_quota_us").write_text("-1\n")
        (groups_of / "cpu" / "cpu.cfs_period_us").write_text("100000\n")
        (proc / "self" / "cgroup").write_text("1:cpu,cpuacct:/\n")
        assert cores_quota(proc, groups_of) is None
        (groups_of / "cpu" / "cpu.cfs_quota_us").write_text("50000\n")
        assert cores_quota(proc, groups_of) == 0.5

    def test_a_kernel_cache_that_can_not_be_written(self, tmp_path, monkeypatch):
        import numba

        monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))
        assert look_at_kernel_cache().writable
        assert list(tmp_path.iterdir()) == []
        monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path / "nowhere"))
        found = look_at_kernel_cache()
        assert (found.folder, found.writable) == (str(tmp_path / "nowhere"), False)
        assert "set NUMBA_CACHE_DIR" in found.reason


def test_no_module_takes_the_place_of_a_function():
    """Importing a module bench.doctor would make ``bench.doctor`` the module."""
    names = {path.stem for path in Path(bench.__file__).parent.iterdir()}
    assert not names & set(bench.__all__)
    assert callable(bench.doctor)


def test_a_fingerprint_tells_values_types_and_shapes_apart():
    class Model:
        def __init__(self, **attributes):
            vars(self).update(attributes)

    def prints(value):
        return fingerprint.of_model(Model(value=value))["value"]

    matrix = sp.csr_matrix(np.eye(3, dtype=np.float32))
    values = [np.zeros(4), np.zeros((2, 2)), np.zeros(4, np.float32), -np.zeros(4), 0.0, matrix, 2 * matrix]
    assert len({prints(value) for value in values}) == len(values)
    assert prints(np.zeros((2, 3)).T) == prints(np.zeros((3, 2)))
    assert fingerprint.of_model(Model(threads=3, name="x", objects=np.array([object()]))) == {}
