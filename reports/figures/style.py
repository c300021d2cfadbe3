"""How figures look: colours and markers of models, safe for colour-blind readers, and matplotlib's settings.

matplotlib is imported when a figure is drawn, and the caller's matplotlib settings are left as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reports.text import brief

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, LINE = "#1b1f24", "#d5dbe1"  # a page replaces these two, so that text and grid follow light and dark

# Six hues (from Okabe & Ito's set, two darkened) that keep a contrast of 3 : 1 on white and on near-black. The shape of
# the marker tells models apart where hues repeat or can't be seen.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#c0699a", "#a87400", "#7f7f7f")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
SHAPES = {  # the same markers as SVG paths around 0, about 9 units wide
    "o": "M-4.2 0a4.2 4.2 0 1 0 8.4 0a4.2 4.2 0 1 0-8.4 0",
    "s": "M-3.7-3.7h7.4v7.4h-7.4z",
    "^": "M0-4.4L4.4 4h-8.8z",
    "D": "M0-5L5 0L0 5L-5 0z",
    "v": "M0 4.4L4.4-4h-8.8z",
    "P": "M-1.6-4.6h3.2v3h3v3.2h-3v3h-3.2v-3h-3v-3.2h3z",
    "X": "M0-2.2L2.4-4.6L4.6-2.4L2.2 0L4.6 2.4L2.4 4.6L0 2.2L-2.4 4.6L-4.6 2.4L-2.2 0L-4.6-2.4L-2.4-4.6z",
}

WIDTH = 5.0  # inches of 72 units: a figure on a phone is shown a little smaller than drawn, and its text can be read
SETTINGS: Any = {  # on top of matplotlib's own, whatever the caller has set
    "axes.axisbelow": True,
    "axes.edgecolor": LINE,
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "figure.dpi": 72,
    "font.family": "DejaVu Sans",  # comes with matplotlib: text is measured the same everywhere
    "font.size": 10,
    "grid.color": LINE,
    "grid.linewidth": 0.7,
    "svg.fonttype": "none",
    "svg.hashsalt": "recsys-bench",
    "text.color": INK,
    "text.parse_math": False,  # a model may be called a$b$
    "text.usetex": False,
    "xtick.color": LINE,
    "xtick.labelcolor": INK,
    "ytick.color": LINE,
    "ytick.labelcolor": INK,
}


@dataclass(frozen=True)
class Style:
    """How a model is drawn, everywhere on a page."""

    colour: str
    marker: str


def model_styles(models: Iterable[str]) -> dict[str, Style]:
    """A colour and a marker for each model, by the order of the names; no pair comes twice below 43 models."""
    return {
        model: Style(COLOURS[place % len(COLOURS)], MARKERS[place % len(MARKERS)])
        for place, model in enumerate(sorted(set(models)))
    }


@contextmanager
def drawing() -> Iterator[None]:
    """Within it figures are drawn with our settings, whatever the caller has set."""
    from matplotlib import style

    with style.context(["default", SETTINGS]):
        yield


def canvas(
    height: float, *, left: float = 46, right: float = 6, bottom: float = 36, top: float = 6, **grid: Any
) -> tuple[Figure, Any]:
    """An empty figure of the page's width and its axes; ``height`` in inches, margins in units of 1/72 inch."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, height))
    width, tall = 72 * WIDTH, 72 * height
    margins = {"left": left / width, "right": 1 - right / width, "bottom": bottom / tall, "top": 1 - top / tall}
    spaces = {name: grid.pop(name) for name in ("wspace", "hspace") if name in grid}
    return figure, figure.subplots(gridspec_kw=margins | spaces, **grid)


def logarithmic(axis: Any, limits: tuple[float, float], form: Callable[[float], str] | None = None) -> None:
    """Ticks at powers of ten as plain numbers, with 2 and 5 between them where there are few."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    first, last = limits
    axis.set_major_locator(LogLocator(subs=(1.0,) if last / first > 300 else (1.0, 2.0, 5.0), numticks=20))
    axis.set_major_formatter(FuncFormatter(lambda value, _: form(value) if form else f"{value:,.10g}"))
    axis.set_minor_locator(NullLocator())


def printable(label: str, longest: int = 40) -> str:
    """A label without what an SVG file can't hold, and not longer than the figure bears."""
    return brief("".join(letter for letter in label if letter.isprintable()), longest)


def axis_title(axes: Axes, x: str, y: str) -> None:
    """The axes' names; that of y stands flat above its axis, where it takes no width."""
    axes.set_xlabel(x)
    axes.set_title(y, loc="left", fontsize=10, x=-0.09)
