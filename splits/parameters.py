"""Checks of what a rule is given: an error names the parameter, what it got and what is allowed."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

from splits.split import SplitError


def require_fraction(name: str, value: Any) -> None:
    """A share of the interactions such that both parts get some.

    Raises
    ------
    SplitError
        It isn't a number, or not strictly between 0 and 1.
    """
    if not _is(Real, value) or not 0 < value < 1:
        raise SplitError(f"{name} must be a number strictly between 0 and 1 (such as 0.2), not {value!r}")


def require_count(name: str, value: Any, at_least: int) -> None:
    """A whole number of interactions, folds, ...

    Raises
    ------
    SplitError
        It isn't a whole number, or below ``at_least``.
    """
    if not _is(Integral, value) or value < at_least:
        raise SplitError(f"{name} must be a whole number of at least {at_least}, not {value!r}")


def require_choice(name: str, value: Any, allowed: tuple[str, ...]) -> None:
    """One of a few words.

    Raises
    ------
    SplitError
        It is another word.
    """
    if value not in allowed:
        raise SplitError(f"{name} must be one of {', '.join(allowed)}, not {value!r}")


def _is(kind: type, value: Any) -> bool:
    """Python's True is the number 1; a parameter that is given as True is a mistake all the same."""
    return isinstance(value, kind) and not isinstance(value, bool)
