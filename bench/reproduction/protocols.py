"""How the published tables were measured: which rows are held out, and what is ranked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from bench import loading
from bench.datasets.ncf import ml_1m_ncf
from splits.interactions import Interactions
from splits.split import Split


@dataclass(frozen=True)
class Protocol:
    """The splits of a table, whose values are averaged; and the items that each user's test item is ranked among.

    ``candidates`` is int (n_users, n), -1 where a user has fewer; None: all items that the user has not in train.
    """

    splits: list[Split]
    candidates: NDArray[np.int32] | None = None


def surprise_folds(dataset: str) -> Protocol:
    """Five folds as Surprise's ``KFold(random_state=0)`` deals them: shuffled rows of the file in contiguous parts."""
    interactions = loading.load(dataset)
    return Protocol([Split(interactions, in_test) for in_test in surprise_parts(interactions, folds=5)])


def surprise_parts(interactions: Interactions, folds: int) -> list[NDArray[np.bool_]]:
    """bool (n,) for each fold; the first n % folds of them have one row more."""
    order = np.arange(len(interactions))
    # NumPy's old generator, kept for a table that was made with it: the only place where it decides anything.
    np.random.RandomState(0).shuffle(order)
    parts = []
    for rows in np.array_split(order, folds):
        in_test = np.zeros(len(interactions), bool)
        in_test[rows] = True
        parts.append(in_test)
    return parts


def published_split(dataset: str) -> Protocol:
    """The train and test that came with the data, everything ranked."""
    return Protocol([loading.split(loading.load(dataset), "fixed")])


def sampled_candidates(dataset: str) -> Protocol:
    """NCF's leave-one-out test: each user's held-out item among itself and 99 sampled ones."""
    interactions, candidates = ml_1m_ncf()
    return Protocol([loading.split(interactions, "fixed")], candidates)


PROTOCOLS: dict[str, Callable[[str], Protocol]] = {
    "surprise-folds": surprise_folds,
    "published-split": published_split,
    "sampled-candidates": sampled_candidates,
}


def not_candidates(candidates: NDArray[np.int32], n_items: int) -> sp.csr_matrix:
    """Users x items with an entry where an item is no candidate: what the ranking leaves out."""
    left_out = np.ones((len(candidates), n_items), bool)
    users, places = np.nonzero(candidates >= 0)
    left_out[users, candidates[users, places]] = False
    return sp.csr_matrix(left_out, dtype=np.float32)
