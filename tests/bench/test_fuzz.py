"""Drawn input: whatever a file holds, it is read whole or refused by an error that is meant for the user.

A second of each; tests/fuzz/ has fuzzers that go on for as long as one lets them.
"""

import gzip
import json
import warnings

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.datasets.errors import DatasetError, DatasetWarning
from bench.datasets.file import from_file
from bench.evaluation import evaluate
from bench.experiment import Experiment, ExperimentError, SplitChoice, parse_value, read_toml
from bench.registry import UnknownNameError

FIELDS = st.one_of(
    st.sampled_from(["1", "2", "-0", "007", "1.5", "1e400", "nan", "inf", "0x1", "9" * 25, "2024-01-01", "1_000"]),
    st.sampled_from(["", " ", '"', '""', '"a', "a\tb", "é", "\0", "\r", "\n", "::", "\x1f", "user", "rating", "id"]),
    st.text(max_size=5),
)
TABLES = st.builds(
    lambda header, rows, separator, end: end.join(separator.join(row) for row in [header, *rows]) + end,
    st.sampled_from([["user", "item"], ["user", "item", "rating"], ["item", "userId", "count", "title"]]),
    st.lists(st.lists(FIELDS, min_size=2, max_size=4), max_size=5),
    st.sampled_from([",", "\t", ";", "|", "::"]),
    st.sampled_from(["\n", "\r\n", "\r", ""]),
)
CONTENTS = st.one_of(
    TABLES.map(lambda text: text.encode("utf-8")),
    TABLES.map(lambda text: gzip.compress(text.encode("utf-8"), 1)),
    TABLES.map(lambda text: text.encode("utf-16")),
    st.binary(max_size=100),
    st.binary(max_size=100).map(lambda content: b"user,item\n" + content),
)


COLUMNS = st.dictionaries(st.sampled_from(["user", "item", "rating"]), st.integers(-1, 5))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("drawn")


def written(path, content):
    path.write_bytes(content)
    return path


def check_message(error):
    assert len(str(error)) < 2000


def check(data):
    assert 0 < len(data) == len(data.users) == len(data.items)
    assert data.users.max() < data.n_users == len(set(data.user_ids.tolist()))
    assert data.items.max() < data.n_items == len(set(data.item_ids.tolist()))
    assert data.ratings is None or np.isfinite(data.ratings).all()
    assert data.titles is None or len(data.titles) == data.n_items


@settings(max_examples=300, deadline=None)
@given(
    content=CONTENTS,
    columns=st.none() | st.dictionaries(st.sampled_from(["user", "item", "rating"]), st.integers(-1, 5)),
)
def test_text_files(content, columns, folder):
    try:
        check(from_file(written(folder / "x.csv", content), columns))
    except DatasetError as error:
        check_message(error)


@settings(max_examples=100, deadline=None)
@given(content=CONTENTS)
def test_files_of_titles_and_of_held_out_rows(content, folder):
    warnings.simplefilter("ignore", DatasetWarning)
    own, other = written(folder / "own.csv", b"user,item\n1,1\n1,2\n"), written(folder / "other.csv", content)
    for option in ("titles", "test"):
        try:
            check(from_file(own, **{option: other}))
        except DatasetError as error:
            check_message(error)


VALUES = st.one_of(
    *(st.none(), st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(), st.text(max_size=5)),
    *(st.binary(max_size=5), st.datetimes(), st.dates(), st.times(), st.timedeltas()),
    *(st.decimals(allow_nan=False, places=2), st.lists(st.integers())),
)


@settings(max_examples=150, deadline=None)
@given(
    names=st.lists(st.sampled_from(["user", "item", "rating", "time", "title", "x"]), min_size=1, max_size=5),
    values=st.data(),
)
def test_parquet_files(names, values, folder):
    columns = []
    for _ in names:
        like = values.draw(VALUES)
        try:
            columns.append(pa.array([like, values.draw(st.just(like) | VALUES), like]))
        except (pa.ArrowException, TypeError, ValueError, OverflowError):
            columns.append(pa.array([1, 2, 3]))
    try:
        pq.write_table(pa.table(columns, names=names), folder / "x.parquet")
    except pa.ArrowException:
        return
    try:
        check(from_file(folder / "x.parquet"))
    except DatasetError as error:
        check_message(error)


@settings(max_examples=150, deadline=None)
@given(content=CONTENTS)
def test_lists_of_recommendations(content, folder):
    train = written(folder / "train.csv", b"user,item,rating\n1,1,5\n1,2,4\n2,1,3\n")
    test = written(folder / "test.csv", b"user,item,rating\n1,3,5\n2,2,4\n")
    lists = written(folder / "lists.csv", content.replace(b"rating", b"score"))
    try:
        found = evaluate(lists, train, test, (1, 3))
    except DatasetError as error:
        check_message(error)
    else:
        assert all(np.isfinite(value) for value in found.metrics.values())


PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
SETTINGS = st.recursive(PLAIN, lambda inner: st.lists(inner, max_size=3))


@settings(max_examples=200, deadline=None)
@given(
    plan=st.dictionaries(st.sampled_from(["datasets", "splits", "models", "k", "seeds", "threshold", "x"]), SETTINGS),
    junk=st.none() | st.text(max_size=30) | st.binary(max_size=30),
)
def test_toml_files(plan, junk, folder):
    lines = "".join(f"{key} = {json.dumps(value)}\n" for key, value in plan.items())
    content = lines.encode("utf-8") + (junk if isinstance(junk, bytes) else (junk or "").encode("utf-8"))
    try:
        experiment = Experiment(**read_toml(written(folder / "x.toml", content))).check()
        for split in experiment.splits:
            experiment.split_seeds(SplitChoice.parse(split))
    except (ExperimentError, UnknownNameError) as error:
        check_message(error)


@settings(max_examples=200, deadline=None)
@given(text=st.text(max_size=20) | st.sampled_from(["9" * 5000, "[" * 5000, "1e999", "nan", "1979-05-27", "'a", '"\\']))
def test_any_text_is_a_value(text):
    parse_value(text)
