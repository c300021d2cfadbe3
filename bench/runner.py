"""One cell: fit, rank, measure. It is given objects and looks nothing up."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from time import perf_counter
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from bench import environment
from bench.building import takes
from bench.coordinates import item_map
from bench.curve import Judge, Watch, judge_lists, judge_ratings, sample
from bench.metrics import RatingErrors, put_together
from bench.ranking import Ranked, Scorer, rank
from bench.registry import MetricRow
from bench.vectors import vectors_of
from recsys_impl.base import NoSimilarityError, top_k
from recsys_impl.popularity import Popularity
from reports.result import Cell, MetricValue, Result
from splits.split import Split

NEIGHBOURS = 11  # an item itself and its ten nearest
LATENCY_USERS = 200


class ContractError(ValueError):
    """A model doesn't do what the bench relies on; the message says what it gave and what is expected."""


@dataclass(frozen=True)
class Task:
    """All that a cell needs beside the model and the split.

    ``metrics`` maps a metric's name to its row and function; ``known_items`` are items whose neighbours are wanted;
    ``tell`` is called with ("memory_needed", bytes) before the fit of a model that knows, and with ("epoch", number)
    after each epoch. With ``keep_vectors`` the result has the factors of users and items.
    """

    cell: Cell
    key: str
    identity: dict[str, Any]
    learns_from: str
    ks: Sequence[int]
    metrics: Mapping[str, tuple[MetricRow, Callable[..., Any]]]
    known_items: Sequence[int] = ()
    threads: int = 1
    tell: Callable[[str, int], None] = lambda what, value: None
    keep_vectors: bool = False


class Material:
    """A split as the matrices that fitting and ranking need.

    ``empty_history``, bool (n_users,), says of which users the model is given nothing; they get ``popularity``'s lists.
    """

    def __init__(self, split: Split, learns_from: str):
        self.split = split
        # Nobody reads the times of the training part. A copy of its other columns is let go as soon as there are
        # matrices: the part that the split would keep is 400 MB at the size of ML-20M.
        train = replace(split.interactions, timestamps=None).select(~split.in_test)
        self.seen = train.to_csr()
        self.positives = train.positives()
        self.fitted_on = train.to_csr(train.ratings) if learns_from == "ratings" else self.positives
        # Before any fit: a model may write into the matrix that it is given.
        self.empty_history = np.diff(self.fitted_on.indptr) == 0
        self.popularity = Popularity().fit(self.positives)
        test = split.test
        self.relevant = test.select(test.relevant).to_csr()

    @cached_property
    def test_users(self) -> NDArray[np.int64]:
        return np.unique(self.split.test.users).astype(np.int64)

    @cached_property
    def has_relevant(self) -> NDArray[np.bool_]:
        """bool (n test users,): with at least one relevant test item; means run over these."""
        return np.asarray(np.diff(self.relevant.indptr)[self.test_users] > 0)

    @cached_property
    def n_train(self) -> NDArray[np.int32]:
        """int32 (n test users,): training interactions at any rating."""
        return np.asarray(np.diff(self.seen.indptr)[self.test_users], np.int32)

    @cached_property
    def warm(self) -> NDArray[np.bool_]:
        """bool (n test users,): with at least one training interaction."""
        return np.asarray(self.n_train > 0)


def run_cell(build: Callable[[], Any], split: Split, task: Task) -> Result:
    """Fit a fresh model on the split's train part and measure it on the test part."""
    material = Material(split, task.learns_from)
    compile_seconds = warm_up(build, material)
    model = build()
    scorer = with_fallback(model, material)
    watch = watch_over(model, scorer, material, task)
    model, fit_seconds = fit(model, material, task, watch)
    ranked, recommend_seconds = rank_test_users(scorer, material, task, scores_are_ours(model))
    result = Result(task.cell, task.key, task.identity, "ok")
    result.users, result.lists = ranked.users.astype(np.int32), ranked.lists
    result.per_user = {"warm": material.warm, "n_relevant": ranked.n_relevant, "n_train": material.n_train}
    result.per_item = count_per_item(ranked.take(material.has_relevant), task.ks)
    measure(result, ranked, material, task)
    if predicts_ratings(model, material, task):
        measure_ratings(result, model, material, task)
    result.counts, result.notes = describe(material)
    result.counts |= count_faults(ranked, material)
    result.neighbours = neighbours(model, task.known_items, split.interactions.n_items)
    result.curve, curve_seconds = watch.curve()
    if watch.trouble:
        result.notes.append(f"No learning curve: asked during its fit, the model raised {watch.trouble}")
    result.measured = {
        "fit_seconds": fit_seconds,
        "recommend_seconds": recommend_seconds,
        "compile_seconds": compile_seconds,
        **latency(scorer, material),
        "model_size_mb": size_mb(model),
        "peak_memory_mb": environment.peak_memory_mb(),
        "environment": environment.describe(task.threads),
    }
    if result.curve is not None:
        result.measured["curve_seconds"] = curve_seconds
    add_vectors(result, model, material, task)
    return result


def warm_up(build: Callable[[], Any], material: Material) -> float:
    """Compile (or load from the cache) the kernels of a hand-rolled model and of the ranking, on a tiny matrix."""
    started = perf_counter()
    tiny = sp.csr_matrix(np.kron(np.eye(2), np.ones((8, 8))).astype(np.float32))
    model: Any = build()
    if not type(model).__module__.startswith("recsys_impl."):
        model = Popularity()
    elif hasattr(model, "iterations"):
        model.iterations = 1
    model.fit(tiny[:8], show_progress=False)  # fewer users than items: EASE has a kernel for that
    model.fit(tiny, show_progress=False)
    users = np.arange(16)
    rank(model.score, users, tiny, sp.csr_matrix(1 - tiny.toarray()), k=2, seed=0)
    return perf_counter() - started


def watch_over(model: Any, scorer: Scorer, material: Material, task: Task) -> Watch:
    """What stops the fit's clock and looks at the model after its epochs."""
    users = sample(material.test_users[material.has_relevant & material.warm])
    judge: Judge | None = None
    if len(users) and predicts_ratings(model, material, task):
        judge = judge_ratings(model.predict, users, material.split.test)
    elif len(users):
        options = {"threads": task.threads, "concurrent": scores_are_ours(model)}
        tables = (material.seen, material.relevant)
        judge = judge_lists(scorer, users, *tables, task.ks, seed=task.cell.split_seed, **options)
    total = getattr(model, "iterations", None)
    return Watch(judge, total if isinstance(total, int) else None, lambda epoch: task.tell("epoch", epoch))


def predicts_ratings(model: Any, material: Material, task: Task) -> bool:
    """Whether the model is judged by the ratings that it predicts, too."""
    on_a_scale = material.split.interactions.rating_scale is not None
    return hasattr(model, "predict") and on_a_scale and task.learns_from == "ratings"


def fit(model: Any, material: Material, task: Task, watch: Watch) -> tuple[Any, float]:
    """The fitted model and the seconds of ``fit`` alone, without those in its callback."""
    keywords: dict[str, Any] = {}
    if takes(model.fit, "show_progress"):
        keywords["show_progress"] = False
    if takes(model.fit, "callback"):
        keywords["callback"] = watch
    matrix = material.fitted_on
    if callable(getattr(model, "memory_needed", None)):
        task.tell("memory_needed", int(model.memory_needed(matrix)))
    watch.start()
    model.fit(matrix, **keywords)
    seconds = watch.stop()
    _check_scores(model, matrix.shape, task)
    return model, seconds


def with_fallback(model: Any, material: Material) -> Callable[[NDArray[Any]], NDArray[Any]]:
    """The model's scores, with those of popularity for users of whom the model was given nothing."""
    popularity, empty = material.popularity, material.empty_history

    def score(users: NDArray[Any]) -> NDArray[Any]:
        scores = model.score(users)
        unknown = empty[users]
        if unknown.any():
            scores = np.array(scores, dtype=np.float32)
            scores[unknown] = popularity.score(users[unknown])
        return np.asarray(scores)

    return score


def scores_are_ours(model: Any) -> bool:
    """Whether ``score`` is one of ours, which only reads: a plug-in's may not be fit for several threads."""
    return str(getattr(type(model).score, "__module__", "")).startswith("recsys_impl.")


def rank_test_users(
    scorer: Callable[[NDArray[Any]], NDArray[Any]], material: Material, task: Task, concurrent: bool
) -> tuple[Ranked, float]:
    """Lists of all test users and the seconds it took to score, mask and rank (AUC's counts included)."""
    started = perf_counter()
    ranked = rank(
        scorer,
        material.test_users,
        material.seen,
        material.relevant,
        max(task.ks),
        task.cell.split_seed,
        threads=task.threads,
        concurrent=concurrent,
    )
    return ranked, perf_counter() - started


def measure(result: Result, ranked: Ranked, material: Material, task: Task) -> None:
    """Add every metric of lists, over the warm users and, where some are cold, over all."""
    evaluated = ranked.take(material.has_relevant)
    warm = material.warm[material.has_relevant]
    warm_ranked = evaluated if warm.all() else evaluated.take(warm)
    for name, (row, function) in task.metrics.items():
        if row.needs == "ratings":
            continue
        for column, arguments in [(f"{name}@{k}", (k,)) for k in task.ks] if row.needs == "lists" else [(name, ())]:
            parts = function(evaluated, *arguments)
            everybody = put_together(row.put_together, parts)
            if row.put_together == "catalogue":
                value = everybody if warm.all() else put_together("catalogue", function(warm_ranked, *arguments))
            else:
                value = put_together(row.put_together, parts[warm])
                result.per_user[column] = np.full(len(ranked), np.nan)
                result.per_user[column][material.has_relevant] = parts
            _add(result, column, row, value, None if warm.all() else everybody)


def _add(result: Result, column: str, row: MetricRow, value: float, value_all: float | None) -> None:
    """Add a metric; one that is undefined for everybody (nobody to average over) is left out: empty, never 0."""
    if np.isfinite(value):
        per_user = column if column in result.per_user else ""
        result.metrics[column] = MetricValue(value, value_all, row.higher_is_better, row.version, per_user)


def measure_ratings(result: Result, model: Any, material: Material, task: Task) -> None:
    """Add the metrics of predicted ratings, over all held-out ratings of warm users and of all."""
    test = material.split.test
    assert test.ratings is not None
    assert test.rating_scale is not None
    predicted = np.clip(_predictions(model, test.users, test.items, task), *test.rating_scale)
    if not np.isfinite(predicted).all():
        raise ContractError(f"{task.cell.model}: predict gave a rating that is not finite: lower learning_rate")
    errors = RatingErrors(test.users, predicted, test.ratings, test.n_users)
    for name, (row, function) in task.metrics.items():
        if row.needs != "ratings":
            continue
        parts = function(errors)[material.test_users]
        result.per_user[f"{name}_sum"], result.per_user[f"{name}_count"] = parts[:, 0], parts[:, 1]
        everybody, warm = put_together(row.put_together, parts), put_together(row.put_together, parts[material.warm])
        _add(result, name, row, warm, None if material.warm.all() else everybody)


def _predictions(model: Any, users: NDArray[Any], items: NDArray[Any], task: Task) -> NDArray[np.float64]:
    """One number a pair; a single number for all of them would be repeated without a word."""
    found = model.predict(users.copy(), items.copy())
    predicted = np.asarray(found)
    if np.ma.isMaskedArray(found) or predicted.shape != users.shape or predicted.dtype.kind not in "fiu":
        got = f"{predicted.dtype} of shape {predicted.shape}"
        raise ContractError(
            f"{task.cell.model}.predict(user_ids, item_ids) gave {got}: expected numbers of shape {users.shape}"
        )
    return predicted.astype(np.float64)


def describe(material: Material) -> tuple[dict[str, int], list[str]]:
    """How many users and items are evaluated, left out, cold; and the sentences that a reader must see."""
    split = material.split
    evaluated = material.test_users[material.has_relevant]
    n_empty = int(material.empty_history[evaluated].sum())
    counts = {
        "n_users": len(evaluated),
        "n_left_out": int((~material.has_relevant).sum()),
        "n_cold_users": int((~material.warm).sum()),
        "n_cold_items": len(split.cold_items),
        "n_empty_histories": n_empty,
        "n_train": int(np.count_nonzero(~split.in_test)),
        "n_test": len(split.test),
    }
    notes = []
    if counts["n_left_out"]:
        notes.append(f"{counts['n_left_out']} test users without a relevant test item are left out of the means.")
    if counts["n_cold_users"]:
        notes.append(
            f"{counts['n_cold_users']} test users are cold (no training interaction): means are over the warm users, "
            "those over all users stand in the columns ending in _all."
        )
    if counts["n_cold_items"]:
        notes.append(f"{counts['n_cold_items']} test items never occur in train; where relevant they count as misses.")
    if n_empty:
        notes.append(f"For {n_empty} evaluated users the model had no history: they get the most popular items.")
    return counts, notes


def count_faults(ranked: Ranked, material: Material) -> dict[str, int]:
    """What no list should have: a seen item, or an empty place although there was a candidate for it."""
    lists, seen = ranked.lists, material.seen[ranked.users]
    n_items = seen.shape[1]
    filled = lists >= 0
    n_candidates = n_items - np.diff(seen.indptr)
    rows = np.repeat(np.arange(len(lists)), filled.sum(axis=1))
    listed = sp.csr_matrix((np.ones(len(rows), np.int8), (rows, lists[filled])), shape=seen.shape)
    return {
        "n_short_lists": int((filled.sum(axis=1) < np.minimum(lists.shape[1], n_candidates)).sum()),
        "n_seen_recommended": int(listed.multiply(seen).nnz),
    }


def count_per_item(evaluated: Ranked, ks: Sequence[int]) -> dict[str, NDArray[np.int32]]:
    """int32 (n_items,) for each cut-off: in how many lists an item is, and in how many of them it is a hit."""
    counts = {}
    for k in ks:
        lists, hits = evaluated.lists[:, :k], evaluated.hits[:, :k]
        for name, items in ((f"recommended@{k}", lists[lists >= 0]), (f"hits@{k}", lists[hits])):
            counts[name] = np.bincount(items, minlength=evaluated.catalogue.n_items).astype(np.int32)
    return counts


def neighbours(model: Any, items: Sequence[int], n_items: int) -> dict[int, list[int]]:
    """For each item the codes of its nearest, itself first; empty for a model without a notion of similarity.

    Raises
    ------
    ContractError
        ``similar_items`` gave something else than item codes and similarities, a row each.
    """
    if not callable(getattr(model, "similar_items", None)) or not len(items):
        return {}
    try:
        found = model.similar_items(np.asarray(items), N=NEIGHBOURS)
    except NoSimilarityError:
        return {}
    ids = np.asarray(found[0]) if isinstance(found, tuple | list) and len(found) == 2 else np.empty(0)
    if ids.ndim != 2 or len(ids) != len(items) or ids.dtype.kind not in "iu" or (ids >= n_items).any():
        raise ContractError(
            f"{type(model).__name__}.similar_items(item_ids, N) must give (ids, similarities), each of "
            f"{len(items)} rows, ids whole numbers below {n_items} or -1 for none"
        )
    return {int(item): [int(code) for code in row if code >= 0] for item, row in zip(items, ids, strict=True)}


def latency(scorer: Callable[[NDArray[Any]], NDArray[Any]], material: Material) -> dict[str, float]:
    """Median and 99th percentile of the milliseconds to score all items for one user and take the ten best."""
    milliseconds = []
    for user in material.test_users[:: max(1, len(material.test_users) // LATENCY_USERS)]:
        users = np.array([user])
        started = perf_counter()
        scores = np.array(scorer(users), np.float32)
        seen = material.seen.indices[material.seen.indptr[user] : material.seen.indptr[user + 1]]
        scores[0, seen] = -np.inf
        top_k(scores, users, 10)
        milliseconds.append(1000 * (perf_counter() - started))
    median, slow = np.percentile(milliseconds, [50, 99])
    return {"latency_median_ms": float(median), "latency_p99_ms": float(slow)}


def size_mb(model: Any) -> float:
    """The arrays that a fitted model holds, in MB (2**20 bytes)."""
    total = 0
    for value in vars(model).values() if hasattr(model, "__dict__") else ():
        arrays = vars(value).values() if sp.issparse(value) else (value,)
        total += sum(array.nbytes for array in arrays if isinstance(array, np.ndarray))
    return total / 2**20


def add_vectors(result: Result, model: Any, material: Material, task: Task) -> None:
    """Add the map of the items, once a split rule (a report shows one), and the vectors where they are wanted."""
    n_users, n_items = material.seen.shape
    vectors = vectors_of(model, n_users, n_items)
    if task.keep_vectors:
        result.vectors = vectors
    if "item_factors" in vectors and task.cell.split_seed == task.cell.model_seed == 0:
        started = perf_counter()
        result.item_map = item_map(vectors["item_factors"], np.bincount(material.seen.indices, minlength=n_items))
        result.measured["map_seconds"] = perf_counter() - started


def _check_scores(model: Any, shape: tuple[int, int], task: Task) -> None:
    """The contract of ``score``, asked of two users before all of them are ranked."""
    users = np.arange(min(2, shape[0]))
    scores = model.score(users)
    expected = (len(users), shape[1])
    if np.ma.isMaskedArray(scores):
        raise ContractError(f"{task.cell.model}.score(user_ids) gave a masked array: give every item a score")
    if not isinstance(scores, np.ndarray) or scores.shape != expected:
        got = f"an array of shape {scores.shape}" if hasattr(scores, "shape") else type(scores).__name__
        raise ContractError(f"{task.cell.model}.score(user_ids) gave {got} for {len(users)} users: expected {expected}")
    if scores.dtype.kind not in "fiu":
        raise ContractError(f"{task.cell.model}.score(user_ids) gave values of type {scores.dtype}: expected numbers")
