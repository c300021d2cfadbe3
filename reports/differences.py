"""Where the models of a leaderboard differ: by users' activity, by items' popularity, in their lists, for whom."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from reports import figures, numbers
from reports.activity import ByActivity
from reports.cells import Read, ReadDataset, mean, pass_over
from reports.common_items import Overlap
from reports.figures import Style
from reports.item_popularity import PARTS, ByPopularity
from reports.plot import Line, Plot, Table, line_of, make_plot, place_of, short
from reports.table import Column, Leaderboard, Row
from reports.text import brief, listed
from reports.user_gains import Gains, best_and_other

if TYPE_CHECKING:
    from matplotlib.figure import Figure

N_SHOWN = 5  # users who gain most, and as many who lose most

OfRows = dict[str, list[NDArray[np.float64]]]


@dataclass(frozen=True)
class Differences:
    """The section of one leaderboard: figures, and for whom the best row and another one differ most."""

    plots: tuple[Plot, ...]
    gains: GainsTold | None


@dataclass(frozen=True)
class GainsTold:
    """Who gains and who loses most with the best row instead of another, in words and as a table."""

    finding: str
    table: Table


def differences(
    board: Leaderboard, read: Read, read_dataset: ReadDataset, styles: dict[str, Style]
) -> Differences | None:
    """The section of one leaderboard; None where nothing is stored that it could be made from.

    Parameters
    ----------
    read, read_dataset
        Give a result with its tables (one is in memory at a time), and what is stored of a cell's data.
    """
    column, rows = board.primary, best_and_other(board)
    if column is None:
        return None
    activity, popularity, overlap = ByActivity(column.name), ByPopularity(board.k), Overlap(board, board.k)
    gains = Gains(*rows, column.name, column.higher_is_better) if rows else None
    pass_over(board, read, read_dataset, [activity, popularity, overlap, *([gains] if gains else [])])
    plots = [
        _activity_plot(board, column, activity, styles),
        _popularity_plot(board, popularity, styles),
        _overlap_plot(board, overlap),
    ]
    drawn, told = (
        tuple(plot for plot in plots if plot is not None),
        _gains_told(board, column, gains) if gains else None,
    )
    return Differences(drawn, told) if drawn or told else None


# By users' activity


def activity_figure(
    board: Leaderboard, column: Column, activity: ByActivity, styles: dict[str, Style]
) -> Figure | None:
    """Bars of each row in each group of users; None where there is but one group."""
    if len(activity.ranges) < 2:
        return None
    groups = [f"{name}\n{n:,} users" for name, n in zip(_ranges(activity), activity.n_users, strict=True)]
    return _facets(board, activity.values, groups, styles, column.decimals, higher_is_better=column.higher_is_better)


def _activity_plot(board: Leaderboard, column: Column, activity: ByActivity, styles: dict[str, Style]) -> Plot | None:
    figure = activity_figure(board, column, activity, styles)
    if figure is None:
        return None
    names = _ranges(activity)
    best = _best_of_groups(activity.values, column.higher_is_better)
    if len(set(best)) == 1:
        finding = f"{best[0]} is the best in every group of users."
    else:
        finding = f"The best by training interactions of the users: {_told(names, best)}."
    over = f", added up over {activity.n_splits} splits" if activity.n_splits > 1 else ""
    return make_plot(
        figure,
        place_of(board.dataset, board.split),
        "activity",
        f"{column.title} by users' activity",
        finding,
        f"Users in groups of about the same size, by their number of training interactions; how many users they are "
        f"stands below it{over}, then the best's value; its bar is thick.",
        _table(
            board,
            activity.values,
            [f"{name} interactions ({n:,} users)" for name, n in zip(names, activity.n_users, strict=True)],
            column.decimals,
            f"{column.title} of users by their number of training interactions{over}",
            "activity",
        ),
    )


def _ranges(activity: ByActivity) -> list[str]:
    return [f"{low:,}–{high:,}" if low < high else f"{low:,}" for low, high in activity.ranges]


# By items' popularity


def popularity_figure(board: Leaderboard, popularity: ByPopularity, styles: dict[str, Style]) -> Figure | None:
    """Bars of each row's recall in head, middle and tail; None where that wasn't stored."""
    if not popularity.recall:
        return None
    n_items = np.mean([[sizes[part][0] for part in range(3)] for sizes in popularity.sizes.values()], axis=0)
    groups = [f"{name.capitalize()}\n{n:,.0f} items" for name, n in zip(PARTS, n_items, strict=True)]
    return _facets(board, popularity.recall, groups, styles, _decimals(popularity.recall), shared=False)


def _popularity_plot(board: Leaderboard, popularity: ByPopularity, styles: dict[str, Style]) -> Plot | None:
    figure = popularity_figure(board, popularity, styles)
    if figure is None:
        return None
    best = _best_of_groups(popularity.recall, True)
    finding = f"Finds most of the relevant items: {_told(PARTS, best)}."
    none = [brief(label, 40) for label, cells in popularity.recall.items() if not mean(cells)[2] > 0]
    if none:
        finding += f" Nothing of the tail is found by {listed(none[:6] + (['others'] if len(none) > 6 else []))}."
    both = {
        label: [np.concatenate(pair) for pair in zip(cells, popularity.shares[label], strict=True)]
        for label, cells in popularity.recall.items()
    }
    return make_plot(
        figure,
        place_of(board.dataset, board.split),
        "popularity",
        f"Recall@{popularity.k} by items' popularity",
        finding,
        "Head, middle and tail have a third of the training interactions each. Of the relevant test items of a part, "
        f"over all users: how many stand in the first {popularity.k} places. Each column has a scale of its own, the "
        "best's value above it, and the best's bar thick.",
        _table(
            board,
            both,
            [f"{part} {what}" for what in ("recall", "share of lists") for part in PARTS],
            _decimals(popularity.recall),
            f"Recall of the relevant items of each part in the first {popularity.k} places, and the part's share of "
            "all recommendations",
            "popularity",
        ),
    )


# Common items


def _overlap_plot(board: Leaderboard, overlap: Overlap) -> Plot | None:
    labels, shares = overlap.shares()
    if len(labels) < 2:
        return None
    pairs = np.where(np.tri(len(labels), k=-1, dtype=bool), shares, np.nan)
    told = []
    for extreme in (np.nanargmax(pairs), np.nanargmin(pairs)):
        second, first = np.unravel_index(extreme, pairs.shape)
        told.append(
            f"{brief(labels[first], 40)} and {brief(labels[second], 40)}, {numbers.share(pairs[second, first])}"
        )
    place = place_of(board.dataset, board.split)
    table = Table(
        f"overlap-{place}-table",
        f"Share of common items in the first {overlap.k} places",
        ("Model", *(brief(label, 40) for label in labels)),
        tuple(
            line_of(board, label, *(numbers.share(share) for share in of_row))
            for label, of_row in zip(labels, shares, strict=True)
        ),
    )
    return make_plot(
        figures.overlap_figure(labels, shares),
        place,
        "overlap",
        f"Common items in the first {overlap.k} places",
        f"Most in common: {told[0]}; least: {told[1]}.",
        "Percent of the items that two models' lists for the same user share, means over users. Best model first.",
        table,
    )


# Users who gain and lose


def _gains_told(board: Leaderboard, column: Column, gains: Gains) -> GainsTold | None:
    frame = gains.frame()
    up, down = frame[frame["gain"] > 0], frame[frame["gain"] < 0]
    if not len(up) and not len(down):
        return None
    first, second = short(gains.first), short(gains.second)
    shares = [numbers.share(len(part) / len(frame)) for part in (up, down)]
    finding = (
        f"With {first} instead of {second}, {shares[0]} of {len(frame):,} users get a better {column.title} and "
        f"{shares[1]} a worse one (split seed {gains.seed})."
    )
    worst = down.sort_values(["gain", "user"]).head(N_SHOWN)
    records: list[dict[str, Any]] = [*up.head(N_SHOWN).to_dict("records"), *worst.to_dict("records")]  # type: ignore[list-item]
    table = Table(
        f"gains-{place_of(board.dataset, board.split)}-table",
        f"{column.title} of the users who gain most, then of those who lose most",
        ("User", "Training interactions", first, second, "Gain"),
        tuple(_gain_line(one, column) for one in records),
    )
    return GainsTold(finding, table)


def _gain_line(one: dict[str, Any], column: Column) -> Line:
    values = [numbers.fixed(one[name], column.decimals) for name in ("first", "second")]
    gain = numbers.fixed(abs(one["gain"]), column.decimals)
    n_train = one["n_train"]
    shown = f"{n_train:,}" if isinstance(n_train, int) else numbers.NOTHING  # missing where it wasn't stored
    return Line(brief(str(one["user_id"]), 40), "", (shown, *values, ("+" if one["gain"] > 0 else "−") + gain))


# Shared


def _facets(
    board: Leaderboard, values: OfRows, groups: Sequence[str], styles: dict[str, Style], decimals: int, **options: Any
) -> Figure:
    rows = _rows(board, values)
    means = np.array([mean(values[row.label]) for row in rows])
    texts = [[numbers.fixed(value, decimals) for value in of_row] for of_row in means]
    labels, models = [row.label for row in rows], [row.model for row in rows]
    return figures.facets_figure(labels, models, groups, means, texts, styles, **options)


def _table(board: Leaderboard, values: OfRows, heads: Sequence[str], decimals: int, caption: str, name: str) -> Table:
    form: Callable[[float], str] = lambda value: numbers.fixed(value, decimals)  # noqa: E731
    lines = (Line(row.label, row.model, tuple(map(form, mean(values[row.label])))) for row in _rows(board, values))
    return Table(f"{name}-{place_of(board.dataset, board.split)}-table", caption, ("Model", *heads), tuple(lines))


def _rows(board: Leaderboard, values: OfRows) -> list[Row]:
    return [row for row in board.rows if row.label in values]


def _decimals(values: OfRows) -> int:
    return numbers.decimals_for(np.concatenate([mean(cells) for cells in values.values()]).tolist())


def _best_of_groups(values: OfRows, higher_is_better: bool) -> list[str]:
    """The label of the best row of each group, "nobody" where no row has a value other than 0."""
    labels, means = list(values), np.array([mean(cells) for cells in values.values()])
    found = []
    for group in means.T if higher_is_better else -means.T:
        known = np.flatnonzero(np.isfinite(group) & (group != 0))
        found.append(brief(labels[known[np.argmax(group[known])]], 40) if len(known) else "nobody")
    return found


def _told(names: Sequence[str], best: Sequence[str]) -> str:
    return ", ".join(f"{label} ({name})" for name, label in zip(names, best, strict=True))
