"""Learning curves: a model's quality while it learns, measured in the callback of ``fit`` with the clock stopped."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from bench.metrics import RatingErrors, ndcg, put_together, rmse
from bench.ranking import Scorer, rank
from reports.result import Curve
from splits.interactions import Interactions
from splits.randomness import generator

POINTS = 20
USERS = 500
CUTOFF = 10  # the cut-off nearest to it is taken


@dataclass(frozen=True)
class Judge:
    """What the quality is: the metric's name, over how many users, and the function that gives it."""

    metric: str
    n_users: int
    measure: Callable[[], float]


class Watch:
    """The callback of a fit: a stopwatch that stands still while anything but the fit goes on.

    Quality is looked at after at most ``POINTS`` of ``total`` epochs, evenly spread and the last among them. Where
    nobody says how many there will be, every second epoch is looked at, and every other point is dropped whenever there
    are too many. A fit of one epoch has no curve, nor has one without a judge.

    Attributes
    ----------
    epoch
        How many are done.
    points
        (epoch, seconds of the fit up to it, quality).
    trouble
        What the model raised when it was asked in the middle of its fit; it isn't asked again.
    """

    def __init__(
        self,
        judge: Judge | None = None,
        total: int | None = None,
        tell: Callable[[int], None] = lambda epoch: None,
    ):
        self._judge, self._tell = judge, tell
        self._chosen = None if total is None else _evenly(total)
        self._every = 2
        self._started = self._paused = 0.0
        self.epoch = 0
        self.points: list[tuple[int, float, float]] = []
        self.trouble = ""

    def start(self) -> None:
        """The fit begins."""
        self._started = perf_counter()

    def __call__(self, *_: Any, **__: Any) -> None:
        """An epoch is over; what the model says of it (its own count, its seconds, its loss) isn't needed."""
        stopped = perf_counter()
        self.epoch += 1
        self._tell(self.epoch)
        if self._is_wanted(self.epoch):
            self._look(stopped - self._started - self._paused)
        self._paused += perf_counter() - stopped

    def stop(self) -> float:
        """The seconds of the fit, which is over. Its last epoch becomes the last point."""
        seconds = perf_counter() - self._started - self._paused
        if self.epoch > 1 and (not self.points or self.points[-1][0] < self.epoch):
            self._look(seconds)
        return seconds

    def curve(self) -> tuple[Curve | None, list[float]]:
        """The curve and the seconds at its points; None and [] where there are fewer than two."""
        if self._judge is None or len(self.points) < 2:
            return None, []
        epochs, seconds, values = (list(column) for column in zip(*self.points, strict=True))
        return Curve(self._judge.metric, epochs, values, self._judge.n_users), seconds

    def _is_wanted(self, epoch: int) -> bool:
        if self._chosen is not None:
            return epoch in self._chosen
        if len(self.points) == POINTS:
            self._drop_every_other()
        return epoch % self._every == 0

    def _look(self, seconds: float) -> None:
        if self._judge is None or self.trouble:
            return
        try:
            quality = self._judge.measure()
        except Exception as error:  # a curve is an extra: a model that can't be asked yet must be fitted all the same
            reason = str(error).strip().partition("\n")[0]
            self.trouble, self.points = f"{type(error).__name__}: {reason}", []
            return
        if len(self.points) == POINTS:
            self._drop_every_other()
        self.points.append((self.epoch, seconds, quality))

    def _drop_every_other(self) -> None:
        self.points, self._every = self.points[1::2], 2 * self._every


def sample(evaluated: NDArray[Any]) -> NDArray[Any]:
    """At most ``USERS`` of the evaluated users, the same ones for every model; sorted."""
    return np.sort(generator(0, "users of learning curves").permutation(evaluated)[:USERS])


def judge_lists(
    score: Scorer, users: NDArray[Any], seen: sp.csr_matrix, relevant: sp.csr_matrix, ks: Iterable[int], **options: Any
) -> Judge:
    """NDCG of these users' lists at the cut-off nearest to 10; arguments as those of :func:`bench.ranking.rank`."""
    k = min(ks, key=lambda k: (abs(k - CUTOFF), k))

    def measure() -> float:
        return put_together("mean", ndcg(rank(score, users, seen, relevant, k, **options), k))

    return Judge(f"ndcg@{k}", len(users), measure)


def judge_ratings(predict: Callable[..., NDArray[Any]], users: NDArray[Any], test: Interactions) -> Judge:
    """RMSE of these users' held-out ratings, predictions clipped to the scale; ValueError where one isn't finite."""
    assert test.ratings is not None
    assert test.rating_scale is not None
    rows = np.isin(test.users, users)
    scale, who, what, actual = test.rating_scale, test.users[rows], test.items[rows], test.ratings[rows]

    def measure() -> float:
        predicted = np.clip(predict(who, what), *scale)
        if not np.isfinite(predicted).all():
            raise ValueError("predict gave a rating that is not finite")
        return put_together("root_of_ratio", rmse(RatingErrors(who, predicted, actual, test.n_users)))

    return Judge("rmse", len(users), measure)


def _evenly(total: int) -> set[int]:
    """At most ``POINTS`` of the epochs 1..total, evenly spread, with the last; none of a single one."""
    return set(np.linspace(1, total, min(POINTS, total)).round().astype(int).tolist()) if total > 1 else set()
