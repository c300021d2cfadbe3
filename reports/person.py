"""What the results look like to a person: a user's history beside each list, titles similar to known ones, a map."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Any

import numpy as np

from reports.item_map import ModelMap, model_maps
from reports.result import Cell, Result
from reports.table import Leaderboard, Row

N_SIMILAR = 8
N_RECOMMENDED = 10
N_HISTORY = 20
LONGEST_TITLE = 100

Dataset = dict[str, Any]


@dataclass(frozen=True)
class Title:
    """An item as it is shown; ``hit`` where the user has it in test, ``rating`` where the user gave one."""

    text: str
    code: int
    hit: bool = False
    rating: float | None = None


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

    def of(self, row: Row) -> TitleList | None:
        """A model's list, None where it has none."""
        return next((titles for titles in self.lists if titles.row is row), None)


@dataclass(frozen=True)
class ShownUser:
    """A user's history (its first titles; ``cut`` where there are more) beside each model's list."""

    name: str
    history: tuple[Title, ...]
    cut: bool
    n_test: int
    lists: tuple[TitleList, ...]

    def of(self, row: Row) -> TitleList | None:
        """A model's list, None where the user isn't among its evaluated."""
        return next((titles for titles in self.lists if titles.row is row), None)


@dataclass(frozen=True)
class Person:
    """What one split of a data set looks like to a person.

    ``rows`` are the models in the order of the leaderboard: those of every list. ``titles`` has the text of every item
    that is named anywhere, by its code.
    """

    split: str
    split_seed: int
    rows: tuple[Row, ...]
    similar: tuple[SimilarItems, ...]
    users: tuple[ShownUser, ...]
    maps: tuple[ModelMap, ...]
    genres: dict[int, tuple[str, ...]]
    titles: dict[int, str]


def person(boards: Sequence[Leaderboard], read_dataset: Callable[[Cell], Dataset | None], users: int) -> Person | None:
    """The first split of a data set for which anything can be shown, ``users`` of its showcase users at most.

    The results must have their lists and maps.
    """
    for board in boards:
        for seed in sorted({seed for row in board.rows for seed in row.split_seeds}):
            cells = _cells_of(board, seed)
            dataset = read_dataset(cells[0][1].cell) or {}
            similar = _similar(cells, dataset)
            shown = _users(cells, dataset, users)
            maps = model_maps(cells)
            if similar or shown or maps:
                rows = tuple(row for row, _ in cells)
                titles = _all_titles(dataset, similar, shown, maps)
                return Person(board.split, seed, rows, similar, shown, maps, _genres(dataset, maps), titles)
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
                    history=_history(dataset, entry),
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


def _history(dataset: Dataset, entry: dict[str, Any]) -> tuple[Title, ...]:
    titles = _titles(dataset, entry["history"][:N_HISTORY])
    ratings = entry.get("ratings") or []
    return tuple(replace(title, rating=rating) for title, rating in zip_longest(titles, ratings[: len(titles)]))


def _all_titles(
    dataset: Dataset, similar: tuple[SimilarItems, ...], users: tuple[ShownUser, ...], maps: tuple[ModelMap, ...]
) -> dict[int, str]:
    named = [item.title for item in similar]
    named += [title for item in similar for titles in item.lists for title in titles.titles]
    named += [title for user in users for titles in user.lists for title in titles.titles]
    named += [title for user in users for title in user.history]
    texts = {title.code: title.text for title in named}
    for code in {int(code) for shown in maps for code in shown.items} - texts.keys():
        texts[code] = _title(dataset, code).text
    return dict(sorted(texts.items()))


def _genres(dataset: Dataset, maps: tuple[ModelMap, ...]) -> dict[int, tuple[str, ...]]:
    """Genres of the items on the maps, where they are known."""
    genres = dataset.get("genres") or []
    items = sorted({int(code) for shown in maps for code in shown.items})
    return {item: tuple(map(str, genres[item])) for item in items if item < len(genres)}


def _titles(dataset: Dataset, codes: Sequence[int], hits: set[int] | None = None) -> tuple[Title, ...]:
    return tuple(_title(dataset, code, code in (hits or ())) for code in codes)


def _title(dataset: Dataset, code: int, hit: bool = False) -> Title:
    """The title, else the id in the data set's file, else the code."""
    for name, form in (("titles", "{}"), ("item_ids", "item {}")):
        names = dataset.get(name) or []
        if 0 <= code < len(names) and names[code] not in (None, ""):
            return Title(_cut(form.format(names[code])), code, hit)
    return Title(f"item number {code}", code, hit)


def _cut(text: str) -> str:
    """A title without control characters, not longer than the page bears."""
    text = re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", "�", text)
    return text if len(text) <= LONGEST_TITLE else text[: LONGEST_TITLE - 1] + "…"
