"""Results as tables: a leaderboard for each data set and split, and one long table of all cells."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from reports import numbers
from reports.result import Result, Status

if TYPE_CHECKING:
    import pandas as pd

    from reports.statistics import Interval
    from reports.uncertainty import Uncertainty

GROUPS = {
    "accuracy": ("ndcg", "recall", "recall_min", "precision", "map", "mrr", "hit_rate", "auc"),
    "ratings": ("rmse", "mae"),
    "beside": ("coverage", "gini", "novelty", "popularity", "diversity"),
}
COSTS = (
    "fit_seconds",
    "recommend_seconds",
    "compile_seconds",
    "latency_median_ms",
    "latency_p99_ms",
    "peak_memory_mb",
    "model_size_mb",
)
USUAL_CUTOFF = 10
TITLES = {"ndcg": "NDCG", "map": "MAP", "mrr": "MRR", "auc": "AUC", "rmse": "RMSE", "mae": "MAE"}


@dataclass(frozen=True)
class Column:
    """A metric of a leaderboard.

    ``group`` is "accuracy", "ratings", or "beside": what is shown beside accuracy and never decides who is best.
    """

    name: str
    higher_is_better: bool
    decimals: int = 4

    @property
    def metric(self) -> str:
        return self.name.partition("@")[0]

    @property
    def k(self) -> int | None:
        cutoff = self.name.partition("@")[2]
        return int(cutoff) if cutoff.isdecimal() else None

    @property
    def group(self) -> str:
        return next((group for group, names in GROUPS.items() if self.metric in names), "accuracy")

    @property
    def short_title(self) -> str:
        """The name as papers print it, without the cut-off: ``NDCG``, ``Hit rate``."""
        return TITLES.get(self.metric) or self.metric.replace("_", " ").capitalize()

    @property
    def title(self) -> str:
        """With the cut-off: ``NDCG@10``."""
        return self.short_title if self.k is None else f"{self.short_title}@{self.k}"


@dataclass(frozen=True)
class Row:
    """A model with its parameters: means over the seeds of its cells of one status.

    Attributes
    ----------
    label
        The model's name and, where it was run with several sets of parameters, those that differ.
    values, values_all
        Metric name to the mean over warm users, and over all where some are cold; what doesn't apply is absent.
    cost
        Times, latencies in ms, memory and model size in MB, by the names of ``COSTS``.
    results
        The cells behind it, by seed.
    """

    label: str
    model: str
    parameters: dict[str, Any]
    status: Status
    error: str
    values: dict[str, float]
    values_all: dict[str, float]
    cost: dict[str, float]
    results: tuple[Result, ...]

    @property
    def split_seeds(self) -> tuple[int, ...]:
        return tuple(sorted({result.cell.split_seed for result in self.results}))

    @property
    def n_seeds(self) -> int:
        return len(self.results)

    @property
    def reason(self) -> str:
        """The line of the error that says what happened: the first, but the last of a traceback."""
        lines = self.error.strip().splitlines() or ["no reason was stored"]
        return lines[-1 if lines[0].startswith("Traceback") else 0].strip()


@dataclass(frozen=True)
class Leaderboard:
    """All rows of one data set under one split.

    Attributes
    ----------
    columns
        The metrics present: accuracy, ratings, then those beside accuracy.
    rows
        Finished rows, best first by ``primary``.
    problems
        Skipped, failed and timed-out rows.
    primary
        NDCG at the cut-off nearest 10, else the next metric present; None where nothing was measured.
    best
        The best value of each column that has one ("beside" has none).
    uncertainty
        Intervals and comparisons of the rows, None where they weren't computed.
    """

    dataset: str
    split: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    problems: tuple[Row, ...]
    primary: Column | None
    best: dict[str, float]
    uncertainty: Uncertainty | None = None

    @property
    def k(self) -> int | None:
        """The cut-off shown first."""
        return _nearest_cutoff(self.columns)

    @property
    def cutoffs(self) -> tuple[int, ...]:
        return tuple(sorted({column.k for column in self.columns if column.k is not None}))

    def select(self, *groups: str, k: int | None = None) -> tuple[Column, ...]:
        """The columns of these groups at one cut-off (``k`` or the one shown first) or without any."""
        wanted = (None, self.k if k is None else k)
        return tuple(column for column in self.columns if column.group in groups and column.k in wanted)

    def is_best(self, row: Row, column: Column) -> bool:
        """Whether no other row is better by the digits shown; all of those that read the same are best."""
        best = self.best.get(column.name)
        return best is not None and self.text(row, column) == numbers.fixed(best, column.decimals)

    def text(self, row: Row, column: Column) -> str:
        """A row's value with the digits of its column."""
        return numbers.fixed(row.values.get(column.name), column.decimals)

    def interval(self, row: Row, column: Column | None) -> Interval | None:
        """The 95% interval of a row's value, None where there is none."""
        return self.uncertainty.interval(row.label, column.name) if self.uncertainty and column else None

    def interval_text(self, row: Row, column: Column | None) -> str:
        """``0.3712–0.3899``, with the digits of the column."""
        found = self.interval(row, column)
        if found is None or column is None:
            return numbers.NOTHING
        return f"{numbers.fixed(found.low, column.decimals)}–{numbers.fixed(found.high, column.decimals)}"

    def is_like_best(self, row: Row) -> bool:
        """Whether a row can't be told from the best by the primary metric."""
        return (
            self.uncertainty is not None
            and row != self.rows[0]
            and self.uncertainty.alike(self.rows[0].label, row.label)
        )

    @property
    def uneven_seeds(self) -> bool:
        """Whether the rows rest on different split seeds: then differences between splits are among theirs."""
        return len({row.split_seeds for row in self.rows}) > 1


def leaderboards(
    results: Iterable[Result], uncertain: Mapping[tuple[str, str], Uncertainty] | None = None
) -> list[Leaderboard]:
    """One leaderboard for each data set and split, sorted by name; ``random``, the usual split, comes first.

    ``uncertain`` maps (data set, split) to what :func:`reports.uncertainty.uncertainties` found.
    """
    boards: dict[tuple[str, str], list[Result]] = {}
    for result in latest(results):
        boards.setdefault((result.cell.dataset, result.cell.split), []).append(result)
    names = sorted(boards, key=lambda name: (name[0], name[1] != "random", name[1]))
    found = [_leaderboard(dataset, split, boards[dataset, split]) for dataset, split in names]
    return [replace(board, uncertainty=(uncertain or {}).get((board.dataset, board.split))) for board in found]


def to_frame(results: Iterable[Result]) -> pd.DataFrame:
    """One row for each cell, with the columns of report.csv; what doesn't apply is missing, never 0."""
    import pandas as pd

    cells = latest(results)
    columns = _columns(cells)
    ranked = [column.name for column in columns if column.group != "ratings"]
    cold = [name for name in [*ranked, *GROUPS["ratings"]] if any(_over_all(cell, name) is not None for cell in cells)]
    table: dict[str, Any] = {
        "dataset": [encodable(cell.cell.dataset) for cell in cells],
        "split": [encodable(cell.cell.split) for cell in cells],
        "split_seed": [cell.cell.split_seed for cell in cells],
        "model": [encodable(cell.cell.model) for cell in cells],
        "parameters": [encodable(parameters_text(cell.cell.parameters)) for cell in cells],
        "model_seed": [cell.cell.model_seed for cell in cells],
        "status": [str(cell.status) for cell in cells],
        "n_users": pd.array([cell.counts.get("n_users", pd.NA) for cell in cells], dtype="Int64"),
    }
    for name in [*ranked, *GROUPS["ratings"]]:
        table[name] = _floats(cells, _value, name)
    for name in cold:
        table[f"{name}_all"] = _floats(cells, _over_all, name)
    for name in COSTS:
        table[name] = _floats(cells, _cost, name)
    if any("side_by_side" in cell.measured for cell in cells):
        table["side_by_side"] = pd.array([side_by_side(cell) for cell in cells], dtype="Int64")
    table["error"] = [encodable(cell.error) for cell in cells]
    return pd.DataFrame(table)


def side_by_side(result: Result) -> int | None:
    """How many cells may have run on the machine while this one was timed; None where nothing was timed."""
    number = result.measured.get("side_by_side", 1)
    if _cost(result, "fit_seconds") is None or isinstance(number, bool) or not isinstance(number, int):
        return None
    return number


def latest(results: Iterable[Result]) -> list[Result]:
    """One result a cell, sorted by cell.

    Changed code or data leaves results with several keys for one cell. The newest counts (by ``measured["finished"]``,
    which the store adds); a skipped one only where there is nothing else.
    """
    chosen: dict[tuple[Any, ...], Result] = {}
    for result in results:
        name = _sort_key(result)
        if name not in chosen or _age(result) > _age(chosen[name]):
            chosen[name] = result
    return [chosen[name] for name in sorted(chosen)]


def primary_metric(results: Iterable[Result]) -> str:
    """The metric that sorts these results, ``ndcg@10`` where it was measured; "" where nothing was."""
    primary = _primary(_columns(list(results)))
    return primary.name if primary else ""


def parameters_text(parameters: dict[str, Any]) -> str:
    """Parameters as compact JSON, sorted by name."""
    return json.dumps(parameters, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)


def encodable(text: str) -> str:
    """Text that pandas can hold: a byte that couldn't be decoded is written as an escape."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _leaderboard(dataset: str, split: str, cells: list[Result]) -> Leaderboard:
    columns = _columns(cells)
    primary = _primary(columns)
    rows = _rows(cells)
    finished = [row for row in rows if row.status == "ok"]
    columns = [_with_decimals(column, finished) for column in columns]
    best = {column.name: _best(column, finished) for column in columns if column.group != "beside"}
    return Leaderboard(
        dataset=dataset,
        split=split,
        columns=tuple(columns),
        rows=tuple(sorted(finished, key=lambda row: _rank(row, primary))),
        problems=tuple(row for row in rows if row.status != "ok"),
        primary=next((column for column in columns if primary and column.name == primary.name), None),
        best={name: value for name, value in best.items() if value is not None},
    )


def _columns(cells: list[Result]) -> list[Column]:
    """The metrics of finished cells in the order in which they are shown."""
    directions = {
        name: value.higher_is_better for cell in cells if cell.status == "ok" for name, value in cell.metrics.items()
    }
    return sorted((Column(name, higher) for name, higher in directions.items()), key=_column_rank)


def _column_rank(column: Column) -> tuple[int, int, str, int]:
    known = GROUPS[column.group]
    place = known.index(column.metric) if column.metric in known else len(known)
    return list(GROUPS).index(column.group), place, column.metric, column.k or 0


def _primary(columns: list[Column]) -> Column | None:
    """The metric that sorts: accuracy in its order at the cut-off nearest 10, else ratings."""
    nearest = _nearest_cutoff(columns)
    candidates = [column for column in columns if column.group != "beside" and column.k in (None, nearest)]
    return candidates[0] if candidates else None


def _nearest_cutoff(columns: Iterable[Column]) -> int | None:
    cutoffs = {column.k for column in columns if column.k is not None}
    return min(cutoffs, key=lambda k: (abs(k - USUAL_CUTOFF), k), default=None)


def _rows(cells: list[Result]) -> list[Row]:
    groups: dict[tuple[str, str, Status, str], list[Result]] = {}
    for result in cells:
        cell = result.cell
        reason = "" if result.status == "ok" else result.error
        groups.setdefault((cell.model, parameters_text(cell.parameters), result.status, reason), []).append(result)
    labels = _labels(cells)
    return [
        Row(
            label=labels[model, parameters],
            model=model,
            parameters=members[0].cell.parameters,
            status=status,
            error=error,
            values=_means(members, (name for member in members for name in member.metrics), _value),
            values_all=_means(members, (name for member in members for name in member.metrics), _over_all),
            cost=_means(members, COSTS, _cost),
            results=tuple(members),
        )
        for (model, parameters, status, error), members in groups.items()
    ]


def _labels(cells: list[Result]) -> dict[tuple[str, str], str]:
    """A label for each (model, parameters): the name alone where it says enough, else with what differs."""
    variants: dict[str, dict[str, dict[str, Any]]] = {}
    for result in cells:
        parameters = result.cell.parameters
        variants.setdefault(result.cell.model, {})[parameters_text(parameters)] = parameters
    labels = {}
    for model, sets in variants.items():
        names = sorted({name for parameters in sets.values() for name in parameters})
        differing = [name for name in names if len({_text_of(sets[key], name) for key in sets}) > 1]
        for key, parameters in sets.items():
            told = ", ".join(f"{name}={_text_of(parameters, name)}" for name in differing if name in parameters)
            labels[model, key] = f"{model} ({told or 'defaults'})" if len(sets) > 1 else model
    return labels


def _text_of(parameters: dict[str, Any], name: str) -> str:
    value = parameters.get(name)
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)


def _means(
    members: list[Result], names: Iterable[str], value_of: Callable[[Result, str], float | None]
) -> dict[str, float]:
    means = {}
    for name in dict.fromkeys(names):
        values = [value for value in (value_of(member, name) for member in members) if value is not None]
        if values:
            means[name] = math.fsum(values) / len(values)
    return means


def _with_decimals(column: Column, rows: list[Row]) -> Column:
    values = [row.values[column.name] for row in rows if column.name in row.values]
    return Column(column.name, column.higher_is_better, numbers.decimals_for(values))


def _best(column: Column, rows: list[Row]) -> float | None:
    values = [row.values[column.name] for row in rows if column.name in row.values]
    return (max if column.higher_is_better else min)(values, default=None)


def _rank(row: Row, primary: Column | None) -> tuple[float, str]:
    value = row.values.get(primary.name) if primary else None
    if primary is None or value is None:
        return math.inf, row.label
    return (-value if primary.higher_is_better else value), row.label


def _value(result: Result, name: str) -> float | None:
    metric = result.metrics.get(name)
    return metric.value if metric is not None and result.status == "ok" and numbers.is_figure(metric.value) else None


def _over_all(result: Result, name: str) -> float | None:
    metric = result.metrics.get(name)
    if metric is None or metric.value_all is None or result.status != "ok" or not numbers.is_figure(metric.value_all):
        return None
    return metric.value_all


def _cost(result: Result, name: str) -> float | None:
    value = result.measured.get(name)
    return float(value) if isinstance(value, int | float) and numbers.is_figure(value) else None


def _floats(cells: list[Result], value_of: Callable[[Result, str], float | None], name: str) -> list[float]:
    return [math.nan if value is None else value for value in (value_of(cell, name) for cell in cells)]


def _sort_key(result: Result) -> tuple[Any, ...]:
    cell = result.cell
    return (
        cell.dataset,
        cell.split,
        cell.split_seed,
        cell.model,
        parameters_text(cell.parameters),
        cell.model_seed,
    )


def _age(result: Result) -> tuple[bool, str, str]:
    return result.status != "skipped", str(result.measured.get("finished", "")), result.key
