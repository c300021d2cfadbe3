"""Drawn changes of a results folder: it is read, or refused with the name of the file; a second of each.

tests/fuzz/ has a fuzzer that goes on for as long as one lets it.
"""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reports.store import Store, StoreError
from reports.table import to_frame

VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.just(10**400), st.just("../../x"),
    st.lists(st.integers(-1, 10), max_size=3), st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
    st.lists(st.lists(st.integers(), max_size=2), max_size=2),
)  # fmt: skip
RELAXED = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def cell(tmp_path, fake):
    """(store, result, {a file's name: its path and what it holds})."""
    store, result = Store(tmp_path), fake.result("ml-1m", "als", n_users=7)
    folder = store.write(result)
    store.write_dataset(result.cell, fake.dataset("ml-1m"))
    paths = {path.name: path for path in [*folder.iterdir(), next(tmp_path.rglob("dataset.json"))]}
    return store, result, {name: (path, path.read_bytes()) for name, path in paths.items()}


def check_message(text, name):
    assert name in text or "lists.parquet" in text
    assert len(text) < 2000


def read_all(store, result, path):
    """What a report begins with; an error must name the file."""
    try:
        read = store.read(store.cell_folder(result.cell, result.key))
        store.read_dataset(result.cell)
        to_frame([read])
    except StoreError as error:
        check_message(str(error), path.name)


def places(content, before=()):
    """The paths to all values of a JSON content, of long lists the first two."""
    inner = (
        content.items() if isinstance(content, dict) else enumerate(content[:2]) if isinstance(content, list) else ()
    )
    for key, value in inner:
        yield (*before, key)
        yield from places(value, (*before, key))


@pytest.mark.parametrize("name", ["result.json", "measured.json", "dataset.json"])
def test_a_value_changed_or_taken_away(name, cell):
    store, result, files = cell
    path, whole = files[name]
    paths = list(places(json.loads(whole)))

    @RELAXED
    @given(place=st.sampled_from(paths), value=st.just(KeyError) | VALUES)
    def check(place, value):
        content = inner = json.loads(whole)
        for key in place[:-1]:
            inner = inner[key]
        if value is KeyError:
            del inner[place[-1]]
        else:
            inner[place[-1]] = value
        path.write_text(json.dumps(content))
        read_all(store, result, path)

    check()


@pytest.mark.parametrize("name", ["result.json", "dataset.json", "per_user.parquet", "lists.parquet"])
def test_bytes_changed_anywhere(name, cell):
    store, result, files = cell
    path, whole = files[name]

    @RELAXED
    @given(start=st.integers(0, len(whole)), length=st.integers(0, 20), put=st.binary(max_size=20), cut=st.booleans())
    def check(start, length, put, cut):
        path.write_bytes(whole[:start] + put + (b"" if cut else whole[start + length :]))
        read_all(store, result, path)

    check()
