"""What a speed is worth: the objective, NDCG@10 or RMSE of a model, computed by our own code for everybody."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench import metrics
from bench.contests.table import Contest
from bench.ranking import rank
from bench.runner import Material


@dataclass(frozen=True)
class Judge:
    """A quality: its name, which direction is better, and the function of a model."""

    name: str
    higher_is_better: bool
    measure: Callable[[Any], float]

    def as_good(self, quality: float, target: float) -> bool:
        return quality >= target if self.higher_is_better else quality <= target


def judge_of(contest: Contest, material: Material, threads: int) -> Judge:
    """The contest's judge on a split."""
    if contest.quality == "objective":
        return Judge("objective", False, _objective(contest, material))
    if contest.quality == "NDCG@10":
        return Judge("NDCG@10", True, lambda model: _ndcg(model, material, threads))
    return Judge("RMSE", False, lambda model: _rmse(model, material))


def _objective(contest: Contest, material: Material) -> Callable[[Any], float]:
    """Our formula of the sum that all minimise, for anybody's factors."""
    formula = contest.ours.build(1)

    def measure(model: Any) -> float:
        formula.user_factors, formula.item_factors = model.user_factors, model.item_factors
        return float(formula.objective(material.fitted_on))

    return measure


def _ndcg(model: Any, material: Material, threads: int) -> float:
    users = material.test_users[material.has_relevant]
    ranked = rank(model.score, users, material.seen, material.relevant, 10, seed=0, threads=threads)
    return metrics.put_together("mean", metrics.ndcg(ranked, 10))


def _rmse(model: Any, material: Material) -> float:
    test = material.split.test
    assert test.ratings is not None
    assert test.rating_scale is not None
    predicted = np.clip(model.predict(test.users, test.items), *test.rating_scale)
    errors = metrics.RatingErrors(test.users, predicted, test.ratings, test.n_users)
    return metrics.put_together("root_of_ratio", metrics.rmse(errors))
