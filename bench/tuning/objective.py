"""How good a setting is: a model trained on one part and judged by one metric on the validation part."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from time import perf_counter
from typing import Any

import numpy as np

from bench import building, runner
from bench.experiment import LARGEST_K, is_cutoff
from bench.registry import METRICS, MetricRow, ModelRow, look_up, resolve
from reports.result import Cell, Result
from splits.split import Split

MOST_USERS = 5_000  # that lists are made for: with more, a trial would spend its time on judging

Heard = Callable[[int, float], bool]


class MetricError(ValueError):
    """A metric to tune by that isn't there, or that the model has no value of."""


class Stopped(Exception):
    """A trial is worse than others were at the same epoch."""


def parse_metric(text: str) -> tuple[str, MetricRow, tuple[int, ...]]:
    """``ndcg@10`` as the metric's name, its row and its cut-offs; ``auc`` and ``rmse`` have none.

    Raises
    ------
    MetricError
        The cut-off is missing, of no use, or no number; or the metric says nothing of accuracy.
    """
    name, _, k = text.partition("@")
    row = look_up(METRICS, "metric", name)
    if not row.of_accuracy:
        others = ", ".join(other for other, entry in METRICS.items() if entry.of_accuracy)
        raise MetricError(f"--metric {text[:60]}: '{name}' says nothing of accuracy; these do: {others}")
    if row.needs == "lists" and not is_cutoff(k):
        raise MetricError(f"--metric {text[:60]}: '{name}' needs a cut-off from 1 to {LARGEST_K:,}, as in {name}@10")
    if row.needs != "lists" and "@" in text:
        raise MetricError(f"--metric {text}: '{name}' has no cut-off: write {name}")
    return name, row, (int(k),) if row.needs == "lists" else (1,)


def validation_rule(rule: str, split: Split) -> str:
    """The rule that cuts the validation part from train: the split's own, where there is one.

    A split that came with the data has none; there it is a random part of each user's, of the test part's size.
    """
    if rule.partition(":")[0] != "fixed":
        return rule
    return f"random:test_fraction={max(np.count_nonzero(split.in_test) / len(split.in_test), 0.01):.2f}"


class Objective:
    """A validation split, ready to judge one model after the other.

    Lists are made for at most 5,000 of the users, the same in every trial.
    """

    def __init__(self, validation: Split, metric: str, seed: int, threads: int):
        self.validation = validation
        self.metric = metric
        self._materials: dict[str, runner.Material] = {}
        name, row, ks = parse_metric(metric)
        self.task = runner.Task(
            cell=Cell(validation.interactions.name, "validation", seed, "", {}, 0),
            key="",
            identity={},
            learns_from="",
            ks=ks,
            metrics={name: (row, resolve(row.target))},
            threads=threads,
        )

    def material(self, learns_from: str) -> runner.Material:
        """The matrices that a model learns from and is judged by, made once."""
        if learns_from not in self._materials:
            self._materials[learns_from] = self._material(learns_from)
        return self._materials[learns_from]

    def _material(self, learns_from: str) -> runner.Material:
        material = runner.Material(self.validation, learns_from)
        if len(material.test_users) > MOST_USERS:
            chosen = np.random.default_rng(0).choice(material.test_users, MOST_USERS, replace=False)
            material.test_users = np.sort(chosen)
        return material

    def __call__(
        self, row: ModelRow, parameters: Mapping[str, Any], measured_epochs: Sequence[int], heard: Heard
    ) -> tuple[float, float]:
        """Train a model; its metric at the end, and the seconds that the trial took.

        Parameters
        ----------
        measured_epochs
            Epochs, from 1, after which the model is judged; the last is how many there are. None of them: once.
        heard
            Is told (epoch, value) and says whether to go on.

        Raises
        ------
        Stopped
            ``heard`` said no.
        MetricError
            The model has no value of the metric: it predicts no ratings.
        """
        started = perf_counter()
        material = self.material(row.learns_from)
        complete = {**parameters, "iterations": measured_epochs[-1]} if measured_epochs else parameters
        model = building.build(row, complete, building.random_state(self.task.cell.split_seed, 0), self.task.threads)
        scorer = runner.with_fallback(model, material)
        values: dict[int, float] = {}

        def judge() -> float:
            return self._judge(model, scorer, material, row)

        def after_epoch(iteration: int, *_: Any) -> None:
            epoch = iteration + 1
            if epoch in measured_epochs:
                values[epoch] = judge()
                if not heard(epoch, values[epoch]):
                    raise Stopped

        keywords: dict[str, Any] = {"show_progress": False} if building.takes(model.fit, "show_progress") else {}
        if measured_epochs and building.takes(model.fit, "callback"):
            keywords["callback"] = after_epoch
        model.fit(material.fitted_on, **keywords)
        if measured_epochs and measured_epochs[-1] in values:
            return values[measured_epochs[-1]], perf_counter() - started
        value = judge()
        if measured_epochs:  # it has no callback, or stopped before: this is what so many epochs give
            heard(measured_epochs[-1], value)
        return value, perf_counter() - started

    def _judge(self, model: Any, scorer: Any, material: runner.Material, row: ModelRow) -> float:
        task = replace(self.task, learns_from=row.learns_from)
        result = Result(task.cell, "", {}, "ok")
        (metric,) = (metric for metric, _ in task.metrics.values())
        if metric.needs == "ratings":
            if not hasattr(model, "predict") or row.learns_from != "ratings":
                raise MetricError(f"{type(model).__name__} predicts no ratings: tune it by another metric than rmse")
            runner.measure_ratings(result, model, material, task)
        else:
            concurrent = runner.scores_are_ours(model)
            ranked, _ = runner.rank_test_users(scorer, material, task, concurrent)
            runner.measure(result, ranked, material, task)
        if self.metric not in result.metrics:
            raise MetricError(f"{self.metric} is undefined here: nobody has a relevant item in the validation part")
        return result.metrics[self.metric].value
