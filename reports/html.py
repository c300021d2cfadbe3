"""report.html: one page that needs nothing else, neither a network nor a file beside it, and runs no script."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from shlex import quote
from typing import Any

import numpy as np

from reports import figures, numbers
from reports.answer import Answer, Twins, answer, twins
from reports.figures import Style
from reports.person import Person, person
from reports.result import Cell, Result
from reports.speed import Speed, read_speed
from reports.store import Store, write_text
from reports.table import Leaderboard, Row, latest, leaderboards
from reports.tuning import TuningSection, read_tuning, tuning
from reports.uncertainty import Uncertainty, uncertainties
from reports.verdicts import Verdict, verdicts

LONGEST_ERROR = 4000

COUNTS = {  # in the order in which they are shown
    "n_users": "Users evaluated",
    "n_left_out": "Left out (nothing relevant held out)",
    "n_cold_users": "Cold users (no training interaction)",
    "n_cold_items": "Cold items (no training interaction)",
    "n_empty_histories": "Empty histories",
}
SIZES = {"n_users": "Users", "n_items": "Items", "n_train": "Training interactions", "n_test": "Held out"}

Uncertain = Mapping[tuple[str, str], Uncertainty]

ReadDataset = Callable[[Cell], "dict[str, Any] | None"]


@dataclass(frozen=True)
class SplitSection:
    """A leaderboard and what stands around it.

    ``facts`` are (name, text) of the data and of what was counted; ``notes`` are sentences with the rows that they are
    about (none where it is all of them).
    """

    anchor: str
    board: Leaderboard
    answer: Answer | None
    twins: list[Twins]
    facts: list[tuple[str, str]]
    notes: list[tuple[str, list[str]]]
    figure: str
    figure_in_words: str


@dataclass(frozen=True)
class DatasetSection:
    """A data set: its splits, and what its results look like to a person."""

    anchor: str
    name: str
    splits: list[SplitSection]
    person: Person | None


@dataclass(frozen=True)
class Page:
    """All that the template shows."""

    title: str
    n_cells: int
    n_models: int
    datasets: list[DatasetSection]
    styles: dict[str, Style]
    environment: list[tuple[str, str]]
    verdicts: list[Verdict]
    speed: Speed | None = None
    tuning: TuningSection | None = None

    @property
    def splits(self) -> list[SplitSection]:
        return [split for dataset in self.datasets for split in dataset.splits]


def write_html(
    store: Store,
    path: str | Path,
    *,
    title: str = "",
    pairs: Mapping[str, str] | None = None,
    users: int = 1,
    uncertain: Uncertain | None = None,
) -> Path:
    """Write the report of all stored results, with speed.csv and tuning.json where they are: same files, same bytes.

    Parameters
    ----------
    title
        The page's heading; made from the data sets' names when empty.
    pairs
        Library's model -> ours, its twin; guessed from the names when None (``implicit-als`` of ``als``).
    users
        How many showcase users of each data set are shown.
    uncertain
        What :func:`reports.uncertainty.uncertainties` found; computed from the store when None.

    Raises
    ------
    StoreError
        A stored file is broken; the message names it.
    """
    read_dataset = _remembering(store.read_dataset)
    results = latest(_without_bulk(result, read_dataset(result.cell)) for result in store)
    if uncertain is None:
        uncertain = uncertainties(leaderboards(results), store.read_again)
    found = verdicts(leaderboards(results, uncertain), store.read_again, read_dataset)
    page = make_page(results, read_dataset, title=title, pairs=pairs, users=users, uncertain=uncertain, found=found)
    searched = tuning(read_tuning(store.root), page.styles)
    page = replace(page, speed=read_speed(store.root), tuning=searched)
    path = Path(path)
    write_text(path, render(page))
    return path


def make_page(
    results: Sequence[Result],
    read_dataset: ReadDataset,
    *,
    title: str = "",
    pairs: Mapping[str, str] | None = None,
    users: int = 1,
    uncertain: Uncertain | None = None,
    found: Sequence[Verdict] = (),
) -> Page:
    """Everything that the page shows, from results and what is stored of their data sets."""
    styles = figures.model_styles(result.cell.model for result in results)
    boards: dict[str, list[Leaderboard]] = {}
    for board in leaderboards(results, uncertain):
        boards.setdefault(board.dataset, []).append(board)
    datasets: list[DatasetSection] = []
    for name, of_name in boards.items():
        anchor = f"data-{len(datasets) + 1}"
        splits = [
            _split_section(f"{anchor}-{place}", board, read_dataset, styles, pairs)
            for place, board in enumerate(of_name, 1)
        ]
        datasets.append(DatasetSection(anchor, name, splits, person(of_name, read_dataset, users)))
    return Page(
        title=brief(title or f"Recommender models on {_listed([brief(name, 40) for name in boards])}", 300),
        n_cells=len(results),
        n_models=len(styles),
        datasets=datasets,
        styles=styles,
        environment=_environment(results),
        verdicts=list(found),
    )


def render(page: Page) -> str:
    """The page as HTML."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("reports"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_printable,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(
        command=command,
        error=lambda text: without_folders(text.strip()[-LONGEST_ERROR:]),
        listed=_listed,
        parameter=_parameter,
        brief=brief,
        told=told,
    )
    environment.tests["likebest"] = lambda row, board: board.is_like_best(row)
    environment.globals.update(numbers=numbers, shapes=figures.SHAPES)
    return environment.get_template("report.html").render(page=page)


def command(row: Row) -> str:
    """What to type to get a row's cells again: as it was stored, else put together from the last of its cells."""
    cell, stored = row.results[-1].cell, told(row, "command")
    if stored:
        return stored if isinstance(stored, str) else " ".join(quote(str(word)) for word in stored)
    words = ["python", "-m", "bench", "run", "--dataset", cell.dataset, "--split", cell.split, "--models", cell.model]
    words += ["--seeds", str(cell.split_seed + 1), "--model-seeds", str(cell.model_seed + 1)]
    for name, value in sorted(cell.parameters.items()):
        words += ["--set", f"{cell.model}.{name}={_parameter(value)}"]
    return " ".join(quote(word) for word in words)


def told(row: Row, name: str) -> Any:
    """What was stored under a name with the last of a row's cells, "" where nothing was."""
    result = row.results[-1]
    return result.identity.get(name) or result.measured.get(name) or ""


def without_folders(text: str) -> str:
    """The text with only the last part of every absolute path: a report tells nobody where somebody's files lie."""
    return re.sub(r"(?:(?<![\w.~:/\\-])|(?<=file://))/(?:[^\s/:'\"<>|]+/)+", "…/", text)


def brief(text: str, longest: int = 80) -> str:
    """A text from outside, without folders and cut where it would break the layout."""
    text = without_folders(text)
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _split_section(
    anchor: str,
    board: Leaderboard,
    read_dataset: ReadDataset,
    styles: dict[str, Style],
    pairs: Mapping[str, str] | None,
) -> SplitSection:
    figure = figures.quality_figure(board, styles)
    first = next(result for row in [*board.rows, *board.problems] for result in row.results)
    return SplitSection(
        anchor=anchor,
        board=board,
        answer=answer(board),
        twins=twins(board, pairs),
        facts=_facts(board, read_dataset(first.cell) or {}),
        notes=_notes(board),
        figure=_markup(figures.inline_svg(figures.to_svg(figure), anchor)) if figure else "",
        figure_in_words=figures.quality_description(board) if figure else "",
    )


def _facts(board: Leaderboard, dataset: dict[str, Any]) -> list[tuple[str, str]]:
    """Sizes of the data, then what was counted; a range where rows or seeds differ."""
    sizes = {name: dataset[name] for name in SIZES if isinstance(dataset.get(name), int)}
    facts = [(SIZES[name], f"{size:,}") for name, size in sizes.items()]
    counted = [result.counts for row in board.rows for result in row.results]
    names = [*COUNTS, *sorted({name for counts in counted for name in counts} - {*COUNTS, *sizes})]
    for name in names:
        found = {counts[name] for counts in counted if name in counts}
        if found:
            title = COUNTS.get(name) or SIZES.get(name) or name.removeprefix("n_").replace("_", " ").capitalize()
            facts.append((title, "–".join(f"{count:,}" for count in sorted({min(found), max(found)}))))
    if dataset.get("licence"):
        facts.append(("Licence of the data", str(dataset["licence"])))
    return facts


def _notes(board: Leaderboard) -> list[tuple[str, list[str]]]:
    """The notes of each row's first cell: those of other seeds differ in their numbers only."""
    about: dict[str, list[str]] = {}
    for row in board.rows:
        for note in dict.fromkeys(row.results[0].notes):
            about.setdefault(note, []).append(row.label)
    return [(note, labels if len(labels) < len(board.rows) else []) for note, labels in about.items()]


def _environment(results: Iterable[Result]) -> list[tuple[str, str]]:
    """What the cells were measured with: each name once, with all values that it had."""
    values: dict[str, dict[str, None]] = {}
    for result in results:
        for name, value in _flat(result.measured.get("environment") or {}):
            values.setdefault(name, {})[value] = None
    return [(name, "; ".join(sorted(found))) for name, found in values.items()]


def _flat(content: Any, prefix: str = "") -> list[tuple[str, str]]:
    if isinstance(content, list):
        content = ", ".join(_parameter(part) for part in content)
    if not isinstance(content, dict):
        return [(prefix, brief(_parameter(content), 300))] if content not in (None, "") else []
    return [pair for name, value in content.items() for pair in _flat(value, f"{prefix} {name}".strip())]


def _without_bulk(result: Result, dataset: dict[str, Any] | None) -> Result:
    """The result with the lists of showcase users only, so that hundreds of cells fit into memory."""
    if result.users is None or result.lists is None:
        return replace(result, per_user={})
    wanted = [entry["user"] for entry in (dataset or {}).get("showcase") or []]
    shown = np.isin(result.users, wanted)
    return replace(result, per_user={}, users=result.users[shown], lists=result.lists[shown])


def _remembering(read_dataset: ReadDataset) -> ReadDataset:
    known: dict[tuple[str, str, int], dict[str, Any] | None] = {}

    def read(cell: Cell) -> dict[str, Any] | None:
        name = (cell.dataset, cell.split, cell.split_seed)
        if name not in known:
            known[name] = read_dataset(cell)
        return known[name]

    return read


def _parameter(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _listed(names: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``; ``nothing yet`` where there are none."""
    if len(names) < 2:
        return names[0] if names else "nothing yet"
    return f"{', '.join(names[:-1])} and {names[-1]}"


def _markup(svg: str) -> Any:
    from markupsafe import Markup

    return Markup(svg)


def _printable(value: Any) -> Any:
    """Text without control characters, which HTML has no way to write."""
    if not isinstance(value, str) or hasattr(value, "__html__"):
        return value
    return re.sub(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", "�", value)
