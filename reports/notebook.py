"""Tables and figures of a results folder for a notebook: DataFrames and matplotlib figures, nothing is written.

Every function takes the folder that ``bench.run(..., out=...)`` filled, and where there are several leaderboards, which
data set and which split is meant; without those it takes all of them (a figure: the first).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reports.store import Store, StoreError
from reports.table import Column, Leaderboard, encodable, leaderboards

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from reports.cells import Analysis


class ChoiceError(ValueError):
    """There is no such leaderboard, metric or figure; the message says what there is."""


def leaderboard(folder: str | Path, dataset: str = "", split: str = "") -> pd.DataFrame:
    """One row for each model with its parameters, best first, means over seeds.

    Returns
    -------
    Columns dataset, split, model (with its parameters where several were run), n_seeds, the metrics (``ndcg@10``), the
    primary metric's 95% interval as low and high, like_best (can't be told from the best), and the costs
    (``fit_seconds``).

    Example
    -------
    >>> reports.leaderboard("results", "ml-100k")[["model", "ndcg@10", "low", "high"]]  # doctest: +SKIP
    """
    import pandas as pd

    from reports.table import COSTS

    lines = []
    for board in _certain(Store(folder), _boards(folder, dataset, split)):
        for row in board.rows:
            found = board.interval(row, board.primary)
            who = map(encodable, (board.dataset, board.split, row.label))
            line: dict[str, Any] = dict(zip(("dataset", "split", "model"), who, strict=True))
            line |= {"n_seeds": row.n_seeds, **{column.name: row.values.get(column.name) for column in board.columns}}
            line |= {"low": found and found.low, "high": found and found.high, "like_best": board.is_like_best(row)}
            lines.append(line | {name: row.cost.get(name) for name in COSTS})
    return pd.DataFrame(lines)


def long_table(folder: str | Path, dataset: str = "", split: str = "") -> pd.DataFrame:
    """One line for each row of a leaderboard and each of its figures, with intervals: what report-long.csv holds.

    Example
    -------
    >>> table = reports.long_table("results")  # doctest: +SKIP
    >>> table[table.metric == "recall"].pivot(index="model", columns="k", values="value")  # doctest: +SKIP
    """
    from reports.long import long_frame

    return long_frame(_certain(Store(folder), _boards(folder, dataset, split)))


def pareto(folder: str | Path, cost: str = "fit_seconds", dataset: str = "", split: str = "") -> pd.DataFrame:
    """Who is on the Pareto front of the primary metric and a cost, and who is beaten by whom.

    ``cost`` is one of fit_seconds, peak_memory_mb, recommend_seconds, latency_median_ms, model_size_mb.

    Returns
    -------
    Columns dataset, split and those of :func:`reports.trade.pareto`.

    Example
    -------
    >>> reports.pareto("results").query("on_front")  # doctest: +SKIP
    """
    from reports.figures.points import COST_TITLES
    from reports.trade import pareto as of_board

    if cost not in COST_TITLES:
        raise ChoiceError(f"no cost is called {cost!r}; there are {', '.join(COST_TITLES)}")
    return _together(_boards(folder, dataset, split), lambda board: of_board(board, cost))


def learning_curves(folder: str | Path, dataset: str = "", split: str = "") -> pd.DataFrame:
    """Quality after epochs of each cell's fit, and the seconds of its clock.

    Returns
    -------
    Columns dataset, split and those of :func:`reports.trade.learning_curves`.

    Example
    -------
    >>> curves = reports.learning_curves("results", "ml-1m")  # doctest: +SKIP
    >>> curves.pivot_table(index="epoch", columns="model", values="value")  # doctest: +SKIP
    """
    from reports.trade import learning_curves as of_board

    return _together(_boards(folder, dataset, split), of_board)


def by_user_activity(
    folder: str | Path, metric: str = "", n_groups: int = 4, dataset: str = "", split: str = ""
) -> pd.DataFrame:
    """A metric (the primary one without a name) of users in groups by their training interactions.

    Returns
    -------
    Columns dataset, split and those of :meth:`reports.activity.ByActivity.frame`.

    Example
    -------
    >>> reports.by_user_activity("results", "recall@10", n_groups=5, dataset="ml-1m")  # doctest: +SKIP
    """
    from reports.activity import ByActivity

    if n_groups < 1:
        raise ChoiceError(f"{n_groups} groups of users: there must be at least 1")
    boards = _boards(folder, dataset, split)
    return _together(boards, lambda board: _passed(folder, board, ByActivity(_metric(board, metric).name, n_groups)))


def by_item_popularity(folder: str | Path, k: int | None = None, dataset: str = "", split: str = "") -> pd.DataFrame:
    """Recall of the relevant items of head, middle and tail in the first k places (the leaderboard's without one).

    Returns
    -------
    Columns dataset, split and those of :meth:`reports.item_popularity.ByPopularity.frame`.

    Example
    -------
    >>> reports.by_item_popularity("results").pivot(index="model", columns="group", values="recall")  # doctest: +SKIP
    """
    from reports.item_popularity import ByPopularity

    boards = _boards(folder, dataset, split)
    return _together(boards, lambda board: _passed(folder, board, ByPopularity(board.k if k is None else k)))


def overlap(folder: str | Path, k: int | None = None, dataset: str = "", split: str = "") -> pd.DataFrame:
    """The mean share of items that two models' lists have in common in the first k places, of one leaderboard.

    Returns
    -------
    Square, labels of the rows as index and columns.

    Example
    -------
    >>> reports.overlap("results", dataset="ml-1m").loc["als", "ease"]  # doctest: +SKIP
    """
    from reports.common_items import Overlap

    board = _boards(folder, dataset, split)[0]
    return _passed(folder, board, Overlap(board, board.k if k is None else k))


def gains(folder: str | Path, first: str = "", second: str = "", dataset: str = "", split: str = "") -> pd.DataFrame:
    """What each user gains in the primary metric with one row of a leaderboard instead of another.

    ``first`` and ``second`` are rows' labels; without them the best row and its library twin, or the runner-up.

    Returns
    -------
    Columns of :meth:`reports.user_gains.Gains.frame`.

    Example
    -------
    >>> reports.gains("results", "als", "bpr", dataset="ml-1m").tail(10)  # doctest: +SKIP
    """
    from reports.user_gains import Gains, best_and_other

    board = _boards(folder, dataset, split)[0]
    column, usual = _metric(board, ""), best_and_other(board)
    rows = {row.label: row for row in board.rows}
    for label in filter(None, (first, second)):
        if label not in rows:
            raise ChoiceError(f"no row is called {label!r}; there are {', '.join(rows)}")
    if usual is None:
        raise ChoiceError(f"{board.dataset}, {board.split}: there are no two rows to compare")
    pair = [rows[label] if label else row for label, row in zip((first, second), usual, strict=True)]
    if pair[0] is pair[1]:
        raise ChoiceError(f"a row is not compared with itself: {pair[0].label} was given, or taken, twice")
    return _passed(folder, board, Gains(pair[0], pair[1], column.name, column.higher_is_better))


def figure(folder: str | Path, name: str, dataset: str = "", split: str = "") -> Figure:
    """One of the page's figures, of the first leaderboard that is meant.

    ``name`` is one of trade-time, trade-memory, curves, activity, popularity, overlap, beside-coverage, beside-gini,
    beside-novelty, beside-diversity, long-tail.

    Raises
    ------
    ChoiceError
        No figure has that name, or nothing is stored that it could be drawn from.

    Example
    -------
    >>> reports.figure("results", "overlap").savefig("overlap.pdf")  # doctest: +SKIP
    """
    if name not in FIGURES:
        raise ChoiceError(f"no figure is called {name!r}; there are {', '.join(FIGURES)}")
    board = _boards(folder, dataset, split)[0]
    drawn = FIGURES[name](Store(folder), board)
    if drawn is None:
        raise ChoiceError(f"{board.dataset}, {board.split}: nothing is stored that {name} could be drawn from")
    return drawn


# Figures by name: functions of the store and a leaderboard


def _cost(cost: str) -> Callable[[Store, Leaderboard], Figure | None]:
    def draw(store: Store, board: Leaderboard) -> Figure | None:
        from reports.figures import quality_figure
        from reports.trade import front_of

        return quality_figure(board, _styles(board), cost, front_of(board, cost))

    return draw


def _curves(store: Store, board: Leaderboard) -> Figure | None:
    from reports.figures import curves_figure
    from reports.trade import mean_curves

    curves = mean_curves(board)
    metrics = {curve.metric for curve in curves}
    columns = [column for column in board.columns if column.name in metrics]
    if not columns:
        return None
    return curves_figure([curve for curve in curves if curve.metric == columns[0].name], columns[0], _styles(board))


def _activity(store: Store, board: Leaderboard) -> Figure | None:
    from reports.activity import ByActivity
    from reports.differences import activity_figure

    column = _metric(board, "")
    activity = ByActivity(column.name)
    _pass(store, board, activity)
    return activity_figure(board, column, activity, _styles(board))


def _popularity(store: Store, board: Leaderboard) -> Figure | None:
    from reports.differences import popularity_figure
    from reports.item_popularity import ByPopularity

    popularity = ByPopularity(board.k)
    _pass(store, board, popularity)
    return popularity_figure(board, popularity, _styles(board))


def _overlap(store: Store, board: Leaderboard) -> Figure | None:
    from reports.common_items import Overlap
    from reports.figures import overlap_figure

    found = Overlap(board, board.k)
    _pass(store, board, found)
    labels, shares = found.shares()
    return overlap_figure(labels, shares) if len(labels) > 1 else None


def _beside(metric: str) -> Callable[[Store, Leaderboard], Figure | None]:
    def draw(store: Store, board: Leaderboard) -> Figure | None:
        from reports.figures import beside_figure

        columns = [column for column in board.select("beside") if column.metric == metric]
        return beside_figure(board, columns[0], _styles(board)) if columns else None

    return draw


def _long_tail(store: Store, board: Leaderboard) -> Figure | None:
    from reports.data import long_tail_figure

    return long_tail_figure(store.read_dataset(board.rows[0].results[0].cell) or {})


FIGURES: dict[str, Callable[[Store, Leaderboard], Figure | None]] = {
    "trade-time": _cost("fit_seconds"),
    "trade-memory": _cost("peak_memory_mb"),
    "curves": _curves,
    "activity": _activity,
    "popularity": _popularity,
    "overlap": _overlap,
    "beside-coverage": _beside("coverage"),
    "beside-gini": _beside("gini"),
    "beside-novelty": _beside("novelty"),
    "beside-diversity": _beside("diversity"),
    "long-tail": _long_tail,
}


# What is meant


def _boards(folder: str | Path, dataset: str, split: str) -> list[Leaderboard]:
    """The leaderboards of a folder with a finished row, those of one data set and split where they are named."""
    boards = leaderboards(Store(folder).summaries())
    if not boards:
        raise StoreError(f"{folder}: there are no results here; `python -m bench run --out {folder}` makes some")
    found = [board for board in boards if board.rows and dataset in ("", board.dataset) and split in ("", board.split)]
    if not found:
        names = "; ".join(f"{board.dataset}, {board.split}" for board in boards if board.rows) or "none that finished"
        raise ChoiceError(f"no leaderboard of {dataset or 'any data set'}, {split or 'any split'}; there are: {names}")
    return found


def _certain(store: Store, boards: Sequence[Leaderboard]) -> list[Leaderboard]:
    """The leaderboards with their intervals and comparisons."""
    from dataclasses import replace

    from reports.uncertainty import uncertainty

    return [replace(board, uncertainty=uncertainty(board, store.reader("per_user"))) for board in boards]


def _metric(board: Leaderboard, name: str) -> Column:
    columns = {column.name: column for column in board.columns}
    if not name and board.primary is not None:
        return board.primary
    if name not in columns:
        raise ChoiceError(f"{board.dataset}, {board.split}: no metric {name!r}; there are {', '.join(columns)}")
    return columns[name]


def _styles(board: Leaderboard) -> dict[str, Any]:
    from reports.figures import model_styles

    return model_styles(row.model for row in board.rows)


def _pass(store: Store, board: Leaderboard, analysis: Analysis) -> None:
    from reports.cells import pass_over

    pass_over(board, store.reader("per_user", "lists", "per_item"), store.read_dataset, [analysis])


def _passed(folder: str | Path, board: Leaderboard, analysis: Any) -> pd.DataFrame:
    """What an analysis says after a pass over the leaderboard's cells."""
    _pass(Store(folder), board, analysis)
    frame: pd.DataFrame = analysis.frame()
    return frame


def _together(boards: Sequence[Leaderboard], of_board: Callable[[Leaderboard], pd.DataFrame]) -> pd.DataFrame:
    """The tables of several leaderboards under each other, with which is whose."""
    import pandas as pd

    parts = []
    for board in boards:
        part = of_board(board)
        part.insert(0, "dataset", encodable(board.dataset))
        part.insert(1, "split", encodable(board.split))
        parts.append(part)
    return pd.concat(parts, ignore_index=True)
