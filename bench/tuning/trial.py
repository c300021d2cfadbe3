"""What one trial of a search gave, as plain values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

State = Literal["complete", "pruned", "failed"]
DEFAULTS = -1  # the number of the trial of a row's own settings


@dataclass(frozen=True)
class Trial:
    """A setting and how good it was on the validation part.

    Attributes
    ----------
    number
        Counted from 0 within the study; with the seed it decides what was proposed. ``DEFAULTS`` is the row's own
        setting: tried before the others, counted among none of them, and unknown to the sampler.
    state, error
        ``pruned`` was stopped early since others were better at the same epoch; ``failed`` has a reason.
    parameters
        All that the model was given, but ``iterations`` of a model that is judged by epoch.
    value
        The metric; of an iterative model the best of its epochs. None where it failed.
    iterations
        The epoch of that best value; None for other models.
    curve
        Epoch -> metric.
    seconds
        Of the trial, judging included.
    """

    number: int
    state: State
    parameters: dict[str, Any]
    value: float | None = None
    iterations: int | None = None
    curve: dict[int, float] = field(default_factory=dict)
    seconds: float = 0.0
    error: str = ""

    @property
    def setting(self) -> dict[str, Any]:
        """The parameters to run the model with."""
        return self.parameters if self.iterations is None else {**self.parameters, "iterations": self.iterations}


def best_of(trials: list[Trial], higher_is_better: bool) -> Trial | None:
    """The best complete trial, of equal ones the first; None where no trial was completed."""
    complete = [trial for trial in trials if trial.state == "complete" and trial.value is not None]
    sign = -1 if higher_is_better else 1
    return min(complete, key=lambda trial: (sign * (trial.value or 0.0), trial.number), default=None)
