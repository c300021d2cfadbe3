"""The data behind leaderboards, and what the splits did with them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from reports import figures, numbers
from reports.figures.counts import activity_edges, activity_names, grouped
from reports.item_popularity import PARTS, parts_of_items
from reports.plot import Line, Plot, Table, make_plot, place_of
from reports.result import Cell, Result
from reports.table import Leaderboard
from reports.text import brief

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

Dataset = dict[str, Any]
ReadDataset = Callable[[Cell], "Dataset | None"]


@dataclass(frozen=True)
class Data:
    """The section of one data set: facts as (name, text), figures, and what each split did."""

    facts: tuple[tuple[str, str], ...]
    plots: tuple[Plot, ...]
    splits: Table | None


def data(boards: Sequence[Leaderboard], read_dataset: ReadDataset) -> Data | None:
    """The section of a data set, from its leaderboards; None where nothing was stored of it.

    Items and users are counted in the train part of the first split's first seed.
    """
    stored = [(board, result, content) for board in boards for result, content in _of_seeds(board, read_dataset)]
    if not stored:
        return None
    content = stored[0][2]
    place = place_of(boards[0].dataset, "")
    plots = [_long_tail(content, place), _users(content, place), _ratings(content, place)]
    first = {board.split: (board, content) for board, _, content in reversed(stored)}
    plots += [_activity(board, content) for board, content in reversed(first.values())]
    return Data(
        tuple(_facts(content)),
        tuple(plot for plot in plots if plot is not None),
        _splits(stored, place),
    )


def _of_seeds(board: Leaderboard, read_dataset: ReadDataset) -> list[tuple[Result, Dataset]]:
    """One finished (else any) result of each split seed, with what was stored of its data."""
    results = [result for row in [*board.rows, *board.problems] for result in row.results]
    of_seeds: dict[int, Result] = {}
    for result in results:
        of_seeds.setdefault(result.cell.split_seed, result)
    read = [(of_seeds[seed], read_dataset(of_seeds[seed].cell)) for seed in sorted(of_seeds)]
    return [(result, content) for result, content in read if content]


# Facts


def _facts(content: Dataset) -> list[tuple[str, str]]:
    n_users, n_items = _int(content, "n_users"), _int(content, "n_items")
    n_train, n_test = _int(content, "n_train"), _int(content, "n_test")
    facts = [(name, f"{n:,}") for name, n in (("Users", n_users), ("Items", n_items)) if n is not None]
    if n_train is not None and n_test is not None:
        facts.append(("Interactions", f"{n_train + n_test:,}"))
        if n_users and n_items:
            facts.append(("Density", _percent((n_train + n_test) / (n_users * n_items))))
    counts = np.asarray(content.get("item_counts") or [], np.int64)
    if counts.sum():
        facts.append(("Gini of the items' popularity", f"{gini(counts):.2f}"))
    if content.get("relevance_threshold") is not None:
        facts.append(("Relevant from a rating of", f"{content['relevance_threshold']:g}"))
    if content.get("licence"):
        facts.append(("Licence", brief(str(content["licence"]), 200)))
    return facts


def gini(counts: NDArray[Any]) -> float:
    """Σ (2i - m - 1) x_i / (m Σ x_i) of m counts x_1 <= x_2 <= ...: 0 all the same, near 1 one has all."""
    ordered = np.sort(np.asarray(counts, np.float64))
    m = len(ordered)
    return float(((2 * np.arange(1, m + 1) - m - 1) * ordered).sum() / (m * ordered.sum()))


def _percent(share: float) -> str:
    return f"{numbers.significant(100 * share)}%"


def _int(content: Dataset, name: str) -> int | None:
    value = content.get(name)
    return value if isinstance(value, int) else None


# Figures


def long_tail(content: Dataset) -> pd.DataFrame:
    """Items in the order of their training interactions, most first.

    Returns
    -------
    Columns item (the code), interactions, group (head, middle or tail).
    """
    import pandas as pd

    counts = np.asarray(content.get("item_counts") or [], np.int64)
    parts = parts_of_items(counts.tolist())
    order = np.argsort(-counts, kind="stable")
    groups = [] if parts is None else [PARTS[part] for part in parts[order]]
    return pd.DataFrame({"item": order, "interactions": counts[order], "group": groups or None})


def long_tail_figure(content: Dataset) -> Figure | None:
    """Each item's training interactions with the bounds of head, middle and tail; None where there are none."""
    frame = long_tail(content)
    shown = frame[frame["interactions"] > 0]
    if not len(shown):
        return None
    bounds = np.cumsum([int((shown["group"] == part).sum()) for part in PARTS])[:2].tolist()
    return figures.long_tail_figure(shown["interactions"].to_numpy(), bounds, PARTS)


def _long_tail(content: Dataset, place: str) -> Plot | None:
    counts = np.asarray(content.get("item_counts") or [], np.int64)
    parts = parts_of_items(counts.tolist())
    if parts is None:
        return None
    n_parts = [int((parts[counts > 0] == part).sum()) for part in range(3)]
    n_none = int((counts == 0).sum())
    top = np.sort(counts)[::-1][: max(1, round(len(counts) / 10))]
    finding = (
        f"A third of the training interactions are with {n_parts[0]:,} items, the last third with {n_parts[2]:,}; "
        f"the most popular tenth of the items has {numbers.share(top.sum() / counts.sum())}."
    )
    lines = [
        Line(f"{name.capitalize()}", "", (f"{n:,}", f"{of_part.sum():,}", f"{of_part.min():,}–{of_part.max():,}"))
        for part, (name, n) in enumerate(zip(PARTS, n_parts, strict=True))
        if len(of_part := counts[(parts == part) & (counts > 0)])
    ]
    if n_none:
        finding += f" {n_none:,} items have none."
        lines.append(Line("Without any", "", (f"{n_none:,}", "0", "0")))
    caption = "Items by popularity: each part has a third of the training interactions"
    heads = ("Part", "Items", "Training interactions", "of one item")
    return make_plot(
        long_tail_figure(content),
        place,
        "long-tail",
        "The long tail",
        finding,
        "Each item's training interactions, the most popular item first.",
        Table(f"long-tail-{place}-table", caption, heads, tuple(lines)),
    )


def _users(content: Dataset, place: str) -> Plot | None:
    pairs = np.asarray(content.get("user_counts") or np.zeros((0, 2)), np.int64)
    if not len(pairs) or not pairs[:, 1].sum():
        return None
    counts, users = pairs.T
    each = np.repeat(counts, users)
    middle, slow, busy = (int(np.quantile(each, share, method="inverted_cdf")) for share in (0.5, 0.1, 0.9))
    edges = activity_edges(int(counts.max()))
    lines = zip(activity_names(edges), grouped(counts, users, edges), strict=True)
    return make_plot(
        figures.users_figure(counts, users),
        place,
        "users",
        "Activity of the users",
        f"The middle user has {middle:,} training interactions; "
        f"a tenth of the users have at most {slow:,}, a tenth at least {busy:,}.",
        "Users by their number of training interactions; the groups grow with it.",
        Table(
            f"users-{place}-table",
            "Users by their number of training interactions",
            ("Training interactions", "Users"),
            tuple(Line(name, "", (f"{int(n):,}",)) for name, n in lines),
        ),
    )


def _ratings(content: Dataset, place: str) -> Plot | None:
    pairs = content.get("rating_histogram") or []
    if len(pairs) < 2:
        return None
    ratings, counts = [float(rating) for rating, _ in pairs], [int(count) for _, count in pairs]
    threshold = content.get("relevance_threshold")
    most = ratings[int(np.argmax(counts))]
    finding = f"The most frequent rating is {most:g} ({numbers.share(max(counts) / sum(counts))})."
    if threshold is not None:
        relevant = sum(count for rating, count in zip(ratings, counts, strict=True) if rating >= threshold)
        finding += f" {numbers.share(relevant / sum(counts))} are relevant: {threshold:g} or more."
    lines = tuple(
        Line(f"{rating:g}", "", (f"{count:,}", numbers.share(count / sum(counts))))
        for rating, count in zip(ratings, counts, strict=True)
    )
    return make_plot(
        figures.ratings_figure(ratings, counts, threshold),
        place,
        "ratings",
        "Ratings",
        finding,
        "Interactions of train and test by rating" + ("; grey ones aren't relevant." if threshold is not None else "."),
        Table(f"ratings-{place}-table", "Ratings of train and test", ("Rating", "Interactions", "Share"), lines),
    )


def _activity(board: Leaderboard, content: Dataset) -> Plot | None:
    entries = content.get("activity") or []
    if len(entries) < 2:
        return None
    periods = [str(period) for period, _, _ in entries]
    train, test = ([int(entry[part]) for entry in entries] for part in (1, 2))
    busiest = int(np.argmax(np.add(train, test)))
    share = (train[busiest] + test[busiest]) / max(1, sum(train) + sum(test))
    place, split = place_of(board.dataset, board.split), brief(board.split, 40)
    with_test = [period for period, n in zip(periods, test, strict=True) if n]
    finding = f"From {periods[0]} to {periods[-1]}, most in {periods[busiest]} ({numbers.share(share)})."
    if with_test:
        finding += f" Test interactions are from {with_test[0]} to {with_test[-1]}."
    lines = tuple(
        Line(period, "", (f"{in_train:,}", f"{in_test:,}"))
        for period, in_train, in_test in zip(periods, train, test, strict=True)
    )
    unit = "month" if len(periods[0]) > 4 else "year"
    plot = make_plot(
        figures.activity_figure(periods, train, test),
        place,
        "activity-over-time",
        f"Interactions over time, {split} split",
        finding,
        f"Interactions of each {unit}, those of test on top of those of train.",
        Table(
            f"activity-over-time-{place}-table",
            f"Interactions of each {unit}",
            (unit.capitalize(), "Train", "Test"),
            lines,
        ),
    )
    return plot and replace(plot, split=board.split)


# What the splits did

COLUMNS = {  # head -> names, of the stored data set or else of a result's counts
    "Train": "n_train",
    "Test": "n_test",
    "Users in train": "n_users_train",
    "in test": "n_users_test",
    "evaluated": "n_users",
    "left out": "n_left_out",
    "Cold users": "n_cold_users",
    "Cold items": "n_cold_items",
}


def _splits(stored: Sequence[tuple[Leaderboard, Result, Dataset]], place: str) -> Table:
    lines = []
    for board, result, content in stored:
        sources = {**content, **{name: result.counts.get(name) for name in ("n_users", "n_left_out")}}
        values = {name: sources.get(name) for name in COLUMNS.values()}
        cells = [f"{value:,}" if isinstance(value, int) else numbers.NOTHING for value in values.values()]
        n_train, n_test = values["n_train"], values["n_test"]
        if isinstance(n_train, int) and isinstance(n_test, int) and n_train + n_test:
            cells[1] += f" ({numbers.share(n_test / (n_train + n_test))})"
        lines.append(Line(f"{brief(board.split, 60)}, seed {result.cell.split_seed}", "", tuple(cells)))
    caption = (
        "What the splits did: interactions in train and in test; users with any in each, those evaluated, those left "
        "out (nothing relevant held out); users and items of test without a training interaction are cold"
    )
    return Table(f"splits-{place}-table", caption, ("Split", *COLUMNS), tuple(lines))
