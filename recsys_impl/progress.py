"""The loop over epochs that every iterative model shares: a progress bar, and a callback that sees the clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from time import perf_counter

Callback = Callable[..., object]


def epochs(iterations: int, name: str, show_progress: bool, callback: Callback | None) -> Iterator[int]:
    """Yield 0..iterations-1 and, after each one's work, call ``callback(iteration, seconds)`` as implicit does.

    ``seconds`` is the work's time alone, without the callback's. By then the model holds what it has learned so far, so
    that the callback can ask it for scores. The bar is drawn on a terminal only.
    """
    from tqdm import tqdm

    for iteration in tqdm(range(iterations), desc=name, leave=False, disable=None if show_progress else True):
        started = perf_counter()
        yield iteration
        if callback is not None:
            callback(iteration, perf_counter() - started)
