"""The leave-one-out test of MovieLens 1M with 99 sampled candidates a user, published with NCF (He et al. 2017)."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.datasets.errors import DatasetError, line_error
from bench.datasets.movielens import ml_1m
from bench.datasets.sources import Counts, Download, Source, find
from splits.interactions import Interactions

SITE = "https://raw.githubusercontent.com/hexiangnan/neural_collaborative_filtering/master/Data"

NCF = Source(
    name="ml-1m-ncf",
    folder="ml-1m-ncf",
    files=("ml-1m.test.negative",),
    downloads=(Download(f"{SITE}/ml-1m.test.negative"),),
    counts=Counts(6_040, 6_040, 3_706),
)


def ml_1m_ncf() -> tuple[Interactions, NDArray[np.int32]]:
    """MovieLens 1M without its ratings, the published test rows ``held_out``; and each user's candidates.

    The files number users by UserID - 1 and items in the order in which ratings.dat first names them.

    Returns
    -------
    The interactions, and int32 (n_users, 100) item codes: the held-out item, then the sampled ones, -1 at the end where
    some were repeated or the held-out item itself (156 of 6,040 users).

    Raises
    ------
    DatasetError
        A file can't be read, or doesn't go with this copy of MovieLens 1M.
    """
    data = ml_1m()
    path = find(NCF) / NCF.files[0]
    order = _by_first_appearance(data)
    candidates = np.full((data.n_users, 100), -1, np.int32)
    for line, text in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        user, items = _numbers(path, line, text)
        if user >= data.n_users or max(items) >= data.n_items:
            raise line_error(path, line, f"user {user} or an item isn't in MovieLens 1M", "Get both files again.")
        distinct = list(dict.fromkeys(order[items].tolist()))
        candidates[user, : len(distinct)] = distinct
    held_out = candidates[data.users, 0] == data.items
    if held_out.sum() != data.n_users:
        raise DatasetError(f"{path}: {data.n_users - held_out.sum()} of its test rows aren't in {data.name}")
    implicit = replace(data, ratings=None, relevance_threshold=None, rating_scale=None, held_out=held_out)
    return implicit, candidates


def _by_first_appearance(data: Interactions) -> NDArray[np.int32]:
    """int32 (n_items,): the code of the item that the file names first, second, ..."""
    codes, first_row = np.unique(data.items, return_index=True)
    return codes[np.argsort(first_row)].astype(np.int32)


def _numbers(path: Path, line: int, text: str) -> tuple[int, list[int]]:
    """``(user,item)`` and 99 items, as the user and 100 items."""
    match = re.fullmatch(r"\((\d+),(\d+)\)((?:\t\d+){99})\t?", text.rstrip("\n"))
    if match is None:
        raise line_error(path, line, "is not (user,item) and 99 items between tabs", "Get the file again.")
    return int(match[1]), [int(match[2]), *map(int, match[3].split())]
