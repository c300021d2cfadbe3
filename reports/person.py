"""What the results look like to a person: titles similar to known ones, and a user's history beside each list."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from reports.result import Cell, Result
from reports.table import Leaderboard, Row

N_SIMILAR = 8
N_RECOMMENDED = 10
N_HISTORY = 20
LONGEST_TITLE = 100

Dataset = dict[str, Any]


@dataclass(frozen=True)
class Title:
    """An item as it is shown; ``hit`` where the user has it in test."""

    text: str
    hit: bool = False


@dataclass(frozen=True)
class TitleList:
    """One model's titles, best first."""

    row: Row
    titles: tuple[Title, ...]

    @property
    def n_hits(self) -> int:
        return sum(title.hit for title in self.titles)


@dataclass(frozen=True)
class SimilarItems:
    """What each model takes for similar to one item; ``silent`` are models that have no notion of it."""

    title: Title
    lists: tuple[TitleList, ...]
    silent: tuple[Row, ...]


@dataclass(frozen=True)
class ShownUser:
    """A user's history (its first titles; ``cut`` where there are more) beside each model's list."""

    name: str
    history: tuple[Title, ...]
    cut: bool
    n_test: int
    lists: tuple[TitleList, ...]


@dataclass(frozen=True)
class Person:
    """What one split of a data set looks like to a person."""

    split: str
    split_seed: int
    similar: tuple[SimilarItems, ...]
    users: tuple[ShownUser, ...]


def person(boards: Sequence[Leaderboard], read_dataset: Callable[[Cell], Dataset | None], users: int) -> Person | None:
    """The first split of a data set for which anything can be shown, ``users`` of its showcase users at most."""
    for board in boards:
        for seed in sorted({seed for row in board.rows for seed in row.split_seeds}):
            cells = _cells_of(board, seed)
            dataset = read_dataset(cells[0][1].cell) or {}
            similar = _similar(cells, dataset)
            shown = _users(cells, dataset, users)
            if similar or shown:
                return Person(board.split, seed, similar, shown)
    return None


def _cells_of(board: Leaderboard, seed: int) -> list[tuple[Row, Result]]:
    """Each row with its first cell of that split seed, best row first."""
    cells = []
    for row in board.rows:
        of_seed = [result for result in row.results if result.cell.split_seed == seed]
        if of_seed:
            cells.append((row, of_seed[0]))
    return cells


def _similar(cells: list[tuple[Row, Result]], dataset: Dataset) -> tuple[SimilarItems, ...]:
    found = sorted({item for _, result in cells for item in result.neighbours})
    known = dataset.get("known_items") or []
    items = [*(item for item in known if item in found), *(item for item in found if item not in known)]
    return tuple(
        SimilarItems(
            title=_title(dataset, item),
            lists=tuple(
                TitleList(row, _titles(dataset, _others(result.neighbours[item], item)[:N_SIMILAR]))
                for row, result in cells
                if item in result.neighbours
            ),
            silent=tuple(row for row, result in cells if item not in result.neighbours),
        )
        for item in items
    )


def _others(codes: list[int], item: int) -> list[int]:
    return [code for code in codes if code not in (item, -1)]


def _users(cells: list[tuple[Row, Result]], dataset: Dataset, n: int) -> tuple[ShownUser, ...]:
    shown: list[ShownUser] = []
    for entry in dataset.get("showcase") or []:
        test = set(entry["test"])
        lists = [
            TitleList(row, _titles(dataset, codes[:N_RECOMMENDED], test))
            for row, result in cells
            if (codes := list_of(result, entry["user"])) is not None
        ]
        if lists and len(shown) < n:
            shown.append(
                ShownUser(
                    name=str(entry.get("user_id", entry["user"])),
                    history=_titles(dataset, entry["history"][:N_HISTORY]),
                    cut=len(entry["history"]) > N_HISTORY,
                    n_test=len(test),
                    lists=tuple(lists),
                )
            )
    return tuple(shown)


def list_of(result: Result, user: int) -> list[int] | None:
    """The items recommended to a user; None where the user isn't among the evaluated."""
    if result.users is None or result.lists is None:
        return None
    places = np.flatnonzero(result.users == user)
    if not len(places):
        return None
    codes: list[int] = result.lists[places[0]].tolist()
    return [code for code in codes if code >= 0]


def _titles(dataset: Dataset, codes: Sequence[int], hits: set[int] | None = None) -> tuple[Title, ...]:
    return tuple(_title(dataset, code, code in (hits or ())) for code in codes)


def _title(dataset: Dataset, code: int, hit: bool = False) -> Title:
    """The title, else the id in the data set's file, else the code."""
    for name, form in (("titles", "{}"), ("item_ids", "item {}")):
        names = dataset.get(name) or []
        if 0 <= code < len(names) and names[code] not in (None, ""):
            return Title(_cut(form.format(names[code])), hit)
    return Title(f"item number {code}", hit)


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_TITLE else text[: LONGEST_TITLE - 1] + "…"
