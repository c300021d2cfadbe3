"""What is to be searched: checked before anything is trained."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from shlex import quote
from typing import Any

from bench import building
from bench.registry import ModelRow, look_up
from bench.tuning.objective import parse_metric
from bench.tuning.space import Space, SpaceError

BY_RATINGS, BY_LISTS = "rmse", "ndcg@10"
MOST_SECONDS = 10**9  # more than a clock of the system may count to


class BudgetError(ValueError):
    """A budget that is none."""


@dataclass(frozen=True)
class Plan:
    """A search, the same budget for each of its models.

    ``metric`` is "" for rmse where a model learns from ratings and ndcg@10 elsewhere. ``seconds`` is what all trials of
    a model may take together, None for no limit. ``parameters`` are those that a user set, by model; ``spaces_file`` is
    where further spaces were read, and ``reading`` says how the data set's file is read (``experiment.file_options``).
    """

    dataset: str
    split: str
    models: tuple[str, ...]
    trials: int
    seconds: float | None
    metric: str
    seed: int
    jobs: int
    threads: int
    spaces: dict[str, Space]
    table: dict[str, ModelRow]
    plugins: tuple[str, ...] = ()
    parameters: dict[str, dict[str, Any]] = field(default_factory=dict)
    spaces_file: str = ""
    reading: tuple[str, ...] = ()

    def space_of(self, model: str) -> Space:
        """What is searched for a model: parameters that were set have one value."""
        return self.spaces[model].fixing(self.parameters.get(model, {}))

    def complete(self, model: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """What a model is built with, as ``run`` would: the row's parameters where ``parameters`` has none."""
        return building.model_parameters(model, self.table[model], parameters)

    def defaults_of(self, model: str) -> dict[str, Any]:
        """The row's own values of the parameters that its space is about; those that were set have that value."""
        own = self.complete(model, self.parameters.get(model, {}))
        return {name: own[name] for name in self.space_of(model).example if own.get(name) is not None}

    def metric_of(self, model: str, has_scale: bool) -> str:
        """The metric that a model is tuned by."""
        by_ratings = self.table[model].learns_from == "ratings" and has_scale
        return self.metric or (BY_RATINGS if by_ratings else BY_LISTS)

    def command(self, model: str) -> str:
        """What makes the search of one model again.

        Not the number of threads, nor where results go: no trial depends on them, only how many a time budget is enough
        for, as on the machine.
        """
        words = ["python", "-m", "bench", "tune", "--dataset", self.dataset, "--split", self.split, "--models", model]
        words += ["--trials", str(self.trials)]
        words += ["--time-budget", f"{self.seconds:g}"] if self.seconds is not None else []
        words += ["--metric", self.metric] if self.metric else []
        words += ["--seed", str(self.seed)] if self.seed else []
        words += ["--jobs", str(self.jobs)] if self.jobs != 1 else []
        for name, value in self.parameters.get(model, {}).items():
            words += ["--set", f"{model}.{name}={json.dumps(value)}"]
        words += ["--spaces", self.spaces_file] if self.spaces_file else []
        for plugin in self.plugins:
            words += ["--plugin", plugin]
        words += self.reading
        return " ".join(map(quote, words))

    def check(self) -> Plan:
        """Itself, if every model has a space whose parameters it takes.

        Raises
        ------
        UnknownNameError, SpaceError, ParameterError, MetricError, BudgetError
            What is wrong, and what there is.
        """
        if self.trials < 1 or (self.seconds is not None and not 0 < self.seconds <= MOST_SECONDS):
            raise BudgetError(
                f"a budget is at least one trial and some seconds, at most {MOST_SECONDS:,}, not {self.trials} and "
                f"{self.seconds}"
            )
        if self.metric:
            parse_metric(self.metric)
        for model in self.models:
            row = look_up(self.table, "model", model)
            if model not in self.spaces:
                raise SpaceError(
                    f"model '{model}' has no search space; there are: {', '.join(self.spaces)}. Give one with "
                    "--spaces FILE (`python -m bench list spaces` shows the form)"
                )
            building.model_parameters(model, row, self.space_of(model).example)
            for values in (self.parameters.get(model, {}), *self.space_of(model).corners):
                building.check_values(model, row, values)
        for model in self.parameters:
            look_up(self.table, "model", model)
            if model not in self.models:
                raise building.ParameterError(
                    f"--set {model}: that model isn't searched; these are: {', '.join(self.models)}"
                )
        return self


def tunable(spaces: dict[str, Space], asked: Sequence[str], table: dict[str, ModelRow]) -> tuple[str, ...]:
    """The models asked for, each once; without any, all of the table that have a space and needn't be named."""
    unasked = (model for model, row in table.items() if model in spaces and not row.only_where_named)
    return tuple(dict.fromkeys(asked)) or tuple(unasked)
