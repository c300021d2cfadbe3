"""Where tests find real data: the folder BENCH_DATA names, else ../shared/data beside the project."""

import os
from pathlib import Path

import pytest


def find_data_folder():
    named = os.environ.get("BENCH_DATA")
    folder = Path(named) if named else Path(__file__).parents[2] / "shared" / "data"
    return folder if folder.is_dir() else None


@pytest.fixture(scope="session")
def data_folder():
    """The folder with ml-100k, ml-1m, ...; skips where the machine has none."""
    folder = find_data_folder()
    if folder is None:
        pytest.skip("no real data: set BENCH_DATA to a folder laid out as README says")
    return folder
