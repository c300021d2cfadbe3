"""What dataset.json must hold for reports to trust it: each list its kind of values, codes of items that exist."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

Check = Callable[[Any], bool]


def check_dataset(content: dict[str, Any]) -> None:
    """Look at all that reports read of a data set; what is left out is fine.

    Raises
    ------
    TypeError, ValueError
        A value of another kind, lists beside the items of another length, or a code that no item has.
    """
    for name, is_fine in LISTS.items():
        values = content.get(name)
        if values is None:
            continue
        if not isinstance(values, list):
            raise TypeError(f"{name} is not a list")
        wrong = next((value for value in values if not is_fine(value)), None)
        if wrong is not None or None in values:
            raise TypeError(f"{name} holds {repr(wrong)[:60]}")
    for name in TEXTS:
        if not isinstance(content.get(name, ""), str):
            raise TypeError(f"{name} is not a text")
    _check_items(content)


def _check_items(content: dict[str, Any]) -> None:
    beside = [name for name in BESIDE_ITEMS if content.get(name) is not None]
    lengths = {len(content[name]) for name in beside}
    if len(lengths) > 1:
        raise ValueError(f"{', '.join(beside)} are of {len(lengths)} lengths")
    n_items = lengths.pop() if lengths else None
    codes = list(content.get("known_items") or [])
    for user in content.get("showcase") or []:
        codes += [*user["history"], *user["test"]]
    if n_items is not None and codes and max(codes) >= n_items:
        raise ValueError(f"an item {max(codes)}: there are {n_items}, counted from 0")


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_id(value: Any) -> bool:
    return isinstance(value, int | str) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _row(*checks: Check) -> Check:
    """A list of so many values, each of its kind."""

    def is_fine(value: Any) -> bool:
        return isinstance(value, list) and len(value) == len(checks) and all(map(_call, checks, value))

    return is_fine


def _call(check: Check, value: Any) -> bool:
    return check(value)


def _all(check: Check) -> Check:
    """A list of values of one kind."""
    return lambda value: isinstance(value, list) and all(map(check, value))


def _is_user(value: Any) -> bool:
    """A user of the showcase: the code, the history with its ratings, the test items."""
    if not isinstance(value, dict) or not _is_count(value.get("user")) or not _is_id(value.get("user_id", "")):
        return False
    history, ratings = value.get("history"), value.get("ratings")
    if not _all(_is_count)(history) or not _all(_is_count)(value.get("test")):
        return False
    return ratings is None or (_all(_is_number)(ratings) and len(ratings) == len(history or []))


LISTS: dict[str, Check] = {
    "item_ids": _is_id,
    "user_ids": _is_id,
    "titles": _is_text,
    "genres": _all(_is_text),
    "item_counts": _is_count,
    "test_item_counts": _is_count,
    "relevant_item_counts": _is_count,
    "known_items": _is_count,
    "user_counts": _row(_is_count, _is_count),
    "activity": _row(_is_text, _is_count, _is_count),
    "rating_histogram": _row(_is_number, _is_count),
    "showcase": _is_user,
}
BESIDE_ITEMS = ("item_ids", "titles", "genres", "item_counts", "test_item_counts", "relevant_item_counts")
TEXTS = ("name", "licence", "data", "split")
