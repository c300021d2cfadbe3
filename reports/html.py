"""report.html: one page that needs nothing else, neither a network nor a file beside it.

Everything is in its HTML; the scripts in it only sort, filter, choose and draw, and its policy lets no other run.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from shlex import quote
from typing import Any

import numpy as np

from reports import figures, numbers
from reports.answer import Answer, Twins, answer, twins
from reports.beside import Beside, beside
from reports.choice import Choices, choices
from reports.data import Data, data
from reports.differences import Differences, differences
from reports.figures import Style
from reports.island import island
from reports.listing import other_data
from reports.person import Person, person
from reports.plot import Plot
from reports.result import Cell, Result
from reports.scripts import data_block, policy, scripts
from reports.speed import Speed, read_speed
from reports.store import Store, write_text
from reports.stores import disagreements
from reports.table import Leaderboard, Row, latest, leaderboards, side_by_side
from reports.text import brief, without_folders
from reports.trade import Trade, trade
from reports.tuning import TuningSection, read_tuning, tuning
from reports.uncertainty import Uncertainty, uncertainties
from reports.verdicts import Verdict, verdicts

LONGEST_ERROR = 4000
N_USERS = 50

Uncertain = Mapping[tuple[str, str], Uncertainty]

Read = Callable[[Result], Result]
ReadDataset = Callable[[Cell], "dict[str, Any] | None"]


@dataclass(frozen=True)
class SplitSection:
    """A leaderboard and what stands around it.

    ``notes`` are sentences with the rows that they are about (none where it is all of them); ``choices`` are the
    table's columns; ``hashes`` are (name, text) of the data and of its splits. ``trade``, ``differences`` and
    ``beside`` are None where there is nothing to show.
    """

    anchor: str
    board: Leaderboard
    answer: Answer | None
    twins: list[Twins]
    notes: list[tuple[str, list[str]]]
    choices: Choices
    hashes: list[tuple[str, str]]
    trade: Trade | None
    differences: Differences | None
    beside: Beside | None


@dataclass(frozen=True)
class DatasetSection:
    """A data set: its splits, and what its results look like to a person."""

    anchor: str
    name: str
    splits: list[SplitSection]
    person: Person | None
    data: Data | None

    @property
    def data_block(self) -> Any:
        """What the page's script reads of it, ready to stand in a script element."""
        return _markup(data_block(island(self.person)) if self.person else "")


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

    def plots(self) -> Iterator[tuple[str, str, Plot]]:
        """Every figure with its data set and split ("" for one that is of the data set)."""
        for split in self.splits:
            for section in (split.trade, split.differences, split.beside):
                for plot in section.plots if section else ():
                    yield split.board.dataset, split.board.split, plot
        for dataset in self.datasets:
            for plot in dataset.data.plots if dataset.data else ():
                yield dataset.name, plot.split, plot

    @property
    def most_columns(self) -> int:
        """The largest number of things to show, and of cut-offs, that a reader of one leaderboard chooses from."""
        return max((len(split.choices.choices) for split in self.splits), default=0)

    @property
    def most_cutoffs(self) -> int:
        return max((len(split.choices.cutoffs) for split in self.splits), default=0)


def write_html(
    store: Store,
    path: str | Path,
    *,
    title: str = "",
    pairs: Mapping[str, str] | None = None,
    users: int = N_USERS,
    uncertain: Uncertain | None = None,
) -> Path:
    """Write the report of all stored results, with speed.csv and tuning.json where they are: same files, same bytes.

    Parameters
    ----------
    title
        The page's heading; made from the data sets' names when empty.
    pairs
        Library's model -> ours, its twin; None takes those that the cells stored.
    users
        How many showcase users of each data set the reader may choose from.
    uncertain
        What :func:`reports.uncertainty.uncertainties` found; computed from the store when None.

    Raises
    ------
    StoreError
        A stored file is broken; the message names it.
    """
    path = Path(path)
    write_text(path, render(read_page(store, title=title, pairs=pairs, users=users, uncertain=uncertain)))
    return path


def read_page(
    store: Store,
    *,
    title: str = "",
    pairs: Mapping[str, str] | None = None,
    users: int = N_USERS,
    uncertain: Uncertain | None = None,
) -> Page:
    """The page of all stored results; parameters and what is raised as in :func:`write_html`."""
    read_dataset = _remembering(store.read_dataset)
    read_lists = store.reader("lists", "map")
    results = [_without_bulk(read_lists(result), read_dataset(result.cell)) for result in latest(store.summaries())]
    if uncertain is None:
        uncertain = uncertainties(leaderboards(results), store.reader("per_user"))
    found = disagreements(store) + verdicts(leaderboards(results, uncertain), store.reader("lists"), read_dataset)
    found += other_data(store)
    page = make_page(
        results,
        read_dataset,
        read=store.reader("per_user", "lists", "per_item"),
        title=title,
        pairs=pairs,
        users=users,
        uncertain=uncertain,
        found=found,
    )
    return replace(page, speed=read_speed(store.root), tuning=tuning(read_tuning(store.root), page.styles))


def make_page(
    results: Sequence[Result],
    read_dataset: ReadDataset,
    *,
    read: Read | None = None,
    title: str = "",
    pairs: Mapping[str, str] | None = None,
    users: int = N_USERS,
    uncertain: Uncertain | None = None,
    found: Sequence[Verdict] = (),
) -> Page:
    """Everything that the page shows, from results and what is stored of their data sets.

    ``read`` gives a result with its tables; without it nothing is said of where models differ.
    """
    styles = figures.model_styles(result.cell.model for result in results)
    boards: dict[str, list[Leaderboard]] = {}
    for board in leaderboards(results, uncertain):
        boards.setdefault(board.dataset, []).append(board)
    datasets: list[DatasetSection] = []
    for name, of_name in boards.items():
        anchor = f"data-{len(datasets) + 1}"
        splits = [
            _split_section(f"{anchor}-{place}", board, read, read_dataset, styles, pairs)
            for place, board in enumerate(of_name, 1)
        ]
        datasets.append(
            DatasetSection(anchor, name, splits, person(of_name, read_dataset, users), data(of_name, read_dataset))
        )
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
    texts = scripts()
    return environment.get_template("report.html").render(
        page=page, scripts=[_markup(text) for text in texts], policy=policy(texts)
    )


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


def _split_section(
    anchor: str,
    board: Leaderboard,
    read: Read | None,
    read_dataset: ReadDataset,
    styles: dict[str, Style],
    pairs: Mapping[str, str] | None,
) -> SplitSection:
    return SplitSection(
        anchor=anchor,
        board=board,
        answer=answer(board),
        twins=twins(board, pairs),
        notes=_notes(board),
        choices=choices(board),
        hashes=_hashes(board),
        trade=trade(board, styles),
        differences=differences(board, read, read_dataset, styles) if read else None,
        beside=beside(board, styles),
    )


def _hashes(board: Leaderboard) -> list[tuple[str, str]]:
    """The contents of the data and of each split, as the cells say: rows of one leaderboard share them."""
    found: dict[str, dict[str, None]] = {}
    for row in board.rows:
        for result in row.results:
            for name, title in (("data", "Data"), ("split", f"Split, seed {result.cell.split_seed}")):
                if isinstance(result.identity.get(name), str):
                    found.setdefault(title, {})[result.identity[name][:16]] = None
    return [(title, ", ".join(found[title])) for title in sorted(found)]


def _notes(board: Leaderboard) -> list[tuple[str, list[str]]]:
    """The notes of each row's first cell: those of other seeds differ in their numbers only."""
    about: dict[str, list[str]] = {}
    for row in board.rows:
        beside = max(side_by_side(result) or 1 for result in row.results)
        timed = (
            [f"Timed while up to {beside} cells ran side by side: times are longer than alone."] if beside > 1 else []
        )
        for note in dict.fromkeys([*row.results[0].notes, *timed]):
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
    """The result with its map and the lists of showcase users only, so that hundreds of cells fit into memory."""
    if result.users is None or result.lists is None:
        return replace(result, per_user={}, per_item={})
    wanted = [entry["user"] for entry in (dataset or {}).get("showcase") or []]
    shown = np.isin(result.users, wanted)
    return replace(result, per_user={}, per_item={}, users=result.users[shown], lists=result.lists[shown])


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
