"""What is under a temporary name goes when its owner is dead, and only then."""

import os
import subprocess
import sys

import pytest

from reports import scratch
from reports.scratch import PREFIX, exchange, make_folders, open_scratch_file, remove_leftovers, scratch_folder


def test_a_folder_is_there_while_it_is_open_and_gone_afterwards(tmp_path):
    with scratch_folder(tmp_path / "results") as folder:
        (folder / "cell").mkdir()
        assert folder.parent == tmp_path / "results"
        assert folder.name.startswith(".")
    assert list((tmp_path / "results").iterdir()) == []


def test_what_is_open_here_or_in_another_process_stays(tmp_path):
    code = "import sys; from pathlib import Path; from reports.scratch import *\n"
    code += "with scratch_folder(Path(sys.argv[1])): print('open', flush=True); sys.stdin.read()"
    other = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert other.stdout.readline() == b"open\n"
    with scratch_folder(tmp_path):
        handle, file = open_scratch_file(tmp_path)
        assert remove_leftovers(tmp_path) == 0
        assert len(list(tmp_path.iterdir())) == 3
        os.close(handle)
        file.unlink()
    other.kill()
    other.wait()
    assert remove_leftovers(tmp_path) == 1
    assert list(tmp_path.iterdir()) == []


def test_left_files_and_folders_go_and_all_else_stays(tmp_path):
    datasets = tmp_path / "datasets" / "ml-1m" / "random" / "0"
    datasets.mkdir(parents=True)
    left = [tmp_path / f"{PREFIX}file", datasets / f"{PREFIX}file"]
    kept = [tmp_path / ".tmp-anotherhost-file", tmp_path / "report.csv", datasets / "dataset.json"]
    for path in [*left, *kept]:
        path.write_text("")
    folder = tmp_path / f"{PREFIX}folder" / "split-0"
    folder.mkdir(parents=True)
    (tmp_path / f"{PREFIX}link").symlink_to(tmp_path / "report.csv")
    assert remove_leftovers(tmp_path) == 3
    assert not any(path.exists() for path in [*left, folder.parent])
    assert all(path.exists() for path in kept)


def test_a_new_folder_that_was_taken_for_a_leftover_is_made_again(tmp_path, monkeypatch):
    """Another run's clearing may come between the making of a folder and its lock."""
    flock, taken = scratch.fcntl.flock, []

    def clear_first(handle, operation):
        if not taken:
            (path,) = tmp_path.iterdir()
            taken.append(path)
            path.rmdir()
        flock(handle, operation)

    monkeypatch.setattr(scratch.fcntl, "flock", clear_first)
    with scratch_folder(tmp_path) as folder:
        assert taken
        assert folder not in taken
        assert folder.is_dir()


def test_two_folders_swap_names_in_one_step(tmp_path):
    for name in ("one", "other"):
        make_folders(tmp_path / name)
        (tmp_path / name / "says").write_text(name)
    if not exchange(tmp_path / "one", tmp_path / "other"):
        pytest.skip("this system can't exchange names")
    assert (tmp_path / "one" / "says").read_text() == "other"
    assert (tmp_path / "other" / "says").read_text() == "one"


def test_exchange_with_nothing_is_none(tmp_path):
    (tmp_path / "one").mkdir()
    assert not exchange(tmp_path / "one", tmp_path / "missing")
