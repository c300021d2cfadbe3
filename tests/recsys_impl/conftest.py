"""Small matrices with answers that are known."""

import numpy as np
import pytest
import scipy.sparse as sp


@pytest.fixture
def checkerboard():
    """Even users like even items, odd users odd ones; each user misses exactly one item of the kind: (CSR, missing)."""
    n_users, n_items = 60, 40
    dense = (np.add.outer(np.arange(n_users), np.arange(n_items)) % 2 == 0).astype(np.float32)
    missing = (np.arange(n_users) * 2 + np.arange(n_users) % 2) % n_items
    dense[np.arange(n_users), missing] = 0
    return sp.csr_matrix(dense), missing


@pytest.fixture
def tastes():
    """300 users x 120 items of latent structure with power-law activity, a few users and items without anything."""
    random = np.random.default_rng(5)
    x, y = random.normal(size=(300, 6)), random.normal(size=(120, 6))
    scores = x @ y.T + random.gumbel(size=(300, 120)) + 2 * random.random(120)
    activity = np.minimum(3 + random.pareto(1.2, 300) * 5, 60).astype(int)
    activity[:3] = 0, 1, 2
    dense = np.zeros((300, 120), np.float32)
    for user, n in enumerate(activity):
        dense[user, np.argsort(-scores[user])[:n]] = 1
    dense[:, 7] = 0
    return sp.csr_matrix(dense)
