"""The table of contests: who is timed against whom, what is counted, and the goal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from bench.registry import MODELS, resolve


@dataclass(frozen=True)
class Measure:
    """What is counted, in which unit.

    A "time" and a "rate" are compared so that a ratio above 1 means that ours is faster: peer / ours and ours / peer. A
    "cost" is a time of ours as a multiple of something that has to be done anyway: ours / peer, the lower the better.
    "threads" is a time of ours on one thread over that on two.
    """

    name: str
    unit: str
    kind: Literal["time", "rate", "cost", "threads"] = "time"


ITERATION = Measure("an iteration", "s")
EPOCH = Measure("an epoch", "s")
TO_QUALITY = Measure("to the peer's quality", "s")
SAMPLES = Measure("samples a second", "1/s", "rate")
RATINGS = Measure("ratings a second", "1/s", "rate")
THREADS = Measure("1 thread / 2 threads", "s", "threads")

RANKING = Measure("ranking", "s")
TOP_20_COST = Measure("top-20 / product", "s", "cost")
RANKING_COST = Measure("ranking / product", "s", "cost")
METRICS_COST = Measure("metrics / top-20", "s", "cost")
DIVERSITY_COST = Measure("diversity / top-20", "s", "cost")

THREADS_GOAL = 1.7
TUNED = {name: MODELS["implicit-als"].parameters[name] for name in ("regularization", "alpha")}


@dataclass(frozen=True)
class Contender:
    """A model with its parameters.

    ``threads`` is the constructor's parameter for the number of threads, "" where the model has one thread only;
    ``judged_every`` is after how many iterations its quality is looked at while it learns (0: only at the end).
    """

    name: str
    target: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    threads: str = "num_threads"
    judged_every: int = 1

    def build(self, threads: int, **others: Any) -> Any:
        """The model, unfitted.

        Raises
        ------
        MissingLibraryError
            Its library isn't installed.
        """
        settings = {self.threads: threads} if self.threads else {}
        return resolve(self.target)(**{**self.parameters, **settings, **others})


@dataclass(frozen=True)
class Contest:
    """One of ours against some peers.

    Attributes
    ----------
    counted
        Measure -> peer's name -> the goal of the ratio, None where there is none.
    quality
        What is told beside the times. In :data:`TO_QUALITY` the first peer sets it, by the best that it reaches; who
        comes after stops when it is reached.
    part
        "fit" times models while they learn, "ranking" what comes after.
    note
        What the reader must know.
    """

    name: str
    ours: Contender
    peers: tuple[Contender, ...]
    counted: Mapping[Measure, Mapping[str, float | None]]
    quality: Literal["objective", "NDCG@10", "RMSE", ""]
    learns_from: Literal["positives", "ratings"] = "positives"
    part: Literal["fit", "ranking"] = "fit"
    note: str = ""


def _als(factors: int, goals: Mapping[Measure, Mapping[str, float | None]], note: str = "") -> Contest:
    """Conjugate gradient on implicit's objective, for everybody with the settings that are best for implicit on ML-1M.

    (With its default, alpha 1, an observed pair weighs no more than any other: one step would solve our equations.)
    Ours and irspack's may take twice as many iterations to reach the objective that implicit has after its own.
    """
    iterations = 15
    same = {"factors": factors, **TUNED, "use_cg": True}
    return Contest(
        f"als-{factors}",
        Contender("als", "recsys_impl.als:ALS", {**same, "iterations": 2 * iterations}),
        (_implicit_als({**same, "iterations": iterations}), _irspack_als({**same, "iterations": 2 * iterations})),
        goals,
        "objective",
        note=f"the quality is implicit's objective after {iterations} iterations; lower is better{note}",
    )


def _als_exact(factors: int, iterations: int, implicit: float, irspack: float) -> Contest:
    """The exact solver of each on implicit's objective, a few iterations."""
    same = {"factors": factors, **TUNED, "use_cg": False, "iterations": iterations}
    return Contest(
        f"als-exact-{factors}",
        Contender("als", "recsys_impl.als:ALS", same),
        (_implicit_als(same), _irspack_als(same)),
        {ITERATION: {"implicit-als": implicit, "irspack-als": irspack}},
        "objective",
        note=f"the objective is that after {iterations} iteration{'s' if iterations > 1 else ''}; lower is better",
    )


def _implicit_als(parameters: Mapping[str, Any]) -> Contender:
    return Contender("implicit-als", "bench.baselines.implicit_models:ImplicitALS", parameters, judged_every=0)


def _irspack_als(parameters: Mapping[str, Any]) -> Contender:
    """irspack under the parameters with which it minimises the very same sum as implicit."""
    objective = {"loss": "original", "unobserved_weight": 1.0, "regularization_scaling": 0.0}
    target = "bench.baselines.irspack_models:IrspackALS"
    return Contender("irspack-als", target, {**parameters, **objective}, "racing_threads")


CONTESTS: tuple[Contest, ...] = (
    _als(
        64,
        {
            ITERATION: {"implicit-als": None, "irspack-als": None},
            TO_QUALITY: {"implicit-als": 3.0, "irspack-als": 3.0},
        },
    ),
    _als(
        256,
        {
            ITERATION: {"implicit-als": 1.5, "irspack-als": 1.5},
            TO_QUALITY: {"implicit-als": 3.0, "irspack-als": 3.0},
        },
        note="; one goal of the two is enough",
    ),
    _als_exact(64, 3, implicit=4.0, irspack=1.3),
    _als_exact(128, 2, implicit=5.0, irspack=1.5),
    _als_exact(256, 1, implicit=6.0, irspack=2.0),
    Contest(
        "bpr-64",
        Contender("bpr", "recsys_impl.bpr:BPR", MODELS["bpr"].parameters),
        (
            Contender(
                "implicit-bpr",
                "bench.baselines.implicit_models:ImplicitBPR",
                MODELS["implicit-bpr"].parameters,
                "racing_threads",
                judged_every=5,
            ),
            Contender(
                "lightfm-bpr",
                "bench.baselines.lightfm_models:LightFMBPR",
                MODELS["lightfm-bpr"].parameters,
                "racing_threads",
                judged_every=5,
            ),
        ),
        {SAMPLES: {"implicit-bpr": 7.0, "lightfm-bpr": None}, TO_QUALITY: {"implicit-bpr": None, "lightfm-bpr": None}},
        "NDCG@10",
        note="the quality is implicit's best; with 2 threads the peers' threads race, ours don't",
    ),
    Contest(
        "warp-64",
        Contender("warp", "recsys_impl.warp:WARP", MODELS["warp"].parameters),
        (
            Contender(
                "lightfm-warp",
                "bench.baselines.lightfm_models:LightFMWARP",
                MODELS["lightfm-warp"].parameters,
                "racing_threads",
                judged_every=5,
            ),
        ),
        {EPOCH: {"lightfm-warp": None}, TO_QUALITY: {"lightfm-warp": 10.0}},
        "NDCG@10",
        note="the quality is LightFM's best; with 2 threads the peer's threads race, ours don't",
    ),
    Contest(
        "svd-100",
        Contender("svd", "recsys_impl.svd:SVD", MODELS["svd"].parameters),
        (
            Contender(
                "surprise-svd",
                "bench.baselines.surprise_models:SurpriseSVD",
                MODELS["surprise-svd"].parameters,
                threads="",
            ),
        ),
        {RATINGS: {"surprise-svd": 20.0}},
        "RMSE",
        learns_from="ratings",
        note="Surprise has one thread only, whatever ours have",
    ),
    Contest(
        "evaluation",
        Contender("als", "recsys_impl.als:ALS", {"factors": 64, "iterations": 3}),
        (Contender("implicit", "bench.baselines.implicit_models:ImplicitALS", {"factors": 64}),),
        {
            RANKING: {"implicit": None},
            TOP_20_COST: {"bare product": 2.2},
            RANKING_COST: {"bare product": None},
            METRICS_COST: {"top-20": 1.0},
            DIVERSITY_COST: {"top-20": None},
        },
        "",
        part="ranking",
        note=(
            "64 factors; top-20 is scores, mask and lists of all test users; ranking adds the AUC; metrics are all "
            "but diversity, AUC included; the bare product is that of the same blocks, into one buffer"
        ),
    ),
)
