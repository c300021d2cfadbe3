"""What one cell (data set x split x seed x model x seed) gave: the unit that is stored and reported."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Status = Literal["ok", "failed", "timeout", "out-of-memory", "skipped"]

FORMAT = 1  # of result.json; a reader refuses another


@dataclass(frozen=True)
class Cell:
    """Which experiment a result belongs to.

    ``split`` carries its parameters as the command line writes them: ``random`` or ``random:test_fraction=0.3``.
    """

    dataset: str
    split: str
    split_seed: int
    model: str
    parameters: dict[str, Any]
    model_seed: int


@dataclass(frozen=True)
class MetricValue:
    """A metric over all evaluated users and, where some are cold, over the warm ones.

    ``value`` is over warm users (users with a training interaction); ``value_all`` includes the cold ones, None where
    there are none. ``per_user`` names the column of ``Result.per_user`` that it was put together from ("" if none).
    """

    value: float
    value_all: float | None
    higher_is_better: bool
    version: int
    per_user: str = ""


@dataclass(frozen=True)
class Curve:
    """How good a model was during its fit, on a sample of the evaluated users.

    ``values[n]`` is the ``metric`` (``ndcg@10``, or ``rmse`` of a model of ratings) over ``n_users`` users after
    ``epochs[n]`` epochs; the seconds of the fit up to there stand in ``Result.measured["curve_seconds"][n]``.
    """

    metric: str
    epochs: list[int]
    values: list[float]
    n_users: int


@dataclass(frozen=True)
class ItemMap:
    """Places in the plane of ``items``, int32 (m,), the codes that are shown: ``places``, float32 (m, 2)."""

    items: NDArray[np.int32]
    places: NDArray[np.float32]


@dataclass
class Result:
    """One row of every report, and what stands behind it.

    Attributes
    ----------
    cell
        Which experiment this is.
    key
        The resume key; "" where none could be made (a data set that could not be loaded).
    identity
        What the key was hashed from, beside the cell: data, split, source and library versions.
    status, error
        ``ok`` with an empty error, or what happened and the end of what was printed.
    metrics
        By column name, ``ndcg@10``.
    users
        int32 (n,), the evaluated users' codes; ``per_user`` has one array of length n a column, and "warm",
        "n_relevant" (relevant test items), "n_train" (training interactions, at any rating).
    lists
        int32 (n, K), recommended item codes, -1 where nothing was left.
    per_item
        int32 (n_items,) a column, over the evaluated users' first k places: ``recommended@k``, how often the item
        stands there, and ``hits@k``, how often it is relevant to that user.
    counts
        n_users (evaluated), n_left_out (test users without a relevant item), n_cold_users, n_cold_items,
        n_empty_histories, ...
    notes
        Plain sentences a reader must see (the scorer for empty histories, users left out).
    neighbours
        For a few known items: item code -> codes of the most similar ones, itself first.
    curve
        Quality over epochs, None for a model that isn't learned in epochs or doesn't show them.
    item_map
        The item factors in the plane, None where there are none or no map was made.
    vectors
        float32 ``item_factors`` (n_items, d) and ``user_factors`` (n_users, d), as far as the model has them; None
        where nobody asked for them. Stored, but read only by ``Store.read_vectors``.
    measured
        Times in seconds, memory in MB (2**20 bytes), environment: what is not the same in a second run.
    """

    cell: Cell
    key: str
    identity: dict[str, Any]
    status: Status
    error: str = ""
    metrics: dict[str, MetricValue] = field(default_factory=dict)
    users: NDArray[np.int32] | None = None
    per_user: dict[str, NDArray[Any]] = field(default_factory=dict)
    lists: NDArray[np.int32] | None = None
    per_item: dict[str, NDArray[np.int32]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    neighbours: dict[int, list[int]] = field(default_factory=dict)
    curve: Curve | None = None
    item_map: ItemMap | None = None
    vectors: dict[str, NDArray[np.float32]] | None = None
    measured: dict[str, Any] = field(default_factory=dict)
