"""Recommendation lists of any program, judged by the bench's own metrics.

Train, test and lists are files (CSV, TSV, Parquet). Candidates are all items but those the user has in train; a listed
item that the user has in train, or that neither file knows, can't be a hit and keeps its place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from bench.compatibility.table import DEEPEST, Beside, beside
from bench.datasets import parquet
from bench.datasets.errors import DatasetError, listed
from bench.datasets.file import from_file, is_parquet
from bench.datasets.headers import is_header
from bench.datasets.opening import read_opening
from bench.experiment import check_cutoffs
from bench.metrics import put_together
from bench.ranking import Ranked
from bench.registry import METRICS, resolve
from recsys_impl.kernels.topk import tie_hashes
from splits.interactions import Interactions

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Evaluation:
    """Metrics of lists from outside, over all users with a relevant test item.

    ``counts`` and ``notes`` say who was evaluated and what was odd about the lists; ``beside`` is what another program
    calls by these names, where it was asked for.
    """

    metrics: dict[str, float]
    counts: dict[str, int]
    notes: list[str] = field(default_factory=list)
    beside: list[Beside] = field(default_factory=list)


def evaluate(
    recommendations: str | Path | pd.DataFrame,
    train: str | Path,
    test: str | Path,
    ks: tuple[int, ...],
    columns: Mapping[str, str | int] | None = None,
    threshold: float | None = None,
    compat: str = "",
) -> Evaluation:
    """Read the three tables and compute every metric that needs only lists.

    Parameters
    ----------
    recommendations
        A file or frame with columns user, item and either rank (1 is best) or score (higher is better). Equal scores
        are ordered by a hash, never by the item; of a pair that stands there twice the last row counts.
    train, test
        Files of interactions; ``columns`` and ``threshold`` as for any file of the user's.
    compat
        A program of ``bench/compatibility/table.py`` whose definitions are to stand beside ours.

    Raises
    ------
    DatasetError
        A file can't be read, or the lists have neither a rank nor a score.
    """
    check_cutoffs(ks)
    data = from_file(train, columns=columns, test=test, threshold=threshold)
    in_test = np.asarray(data.held_out)
    held_out = data.select(in_test)
    seen, relevant = data.select(~in_test).to_csr(), held_out.select(held_out.relevant).to_csr()
    users = np.flatnonzero(np.diff(relevant.indptr))
    listed, best_first = read_lists(recommendations)
    depth = max(ks)
    if compat:
        depth = max(depth, min(DEEPEST, _longest(listed)))
    lists, n_items, counts = align(listed, best_first, data, depth)
    counts |= {
        "n_users": len(users),
        "n_left_out": len(np.unique(held_out.users)) - len(users),
        "n_without_list": int((lists[users, 0] < 0).sum()),
        "n_seen": _count_hits(lists[users], users, seen, n_items),
    }
    ranked = Ranked.from_lists(users, lists[users], _widened(seen, n_items), _widened(relevant, n_items))
    theirs = beside(compat, ranked, ks) if compat else []
    return Evaluation(_measure(ranked, ks), counts, _notes(counts), theirs)


def read_lists(recommendations: str | Path | pd.DataFrame) -> tuple[Interactions, bool]:
    """The lists as interactions whose "ratings" order them, and whether the smallest is best (ranks)."""
    if not isinstance(recommendations, str | Path):
        return _from_frame(recommendations)
    path = Path(recommendations)
    names = _column_names(path)
    ranks = [name for name in names if name.strip().lower() == "rank"]
    if not is_parquet(path) and not is_header(names, None):
        raise DatasetError(
            f"{path}, line 1: '{', '.join(names)[:80]}' holds no usual column names. Give the lists a first line with "
            "user, item and rank or score; --columns is for train and test"
        )
    lists = from_file(path, columns={"rating": ranks[0]} if ranks else None)
    if lists.ratings is None:
        raise DatasetError(f"{path}: has no column 'rank' or 'score' to order the lists by; it has {listed(names)}")
    return lists, bool(ranks)


def align(
    listed: Interactions, best_first: bool, data: Interactions, k: int
) -> tuple[NDArray[np.int32], int, dict[str, int]]:
    """Lists by the codes of ``data``: items (n_users, k), best first, -1 where short; and the number of item codes.

    Items that neither train nor test knows get codes behind the known ones: they keep their places and never hit.
    """
    assert listed.ratings is not None
    user_codes, new_users = _translate(listed.user_ids, data.user_ids)
    item_codes, new_items = _translate(listed.item_ids, data.item_ids)
    users, items = user_codes[listed.users], item_codes[listed.items]
    marks = np.empty(len(users), np.uint64)
    tie_hashes(0, users, items, marks)
    order = np.lexsort((marks, listed.ratings if best_first else -listed.ratings, users))
    users, items = users[order], items[order]
    places = np.arange(len(users)) - np.searchsorted(users, users)
    lists = np.full((data.n_users, k), -1, np.int32)
    kept = (places < k) & (users < data.n_users)
    lists[users[kept], places[kept]] = items[kept]
    return lists, data.n_items + new_items, {"n_unknown_users": new_users, "n_unknown_items": new_items}


def _longest(listed: Interactions) -> int:
    return int(np.bincount(listed.users).max(initial=0))


def _from_frame(frame: pd.DataFrame) -> tuple[Interactions, bool]:
    ranked = "rank" in frame.columns
    missing = [name for name in ("user", "item", "rank" if ranked else "score") if name not in frame.columns]
    if missing:
        have = ", ".join(map(str, frame.columns))
        raise DatasetError(f"recommendations need the columns user, item and rank or score; there are {have}")
    order = frame["rank" if ranked else "score"]
    return Interactions.from_columns("recommendations", frame["user"], frame["item"], order), ranked


def _column_names(path: Path) -> Sequence[str]:
    if is_parquet(path):
        return parquet.column_names(path)
    return read_opening(path).fields


def _translate(ids: NDArray[Any], known: NDArray[Any]) -> tuple[NDArray[np.int64], int]:
    """The code in ``known`` of each id, those that aren't there numbered on; and how many those are."""
    place_of = {str(name): place for place, name in enumerate(known.tolist())}
    codes = np.array([place_of.get(str(name), -1) for name in ids.tolist()], np.int64)
    new = codes < 0
    codes[new] = len(known) + np.arange(new.sum())
    return codes, int(new.sum())


def _widened(matrix: sp.csr_matrix, n_items: int) -> sp.csr_matrix:
    """The matrix with empty columns for unknown items."""
    return sp.csr_matrix((matrix.data, matrix.indices, matrix.indptr), shape=(matrix.shape[0], n_items))


def _count_hits(lists: NDArray[np.int32], users: NDArray[Any], matrix: sp.csr_matrix, n_items: int) -> int:
    """How many listed items are in the users' rows of a matrix."""
    wide = _widened(matrix, n_items)
    return int(Ranked.from_lists(users, lists, wide, wide).hits.sum())


def _measure(ranked: Ranked, ks: tuple[int, ...]) -> dict[str, float]:
    metrics = {}
    for name, row in METRICS.items():
        for k in ks if row.needs == "lists" else ():
            value = put_together(row.put_together, resolve(row.target)(ranked, k))
            if np.isfinite(value):
                metrics[f"{name}@{k}"] = value
    return metrics


def _notes(counts: Mapping[str, int]) -> list[str]:
    """What the reader of the metrics must know of the lists."""
    sentences = {
        "n_left_out": "test users without a relevant test item are left out of the means",
        "n_without_list": "evaluated users have no list: all their relevant items are misses",
        "n_unknown_users": "users of the lists are neither in train nor in test: ignored",
        "n_unknown_items": "listed items are neither in train nor in test: they keep their places, as misses",
        "n_seen": "listed items are in the user's train part: no candidates, they count as misses",
    }
    return [f"{counts[name]:,} {sentence}." for name, sentence in sentences.items() if counts[name]]
