"""What is printed of texts from outside."""

import pytest

from bench.terminal import cell, printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Amélie 日本 🎬", "Amélie 日本 🎬"),
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
        ("\x1b[2J", "\\x1b[2J"),
        ("a\0b\r", "a\\x00b\\r"),
        ("\u202eabc", "\\u202eabc"),
        ("\x9b31m", "\\x9b31m"),
        ("\udc80", "\\udc80"),
    ],
)
def test_nothing_but_letters_reaches_the_terminal(text, shown):
    assert printable(text) == shown


def test_brackets_are_no_markup():
    from rich.text import Text

    assert Text.from_markup(cell("[red]x[/] \x1b[2J")).plain == "[red]x[/] \\x1b[2J"
