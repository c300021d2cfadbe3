"""Texts from outside (names, titles, errors), made fit to be shown."""

from __future__ import annotations

import re


def without_folders(text: str) -> str:
    """The text with only the last part of every absolute path: a report tells nobody where somebody's files lie."""
    return re.sub(r"(?:(?<![\w.~:/\\-])|(?<=file://))/(?:[^\s/:'\"<>|]+/)+", "…/", text)


def brief(text: str, longest: int = 80) -> str:
    """A text from outside, without folders and cut where it would break the layout."""
    text = without_folders(text)
    return text if len(text) <= longest else text[: longest - 1] + "…"


def listed(names: list[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``; ``nothing`` where there are none."""
    if len(names) < 2:
        return names[0] if names else "nothing"
    return f"{', '.join(names[:-1])} and {names[-1]}"
