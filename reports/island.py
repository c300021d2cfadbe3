"""What the page's script is told of a data set: lists as numbers of titles, each title once, maps packed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from reports.figures import SHAPES
from reports.item_map import GENRE_COLOURS, GENRE_SHAPES, genre_numbers, main_genres, packed
from reports.person import Person, ShownUser, SimilarItems, TitleList
from reports.table import Row


def island(person: Person) -> dict[str, Any]:
    """The content of the data set's JSON block; the script's names for it are these.

    Lists stand in the order of the page's cards, null where a model has none; an item is a place in ``titles``.
    """
    place = {code: number for number, code in enumerate(person.titles)}
    return {
        "titles": list(person.titles.values()),
        "users": [_user(user, person.rows, place) for user in person.users],
        "similar": [_similar(item, person.rows, place) for item in person.similar],
        "map": _map(person, place) if person.maps else None,
    }


def _user(user: ShownUser, rows: Iterable[Row], place: dict[int, int]) -> dict[str, Any]:
    hits = {title.code for titles in user.lists for title in titles.titles if title.hit}
    return {
        "history": [place[title.code] for title in user.history],
        "ratings": [title.rating for title in user.history],
        "cut": user.cut,
        "heldOut": user.n_test,
        "hits": sorted(place[code] for code in hits),
        "lists": _lists(user.lists, rows, place),
    }


def _similar(item: SimilarItems, rows: Iterable[Row], place: dict[int, int]) -> dict[str, Any]:
    return {"item": place[item.title.code], "lists": _lists(item.lists, rows, place)}


def _lists(lists: Iterable[TitleList], rows: Iterable[Row], place: dict[int, int]) -> list[list[int] | None]:
    of_row = {titles.row.label: [place[title.code] for title in titles.titles] for titles in lists}
    return [of_row.get(row.label) for row in rows]


def _map(person: Person, place: dict[int, int]) -> dict[str, Any]:
    """Each model's places; its items only where they aren't those of the first model."""
    first = [place[int(code)] for code in person.maps[0].items]
    models = []
    for shown in person.maps:
        items = [place[int(code)] for code in shown.items]
        models.append({"places": packed(shown.places), **({} if items == first else {"items": items})})
    main = main_genres(person.genres)
    look = list(zip(GENRE_COLOURS, (SHAPES[shape] for shape in GENRE_SHAPES), strict=True))
    # "other" has the last look, the grey, whatever the number of genres before it
    looks = [look[-1] if genre == "other" else look[number] for number, genre in enumerate(main)] or look[:1]
    return {
        "items": first,
        "models": models,
        "genres": list(main),
        "looks": looks,
        "genreOf": "".join(map(str, genre_numbers(person.titles, person.genres, main))),
        "start": place[person.similar[0].title.code] if person.similar else first[0],
    }
