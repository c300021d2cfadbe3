"""Checks of constructor parameters, so that a wrong one is refused by name before anything is computed."""

from __future__ import annotations

import sys

from recsys_impl.base import ModelError

LARGEST = sys.float_info.max


def require(model: str, *, at_least: float | None = None, above: float | None = None, **values: float) -> None:
    """Each value must be a finite number within the bound.

    Raises
    ------
    ModelError
        Names the model, the parameter, what was given and what is allowed.
    """
    bound = f"at least {at_least}" if at_least is not None else f"above {above}"
    for name, value in values.items():
        number = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= LARGEST  # no NaN
        if not number or (at_least is not None and value < at_least) or (above is not None and value <= above):
            raise ModelError(f"{model}: {name} must be a number {bound}, not {value!r}")
