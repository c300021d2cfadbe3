"""Times of a model while it learns, and its quality as it goes, with the clock stopped."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from statistics import median
from time import perf_counter, sleep
from typing import Any

import scipy.sparse as sp

from bench.contests.quality import Judge

SPIN = 0.2  # seconds; OpenBLAS' threads spin for 2^28 cycles after a product, and after their number was changed


def settle() -> None:
    """Wait until idle threads have gone to sleep: what runs beside a spinning one has little more than one core."""
    sleep(SPIN)


@dataclass(frozen=True)
class Mark:
    """Where a model was: ``seconds`` since ``fit`` was called, without those for looking at the quality."""

    iteration: int
    seconds: float
    quality: float


@dataclass(frozen=True)
class Fit:
    """What a fit took and reached.

    ``iteration_seconds`` is the median over iterations; ``marks`` has the last iteration and those before it at which
    the quality was looked at.
    """

    iteration_seconds: float
    marks: tuple[Mark, ...]

    def best(self, judge: Judge) -> Mark:
        """The mark of the best quality, the first of equals."""
        return min(self.marks, key=lambda mark: -mark.quality if judge.higher_is_better else mark.quality)

    def first_as_good(self, judge: Judge, target: float) -> Mark | None:
        """The first mark at which the target was reached."""
        return next((mark for mark in self.marks if judge.as_good(mark.quality, target)), None)


class _ReachedError(Exception):
    """Ends a fit from its callback: what was to be measured is measured."""


class _Watch:
    """The callback: keeps each iteration's seconds and looks at the quality while the clock stands still."""

    def __init__(self, model: Any, judge: Judge, every: int, target: float | None):
        self.model, self.judge, self.every, self.target = model, judge, every, target
        self.iteration_seconds: list[float] = []
        self.marks: list[Mark] = []
        self.paused = 0.0
        self.started = perf_counter()

    def __call__(self, iteration: int, seconds: float, *_: object) -> None:
        now = perf_counter()
        self.iteration_seconds.append(seconds)
        if self.every and (iteration + 1) % self.every == 0:
            self.mark(iteration + 1, now - self.started - self.paused)
        self.paused += perf_counter() - now
        if self.target is not None and self.marks and self.judge.as_good(self.marks[-1].quality, self.target):
            raise _ReachedError

    def mark(self, iteration: int, seconds: float) -> None:
        self.marks.append(Mark(iteration, seconds, self.judge.measure(self.model)))


def watch(
    build: Callable[..., Any], matrix: sp.csr_matrix, judge: Judge, every: int = 0, target: float | None = None
) -> Fit:
    """Fit a model and watch it; with a target it stops as soon as that is reached.

    Parameters
    ----------
    build
        Makes the model, with other parameters where they are given.
    every
        After how many iterations the quality is looked at; 0: only at the end.
    """
    model = build()
    settle()
    watching = _Watch(model, judge, every, target)
    try:
        model.fit(matrix, show_progress=False, callback=watching)
    except _ReachedError:
        return Fit(median(watching.iteration_seconds), tuple(watching.marks))
    seconds = perf_counter() - watching.started - watching.paused
    if not watching.marks or watching.marks[-1].iteration < model.iterations:
        watching.mark(model.iterations, seconds)
    each = watching.iteration_seconds
    return Fit(median(each) if each else _from_the_difference(build, matrix, seconds), tuple(watching.marks))


def retimed(fit: Fit, build: Callable[..., Any], matrix: sp.csr_matrix) -> Fit:
    """The same fit with the times of one that nobody looked into, as far as the last mark.

    After a pause, threads may share a core for as long as an epoch of BPR takes. The library must show its iterations.
    """
    model = build(iterations=fit.marks[-1].iteration)
    each, ends = [], []

    def after_each(iteration: int, seconds: float, *_: object) -> None:
        each.append(seconds)
        ends.append(perf_counter() - started)

    settle()
    started = perf_counter()
    model.fit(matrix, show_progress=False, callback=after_each)
    return Fit(median(each), tuple(replace(mark, seconds=ends[mark.iteration - 1]) for mark in fit.marks))


def _from_the_difference(build: Callable[..., Any], matrix: sp.csr_matrix, seconds: float) -> float:
    """Seconds an iteration of a library that doesn't show its iterations: what all take longer than one alone."""
    n: int = build().iterations
    if n == 1:
        return seconds
    short = build(iterations=1)
    started = perf_counter()
    short.fit(matrix, show_progress=False)
    return (seconds - (perf_counter() - started)) / (n - 1)
