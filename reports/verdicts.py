"""Is there something wrong? What to look at before any ranking is believed, from stored results only."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import combinations
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from reports.result import Cell, Result
from reports.table import Leaderboard, Row

RANDOM_SPLITS = ("random", "k-fold")  # every interaction is held out with the same chance
SURE = 1e-6  # that train and test differ: a chance of one in a million, for there are many items and runs
MOSTLY = 0.5
FLOORS = ("popularity", "random")

Kind = Literal[
    "not better than popularity",
    "not better than random",
    "identical lists",
    "short lists",
    "seen item recommended",
    "train and test overlap",
    "mostly cold users",
    "metric does not change",
    "train and test differ",
    "folders disagree",
    "not tuned",
    "other data",
    "not checked",
]


@dataclass(frozen=True)
class Verdict:
    """Something that a reader must know before the ranking.

    A ``serious`` one means that the numbers can't be taken as they are (``run --strict`` ends with 1); the others say
    what couldn't be checked, or is as expected and worth knowing.
    """

    kind: Kind
    dataset: str
    split: str
    text: str
    serious: bool = True


def verdicts(
    boards: Iterable[Leaderboard],
    read: Callable[[Result], Result],
    read_dataset: Callable[[Cell], dict[str, Any] | None],
) -> list[Verdict]:
    """All verdicts about these leaderboards, the serious ones first; nothing is said of what is fine.

    Parameters
    ----------
    boards
        With their ``uncertainty`` where there is one: better then means surely better.
    read, read_dataset
        Give a result with its lists, and what was stored of a cell's data.
    """
    found = [verdict for board in boards for verdict in _of_board(board, read, read_dataset)]
    return sorted(found, key=lambda verdict: not verdict.serious)


def _of_board(
    board: Leaderboard, read: Callable[[Result], Result], read_dataset: Callable[[Cell], dict[str, Any] | None]
) -> Iterator[Verdict]:
    def verdict(kind: Kind, text: str, serious: bool = True) -> Verdict:
        return Verdict(kind, board.dataset, board.split, text, serious)

    cells = [result for row in board.rows for result in row.results]
    datasets = {cell.cell.split_seed: read_dataset(cell.cell) or {} for cell in cells}
    lists = _list_digests(board, read, datasets)
    for floor in FLOORS:
        yield from (verdict(*told) for told in against_floor(board, floor))
    for first, second in identical_lists(lists.digests):
        yield verdict("identical lists", f"{first} and {second} recommend exactly the same")
    yield from (verdict("short lists", text) for text in short_lists(board.rows, lists.short))
    yield from (verdict("seen item recommended", text) for text in seen_items(board.rows, lists.seen))
    yield from (verdict("mostly cold users", text) for text in cold_users(cells))
    yield from (verdict("metric does not change", text) for text in constant_metrics(board, lists.digests))
    for seed, dataset in sorted(datasets.items()):
        for kind, text in train_against_test(board.split, dataset):
            yield verdict(kind, f"split seed {seed}: {text}")
    yield from (verdict("not tuned", text, False) for text in not_tuned(board.rows))
    missing = [floor for floor in FLOORS if floor not in {row.model for row in board.rows}]
    if missing and board.rows:
        yield verdict("not checked", f"no row of {' or of '.join(missing)}: nothing says how low the floor is", False)


def not_tuned(rows: Sequence[Row]) -> Iterator[str]:
    """Models of a run with tuned settings that have none; those without parameters have nothing to tune."""
    tuned = {row.model: True for row in rows if _asked_to_be(row, True)}
    others = {row.model: True for row in rows if _asked_to_be(row, False) and row.results[0].cell.parameters}
    if names := [model for model in others if model not in tuned]:
        beside = f"; tuned: {', '.join(tuned)}" if tuned else ""
        told = f"nothing was tuned on this data and split for {', '.join(names)}"
        yield f"{told}: they run with their defaults, and what was set{beside}"


def _asked_to_be(row: Row, tuned: bool) -> bool:
    return any(result.identity.get("tuned") is tuned for result in row.results)


# Is it better than nothing?


def against_floor(board: Leaderboard, floor: str) -> Iterator[tuple[Kind, str, bool]]:
    """Rows that aren't better than popularity or random by the primary metric.

    Popularity itself must only be better than random. A model that predicts ratings is judged by RMSE and often ranks
    below popularity: that is said, and isn't serious.
    """
    low = next((row for row in board.rows if row.model == floor), None)
    if board.primary is None or low is None:
        return
    for row in board.rows:
        if row.model == floor or (floor == "popularity" and row.model in FLOORS) or _is_better(board, row, low):
            continue
        value, floor_value = board.text(row, board.primary), board.text(low, board.primary)
        relation = "isn't better than" if board.rows.index(row) > board.rows.index(low) else "can't be told from"
        text = f"{row.label} {relation} {low.label}: {board.primary.title} {value} and {floor_value}"
        by_ratings = floor == "popularity" and "rmse" in row.values
        kind: Kind = "not better than popularity" if floor == "popularity" else "not better than random"
        yield kind, text + ("; it predicts ratings, look at its RMSE" if by_ratings else ""), not by_ratings


def _is_better(board: Leaderboard, row: Row, low: Row) -> bool:
    """Whether a row stands above another, and can be told from it where that is known."""
    if board.rows.index(row) > board.rows.index(low):
        return False
    assert board.primary is not None
    if row.values.get(board.primary.name) == low.values.get(board.primary.name):
        return False
    return board.uncertainty is None or not board.uncertainty.alike(row.label, low.label)


# The lists


@dataclass
class Lists:
    """What the stored lists of a leaderboard's rows say, by label.

    ``digests`` maps split seed and model seed to a hash of all lists; ``short`` counts lists with an empty place;
    ``seen`` counts places of showcase users that hold an item of their history.
    """

    digests: dict[str, dict[tuple[int, int], str]]
    short: dict[str, int]
    seen: dict[str, int]


def _list_digests(board: Leaderboard, read: Callable[[Result], Result], datasets: dict[int, dict[str, Any]]) -> Lists:
    found = Lists({}, {}, {})
    for row in board.rows:
        for summary in row.results:
            result = read(summary)
            if result.lists is None or result.users is None:
                continue
            seeds = (result.cell.split_seed, result.cell.model_seed)
            content = result.users.astype("<i4").tobytes() + np.ascontiguousarray(result.lists, "<i4").tobytes()
            found.digests.setdefault(row.label, {})[seeds] = blake2b(content, digest_size=16).hexdigest()
            found.short[row.label] = found.short.get(row.label, 0) + int((result.lists < 0).any(axis=1).sum())
            found.seen[row.label] = found.seen.get(row.label, 0) + _n_seen(result, datasets[result.cell.split_seed])
    return found


def _n_seen(result: Result, dataset: dict[str, Any]) -> int:
    """Places in the lists of showcase users that hold an item of their (stored part of the) history."""
    assert result.users is not None
    assert result.lists is not None
    n = 0
    for user in dataset.get("showcase") or []:
        n += int(np.isin(result.lists[result.users == user["user"]], user["history"]).sum())
    return n


def identical_lists(digests: dict[str, dict[tuple[int, int], str]]) -> list[tuple[str, str]]:
    """Pairs of rows whose lists are the same on every seed that both have."""
    pairs = []
    for first, second in combinations(digests, 2):
        common = digests[first].keys() & digests[second].keys()
        if common and all(digests[first][seeds] == digests[second][seeds] for seeds in common):
            pairs.append((first, second))
    return pairs


def short_lists(rows: Sequence[Row], short: dict[str, int]) -> Iterator[str]:
    """Rows with lists of fewer than k items although there were enough candidates, where that was counted."""
    for row in rows:
        counted = [result.counts["n_short_lists"] for result in row.results if "n_short_lists" in result.counts]
        if sum(counted):
            yield f"{row.label} gives {sum(counted):,} lists of fewer than k items although there are more candidates"
        elif not counted and short.get(row.label):
            yield f"{row.label} gives {short[row.label]:,} lists of fewer items than asked for"


def seen_items(rows: Sequence[Row], seen: dict[str, int]) -> Iterator[str]:
    """Rows that recommend what the user has in train: counted over all users where that was stored."""
    for row in rows:
        counted = sum(result.counts.get("n_seen_recommended", 0) for result in row.results)
        n = max(counted, seen.get(row.label, 0))
        if n:
            yield f"{row.label} recommends {n:,} items that the user has in train"


# The data and the metrics


def cold_users(cells: Iterable[Result]) -> Iterator[str]:
    """Splits whose test users mostly have no training interaction."""
    told = set()
    for cell in cells:
        n_cold = cell.counts.get("n_cold_users", 0)
        n_all = cell.counts.get("n_users", 0) + cell.counts.get("n_left_out", 0)
        if n_all and n_cold > MOSTLY * n_all and cell.cell.split_seed not in told:
            told.add(cell.cell.split_seed)
            yield (
                f"split seed {cell.cell.split_seed}: {n_cold:,} of {n_all:,} test users are cold (no training "
                "interaction), so the means are about few users"
            )


def constant_metrics(board: Leaderboard, digests: dict[str, dict[tuple[int, int], str]]) -> Iterator[str]:
    """Metrics that are equal for all models although the lists of at least three differ: two may coincide."""
    different = len({tuple(sorted(of_row.items())) for of_row in digests.values()}) > 2
    for column in board.columns if different else ():
        values = [row.values[column.name] for row in board.rows if column.name in row.values]
        if len(values) > 2 and len(set(values)) == 1:
            yield f"{column.title} is {values[0]:.6g} for all {len(values)} models, whose lists differ"


def train_against_test(split: str, dataset: dict[str, Any]) -> Iterator[tuple[Kind, str]]:
    """What is wrong with a split by the stored counts: pairs in both halves, popularity that differs."""
    n_both = dataset.get("n_in_both") or 0
    if n_both:
        yield "train and test overlap", f"{n_both:,} pairs of user and item are in train and in test"
    train, test = dataset.get("item_counts"), dataset.get("test_item_counts")
    if split.partition(":")[0] in RANDOM_SPLITS and train and test and len(train) == len(test):
        p = popularity_p(np.asarray(train), np.asarray(test))
        if p < SURE:
            text = f"items are not held out in proportion to their popularity (chi-squared test, p = {p:.0e})"
            yield "train and test differ", f"{text}, although the split is random"


def popularity_p(train: NDArray[Any], test: NDArray[Any]) -> float:
    """P-value of the chi-squared test that items are held out in proportion to their interactions.

    Items of fewer than 5 expected test interactions are taken together.
    """
    from scipy.stats import chi2_contingency

    total = train + test
    rare = total * test.sum() / max(1, total.sum()) < 5
    table = np.array([[*counts[~rare], counts[rare].sum()] for counts in (train, test)])
    table = table[:, table.sum(axis=0) > 0]
    if table.shape[1] < 2 or not table.sum(axis=1).all():
        return 1.0
    return float(chi2_contingency(table, correction=False).pvalue)
