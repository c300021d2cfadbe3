"""From a name to interactions, and from interactions to a split."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from bench.experiment import ExperimentError, SplitChoice, is_file
from bench.registry import DATASETS, SPLITS, look_up, resolve

if TYPE_CHECKING:
    from splits.interactions import Interactions
    from splits.split import Split


def load(
    dataset: str,
    *,
    columns: Mapping[str, str | int] | None = None,
    titles: str | None = None,
    test: str | None = None,
    threshold: float | None = None,
    **parameters: Any,
) -> Interactions:
    """A data set of the registry by its name, or a CSV, TSV or Parquet file by its path.

    Parameters
    ----------
    columns, titles, test, threshold
        For a file: which columns are which, a file of titles, a file of held-out rows, from which rating on an
        interaction is relevant.
    parameters
        For a data set that takes some (``synthetic``: n_users, n_items, n_interactions, seed).

    Raises
    ------
    UnknownNameError, DatasetError
        No such data set or file, or one that can't be read.
    """
    if is_file(dataset):
        from bench.datasets.file import from_file

        return from_file(dataset, columns=columns, titles=titles, test=test, threshold=threshold)
    row = look_up(DATASETS, "data set", dataset)
    options = {"columns": columns, "titles": titles, "test": test, "threshold": threshold}
    given = [name for name, value in options.items() if value not in (None, "", {})]
    if given:
        raise ExperimentError(f"{', '.join(given)} go with a file of your own, not with the data set '{dataset}'")
    interactions: Interactions = resolve(row.target)(**parameters)
    return interactions


def relevance(interactions: Interactions) -> str:
    """What counts as relevant in this data, in a few words."""
    scale, threshold = interactions.rating_scale, interactions.relevance_threshold
    if threshold is not None:
        return f"{'ratings' if scale else 'values'} of {threshold:g} or more"
    if scale is None:
        return "every interaction"
    return f"every interaction, whatever its rating from {scale[0]:g} to {scale[1]:g} (--threshold says from where on)"


def split(interactions: Interactions, rule: str = "random", seed: int = 0, **parameters: Any) -> Split:
    """Divide interactions into train and test by a rule of the registry, ``random:test_fraction=0.3`` for example."""
    choice = SplitChoice.parse(rule)
    given = {**choice.parameters, **parameters}
    divided: Split = rule_of(choice.name, given)(interactions, seed, **given)
    return divided


def rule_of(name: str, parameters: Iterable[str]) -> Any:
    """The function of a split rule.

    Raises
    ------
    UnknownNameError, ExperimentError
        There is none of that name, or it doesn't take one of the parameters.
    """
    from bench.building import takes

    row = look_up(SPLITS, "split", name)
    rule = resolve(row.target)
    for parameter in parameters:
        if parameter in ("interactions", "seed") or not takes(rule, parameter):
            raise ExperimentError(f"split '{name}' has no parameter '{parameter}': {row.summary}")
    return rule
