"""A figure as a page needs it: drawn, told in words, with its figures in a table."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from reports.figures.svg import inline_svg, to_svg
from reports.table import Leaderboard, Row, encodable
from reports.text import brief

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Line:
    """A line of a table: its name, the model whose mark stands before it ("" for none), and its cells as texts."""

    name: str
    model: str
    cells: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """What a figure shows, in figures; ``heads`` has one entry for the lines' names and one for each cell."""

    anchor: str
    caption: str
    heads: tuple[str, ...]
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Plot:
    """A figure with what must stand beside it.

    Attributes
    ----------
    anchor
        Unique on the page: the name and a digest of the leaderboard's.
    name
        Short, without blanks: a part of a file's name.
    finding, reading
        What it shows, in a sentence or two; and how to read it.
    svg
        A standalone document.
    split
        Of a data set's figure: the split that it is of, "" for one that is of the data set.
    """

    anchor: str
    name: str
    title: str
    finding: str
    reading: str
    svg: str
    table: Table | None = None
    split: str = ""

    @property
    def inline(self) -> Any:
        """The figure as an element of a page."""
        from markupsafe import Markup

        return Markup(inline_svg(self.svg, self.anchor))

    @property
    def words(self) -> str:
        """The alternative text."""
        return f"{self.title}. {self.finding}"


def make_plot(
    figure: Figure | None, place: str, name: str, title: str, finding: str, reading: str, table: Table | None = None
) -> Plot | None:
    """The plot of a figure, None where there is none; ``place`` tells the leaderboard (:func:`place_of`)."""
    if figure is None:
        return None
    return Plot(f"{name}-{place}", name, title, finding, reading, to_svg(figure), table)


def place_of(dataset: str, split: str) -> str:
    """A few letters that tell a leaderboard from the others of a page."""
    return blake2b(encodable(f"{dataset}\n{split}").encode(), digest_size=4).hexdigest()


def short(row: Row) -> str:
    """A row's label in a sentence."""
    return brief(row.label, 40)


def line_of(board: Leaderboard, label: str, *cells: str) -> Line:
    """The line of a row, by its label."""
    row = next(row for row in board.rows if row.label == label)
    return Line(label, row.model, cells)
