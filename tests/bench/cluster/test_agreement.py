"""Workers with other versions are refused, those without this package too."""

import subprocess
import sys

import cloudpickle
import pytest

from bench.cluster.agreement import CODE, MISSING, check_versions, version_reader
from bench.cluster.errors import ClusterError

HERE = {"python": "3.12.1", "recsys-bench": "0.1.0", "numpy": "2.1.0", CODE: "abc"}


def test_the_same_versions_are_fine():
    check_versions(HERE, {"tcp://a:1": dict(HERE), "tcp://b:1": dict(HERE)})


def test_another_version_is_named_with_ours_and_the_worker():
    with pytest.raises(ClusterError, match=r"tcp://b:1 has other versions.*numpy 1.26.4 \(here 2.1.0\)\. Install"):
        check_versions(HERE, {"tcp://a:1": dict(HERE), "tcp://b:1": {**HERE, "numpy": "1.26.4"}})


def test_changed_code_of_the_same_version_is_another_version():
    with pytest.raises(ClusterError, match=rf"{CODE} abd \(here abc\)"):
        check_versions(HERE, {"tcp://a:1": {**HERE, CODE: "abd"}})


def test_a_worker_without_this_package_can_say_so(tmp_path):
    reader = cloudpickle.dumps(version_reader())
    program = "import sys, cloudpickle; print(cloudpickle.load(sys.stdin.buffer)(['recsys-bench-not-there', 'numpy']))"
    blocked = "import sys; sys.meta_path = [f for f in sys.meta_path if 'editable' not in str(f).lower()]; "
    answer = subprocess.run(
        [sys.executable, "-I", "-c", blocked + program], input=reader, cwd=tmp_path, capture_output=True, check=True
    )
    found = eval(answer.stdout)
    assert found["recsys-bench-not-there"] == MISSING
    assert found[CODE] == MISSING
    assert found["numpy"] == version_reader()(["numpy"])["numpy"]
    with pytest.raises(ClusterError, match=r"doesn't have recsys-bench: install 0\.1\.0 there"):
        check_versions(HERE, {"tcp://a:1": {**HERE, **found}})
