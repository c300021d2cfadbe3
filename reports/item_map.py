"""The 2-D map of the items that each model has in mind: places from the cells, colours by genre."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reports.result import Result
from reports.table import Row

N_GENRES = 7  # more colours than that nobody tells apart
OTHER = "other"

# Hues after Okabe & Ito, darkened or lightened to 3 : 1 on white and on near-black; shapes where they can't be seen.
GENRE_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#c0699a", "#a87400", "#2f9bd8", "#7a6bea", "#808080")
GENRE_SHAPES = ("o", "s", "^", "D", "v", "P", "X", "o")

LEVELS = 4096  # of a coordinate: 12 bits, finer than a pixel


@dataclass(frozen=True)
class ModelMap:
    """One model's places of the items: ``items`` (m,), ``places`` (m, 2) in any unit."""

    row: Row
    items: NDArray[np.int32]
    places: NDArray[np.float32]


def model_maps(cells: Sequence[tuple[Row, Result]]) -> tuple[ModelMap, ...]:
    """The maps that these cells stored, in their order."""
    return tuple(
        ModelMap(row, result.item_map.items, result.item_map.places)
        for row, result in cells
        if result.item_map is not None and len(result.item_map.items)
    )


def main_genres(genres: Mapping[int, Sequence[str]]) -> tuple[str, ...]:
    """The most frequent genres, then "other" where an item has none of them; () where no genre is known."""
    counts = Counter(genre for of_item in genres.values() for genre in of_item)
    main = [genre for genre, _ in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))][:N_GENRES]
    if not main:
        return ()
    return (*main, *((OTHER,) if any(not set(main) & set(of_item) for of_item in genres.values()) else ()))


def genre_numbers(items: Iterable[int], genres: Mapping[int, Sequence[str]], main: Sequence[str]) -> list[int]:
    """For each item the number of the rarest of its main genres, which says most about it; that of "other" else."""
    number = {genre: place for place, genre in enumerate(main)}
    return [
        max((number[genre] for genre in genres.get(item, ()) if genre in number), default=max(0, len(main) - 1))
        for item in items
    ]


def packed(places: NDArray[np.float32]) -> str:
    """Places as text, four characters a point: base64 of 12 bits for x and 12 for y, the larger extent filling them.

    Both axes have one scale, so that distances stay comparable.
    """
    centred = places - (places.max(axis=0) + places.min(axis=0)) / 2
    extent = float(np.ptp(places, axis=0).max()) or 1.0
    levels = np.clip(np.rint((centred / extent + 0.5) * (LEVELS - 1)), 0, LEVELS - 1).astype(np.uint32)
    words = levels[:, 0] << 12 | levels[:, 1]
    return base64.b64encode(words.astype(">u4").view(np.uint8).reshape(-1, 4)[:, 1:].tobytes()).decode("ascii")
