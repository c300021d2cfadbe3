"""Figures as SVG: the same bytes for the same results, safe for colour-blind readers, text left as text.

matplotlib and seaborn are imported when a figure is drawn, and the caller's matplotlib settings are left as they are.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from reports import numbers
from reports.table import Leaderboard, Row, encodable

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

SETTINGS: Any = {  # on top of matplotlib's own, whatever the caller has set
    "axes.edgecolor": LINE,
    "axes.labelcolor": INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "font.family": "DejaVu Sans",  # comes with matplotlib: text is measured the same everywhere
    "font.size": 10,
    "grid.color": LINE,
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


def quality_figure(board: Leaderboard, styles: dict[str, Style]) -> Figure | None:
    """The primary metric against the fit's seconds, one labelled point a row; None where there is nothing to draw."""
    from matplotlib import style

    rows = [row for row in board.rows if _point(board, row) is not None]
    if board.primary is None or not rows:
        return None
    with style.context(["default", SETTINGS]):
        return _draw_quality(board, rows, styles)


def quality_description(board: Leaderboard) -> str:
    """What :func:`quality_figure` shows, in words."""
    if board.primary is None:
        return ""
    points = [
        f"{row.label} {board.text(row, board.primary)} in {numbers.seconds(row.cost['fit_seconds'])}"
        for row in board.rows
        if _point(board, row) is not None
    ]
    return f"{board.primary.title} and time to fit: {'; '.join(points)}."


def to_svg(figure: Figure) -> str:
    """The figure as a standalone SVG document."""
    from matplotlib import style

    stream = io.StringIO()
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    with style.context(["default", SETTINGS]), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")  # drawn by the reader's fonts, not by ours
        figure.savefig(stream, format="svg", transparent=True, metadata=nothing)
    return stream.getvalue()


def _draw_quality(board: Leaderboard, rows: list[Row], styles: dict[str, Style]) -> Figure:
    import seaborn
    from matplotlib.figure import Figure

    assert board.primary is not None
    figure = Figure(figsize=(7.2, 4.4), dpi=72)
    axes = figure.subplots(gridspec_kw={"left": 0.1, "right": 0.99, "bottom": 0.12, "top": 0.98})
    points = [point for point in (_point(board, row) for row in rows) if point is not None]
    seaborn.scatterplot(
        x=[x for x, _ in points],
        y=[y for _, y in points],
        hue=[encodable(row.model) for row in rows],
        style=[encodable(row.model) for row in rows],
        palette={encodable(model): style.colour for model, style in styles.items()},
        markers={encodable(model): style.marker for model, style in styles.items()},
        s=52,
        linewidth=0,
        legend=False,
        ax=axes,
    )
    direction = "" if board.primary.higher_is_better else " (lower is better)"
    axes.set(xscale="log", xlabel="seconds to fit (logarithmic)", ylabel=board.primary.title + direction)
    axes.margins(x=0.12, y=0.1)
    _tick_seconds(axes)
    axes.grid(visible=True, linewidth=0.7)
    axes.set_axisbelow(True)
    _label_points(figure, axes, points, [_printable(row.label) for row in rows])
    return figure


def _point(board: Leaderboard, row: Row) -> tuple[float, float] | None:
    value = row.values.get(board.primary.name) if board.primary else None
    fit = row.cost.get("fit_seconds")
    return None if value is None or fit is None else (max(fit, 1e-4), value)


def _tick_seconds(axes: Axes) -> None:
    """Powers of ten as plain numbers, with 2 and 5 between them where there are few."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    first, last = axes.get_xlim()
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0,) if last / first > 300 else (1.0, 2.0, 5.0), numticks=20))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_locator(NullLocator())


LABEL_SIZE = 9
RINGS = (9, 19, 31, 45)  # how far a label may stand from its point
DIRECTIONS = ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, 1), (1, -1), (-1, -1))


def _label_points(figure: Figure, axes: Axes, points: list[tuple[float, float]], labels: list[str]) -> None:
    """Put each label where it covers no point, no other label and no edge, with a thin line where it had to move away.

    Greedy, best row first: the first free of eight directions on growing rings, else the place that covers least.
    """
    frame = axes.get_window_extent()
    edges = np.array([frame.x0, frame.y0, frame.x1, frame.y1])
    centres = axes.transData.transform(points)
    taken = np.concatenate([centres - 5, centres + 5], axis=1)
    for label, point, centre in zip(labels, points, centres, strict=True):
        places = _places(centre, _text_size(figure, label))
        chosen = int(np.argmin([_covered(place, taken, edges) for place in places]))
        taken = np.concatenate([taken, places[chosen : chosen + 1]])
        right, up = DIRECTIONS[chosen % len(DIRECTIONS)]
        line = {"arrowstyle": "-", "color": INK, "linewidth": 0.5, "alpha": 0.6, "shrinkA": 0, "shrinkB": 4}
        axes.annotate(
            label,
            point,
            xytext=tuple(_reach(chosen)),
            textcoords="offset points",
            fontsize=LABEL_SIZE,
            horizontalalignment=("right", "center", "left")[right + 1],
            verticalalignment=("top", "center", "bottom")[up + 1],
            arrowprops=line if chosen >= len(DIRECTIONS) else None,
        )


def _reach(spot: int) -> NDArray[Any]:
    """From a point to the nearest side of the label in its n-th possible place, the best places first."""
    ring, direction = divmod(spot, len(DIRECTIONS))
    step = np.array(DIRECTIONS[direction])
    return RINGS[ring] * step * (0.7 if step.all() else 1)


def _places(centre: NDArray[Any], size: NDArray[Any]) -> NDArray[Any]:
    """Boxes (left, bottom, right, top) of a label's possible places."""
    boxes = []
    for spot in range(len(RINGS) * len(DIRECTIONS)):
        corner = centre + _reach(spot) - size * (1 - np.array(DIRECTIONS[spot % len(DIRECTIONS)])) / 2
        boxes.append(np.concatenate([corner, corner + size]))
    return np.array(boxes)


def _covered(place: NDArray[Any], taken: NDArray[Any], edges: NDArray[Any]) -> float:
    """How much of a label's box is hidden: what it shares with others, and what sticks out of the frame."""
    inside = _shared_area(place, edges[None])
    return float(_shared_area(place, taken) + 4 * (_shared_area(place, place[None]) - inside))


def _shared_area(box: NDArray[Any], others: NDArray[Any]) -> float:
    sides = np.minimum(box[2:], others[:, 2:]) - np.maximum(box[:2], others[:, :2])
    return float(np.clip(sides, 0, None).prod(axis=1).sum())


def _text_size(figure: Figure, label: str) -> NDArray[Any]:
    """Width and height of a line of text in points."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.font_manager import FontProperties

    renderer = FigureCanvasAgg(figure).get_renderer()  # type: ignore[no-untyped-call]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")
        width, _, _ = renderer.get_text_width_height_descent(label, FontProperties(size=LABEL_SIZE), False)
    return np.array([width, 1.2 * LABEL_SIZE])


def _printable(label: str, longest: int = 40) -> str:
    """A label without what an SVG file can't hold, and not longer than the figure bears."""
    label = "".join(letter for letter in label if letter.isprintable())
    return label if len(label) <= longest else label[: longest - 1] + "…"


def inline_svg(svg: str, prefix: str) -> str:
    """The SVG as an element of an HTML page: ids with a prefix of their own, ink and grid in the page's colours.

    It is hidden from screen readers; what it shows has to stand beside it in words.
    """
    body = svg[svg.index("<svg") :]
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    body = re.sub(r"<style.*?</style>", "", body, count=1, flags=re.DOTALL)
    body = re.sub(r'<svg[^>]*?(viewBox="[^"]*")[^>]*>', r'<svg aria-hidden="true" \1>', body, count=1)
    body = re.sub(r'\bid="', f'id="{prefix}-', body)
    body = re.sub(r'(url\(#|href="#)', rf"\g<1>{prefix}-", body)
    return body.replace(INK, "currentColor").replace(LINE, "var(--line)")
