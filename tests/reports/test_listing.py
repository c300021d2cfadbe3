"""The listing of a results folder, from the beginning of each cell's file."""

import dataclasses
import json

import pytest

from reports.beginning import read_beginning
from reports.listing import list_results
from reports.store import Store, StoreError


def test_each_cell_is_listed_with_how_it_ended(tmp_path, fake):
    store = Store(tmp_path)
    results = [fake.result("ml-1m", "als"), fake.problem("ml-1m", "svd", "timeout", "too long\nhere")]
    folders = [store.write(result) for result in results]
    found = {one.cell.model: one for one in list_results(store)}
    for result, folder in zip(results, folders, strict=True):
        one = found[result.cell.model]
        assert (one.cell, one.key, one.status, one.error, one.folder) == (
            result.cell, result.key, result.status, result.error, folder,
        )  # fmt: skip
    assert list_results(Store(tmp_path / "nothing")) == []


def test_the_beginning_is_what_the_whole_file_says(tmp_path, fake):
    result = dataclasses.replace(fake.result("ml-1m", "als"), identity={"odd": ',\n "metrics": {'})
    path = Store(tmp_path).write(result) / "result.json"
    whole = json.loads(path.read_text())
    beginning = read_beginning(path)
    assert "neighbours" not in beginning
    assert beginning == {name: whole[name] for name in beginning}
    path.write_text(json.dumps(whole))
    assert read_beginning(path) == whole


@pytest.mark.parametrize("keep", [0.2, 0.5, 0.99])
def test_a_file_that_is_cut_off_is_named_and_its_cell_is_not_finished(tmp_path, fake, keep):
    store = Store(tmp_path)
    result = fake.result("ml-1m", "als")
    path = store.write(result) / "result.json"
    whole = path.read_bytes()
    path.write_bytes(whole[: int(keep * len(whole))])
    with pytest.raises(StoreError, match=r"result\.json: not a stored result"):
        list_results(store)
    assert store.find(result.cell, result.key) is None
