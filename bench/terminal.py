"""Texts from outside, made fit to print: a title must neither colour the terminal nor type into it."""

from __future__ import annotations


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
