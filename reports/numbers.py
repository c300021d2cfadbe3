"""Numbers as a person reads them: the same digits for the same kind of figure everywhere."""

from __future__ import annotations

import math
from collections.abc import Iterable

NOTHING = "–"  # where a figure doesn't apply: never 0
LARGEST = 1e100  # means, squares and axes of larger figures overflow


def is_figure(value: float) -> bool:
    """Whether reports can reckon with it and draw it: not NaN, and not beyond everything that is ever measured."""
    return abs(value) < LARGEST


def decimals_for(values: Iterable[float]) -> int:
    """How many decimals give the largest of a column four digits, so that the whole column lines up."""
    largest = max((abs(value) for value in values if math.isfinite(value)), default=0.0)
    return 4 if largest < 1 else max(0, 3 - int(math.log10(largest)))


def fixed(value: float | None, decimals: int) -> str:
    """``0.3791``, ``1,204``; a dash for nothing."""
    if value is None or not math.isfinite(value):
        return NOTHING
    text = f"{value:,.{decimals}f}"
    return text.removeprefix("-") if float(text.replace(",", "")) == 0 else text


def significant(value: float, digits: int = 3) -> str:
    """``0.0123``, ``4.20``, ``1,230``: never in powers of ten; a dash for what isn't finite."""
    if not math.isfinite(value):
        return NOTHING
    if value == 0:
        return "0"
    rounded = float(f"{value:.{digits - 1}e}")
    return f"{rounded:,.{max(0, digits - 1 - math.floor(math.log10(abs(rounded))))}f}"


def seconds(value: float | None) -> str:
    """``350 ms``, ``4.21 s``, ``3 min 12 s``, ``2 h 05 min``."""
    if value is None or not math.isfinite(value):
        return NOTHING
    if 0 < value < 0.001:
        return "< 1 ms"
    if 0 < value < 0.9995:
        return f"{significant(value * 1000)} ms"
    if value < 99.95:
        return f"{significant(value)} s"
    minutes, rest = divmod(round(value), 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def megabytes(value: float | None) -> str:
    """``0.41 MB``, ``212 MB``, ``1.84 GB`` (of 2**20 and 2**30 bytes)."""
    if value is None or not math.isfinite(value):
        return NOTHING
    if value < 1:
        return "< 0.01 MB" if 0 < value < 0.01 else f"{value:.2f} MB" if value else "0 MB"
    return f"{significant(value)} MB" if value < 999.5 else f"{significant(value / 1024)} GB"


def percent(change: float) -> str:
    """A relative change with its sign: ``+1.2%``, ``−0.4%``."""
    if not math.isfinite(change):
        return NOTHING
    text = f"{abs(change) * 100:.1f}%"
    if float(text.removesuffix("%")) == 0:
        return "0.0%"
    return ("+" if change > 0 else "−") + text


def milliseconds(value: float | None) -> str:
    """A time in milliseconds, in the unit that reads best: ``0.412 ms``, ``12.0 ms``, ``1.20 s``."""
    if value is None or not math.isfinite(value):
        return NOTHING
    if 0 < value < 1:
        return "< 0.01 ms" if value < 0.01 else f"{significant(value)} ms"
    return seconds(value / 1000)


def share(value: float) -> str:
    """A part of a whole: ``83%``, ``< 1%``; a dash for nothing."""
    if not math.isfinite(value):
        return NOTHING
    return "< 1%" if 0 < value < 0.005 else f"{value * 100:.0f}%"


def p_value(value: float) -> str:
    """``0.032``, ``< 0.001``."""
    if not math.isfinite(value):
        return NOTHING
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def span(values: Iterable[int]) -> str:
    """The smallest and the largest of some counts: ``500``, ``480–500``; a dash for none."""
    found = sorted(set(values))
    return "–".join(f"{value:,}" for value in dict.fromkeys([*found[:1], *found[-1:]])) or NOTHING
