"""Lists of twelve users, and what the programs themselves say of them.

``python tests/bench/compatibility/programs.py rectools > tests/bench/compatibility/rectools.json`` in an environment
that has the program (and nothing of ours) writes what ``test_table.py`` compares with; so for the others.
"""

import json
import sys
from importlib.metadata import version
from importlib.util import find_spec

KS = (3, 10)
N_USERS, N_ITEMS = 12, 30
LENGTHS = (10, 10, 20, 2, 10, 0, 20, 10, 10, 7, 10, 30)  # of the lists: user 5 has none
N_RELEVANT = (4, 1, 2, 9, 9, 2, 1, 14, 5, 8, 12, 3)
LISTS = {u: [(7 * u + 11 * place) % N_ITEMS for place in range(n)] for u, n in enumerate(LENGTHS) if n}
RELEVANT = {u: sorted({(13 * u + 7 * j) % N_ITEMS for j in range(n)}) for u, n in enumerate(N_RELEVANT)}
SEEN = {u: [item for item in range(u % 3) if item not in RELEVANT[u]] for u in range(N_USERS)}


def implicit():
    import numpy as np
    import scipy.sparse as sp
    from implicit.evaluation import ranking_metrics_at_k

    def matrix(items_of):
        dense = np.zeros((N_USERS, N_ITEMS), np.float32)
        for user, items in items_of.items():
            dense[user, items] = 1
        return sp.csr_matrix(dense)

    class Fixed:
        """What it asks a model for."""

        def recommend(self, users, user_items, N):
            ids = np.full((len(users), N), -1, np.int32)
            for row, user in enumerate(users):
                listed = LISTS.get(int(user), [])[:N]
                ids[row, : len(listed)] = listed
            return ids, np.zeros(ids.shape, np.float32)

    found = {}
    for k in KS:
        measured = ranking_metrics_at_k(Fixed(), matrix(SEEN), matrix(RELEVANT), K=k, show_progress=False)
        found |= {f"{metric}@{k}": float(measured[metric]) for metric in ("precision", "ndcg", "map", "auc")}
    return found


def rectools():
    import pandas as pd
    from rectools import Columns, metrics

    rows = [(user, item, rank) for user, items in LISTS.items() for rank, item in enumerate(items, start=1)]
    lists = pd.DataFrame(rows, columns=[Columns.User, Columns.Item, Columns.Rank])
    rows = [(user, item) for user, items in RELEVANT.items() for item in items]
    relevant = pd.DataFrame(rows, columns=[Columns.User, Columns.Item])
    classes = {
        "precision": metrics.Precision,
        "recall": metrics.Recall,
        "ndcg": metrics.NDCG,
        "map": metrics.MAP,
        "mrr": metrics.MRR,
        "hit_rate": metrics.HitRate,
    }
    return {f"{name}@{k}": float(metric(k=k).calc(lists, relevant)) for name, metric in classes.items() for k in KS}


def lenskit():
    from lenskit import metrics
    from lenskit.data import ItemList, ItemListCollection

    def collection(items_of):
        return ItemListCollection.from_dict(
            {user: ItemList(item_ids=items, ordered=True) for user, items in items_of.items()}, key="user_id"
        )

    classes = {
        "precision": metrics.Precision,
        "recall": metrics.Recall,
        "ndcg": metrics.NDCG,
        "map": metrics.ranking.AveragePrecision,
        "mrr": metrics.RecipRank,
        "hit_rate": metrics.Hit,
    }
    analysis = metrics.RunAnalysis()
    for name, metric in classes.items():
        for k in KS:
            analysis.add_metric(metric(n=k), f"{name}@{k}")
    summary = analysis.measure(collection(LISTS), collection(RELEVANT)).list_summary()
    return {name: float(value) for name, value in summary["mean"].items()}


def trec_eval():
    import pytrec_eval

    relevant = {f"u{user}": {f"i{item}": 1 for item in items} for user, items in RELEVANT.items()}
    lists = {f"u{u}": {f"i{item}": -float(place) for place, item in enumerate(items)} for u, items in LISTS.items()}
    cuts = ",".join(map(str, KS))
    names = {f"{name}.{cuts}" for name in ("P", "recall", "ndcg_cut", "map_cut", "success")} | {"recip_rank"}
    of_users = pytrec_eval.RelevanceEvaluator(relevant, names).evaluate(lists).values()
    names = {
        "precision": "P_{}",
        "recall": "recall_{}",
        "ndcg": "ndcg_cut_{}",
        "map": "map_cut_{}",
        "mrr": "recip_rank",
        "hit_rate": "success_{}",
    }
    return {
        f"{ours}@{k}": sum(values[theirs.format(k)] for values in of_users) / len(of_users)
        for ours, theirs in names.items()
        for k in KS
    }


# name: (what computes the values, the distribution, its module)
PROGRAMS = {
    "implicit": (implicit, "implicit", "implicit"),
    "rectools": (rectools, "rectools", "rectools"),
    "lenskit": (lenskit, "lenskit", "lenskit"),
    "trec_eval": (trec_eval, "pytrec_eval-terrier", "pytrec_eval"),
}


def is_installed(name):
    return find_spec(PROGRAMS[name][2]) is not None


if __name__ == "__main__":
    compute, distribution, _ = PROGRAMS[sys.argv[1]]
    command = f"python tests/bench/compatibility/programs.py {sys.argv[1]}"
    print(
        json.dumps(
            {"version": f"{distribution} {version(distribution)}", "command": command, "values": compute()}, indent=1
        )
    )
