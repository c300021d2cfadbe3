"""The tables of what the bench knows. A row names an object as "module:object"; it is imported when it is used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from importlib import import_module
from typing import Any, Literal, TypeVar


class UnknownNameError(ValueError):
    """A name isn't in its table; the message says what exists and which is nearest."""


@dataclass(frozen=True)
class DatasetRow:
    """A data set: a function that returns Interactions, what it holds, and its licence in one line."""

    target: str
    summary: str
    licence: str


@dataclass(frozen=True)
class SplitRow:
    """A rule: a function (interactions, seed, **parameters) -> Split."""

    target: str
    summary: str


@dataclass(frozen=True)
class ModelRow:
    """A model class with the parameters it is run with and where they come from.

    ``target`` is "module:object", or a class where it came with a plug-in. ``learns_from`` is what ``fit`` is given:
    the training "positives" or all training "ratings". ``library`` is the distribution it needs, ``extra`` ours that
    installs it, ``twin`` the model to lay beside it. ``only_where_named``: a run of all models leaves it out.
    """

    target: str | type
    summary: str
    parameters: dict[str, Any] = field(default_factory=dict)
    parameters_from: str = ""
    learns_from: Literal["positives", "ratings"] = "positives"
    library: str = ""
    extra: str = ""
    twin: str = ""
    only_where_named: bool = False


@dataclass(frozen=True)
class MetricRow:
    """A metric: its function, how users' values are put together, and which direction is better.

    ``needs`` says what the function is given: the ranked "lists", the "auc" of the ranking pass, or the held-out
    "ratings" with their predictions. ``of_accuracy``: it compares with what was held out. A changed definition raises
    ``version``.
    """

    target: str
    summary: str
    put_together: Literal["mean", "root_of_ratio", "ratio", "catalogue"] = "mean"
    needs: Literal["lists", "auc", "ratings"] = "lists"
    higher_is_better: bool = True
    of_accuracy: bool = True
    version: int = 1


Row = TypeVar("Row")
OURS = ("bench", "recsys_impl", "splits", "reports")


GROUPLENS = "free for research; no redistribution or commercial use without permission (GroupLens)"

DATASETS: dict[str, DatasetRow] = {
    "ml-100k": DatasetRow(
        "bench.datasets.movielens:ml_100k", "MovieLens 100K: 943 users, 1,682 films, 1998", GROUPLENS
    ),
    "ml-1m": DatasetRow("bench.datasets.movielens:ml_1m", "MovieLens 1M: 6,040 users, 3,706 films, 2000", GROUPLENS),
    "ml-latest-small": DatasetRow(
        "bench.datasets.movielens:ml_latest_small",
        "MovieLens latest-small: 610 users, 9,724 films, half stars",
        "free for research; redistribution under the same terms, no commercial use without permission (GroupLens)",
    ),
    "lastfm": DatasetRow(
        "bench.datasets.lastfm:lastfm",
        "HetRec 2011 Last.fm: 1,892 users, 17,632 artists, listen counts",
        "non-commercial use only (Last.fm, HetRec 2011)",
    ),
    "gowalla": DatasetRow(
        "bench.datasets.gowalla:gowalla",
        "Gowalla check-ins, the split published with NGCF and LightGCN (use --split fixed)",
        "none stated; cite SNAP (Cho et al. 2011) and NGCF (Wang et al. 2019)",
    ),
    "synthetic": DatasetRow(
        "bench.datasets.synthetic:synthetic",
        "made up, of any size: power laws and latent tastes, 50,000 rows by default",
        "ours (MIT)",
    ),
}

SPLITS: dict[str, SplitRow] = {
    "random": SplitRow("splits.holdout:random", "a random part of each user's interactions (test_fraction=0.2)"),
    "leave-one-out": SplitRow("splits.holdout:leave_one_out", "one interaction a user: the last, or by=random"),
    "leave-k-out": SplitRow("splits.holdout:leave_k_out", "k random interactions a user (k=5)"),
    "temporal": SplitRow("splits.temporal:temporal", "the last part of each user's interactions (test_fraction=0.2)"),
    "global-temporal": SplitRow(
        "splits.temporal:global_temporal", "everything after one point in time for all (test_fraction=0.2)"
    ),
    "k-fold": SplitRow("splits.folds:k_fold", "cross-validation, one fold a seed (folds=5, by=user or row)"),
    "fixed": SplitRow("splits.fixed:fixed", "the split published with the data, or the file given as --test"),
}

TUNED = "best of some settings by test NDCG@10 on ML-1M and ML-100K, one random split each"

NOTEBOOK = "the notebook's, with fewer and longer steps where a fit on ML-1M took over a minute"

TUNED_LIBRARY = "best of some settings by test NDCG@10 on ML-1M, one random split"

MODELS: dict[str, ModelRow] = {
    "random": ModelRow("recsys_impl.popularity:Random", "a random order for every user: what chance gives"),
    "popularity": ModelRow("recsys_impl.popularity:Popularity", "the same most popular items for every user"),
    "bias": ModelRow(
        "recsys_impl.bias:Bias", "user and item means, shrunk", {}, "Surprise's BaselineOnly", learns_from="ratings"
    ),
    "svd": ModelRow(
        "recsys_impl.svd:SVD",
        "biased factorisation of ratings by SGD (Funk)",
        {"factors": 100, "iterations": 20, "learning_rate": 0.005, "regularization": 0.02},
        "Surprise's SVD",
        learns_from="ratings",
        twin="surprise-svd",
    ),
    "svdpp": ModelRow(
        "recsys_impl.svdpp:SVDpp",
        "SVD++: learns also from which items a user rated (Koren 2008)",
        {"factors": 20, "iterations": 20, "learning_rate": 0.007, "regularization": 0.02},
        "Surprise's SVDpp",
        learns_from="ratings",
        twin="surprise-svdpp",
    ),
    "als": ModelRow(
        "recsys_impl.als:ALS",
        "weighted least squares on implicit data (Hu, Koren & Volinsky 2008)",
        {"factors": 128, "regularization": 0.8, "alpha": 5.0, "iterations": 15, "regularization_scaling": 0.5},
        TUNED,
        twin="implicit-als",
    ),
    "bpr": ModelRow(
        "recsys_impl.bpr:BPR",
        "Bayesian personalised ranking (Rendle 2009)",
        {"factors": 64, "learning_rate": 0.15, "regularization": 0.01, "iterations": 100},
        TUNED,
        twin="implicit-bpr",
    ),
    "warp": ModelRow(
        "recsys_impl.warp:WARP",
        "weighted approximate-rank pairwise loss (Weston 2011)",
        {"factors": 64, "learning_rate": 0.1, "regularization": 0.6, "iterations": 24, "max_sampled": 100},
        TUNED,
        twin="lightfm-warp",
    ),
    "ease": ModelRow(
        "recsys_impl.ease:EASE",
        "linear item-item weights in closed form (Steck 2019)",
        {"regularization": 500.0},
        TUNED,
    ),
    "implicit-als": ModelRow(
        "bench.baselines.implicit_models:ImplicitALS",
        "implicit: weighted least squares, conjugate gradient",
        {"factors": 128, "regularization": 100.0, "alpha": 10.0, "iterations": 15},
        TUNED_LIBRARY,
        library="implicit",
        extra="implicit",
        twin="als",
    ),
    "irspack-als": ModelRow(
        "bench.baselines.irspack_models:IrspackALS",
        "irspack: weighted least squares (iALS), one thread (more make another sum each time)",
        {
            "factors": 128,
            "regularization": 0.01,
            "iterations": 16,
            "unobserved_weight": 0.2,
            "regularization_scaling": 1.0,
        },
        TUNED_LIBRARY,
        library="irspack",
        extra="irspack",
        twin="als",
    ),
    "implicit-bpr": ModelRow(
        "bench.baselines.implicit_models:ImplicitBPR",
        "implicit: Bayesian personalised ranking, one thread (its threads race)",
        {"factors": 64, "learning_rate": 0.005, "regularization": 0.001, "iterations": 80},
        TUNED_LIBRARY,
        library="implicit",
        extra="implicit",
        twin="bpr",
    ),
    "implicit-item-bm25": ModelRow(
        "bench.baselines.implicit_models:ImplicitItemBM25",
        "implicit: item-item neighbours on BM25 weights",
        {"K": 1000, "K1": 10.0, "B": 0.3},
        TUNED_LIBRARY,
        library="implicit",
        extra="implicit",
    ),
    "implicit-item-cosine": ModelRow(
        "bench.baselines.implicit_models:ImplicitItemCosine",
        "implicit: item-item neighbours by cosine",
        {"K": 20},
        TUNED_LIBRARY,
        library="implicit",
        extra="implicit",
    ),
    "lightfm-warp": ModelRow(
        "bench.baselines.lightfm_models:LightFMWARP",
        "LightFM: WARP with Adagrad, one thread (its threads race)",
        {"factors": 64, "learning_rate": 0.03, "regularization": 1e-6, "iterations": 25, "max_sampled": 100},
        TUNED_LIBRARY,
        library="lightfm-next",
        extra="lightfm",
        twin="warp",
    ),
    "lightfm-bpr": ModelRow(
        "bench.baselines.lightfm_models:LightFMBPR",
        "LightFM: BPR with Adagrad, one thread (its threads race)",
        {"factors": 64, "learning_rate": 0.02, "regularization": 1e-6, "iterations": 20},
        TUNED_LIBRARY,
        library="lightfm-next",
        extra="lightfm",
        twin="bpr",
    ),
    "surprise-svd": ModelRow(
        "bench.baselines.surprise_models:SurpriseSVD",
        "Surprise: biased factorisation of ratings by SGD",
        {"factors": 100, "iterations": 20, "learning_rate": 0.005, "regularization": 0.02},
        "Surprise's own defaults",
        learns_from="ratings",
        library="scikit-surprise",
        extra="surprise",
        twin="svd",
    ),
    "surprise-svdpp": ModelRow(
        "bench.baselines.surprise_models:SurpriseSVDpp",
        "Surprise: SVD++; minutes on a million ratings, so only where it is named",
        {"factors": 20, "iterations": 20, "learning_rate": 0.007, "regularization": 0.02},
        "Surprise's own defaults",
        learns_from="ratings",
        library="scikit-surprise",
        extra="surprise",
        twin="svdpp",
        only_where_named=True,
    ),
    "sklearn-pure-svd": ModelRow(
        "bench.baselines.sklearn_models:PureSVD",
        "scikit-learn: truncated singular value decomposition (PureSVD)",
        {"factors": 20},
        TUNED_LIBRARY,
    ),
    "sklearn-nmf": ModelRow(
        "bench.baselines.sklearn_models:NMF",
        "scikit-learn: non-negative matrix factorisation",
        {"factors": 64, "regularization": 0.005, "iterations": 50},
        TUNED_LIBRARY,
    ),
    "notebook-svd": ModelRow(
        "bench.baselines.notebook_models:NotebookSVD",
        "dense torch: factorisation of ratings by gradient descent over all of them at once, no biases",
        {"factors": 64, "learning_rate": 2e-4, "regularization": 0.02, "iterations": 200},
        NOTEBOOK,
        learns_from="ratings",
        library="torch",
        extra="torch",
        twin="svd",
    ),
    "notebook-als": ModelRow(
        "bench.baselines.notebook_models:NotebookALS",
        "dense torch: weighted least squares with biases, weights for all users x items",
        {"factors": 64, "regularization": 0.01, "alpha": 10.0, "iterations": 8},
        NOTEBOOK,
        library="torch",
        extra="torch",
        twin="als",
    ),
    "notebook-bpr": ModelRow(
        "bench.baselines.notebook_models:NotebookBPR",
        "dense torch: BPR in steps of 16 pairs of every user",
        {"factors": 64, "learning_rate": 0.4, "regularization": 0.01, "iterations": 200},
        NOTEBOOK,
        library="torch",
        extra="torch",
        twin="bpr",
    ),
    "notebook-warp": ModelRow(
        "bench.baselines.notebook_models:NotebookWARP",
        "dense torch: WARP in steps of 8 pairs of every user, ranks from 32 samples",
        {"factors": 64, "learning_rate": 0.3, "regularization": 0.01, "iterations": 100},
        NOTEBOOK,
        library="torch",
        extra="torch",
        twin="warp",
    ),
}

METRICS: dict[str, MetricRow] = {
    "precision": MetricRow("bench.metrics:precision", "hits / k"),
    "recall": MetricRow("bench.metrics:recall", "hits / |R|"),
    "recall_min": MetricRow("bench.metrics:recall_min", "hits / min(k, |R|)"),
    "ndcg": MetricRow("bench.metrics:ndcg", "discounted hits / those of the ideal list of min(k, |R|)"),
    "map": MetricRow("bench.metrics:average_precision", "sum of the precision at each hit / min(k, |R|)"),
    "mrr": MetricRow("bench.metrics:mrr", "1 / rank of the first hit"),
    "hit_rate": MetricRow("bench.metrics:hit_rate", "1 if there is a hit in the first k"),
    "auc": MetricRow(
        "bench.metrics:auc", "chance that a relevant item scores above another candidate, ties half", needs="auc"
    ),
    "rmse": MetricRow(
        "bench.metrics:rmse",
        "root of the mean squared error of predicted ratings",
        put_together="root_of_ratio",
        needs="ratings",
        higher_is_better=False,
    ),
    "mae": MetricRow(
        "bench.metrics:mae",
        "mean absolute error of predicted ratings",
        put_together="ratio",
        needs="ratings",
        higher_is_better=False,
    ),
    "coverage": MetricRow(
        "bench.metrics:coverage", "share of the catalogue recommended", put_together="catalogue", of_accuracy=False
    ),
    "gini": MetricRow(
        "bench.metrics:gini",
        "inequality of the items' exposure",
        put_together="catalogue",
        higher_is_better=False,
        of_accuracy=False,
    ),
    "novelty": MetricRow("bench.metrics:novelty", "mean -log2 of an item's share of training users", of_accuracy=False),
    "popularity": MetricRow(
        "bench.metrics:popularity",
        "mean number of training interactions of the items",
        higher_is_better=False,
        of_accuracy=False,
    ),
    "diversity": MetricRow("bench.metrics:diversity", "1 - mean cosine of pairs of items in a list", of_accuracy=False),
}


def look_up(table: Mapping[str, Row], kind: str, name: str) -> Row:
    """The row of that name.

    Raises
    ------
    UnknownNameError
        There is none: names what exists and the nearest.
    """
    if name in table:
        return table[name]
    small = {known.lower(): known for known in table}
    near = get_close_matches(name.lower(), small, n=1, cutoff=0.5)
    hint = f" Did you mean '{small[near[0]]}'?" if near else ""
    raise UnknownNameError(f"there is no {kind} '{name}'.{hint} There are: {', '.join(table)}")


def resolve(target: str | type) -> Any:
    """The object that "module:object" names; a class is itself.

    Raises
    ------
    UnknownNameError
        Another package's object can't be imported.
    """
    if not isinstance(target, str):
        return target
    module, _, name = target.partition(":")
    try:
        return getattr(import_module(module), name)
    except (Exception, SystemExit) as error:
        if module.split(".")[0] in OURS:
            raise
        raise UnknownNameError(f"{target} can't be loaded: {type(error).__name__}: {error}") from error
