"""Results as a run would leave them, made up but with the figures that one expects of these models."""

import dataclasses

import numpy as np
import pytest

from reports.html import write_html
from reports.result import Cell, ItemMap, MetricValue, Result
from reports.store import Store

FILMS = """Toy Story (1995)|Toy Story 2 (1999)|Bug's Life, A (1998)|Babe (1995)|Aladdin (1992)|Groundhog Day (1993)
Star Wars: Episode IV - A New Hope (1977)|Star Wars: Episode V - The Empire Strikes Back (1980)
Star Wars: Episode VI - Return of the Jedi (1983)|Raiders of the Lost Ark (1981)|Godfather, The (1972)
Godfather: Part II, The (1974)|Goodfellas (1990)|Pulp Fiction (1994)|Terminator, The (1984)|Terminator 2 (1991)
Alien (1979)|Aliens (1986)|Die Hard (1988)|Jaws (1975)|Matrix, The (1999)|Indiana Jones and the Last Crusade (1989)
Blade Runner (1982)|E.T. the Extra-Terrestrial (1982)|Fargo (1996)
Silence of the Lambs, The (1991)|Shawshank Redemption, The (1994)
American Beauty (1999)|Sixth Sense, The (1999)|Braveheart (1995)|Saving Private Ryan (1998)|Princess Bride, The (1987)
Shakespeare in Love (1998)|L.A. Confidential (1997)|Being John Malkovich (1999)|Usual Suspects, The (1995)
Schindler's List (1993)|Back to the Future (1985)|Men in Black (1997)|Jurassic Park (1993)|Fugitive, The (1993)
Stand by Me (1986)|When Harry Met Sally... (1989)|Airplane! (1980)|Ghostbusters (1984)|Casablanca (1942)|Psycho (1960)
Rear Window (1954)|North by Northwest (1959)|Dr. Strangelove or: How I Learned to Stop Worrying and Love the Bomb (1963)
2001: A Space Odyssey (1968)|Monty Python and the Holy Grail (1974)|One Flew Over the Cuckoo's Nest (1975)
Forrest Gump (1994)|Gladiator (2000)|X-Men (2000)|Clerks (1994)|Rushmore (1998)|Election (1999)|Amadeus (1984)"""
TITLES = [title for line in FILMS.splitlines() for title in line.split("|")]

GENRES = ("Drama", "Comedy", "Action", "Thriller", "Romance", "Horror", "War", "Crime", "Musical")

# ndcg@10 on ml-1m, seconds to fit it, peak memory, model size, parameters
MODELS = {
    "als": (0.3781, 3.12, 412, 4.77, {"factors": 128, "regularization": 100.0, "alpha": 10.0, "iterations": 15}),
    "bias": (0.1102, 0.021, 301, 0.04, {"regularization_users": 15.0, "regularization_items": 10.0}),
    "bpr": (
        0.3241,
        14.6,
        398,
        4.81,
        {"factors": 128, "learning_rate": 0.05, "regularization": 0.01},
    ),
    "ease": (0.3764, 4.25, 634, 52.4, {"regularization": 500.0}),
    "implicit-als": (
        0.3789,
        2.41,
        455,
        4.77,
        {"factors": 128, "regularization": 100.0, "alpha": 10.0, "iterations": 15},
    ),
    "implicit-bpr": (0.2011, 6.37, 420, 4.8, {"factors": 128, "learning_rate": 0.01, "iterations": 100}),
    "implicit-item-bm25": (0.3027, 0.412, 377, 8.92, {"K": 100, "K1": 1.2, "B": 0.75}),
    "lightfm-warp": (0.3482, 47.9, 520, 4.85, {"no_components": 128, "learning_rate": 0.05, "epochs": 30}),
    "nmf": (0.3205, 21.3, 610, 4.77, {"n_components": 64}),
    "popularity": (0.1790, 0.0021, 290, 0.03, {}),
    "pure-svd": (0.3391, 0.837, 480, 4.77, {"n_components": 64}),
    "random": (0.0071, 0.0004, 288, 0.0, {}),
    "svd": (0.1251, 9.8, 360, 3.9, {"factors": 100, "learning_rate": 0.005, "regularization": 0.02, "iterations": 20}),
    "warp": (0.3571, 11.7, 402, 4.85, {"factors": 128, "learning_rate": 0.05, "iterations": 30}),
}
SCALE = {"ndcg": 1, "recall": 0.58, "recall_min": 0.94, "precision": 0.87, "map": 0.62, "mrr": 1.55, "hit_rate": 2.2}
SILENT = ("bias", "popularity", "random")
RATING_ERRORS = {"svd": (0.8735, 0.6861), "bias": (0.9093, 0.7192)}


def make_result(dataset, model, /, split="random", seed=0, n_users=60, cutoffs=(5, 10, 20), **changes):
    """One finished cell; ``changes`` replace fields of the result or of its cell."""
    quality, seconds, memory, size, parameters = MODELS[model]
    rng = np.random.default_rng([sum(map(ord, dataset + split + model)), seed])
    noise = 1 + 0.01 * rng.standard_normal()
    quality *= noise * (0.9 if dataset == "ml-100k" else 1) * (0.6 if split != "random" else 1)
    seconds *= (0.08 if dataset == "ml-100k" else 1) * (1 + 0.05 * rng.random())
    result = Result(
        cell=Cell(dataset, split, seed, model, parameters, 0),
        key=f"{sum(map(ord, dataset + split + model)):08x}{seed:08x}",
        identity={"parameters_from": "tuned on ml-1m, seed 1234"},
        status="ok",
        metrics=_metrics(model, quality, cutoffs, rng, cold=split != "random"),
        users=np.arange(n_users, dtype=np.int32),
        per_user={"ndcg@10": rng.random(n_users), "warm": np.ones(n_users, bool)},
        lists=np.stack([_list(rng, 20) for _ in range(n_users)]),
        counts={"n_users": n_users, "n_left_out": 2, "n_cold_users": 0 if split == "random" else 9},
        notes=["2 test users have nothing relevant held out and are left out of every mean."],
        neighbours={} if model in SILENT else {item: [item, *_list(rng, 9, item).tolist()] for item in (0, 6, 10)},
        item_map=None if model in SILENT else ItemMap(np.arange(len(TITLES), dtype=np.int32), _places(rng)),
        measured={
            "fit_seconds": seconds,
            "recommend_seconds": 0.11 * (1 + rng.random()),
            "compile_seconds": 0.0 if "-" in model else 2.3,
            "latency_median_ms": 0.2 + rng.random(),
            "latency_p99_ms": 1.5 + rng.random(),
            "peak_memory_mb": memory * (0.5 if dataset == "ml-100k" else 1),
            "model_size_mb": size * (0.3 if dataset == "ml-100k" else 1),
            "environment": {
                "python": "3.12.4",
                "platform": "Linux x86_64",
                "cpu_count": 2,
                "packages": {"numpy": "2.4.0"},
            },
        },
    )
    cell_names = {field.name for field in dataclasses.fields(Cell)}
    cell = dataclasses.replace(result.cell, **{name: changes.pop(name) for name in list(changes) if name in cell_names})
    return dataclasses.replace(result, cell=cell, **changes)


def make_problem(dataset, model, status, error, split="random", seed=0, parameters=None):
    """A cell that gave nothing."""
    return Result(Cell(dataset, split, seed, model, parameters or {}, 0), f"{model}-{seed}", {}, status, error)


def make_dataset(name, titles=TITLES, genres=GENRES):
    """What a run stores of a data set."""
    users, items, train, test = (943, 1682, 80_367, 19_633) if name == "ml-100k" else (6040, 3706, 802_553, 197_656)
    return {
        "name": name,
        "item_ids": [str(100 + code) for code in range(len(TITLES))],
        "titles": titles,
        "genres": [
            [genre for place, genre in enumerate(genres) if code % (place + 2) == 0] for code in range(len(TITLES))
        ],
        "n_users": users,
        "n_items": items,
        "n_train": train,
        "n_test": test,
        "n_cold_users": 0,
        "n_cold_items": 23,
        "licence": "GroupLens: research use, no redistribution",
        "showcase": [
            {"user": 3, "user_id": "4", "history": list(range(14, 38)), "test": [15, 16, 7, 20, 40, 41]},
            {"user": 8, "user_id": "9", "history": [0, 1, 2], "ratings": [5.0, 4.0, 3.5], "test": [3, 4]},
        ],
    }


def make_results(datasets=("ml-100k", "ml-1m"), splits=("random",), seeds=2):
    """All models on all data sets, one of them skipped, one failed."""
    results = []
    for dataset in datasets:
        for split in splits:
            for seed in range(seeds):
                results += [make_result(dataset, model, split, seed) for model in MODELS]
                results.append(make_problem(dataset, "surprise-svd", "skipped", SKIPPED, split, seed))
            results.append(make_problem(dataset, "lightfm-bpr", "failed", FAILED, split))
    return results


SKIPPED = "scikit-surprise isn't installed: python -m pip install 'recsys-bench[surprise]'"
FAILED = """Traceback (most recent call last):
  File "/home/somebody/project/bench/runner.py", line 81, in run_cell
    model.fit(user_items)
ModelError: lightfm-bpr: the loss is not finite after epoch 3; lower learning_rate (now 5.0)"""


def make_store(folder, results=None, titles=TITLES, genres=GENRES):
    """A results folder with these results and what belongs to their data sets."""
    store = Store(folder)
    for result in make_results() if results is None else results:
        store.write(result)
        store.write_dataset(result.cell, make_dataset(result.cell.dataset, titles, genres))
    return store


def make_small(
    model, values, n_train=None, lists=None, seed=0, model_seed=0, metric="ndcg@2", measured=None, **changes
):
    """A cell whose figures can be worked out by hand: users 0, 1, ... with these values of one metric."""
    values = np.asarray(values, float)
    per_user = {metric: values, "warm": np.ones(len(values), bool)}
    if n_train is not None:
        per_user["n_train"] = np.asarray(n_train, np.int32)
    found = MetricValue(float(np.nanmean(values)), None, True, 1, metric)
    return Result(
        cell=Cell("small", "random", seed, model, {}, model_seed),
        key=f"{sum(map(ord, model)):08x}{seed:08x}{model_seed}",
        identity={},
        status="ok",
        users=np.arange(len(values), dtype=np.int32),
        **{"metrics": {metric: found}, "per_user": per_user, "measured": measured or {}}
        | ({} if lists is None else {"lists": np.asarray(lists, np.int32)})
        | changes,
    )


HOSTILE = [
    "<script>alert(1)</script>",
    "</title></style></script><img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "{{ 7 * 7 }} {% raw %}",
    "שלום עולם \u202e reversed",
    "🎬 emoji & ' \" quotes",
    "nul \0 bell \a",
    "half \udc80",
    "<!-- <script> \u2028 my ratings.csv",
    "x" * 10_000,
]


def make_hostile_report(folder):
    """The path of a report in which every text from outside is hostile."""
    results = []
    for place, text in enumerate(HOSTILE):
        result = make_result(text, "als", seed=place, split=text, model=text, parameters={text: text}, notes=[text])
        result.measured["environment"] = {text: text, "nested": {text: [text]}}
        result.identity = {"parameters_from": text, "command": text, "data": text, "split": text, "source": text}
        results += [result, make_problem(text, text, "failed", text + "\n" + text, split=text)]
    titles = (HOSTILE * 10)[: len(TITLES)]
    store = make_store(folder, results, titles=titles, genres=HOSTILE)
    return write_html(store, folder / "report.html", title=HOSTILE[1])


@pytest.fixture(scope="session")
def fake():
    """The makers of made-up results: ``fake.result``, ``fake.problem``, ``fake.results``, ``fake.store``."""

    class Makers:
        result = staticmethod(make_result)
        small = staticmethod(make_small)
        problem = staticmethod(make_problem)
        results = staticmethod(make_results)
        dataset = staticmethod(make_dataset)
        store = staticmethod(make_store)
        hostile_report = staticmethod(make_hostile_report)
        hostile = tuple(HOSTILE)
        models = tuple(MODELS)
        titles = TITLES

    return Makers


@pytest.fixture(scope="session")
def full_store(tmp_path_factory):
    """Two data sets, fifteen models, two seeds: read it, don't write to it."""
    return make_store(tmp_path_factory.mktemp("results"))


def _metrics(model, quality, cutoffs, rng, cold):
    metrics = {}
    for k in cutoffs:
        for name, scale in SCALE.items():
            grows = (k / 10) ** (-0.2 if name == "precision" else 0.02 if name in ("ndcg", "mrr") else 0.4)
            value = min(0.99, quality * scale * grows)
            metrics[f"{name}@{k}"] = MetricValue(value, value * 0.9 if cold else None, True, 1, f"{name}@{k}")
        beside = {"coverage": 0.1 + quality, "gini": 0.95 - quality, "novelty": 1.2 + 3 * quality}
        beside |= {"popularity": 1900 - 3000 * quality, "diversity": 0.6 + quality / 2}
        for name, value in beside.items():
            metrics[f"{name}@{k}"] = MetricValue(value, None, name != "gini", 1)
    metrics["auc"] = MetricValue(0.5 + min(0.45, quality * 1.2), None, True, 1, "auc")
    for name, value in zip(("rmse", "mae"), RATING_ERRORS.get(model, ()), strict=False):
        metrics[name] = MetricValue(value * (1 + 0.001 * rng.random()), None, False, 1)
    return metrics


def _places(rng):
    return rng.standard_normal((len(TITLES), 2)).astype(np.float32)


def _list(rng, length, but=None):
    codes = np.setdiff1d(np.arange(len(TITLES)), [] if but is None else [but])
    return rng.permutation(codes)[:length].astype(np.int32)
