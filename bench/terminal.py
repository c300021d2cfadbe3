"""Texts from outside, made fit to print: a title must neither colour the terminal nor type into it."""

from __future__ import annotations

from typing import Any


def printable(text: str) -> str:
    """The text with what isn't printed as an escape: control characters, changes of direction, half characters."""
    if text.isprintable():
        return text
    return "".join(
        letter if letter.isprintable() or letter in "\n\t" else letter.encode("unicode_escape").decode("ascii")
        for letter in text
    )


def cell(text: str) -> str:
    """The text as a cell or title of a rich table, where it stands for itself."""
    from rich.markup import escape

    return escape(printable(text))


def shown(value: Any, most: int = 300) -> str:
    """How somebody else's object or error prints, if it can; the beginning of it."""
    try:
        text = str(value) if isinstance(value, BaseException) else repr(value)
    except Exception as error:
        return f"a {type(value).__name__} that can't be printed ({type(error).__name__})"
    return text if len(text) <= most else f"{text[: most - 3]}..."
