"""Item and user vectors with their titles, as TensorBoard's embedding projector reads them.

    projector_config.pbtxt                          names all of the others: `tensorboard --logdir` takes this folder
    <data set>/<split>/<split seed>/items/
      metadata.tsv                                  title, id, genres, interactions in train: a row an item
      tensors-<model>-<model seed>-<key>.tsv        its vector in each model
    <data set>/<split>/<split seed>/users/          the same for users: id, interactions in train

The TSV files also go into https://projector.tensorflow.org, two at a time.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reports.result import Result
from reports.store import Store, StoreError, write_text
from reports.stores import open_stores
from reports.table import leaderboards

CONFIG = "projector_config.pbtxt"
HAS_NONE = "the model has no vectors"
KEPT_NONE = "no vectors were kept; `python -m bench run` with --tensorboard keeps them"
COUNT = "interactions in train"


@dataclass(frozen=True)
class Embedding:
    """An entry of the configuration: a name, (rows, columns), and two files relative to the configuration's folder."""

    name: str
    shape: tuple[int, int]
    tensors: str
    metadata: str

    def __str__(self) -> str:
        lines = [
            f"tensor_name: {_quoted(self.name)}",
            *(f"tensor_shape: {n}" for n in self.shape),
            f"tensor_path: {_quoted(self.tensors)}",
            f"metadata_path: {_quoted(self.metadata)}",
        ]
        return "\n".join(["embeddings {", *(f"  {line}" for line in lines), "}\n"])


@dataclass
class Projected:
    """What was written, the configuration first; and sentences that name the models that aren't there."""

    files: list[Path] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


def write_projector(
    folders: str | Path | Sequence[str | Path], directory: str | Path, chosen: Iterable[Result] = ()
) -> Projected:
    """Write the stored vectors of results folders for TensorBoard's projector; nothing where no cell kept any.

    Parameters
    ----------
    folders
        One or several with results, of which some cells kept their vectors (``python -m bench run --tensorboard DIR``).
    directory
        Where the files go; made if it isn't there.
    chosen
        Results of one folder that go before newer ones of the same cells.

    Raises
    ------
    StoreError
        A result can't be read, or its data set isn't described.
    """
    store, root, projected = open_stores(folders, chosen), Path(directory), Projected()
    embeddings: list[Embedding] = []
    for board in leaderboards(store.summaries()):
        without: dict[str, list[str]] = {}
        for row in board.rows:
            kept = {n: vectors for n, one in enumerate(row.results) if (vectors := store.read_vectors(one)) is not None}
            if not any(kept.values()):
                without.setdefault(HAS_NONE if kept else KEPT_NONE, []).append(row.label)
            for n, vectors in kept.items():
                embeddings += _write_cell(store, root, row.results[n], row.label, vectors, projected)
        projected.missing += [
            f"{board.dataset}, {board.split}: {', '.join(names)}: {why}" for why, names in without.items()
        ]
    if embeddings:
        write_text(root / CONFIG, "".join(map(str, embeddings)))
        projected.files.insert(0, root / CONFIG)
    return projected


def _write_cell(
    store: Store, root: Path, result: Result, label: str, vectors: dict[str, NDArray[np.float32]], projected: Projected
) -> list[Embedding]:
    """Write a cell's vectors, and what goes with them where a cell before it hasn't."""
    cell = result.cell
    stored = store.cell_folder(cell, result.key)
    group = stored.parent.relative_to(store.root / "cells")
    name = f"{cell.dataset}, {cell.split}, seed {cell.split_seed}: {label}"
    embeddings = []
    for side, column in (("items", "item_factors"), ("users", "user_factors")):
        if column not in vectors:
            continue
        tensors, metadata = (group / side / file for file in (f"tensors-{stored.name}.tsv", "metadata.tsv"))
        (root / group / side).mkdir(parents=True, exist_ok=True)
        if root / metadata not in projected.files:
            write_text(root / metadata, _table(_described(store, result, side, len(vectors[column]))))
            projected.files.append(root / metadata)
        write_text(root / tensors, _numbers(vectors[column]))
        projected.files.append(root / tensors)
        shape = vectors[column].shape
        embeddings.append(Embedding(f"{name}, {side}", (shape[0], shape[1]), tensors.as_posix(), metadata.as_posix()))
    return embeddings


def _described(store: Store, result: Result, side: str, n: int) -> dict[str, Sequence[Any]]:
    """The columns of an item's or user's description; an identifier is always among them."""
    dataset = store.read_dataset(result.cell) or {}
    if side == "users":
        columns = {"user": dataset.get("user_ids") or range(n), COUNT: _training_counts(store, result, n)}
    else:
        genres = dataset.get("genres")
        columns = {
            "title": dataset.get("titles"),
            "item": dataset.get("item_ids") or range(n),
            "genres": None if genres is None else [", ".join(one) for one in genres],
            COUNT: dataset.get("item_counts") or [""] * n,
        }
    for name, values in columns.items():
        if values is not None and len(values) != n:
            raise StoreError(
                f"{store.root}: {result.cell.dataset} has {len(values)} entries of {name} and {n} vectors of {side}: "
                "run it again with --force"
            )
    return {name: values for name, values in columns.items() if values is not None}


def _training_counts(store: Store, result: Result, n: int) -> list[Any]:
    """How many training interactions each user has; "" for users that weren't tested, which nobody stored."""
    tested = store.read_again(result)
    counts: list[Any] = [""] * n
    if tested.users is not None and "n_train" in tested.per_user:
        for user, count in zip(tested.users.tolist(), tested.per_user["n_train"].tolist(), strict=True):
            counts[user] = count
    return counts


def _table(columns: dict[str, Sequence[Any]]) -> str:
    """Tab-separated, with a line of names, which the projector expects of more than one column."""
    return "".join(
        "\t".join(map(_harmless, row)) + "\n" for row in [tuple(columns), *zip(*columns.values(), strict=True)]
    )


def _numbers(vectors: NDArray[np.float32]) -> str:
    """A vector a line, in the fewest digits that give the same float32 again."""
    import pyarrow as pa
    from pyarrow import csv

    columns = pa.table([pa.array(column) for column in vectors.T], names=[str(n) for n in range(vectors.shape[1])])
    text = BytesIO()
    csv.write_csv(columns, text, csv.WriteOptions(include_header=False, delimiter="\t"))
    return text.getvalue().decode()


def _harmless(value: Any) -> str:
    """A text that can't end a cell or a line: each run of blanks and control characters is one blank."""
    return re.sub(r"[\s\x00-\x1f\x7f-\x9f\u2028\u2029]+", " ", str(value)).strip()


def _quoted(text: str) -> str:
    """A string of the protocol buffers' text format: for printable characters as in JSON."""
    return json.dumps(_harmless(text), ensure_ascii=False)
