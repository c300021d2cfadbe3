"""The page's figures as SVG files, for a paper or a talk."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from reports.plot import Plot, place_of
from reports.store import safe_name, write_text

LONGEST = 200  # letters; file systems take 255 bytes


def write_figures(plots: Iterable[tuple[str, str, Plot]], folder: str | Path) -> list[Path]:
    """Write figures as ``ml-100k_random_trade-time.svg``; the folder is made, other files in it stay.

    Parameters
    ----------
    plots
        Each with its data set and split, "" for one that is of the data set.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for dataset, split, plot in plots:
        name = "_".join(safe_name(part) for part in (dataset, split, plot.name) if part)
        if len(name) > LONGEST or folder / f"{name}.svg" in paths:  # a_b, c and a, b_c are the same
            name = f"{name[:60]}-{place_of(dataset, split)}_{plot.name}"
        paths.append(folder / f"{name}.svg")
        write_text(paths[-1], plot.svg)
    return paths
