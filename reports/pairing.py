"""Which cells of two sides belong together, and whether they may be compared at all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from reports.reference import Entry, Side
from reports.table import parameters_text

FINGERPRINT = ("versions", "system", "processor", "thread_pools")  # where these are equal, so are floats
MUST_BE_EQUAL = {
    "data": "the data (a hash of its columns)",
    "split": "the split (a hash of train and test)",
    "candidates": "the rule for candidates",
}
MAY_DIFFER = {"source": "the model's source", "versions": "versions"}

Name = tuple[str, str, str]
Seeds = tuple[int, int]


class IncomparableError(ValueError):
    """Two sides have nothing in common, or nothing that was measured; the message says what each has."""


@dataclass(frozen=True, eq=False)
class Pair:
    """The cells of one (data set, split, model) on both sides, matched by split seed and model seed.

    Attributes
    ----------
    reference, candidate
        Of the same seeds in the same order.
    obstacles
        Why they can't be compared: what wasn't measured, or what differs. None where they can.
    differs
        Whether an obstacle is a difference of data, split, users or definitions, rather than a missing result.
    notes
        What else differs and is no obstacle: parameters, source, versions, machine.
    """

    dataset: str
    split: str
    model: str
    reference: tuple[Entry, ...]
    candidate: tuple[Entry, ...]
    obstacles: tuple[str, ...]
    differs: bool
    notes: tuple[str, ...]

    @property
    def same_environment(self) -> bool:
        """Whether floats may be compared one by one."""
        return all(
            first.environment.get(name) == second.environment.get(name)
            for first, second in zip(self.reference, self.candidate, strict=True)
            for name in FINGERPRINT
        )

    @property
    def identical(self) -> bool:
        """Whether every value of every user is the same to the last bit, and so is every other metric."""
        return all(
            first.digest == second.digest != "" and _plain(first) == _plain(second)
            for first, second in zip(self.reference, self.candidate, strict=True)
        )


def pair_up(reference: Side, candidate: Side) -> tuple[list[Pair], list[str]]:
    """All pairs by data set, split and model, and sentences about what only the candidate has.

    Raises
    ------
    IncomparableError
        No data set, split and model is on both sides.
    """
    several = _several_settings(reference.entries) | _several_settings(candidate.entries)
    old, new = _grouped(reference.entries, several), _grouped(candidate.entries, several)
    if not old.keys() & new.keys():
        raise IncomparableError(
            f"no common cell: {reference.path} has {_listed(old)}; {candidate.path} has {_listed(new)}"
        )
    without = {name for name in old if name in new and not _applies(reference.metric, old[name], new[name])}
    if without >= old.keys() & new.keys():
        raise IncomparableError(f"{reference.metric} was measured for none of the cells that both sides have")
    names = sorted(old.keys() - without)
    pairs = [_pair(name, old[name], new.get(name, {}), reference.metric) for name in names]
    added = sorted(new.keys() - old.keys())
    notes = [f"only in the candidate, so not compared: {_listed(added)}"] if added else []
    notes += [f"have no {reference.metric}, so not compared: {_listed(without)}"] if without else []
    extra = [name for name in sorted(old.keys() & new.keys()) if new[name].keys() - old[name].keys()]
    if extra:
        notes.append(f"the candidate's further seeds are not used: {_listed(extra)}")
    return pairs, notes


def _pair(name: Name, old: dict[Seeds, Entry], new: dict[Seeds, Entry], metric: str) -> Pair:
    common = sorted(old.keys() & new.keys())
    reference, candidate = tuple(old[seeds] for seeds in common), tuple(new[seeds] for seeds in common)
    missing = _missing(old, new) + _unmeasured("reference", old.values(), metric)
    missing += _unmeasured("candidate", candidate, metric)
    differing = sorted(
        {text for pair in zip(reference, candidate, strict=True) for text in _differences(*pair, metric)}
    )
    notes = sorted({text for pair in zip(reference, candidate, strict=True) for text in _notes(*pair)})
    obstacles = tuple(dict.fromkeys(missing + differing))
    return Pair(*name, reference, candidate, obstacles, bool(differing), tuple(notes))


def _applies(metric: str, old: dict[Seeds, Entry], new: dict[Seeds, Entry]) -> bool:
    """Whether a metric has to do with a model: False where all its cells finished and none has it (RMSE of ALS)."""
    entries = [*old.values(), *new.values()]
    return any(entry.status != "ok" or metric in entry.metrics for entry in entries)


def _missing(old: dict[Seeds, Entry], new: dict[Seeds, Entry]) -> list[str]:
    absent = sorted(old.keys() - new.keys())
    if not absent:
        return []
    if not new:
        return ["the candidate has no such cell"]
    return [f"the candidate lacks split seed {split} (model seed {model})" for split, model in absent]


def _unmeasured(side: str, entries: Iterable[Entry], metric: str) -> list[str]:
    texts = []
    for entry in entries:
        where = f"{side}, split seed {entry.cell.split_seed}"
        if entry.status != "ok":
            lines = entry.error.strip().splitlines() or ["no reason was stored"]
            texts.append(f"{where}: {entry.status} ({lines[-1 if lines[0].startswith('Traceback') else 0].strip()})")
        elif entry.values is None:
            texts.append(f"{where}: has no {metric}")
    return texts


def _differences(old: Entry, new: Entry, metric: str) -> list[str]:
    """What makes two finished cells incomparable."""
    if old.status != "ok" or new.status != "ok":
        return []
    where = f"split seed {old.cell.split_seed}: "
    texts = []
    for name, title in MUST_BE_EQUAL.items():
        before, after = old.identity.get(name), new.identity.get(name)
        if before is None or before != after:
            texts.append(f"{where}{title} differs: {before or 'not stored'} and {after or 'not stored'}")
    if metric in old.metrics and metric in new.metrics:
        before, after = old.metrics[metric].version, new.metrics[metric].version
        if before != after:
            texts.append(f"{where}the definition of {metric} differs: version {before} and version {after}")
    if old.users is not None and new.users is not None and not np.array_equal(old.users, new.users):
        only_old, only_new = len(np.setdiff1d(old.users, new.users)), len(np.setdiff1d(new.users, old.users))
        texts.append(
            f"{where}the users differ: {len(old.users)} and {len(new.users)}, {only_old} only in the reference, "
            f"{only_new} only in the candidate"
        )
    return texts


def _notes(old: Entry, new: Entry) -> list[str]:
    texts = []
    before, after = old.cell.parameters, new.cell.parameters
    for name in sorted(before.keys() | after.keys()):
        if before.get(name) != after.get(name):
            texts.append(f"{name} was {before.get(name, 'not set')}, is {after.get(name, 'not set')}")
    for name, title in MAY_DIFFER.items():
        first, second = old.identity.get(name), new.identity.get(name)
        if first != second:
            texts.append(f"{title} changed{_changed_versions(first, second)}")
    if old.environment.get("processor") != new.environment.get("processor"):
        texts.append("computed on another processor, so values aren't compared user by user")
    return texts


def _changed_versions(old: Any, new: Any) -> str:
    if not isinstance(old, dict) or not isinstance(new, dict):
        return ""
    changed = [name for name in sorted(old.keys() | new.keys()) if old.get(name) != new.get(name)]
    return ": " + ", ".join(f"{name} {old.get(name, 'none')} to {new.get(name, 'none')}" for name in changed)


def _several_settings(entries: Iterable[Entry]) -> set[Name]:
    """Names under which one side has a model with several sets of parameters."""
    found: dict[Name, set[str]] = {}
    for entry in entries:
        name = (entry.cell.dataset, entry.cell.split, entry.cell.model)
        found.setdefault(name, set()).add(parameters_text(entry.cell.parameters))
    return {name for name, settings in found.items() if len(settings) > 1}


def _grouped(entries: Iterable[Entry], several: set[Name]) -> dict[Name, dict[Seeds, Entry]]:
    """Cells by name and seeds; the parameters are part of the name only where it alone doesn't tell cells apart."""
    groups: dict[Name, dict[Seeds, Entry]] = {}
    for entry in entries:
        cell = entry.cell
        name = (cell.dataset, cell.split, cell.model)
        if name in several:
            name = (cell.dataset, cell.split, f"{cell.model} {parameters_text(cell.parameters)}")
        groups.setdefault(name, {})[cell.split_seed, cell.model_seed] = entry
    return groups


def _plain(entry: Entry) -> dict[str, float]:
    return {name: metric.value for name, metric in entry.metrics.items()}


def _listed(names: Iterable[Name]) -> str:
    texts = [f"{dataset} {split} {model}" for dataset, split, model in sorted(names)]
    return ", ".join(texts[:8]) + (f" and {len(texts) - 8} more" if len(texts) > 8 else "") if texts else "nothing"
