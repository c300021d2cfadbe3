"""From a registry row to a model object: which parameters it gets and what its source is."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np

from bench.environment import package_versions
from bench.registry import ModelRow, resolve

PACKAGE = Path(__file__).parents[1]
SET_BY_THE_BENCH = ("random_state", "num_threads")
KINDS: dict[type, tuple[Any, str]] = {  # of a default: what may stand in its place
    bool: (bool, "true or false"),
    int: (int, "a whole number"),
    float: (int | float, "a number"),
    str: (str, "a text"),
}


class ParameterError(ValueError):
    """A parameter that the model doesn't take; the message says which it takes."""


def model_parameters(name: str, row: ModelRow, overrides: Mapping[str, Any]) -> dict[str, Any]:
    """All parameters that the model runs with: its own defaults, the registry's, the user's.

    Raises
    ------
    ParameterError
        An override isn't a parameter of the model.
    """
    accepted = _accepted(resolve(row.target))
    defaults = {key: value for key, value in accepted.items() if value is not inspect.Parameter.empty}
    open_ended = "**" in accepted
    for key in overrides:
        if key in SET_BY_THE_BENCH:
            raise ParameterError(f"{name}.{key} is set by the bench (--model-seeds, --threads): leave it out")
        if key not in accepted and not open_ended:
            allowed = ", ".join(sorted(set(accepted) - {"**", *SET_BY_THE_BENCH})) or "none"
            raise ParameterError(f"model '{name}' has no parameter '{key}'; it has: {allowed}")
        if not _plain(overrides[key]):
            raise ParameterError(f"{name}.{key} is {overrides[key]}: it must be a finite number, a text, true or false")
    if wrong := next((key for key, value in row.parameters.items() if not _plain(value)), None):
        raise ParameterError(
            f"model '{name}': its parameter '{wrong}' must be what JSON can hold, for results to name it"
        )
    merged = {**defaults, **row.parameters, **overrides}
    return {key: value for key, value in merged.items() if key not in SET_BY_THE_BENCH and _plain(value)}


def check_values(name: str, row: ModelRow, overrides: Mapping[str, Any]) -> None:
    """That overrides are of their defaults' types and that the model's constructor takes them.

    Only rows of the package whose library is there are asked: the defaults of a plug-in needn't have the type that they
    stand for, and its code runs in its cell.

    Raises
    ------
    ParameterError
        An override is refused.
    """
    if not isinstance(row.target, str) or (row.library and not package_versions(row.library)):
        return
    defaults = model_parameters(name, row, {})
    for key, value in overrides.items():
        kind = type(defaults.get(key))
        if kind in KINDS and (not isinstance(value, KINDS[kind][0]) or (isinstance(value, bool) and kind is not bool)):
            raise ParameterError(f"{name}.{key} must be {KINDS[kind][1]}, not {value!r}")
    try:
        build(row, {**defaults, **overrides}, 0, 1)
    except ImportError:
        return  # a library that is there and can't be imported: the model's row will say so
    except (TypeError, ValueError, ArithmeticError) as error:
        raise ParameterError(f"{name}: {error}") from error


def build(row: ModelRow, parameters: Mapping[str, Any], seed: int, threads: int) -> Any:
    """The model, with ``random_state`` and ``num_threads`` where its constructor takes them."""
    model_class = resolve(row.target)
    accepted = _accepted(model_class)
    ours = {"random_state": seed, "num_threads": threads}
    return model_class(**{**{key: ours[key] for key in SET_BY_THE_BENCH if key in accepted}, **parameters})


def random_state(split_seed: int, model_seed: int) -> int:
    """The ``random_state`` of a cell, below 2³¹: the model seed on split 0, elsewhere derived from both seeds.

    Were it the same on every split, the models there would begin alike and their noise would not average out: means
    over splits would be less sure than they look.
    """
    if split_seed == 0:
        return model_seed
    return int(np.random.SeedSequence((model_seed, split_seed)).generate_state(1)[0] >> 1)


def is_seeded(row: ModelRow) -> bool:
    """Whether another seed makes another model."""
    return "random_state" in _accepted(resolve(row.target))


def source_hash(row: ModelRow) -> str:
    """A hash of the code that decides what the model learns, so that changed code is never taken for done."""
    model_class = resolve(row.target)
    try:
        own = Path(inspect.getfile(model_class)).resolve()
    except (TypeError, OSError):
        own = None
    digest = blake2b(digest_size=16)
    if own is None or not own.is_file():
        digest.update(_source_or_code(model_class))
        return digest.hexdigest()
    files = {own}
    for package in ("recsys_impl", "bench/baselines"):
        if package == "recsys_impl" or (PACKAGE / package) in own.parents:
            files |= set((PACKAGE / package).rglob("*.py"))
    for file in sorted(files):
        digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()


def takes(function: Callable[..., Any], name: str) -> bool:
    """Whether a function can be given this keyword."""
    accepted = _accepted(function)
    return name in accepted or "**" in accepted


def _accepted(function: Callable[..., Any]) -> dict[str, Any]:
    """Keyword parameters and their defaults; "**" where any keyword is taken."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return {}
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    found = {parameter.name: parameter.default for parameter in parameters if parameter.kind in named}
    if any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in parameters):
        found["**"] = inspect.Parameter.empty
    return found


def _plain(value: Any) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return False
    return True


def _source_or_code(model_class: Any) -> bytes:
    """The text of a class that has no file (a notebook's), else its pickled code."""
    try:
        return inspect.getsource(model_class).encode()
    except (TypeError, OSError):
        import cloudpickle

        return bytes(cloudpickle.dumps(model_class))
