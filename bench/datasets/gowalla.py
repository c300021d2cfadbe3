"""Gowalla check-ins in the train and test published with NGCF (Wang et al. 2019) and used by LightGCN and others."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.datasets.errors import line_error
from bench.datasets.sources import Counts, Download, Source, check_counts, find
from bench.datasets.table import Form, records
from splits.interactions import Interactions

SITE = "https://raw.githubusercontent.com/xiangwang1223/neural_graph_collaborative_filtering/master/Data/gowalla"

GOWALLA = Source(
    name="gowalla",
    folder="gowalla",
    files=("train.txt", "test.txt"),
    downloads=(Download(f"{SITE}/train.txt"), Download(f"{SITE}/test.txt")),
    counts=Counts(810_128 + 217_242, 29_858, 40_981),
)


def gowalla() -> Interactions:
    """Which of 40,981 places 29,858 users visited; the published test rows are ``held_out``."""
    folder = find(GOWALLA)
    train_users, train_items = _visits(folder / "train.txt")
    test_users, test_items = _visits(folder / "test.txt")
    interactions = Interactions.from_columns(
        GOWALLA.name,
        np.concatenate([train_users, test_users]),
        np.concatenate([train_items, test_items]),
        held_out=np.repeat([False, True], [len(train_users), len(test_users)]),
    )
    check_counts(GOWALLA, interactions, folder)
    return interactions


def _visits(path: Path) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Users and items, one entry a visit, of a file with one line a user: the user's number, then the items'."""
    # A separator that no line has leaves each line in one field; the lines have no fixed number of them.
    users, visits = [], []
    for line, (text,) in records(path, Form("\t", ("visits",), closed=True)):
        numbers = _numbers(path, line, text)
        users.append(numbers[0])
        visits.append(numbers[1:])
    items = np.array([item for items in visits for item in items], dtype=np.int64)
    return np.repeat(np.array(users, dtype=np.int64), [len(items) for items in visits]), items


def _numbers(path: Path, line: int, text: str) -> list[int]:
    words = text.split()
    wrong = next((word for word in words if not word.isdecimal() or len(word) > 18), "" if not words else None)
    if wrong is not None:
        raise line_error(path, line, f"'{wrong[:40]}' is not a whole number from 0", "Get the file again.")
    return list(map(int, words))
