"""The compiler's cache: no stale callee, no need of HOME or of a writable package."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CODE = "from recsys_impl.kernels.compile import cache_folder; print(cache_folder())"


def folder_for(environment, root=ROOT):
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("XDG", "NUMBA"))}
    run = subprocess.run(
        [sys.executable, "-c", CODE],
        env={**clean, "PYTHONPATH": str(root), **environment},
        capture_output=True,
        text=True,
        check=True,
        cwd=root,
    )
    return run.stdout.strip()


def test_the_folder_changes_with_any_kernel(tmp_path):
    shutil.copytree(ROOT / "recsys_impl", tmp_path / "a" / "recsys_impl")
    shutil.copytree(ROOT / "recsys_impl", tmp_path / "b" / "recsys_impl")
    kernel = tmp_path / "b" / "recsys_impl" / "kernels" / "blocks.py"
    kernel.write_text(kernel.read_text() + "\n# changed\n")
    home = {"HOME": str(tmp_path / "home")}
    same, changed = folder_for(home, tmp_path / "a"), folder_for(home, tmp_path / "b")
    assert same == folder_for(home)
    assert same != changed


@pytest.mark.parametrize("home", ["/nonexistent/home", "/dev/null"])
def test_it_works_without_a_home(home, tmp_path):
    folder = folder_for({"HOME": home, "TMPDIR": str(tmp_path)})
    assert Path(folder).is_dir()
    assert os.access(folder, os.W_OK)
