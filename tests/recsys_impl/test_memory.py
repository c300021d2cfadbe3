"""Refusals before memory runs out, and the estimates they rest on."""

import subprocess
import sys

import pytest

from recsys_impl import EASE, ModelError, memory
from recsys_impl.memory import NotEnoughMemoryError, available_bytes, require_memory

GIB = 2**30
NO_LIMIT = "9223372036854771712"  # what version 1 says where there is none


@pytest.fixture
def machine(tmp_path):
    """A function that writes the files of a machine with 8 GiB available and gives its (proc, cgroups) folders."""

    def build(membership, groups):
        proc, cgroups = tmp_path / "proc", tmp_path / "cgroup"
        (proc / "self").mkdir(parents=True)
        (proc / "meminfo").write_text(f"MemTotal: {16 * 2**20} kB\nMemAvailable: {8 * 2**20} kB\nHugePages_Total: 0\n")
        (proc / "self" / "cgroup").write_text(membership)
        for path, content in groups.items():
            (cgroups / path).parent.mkdir(parents=True, exist_ok=True)
            (cgroups / path).write_text(f"{content}\n")
        return proc, cgroups

    return build


def version_2(group, limit, usage, cache=0):
    return {
        f"{group}memory.max": limit,
        f"{group}memory.current": usage,
        f"{group}memory.stat": f"inactive_file {cache}",
    }


def version_1(group, limit, usage, cache=0):
    group = f"memory/{group}memory"
    return {
        f"{group}.limit_in_bytes": limit,
        f"{group}.usage_in_bytes": usage,
        f"{group}.stat": f"inactive_file 1\ntotal_inactive_file {cache}",
    }


@pytest.mark.parametrize(
    ("membership", "groups", "expected"),
    [
        ("", {}, 8 * GIB),
        ("0::/\n", version_2("", "max", 5), 8 * GIB),
        ("0::/\n", version_2("", 3 * GIB, GIB), 2 * GIB),
        ("0::/\n", version_2("", 30 * GIB, GIB), 8 * GIB),
        ("0::/\n", version_2("", 3 * GIB, 2 * GIB, cache=GIB), 2 * GIB),
        ("0::/a/b\n", version_2("a/", 3 * GIB, GIB) | version_2("a/b/", "max", GIB), 2 * GIB),
        ("0::/a/b\n", version_2("a/", 3 * GIB, 0) | version_2("a/b/", GIB, 0), GIB),
        ("4:memory:/a\n0::/\n", version_1("a/", 5 * GIB, 3 * GIB, cache=GIB), 3 * GIB),
        ("4:cpu,memory:/host/path\n", version_1("", 5 * GIB, 3 * GIB), 2 * GIB),
        ("4:memory:/\n", version_1("", NO_LIMIT, 3 * GIB), 8 * GIB),
        ("0::/\n", version_2("", GIB, 2 * GIB), 0),
    ],
)
def test_what_is_available_is_the_least_that_machine_and_groups_leave(machine, membership, groups, expected):
    assert available_bytes(*machine(membership, groups)) == expected


def test_without_proc_it_is_the_memory_of_the_machine(tmp_path):
    assert available_bytes(tmp_path, tmp_path) >= available_bytes() > 0


def test_a_refusal_has_both_figures_and_what_to_try(monkeypatch):
    monkeypatch.setattr(memory, "available_bytes", lambda: int(1.5 * GIB))
    require_memory("EASE", int(1.5 * GIB), "lower it")
    with pytest.raises(
        NotEnoughMemoryError, match=r"EASE needs 2\.25 GiB of memory, 1\.50 GiB are available: lower it"
    ):
        require_memory("EASE", int(2.25 * GIB), "lower it")
    assert issubclass(NotEnoughMemoryError, ModelError)
    assert issubclass(NotEnoughMemoryError, MemoryError)  # which makes a row of status out-of-memory


def test_what_is_needed_is_logged(monkeypatch, caplog):
    monkeypatch.setattr(memory, "available_bytes", lambda: 4 * GIB)
    with caplog.at_level("INFO", "recsys_impl.memory"):
        require_memory("EASE", 3 * GIB, "")
    assert caplog.messages == ["EASE needs 3.00 GiB of memory, 4.00 GiB are available"]


def test_ease_refuses_before_it_begins(tastes, monkeypatch):
    needed = EASE.memory_needed(tastes)
    monkeypatch.setattr(memory, "available_bytes", lambda: needed - 1)
    monkeypatch.setattr("recsys_impl.ease.add_gram", None)  # whoever begins, fails
    with pytest.raises(NotEnoughMemoryError, match=r"EASE needs 0\.03 GiB.*120.*ALS"):
        EASE().fit(tastes, show_progress=False)


def test_ease_says_what_it_needs_by_the_smaller_side(tastes):
    wide, tall = tastes[:20], tastes
    assert 4 * 120**2 < EASE.memory_needed(tall) - EASE.memory_needed(tall[:, :0]) < 4 * 120**2 + 40 * tall.nnz
    assert EASE.memory_needed(wide) - EASE.memory_needed(wide[:0]) < 4 * 20**2 + 40 * wide.nnz + 400


MEASURE = """
import numpy as np, scipy.sparse as sp
from recsys_impl import EASE

def resident(which):
    return next(1024 * int(line.split()[1]) for line in open("/proc/self/status") if line.startswith(which))

def matrix(n_users, n_items, n):
    random = np.random.default_rng(0)
    cells = random.choice(n_users * n_items, n, replace=False)
    return sp.csr_matrix((np.ones(n, np.float32), np.divmod(cells, n_items)), shape=(n_users, n_items))

for shape in ((30, 20), (20, 30)):
    EASE().fit(matrix(*shape, 50), show_progress=False)
x = matrix(*SHAPE, 200_000)
before = resident("VmRSS")
model = EASE().fit(x, show_progress=False)
print(model.memory_needed(x), max(1, resident("VmHWM") - before))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="VmHWM is Linux's")
@pytest.mark.parametrize("shape", [(8000, 6000), (6000, 8000)])
def test_ease_peaks_at_what_it_says(shape):
    """Within a quarter, both ways, for a matrix of 137 MB."""
    script = MEASURE.replace("SHAPE", str(shape))
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    needed, peak = map(int, done.stdout.split())
    assert needed / 1.25 < peak < needed * 1.25
