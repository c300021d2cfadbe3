"""Names beside points: each where it covers no point, no other name and no edge."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Sequence
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from reports.figures.style import INK, printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SIZE = 9
MOST = 30  # labels in a figure: of the best
RINGS = (8, 17, 29, 43, 60, 80)  # how far a label may stand from its point
DIRECTIONS = ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, 1), (1, -1), (-1, -1))


def label_points(
    axes: Axes,
    points: Sequence[tuple[float, float]],
    labels: Sequence[str],
    *,
    bold: Collection[str] = (),
    others: Sequence[tuple[float, float]] = (),
) -> None:
    """Put each label where it covers nothing, with a thin line where it had to move away from its point.

    Greedy, in the order given: the first free of eight directions on growing rings, else the place that covers least.
    ``others`` are further points to keep free.
    """
    if not points:
        return
    axes.autoscale_view()  # which matplotlib puts off until it draws; the places below need it
    frame = axes.get_window_extent()
    edges = np.array([frame.x0, frame.y0, frame.x1, frame.y1])
    centres = axes.transData.transform([*points, *others])
    taken = np.concatenate([centres - 4.5, centres + 4.5], axis=1)
    for label, point, centre in list(zip(labels, points, centres, strict=False))[:MOST]:
        text, weight = printable(label, 28), "bold" if label in bold else "normal"
        places = _places(centre, text_size(text, weight))
        chosen = int(np.argmin([_covered(place, taken, edges) for place in places]))
        taken = np.concatenate([taken, places[chosen : chosen + 1]])
        right, up = DIRECTIONS[chosen % len(DIRECTIONS)]
        line = {"arrowstyle": "-", "color": INK, "linewidth": 0.5, "alpha": 0.6, "shrinkA": 0, "shrinkB": 4}
        axes.annotate(
            text,
            point,
            xytext=tuple(_reach(chosen)),
            textcoords="offset points",
            fontsize=SIZE,
            fontweight=weight,
            horizontalalignment=("right", "center", "left")[right + 1],
            verticalalignment=("top", "center", "bottom")[up + 1],
            arrowprops=line if chosen >= len(DIRECTIONS) else None,
        )


@lru_cache(maxsize=4096)
def text_size(text: str, weight: str = "normal", size: float = SIZE) -> NDArray[Any]:
    """Width and height of a line of text in units of 1/72 inch."""
    from matplotlib.font_manager import FontProperties

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")
        font = FontProperties(family="DejaVu Sans", size=size, weight=weight)
        width, _, _ = _renderer().get_text_width_height_descent(text, font, False)
    return np.array([width, 1.2 * size])


@cache
def _renderer() -> Any:
    from matplotlib.backends.backend_agg import RendererAgg

    return RendererAgg(1, 1, 72)  # type: ignore[no-untyped-call]


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
    return float(_shared_area(place, taken) + 20 * (_shared_area(place, place[None]) - inside))


def _shared_area(box: NDArray[Any], others: NDArray[Any]) -> float:
    sides = np.minimum(box[2:], others[:, 2:]) - np.maximum(box[:2], others[:, :2])
    return float(np.clip(sides, 0, None).prod(axis=1).sum())
