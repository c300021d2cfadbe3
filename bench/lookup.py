"""What a person looks at: a user's history beside the recommendations, and what is similar to an item, with titles.

The model is fitted on all interactions of the data set. A fitted hand-rolled or library model is kept below the results
folder; asking again takes no training.
"""

from __future__ import annotations

import json
import os
import tempfile
import traceback
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench import building, environment
from bench.loading import load
from bench.plugins import models as model_table
from bench.registry import OURS, ModelRow, look_up, resolve
from bench.settings import SettingsError, tuned_settings, what_is_tuned
from bench.showcase import history
from bench.terminal import shown
from recsys_impl.base import ModelError, NoSimilarityError, Recommender, top_k
from recsys_impl.kernels import topk
from reports.output import check_inside
from splits.interactions import Interactions


class LookupFailedError(ValueError):
    """The model failed; the message says how and where."""


class NotFoundError(ValueError):
    """No such user or item; the message says what there is."""


@dataclass(frozen=True)
class Item:
    """An item as a person reads it. ``value`` is its score, similarity or rating; None where there is none."""

    id: Any
    title: str
    value: float | None


@dataclass(frozen=True)
class Recommendations:
    """A user's history, best rated first, and what the model recommends; what the user rated is never in it."""

    model: str
    user: Any
    history: list[Item]
    items: list[Item]


@dataclass(frozen=True)
class Similar:
    """The items nearest to one, without itself; ``others`` are further titles that matched what was asked for."""

    model: str
    item: Item
    items: list[Item]
    others: list[str]


def recommend(
    dataset: str,
    model: str,
    user: Any,
    n: int,
    out: Path,
    *,
    parameters: Mapping[str, Mapping[str, Any]] | None = None,
    tuned: bool = False,
    plugins: Sequence[str] = (),
    **file_options: Any,
) -> Recommendations:
    """The n best items that the user has not rated, beside the history."""
    interactions = load(dataset, **file_options)
    row, own = _row_and_parameters(dataset, model, out, tuned, parameters or {}, plugins)
    code = _code_of("user", interactions.user_ids, user)
    with _explained(model):
        fitted = _fitted(interactions, model, row, out, own)
        scores = _scores(fitted, code, interactions.n_items)
    n = min(n, interactions.n_items)
    seen = interactions.to_csr()[[code]]
    topk.mask_rows(scores, np.arange(1), seen.indptr, seen.indices)
    ids, best = top_k(scores, np.array([code]), n)
    rows = history(interactions, code)
    ratings = [None] * len(rows) if interactions.ratings is None else interactions.ratings[rows].tolist()
    return Recommendations(
        model,
        interactions.user_ids[code].item(),
        [_item(interactions, item, rating) for item, rating in zip(interactions.items[rows], ratings, strict=True)],
        [_item(interactions, item, score) for item, score in zip(ids[0], best[0].tolist(), strict=True) if item >= 0],
    )


def similar(
    dataset: str,
    model: str,
    item: Any,
    n: int,
    out: Path,
    *,
    parameters: Mapping[str, Mapping[str, Any]] | None = None,
    tuned: bool = False,
    plugins: Sequence[str] = (),
    **file_options: Any,
) -> Similar:
    """The n items most similar to one."""
    interactions = load(dataset, **file_options)
    row, own = _row_and_parameters(dataset, model, out, tuned, parameters or {}, plugins)
    code, others = _find_item(interactions, str(item))
    n = min(n, interactions.n_items)
    with _explained(model):
        fitted = _fitted(interactions, model, row, out, own)
        if not callable(getattr(fitted, "similar_items", None)):
            raise NoSimilarityError(f"{model} has no similar_items: ask a model of factors or neighbours, such as als")
        ids, values = fitted.similar_items(code, N=n + 1)
        found = list(zip(np.asarray(ids).tolist(), np.asarray(values).tolist(), strict=True))
        if not all(isinstance(near, int) and near < interactions.n_items for near, _ in found):
            raise LookupFailedError(f"model '{model}': similar_items gave something else than codes of items")
    nearest = [_item(interactions, near, value) for near, value in found if near >= 0 and near != code]
    return Similar(model, _item(interactions, code, None), nearest[:n], others)


def _row_and_parameters(
    dataset: str,
    model: str,
    out: Path,
    tuned: bool,
    parameters: Mapping[str, Mapping[str, Any]],
    plugins: Sequence[str],
) -> tuple[ModelRow, dict[str, Any]]:
    """The model's row, and what was set for it over what was tuned where that is asked for.

    Tuned settings belong to a split, and here is none: those of the random split are taken, else the first there are.
    """
    row, own = look_up(model_table(plugins), "model", model), dict(parameters.get(model, {}))
    if not tuned:
        return row, own
    found = {split: one for (name, split), one in tuned_settings(dataset, out).items() if name == model}
    if not found:
        raise SettingsError(
            f"--tuned: no tuned settings of {model} on {dataset}. There are (data set, split: models): "
            f"{what_is_tuned(out)}"
        )
    setting = found.get("random", found[min(found)])
    try:
        building.check_values(model, row, setting.parameters)
    except building.ParameterError as error:
        raise SettingsError(f"{setting.file}: {error}; correct it, or tune '{model}' again") from error
    return row, {**setting.parameters, **own}


def _fitted(interactions: Interactions, name: str, row: ModelRow, out: Path, own: Mapping[str, Any]) -> Any:
    """The model fitted on everything: from the cache where it is there, else trained and kept."""
    complete = building.model_parameters(name, row, own)
    building.check_values(name, row, own)
    model = building.build(row, complete, seed=0, threads=0)
    if not isinstance(model, Recommender):
        return _train(model, row, interactions)
    identity = [interactions.content_hash, complete, building.source_hash(row), environment.key_versions(row.library)]
    key = blake2b(json.dumps(identity, sort_keys=True).encode(), digest_size=8).hexdigest()
    file = out / "fitted" / f"{interactions.name[:80]}-{name[:80]}-{key}.npz".replace(os.sep, "_")
    check_inside(out, file.parent)
    if file.is_file():
        try:
            return resolve(row.target).load(file)
        except ModelError as error:
            warnings.warn(f"{error}: the model is trained again", stacklevel=2)
    _train(model, row, interactions)
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=file.parent, prefix=".tmp-", suffix=".npz", delete=False) as temporary:
        pass
    model.save(temporary.name)
    os.replace(temporary.name, file)
    return model


@contextmanager
def _explained(name: str) -> Iterator[None]:
    """What is raised to be read stays as it is; what a model's own code raises is said in one line."""
    try:
        yield
    except (Exception, SystemExit) as error:
        ours = type(error).__module__.split(".")[0] in OURS
        if isinstance(error, OSError | MemoryError) or (ours and isinstance(error, ValueError)):
            raise
        if ours:  # a library that isn't installed
            raise LookupFailedError(f"model '{name}': {error}") from error
        where = traceback.extract_tb(error.__traceback__)[-1]
        told = f"{type(error).__name__}: {shown(error)} ({Path(where.filename).name}, line {where.lineno})"
        raise LookupFailedError(f"model '{name}' failed: {told}") from error


def _scores(model: Any, user: int, n_items: int) -> NDArray[np.float32]:
    """A user's scores of all items, float32 (1, n_items), as a copy."""
    found = np.asarray(model.score(np.array([user])))
    if found.shape != (1, n_items) or found.dtype.kind not in "fiub":
        got = f"{found.dtype} of shape {found.shape}"
        raise LookupFailedError(
            f"its score(user_ids) gave {got} for one user: expected numbers of shape {(1, n_items)}"
        )
    with np.errstate(over="ignore"):
        scores = found.astype(np.float32)
    if not np.isfinite(scores).all():
        raise LookupFailedError("its score(user_ids) gave numbers that are not finite")
    return scores


def _train(model: Any, row: ModelRow, interactions: Interactions) -> Any:
    ratings = row.learns_from == "ratings"
    model.fit(interactions.to_csr(interactions.ratings) if ratings else interactions.positives())
    return model


def _code_of(kind: str, ids: Any, wanted: Any) -> int:
    """The code of an id as it is in the file."""
    found = np.flatnonzero(ids.astype(str) == str(wanted).strip())
    if not len(found):
        few = ", ".join(map(str, ids[:5].tolist()))
        raise NotFoundError(f"there is no {kind} '{wanted}' in this data set: it has {len(ids)}, for example {few}")
    return int(found[0])


def _find_item(interactions: Interactions, wanted: str) -> tuple[int, list[str]]:
    """An item by its id, its title or a part of its title (the most popular match), and the titles passed over."""
    exact = np.flatnonzero(interactions.item_ids.astype(str) == wanted.strip())
    if len(exact):
        return int(exact[0]), []
    if interactions.titles is None:
        return _code_of("item", interactions.item_ids, wanted), []
    lowered = np.char.lower(interactions.titles)
    matches = np.flatnonzero(np.char.find(lowered, wanted.strip().lower()) >= 0)
    if not len(matches) or not wanted.strip():
        raise NotFoundError(f"no item has the id '{wanted}', and no title contains it{_nearest_title(lowered, wanted)}")
    counts = np.bincount(interactions.items, minlength=interactions.n_items)[matches]
    whole = lowered[matches] == wanted.strip().lower()
    order = matches[np.lexsort([-counts, ~whole])]
    return int(order[0]), [str(title) for title in interactions.titles[order[1:]]]


def _nearest_title(titles: Any, wanted: str) -> str:
    from difflib import get_close_matches

    near = get_close_matches(wanted.lower(), titles.tolist(), n=1, cutoff=0.5)
    return f". The nearest title is '{near[0]}'" if near else ""


def _item(interactions: Interactions, code: int, value: float | None) -> Item:
    title = "" if interactions.titles is None else str(interactions.titles[code])
    return Item(interactions.item_ids[code].item(), title, value)
