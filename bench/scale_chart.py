"""The chart of a scale measurement: seconds by step and peak memory against the number of interactions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from reports.figures import COLOURS, LINE, MARKERS, SETTINGS, to_svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LIMIT_GIB = 4
COLUMNS = (  # what is shown: the process, and the steps whose seconds are added up
    ("prepare", ("load",)),
    ("prepare", ("split",)),
    ("als", ("fit",)),
    ("bpr", ("fit",)),
    ("als", ("rank", "metrics")),
    ("bpr", ("rank", "metrics")),
)
LABELS = ("load", "split", "ALS: fit", "BPR: fit", "ALS: evaluate", "BPR: evaluate")
PROCESSES = ((0, "prepare", "load, split, store"), (2, "als", "ALS"), (3, "bpr", "BPR"))  # first the style of COLUMNS


def chart(measured: Sequence[Any]) -> str:
    """Two log-log panels as an SVG document."""
    from matplotlib import style
    from matplotlib.figure import Figure

    with style.context(["default", SETTINGS]):
        figure = Figure(figsize=(10, 4.2), dpi=72, layout="constrained")
        time, memory = figure.subplots(1, 2)
        sizes = _sizes(measured)
        for place, ((process, steps), label) in enumerate(zip(COLUMNS, LABELS, strict=True)):
            seconds = [together(_of(measured, n), process, steps)[0] for n in sizes]
            _line(time, place, sizes, seconds, label)
        for place, process, label in PROCESSES:
            peaks = [max(one.peak_memory_mb for one in _of(measured, n) if one.process == process) for n in sizes]
            _line(memory, place, sizes, [peak / 1024 for peak in peaks], label)
        memory.axhline(LIMIT_GIB, color="black", linestyle=":", linewidth=1, label=f"{LIMIT_GIB} GiB")
        _finish(time, sizes, "seconds")
        _finish(memory, sizes, "peak resident memory of the process, GiB")
        return to_svg(figure)


def together(measured: Sequence[Any], process: str, steps: Sequence[str]) -> tuple[float, float]:
    """Seconds of some steps of one process on one size, and seconds per unit of work."""
    found = [one for one in measured if one.process == process and one.step in steps]
    seconds = sum(one.seconds for one in found)
    return seconds, seconds / found[0].amount


def _sizes(measured: Sequence[Any]) -> list[int]:
    return sorted({one.interactions for one in measured})


def _of(measured: Sequence[Any], interactions: int) -> list[Any]:
    return [one for one in measured if one.interactions == interactions]


def _line(axes: Axes, place: int, x: Sequence[float], y: Sequence[float], label: str) -> None:
    axes.plot(x, y, color=COLOURS[place], marker=MARKERS[place], markersize=6, linewidth=1.5, label=label)


def _finish(axes: Axes, sizes: Sequence[int], label: str) -> None:
    """Both axes logarithmic, with plain numbers and a tick at each size."""
    from matplotlib.ticker import FuncFormatter, NullFormatter

    axes.set(xscale="log", yscale="log", xlabel="interactions", ylabel=label)
    axes.set_xticks(sizes, [_short(size) for size in sizes])
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.grid(color=LINE, linewidth=0.5)
    axes.legend(frameon=False, fontsize=9, loc="best")


def _short(size: int) -> str:
    """100 k, 20 M."""
    return f"{size / 1e6:g} M" if size >= 1_000_000 else f"{size / 1e3:g} k"
