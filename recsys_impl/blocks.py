"""Interactions dealt into cells that can be learned from side by side (``recsys_impl/kernels/blocks.py`` says how)."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys_impl.kernels.blocks import BLOCKS, deal

Array = NDArray[Any]


class Cells:
    """The interactions of one epoch dealt into BLOCKS x BLOCKS cells (see ``recsys_impl/kernels/blocks.py``)."""

    def __init__(self, user_items: sp.csr_matrix, random: np.random.Generator):
        n_users, n_items = user_items.shape
        user_order = random.permutation(n_users).astype(np.int32)
        item_order = random.permutation(n_items).astype(np.int32)
        self.seeds = random.integers(0, 2**64, (BLOCKS, BLOCKS, 1), dtype=np.uint64)
        user_block, item_block = np.empty(n_users, np.int8), np.empty(n_items, np.int8)
        user_block[user_order] = np.arange(n_users) % BLOCKS
        item_block[item_order] = np.arange(n_items) % BLOCKS
        self.item_blocks = [item_order[block::BLOCKS].copy() for block in range(BLOCKS)]
        self.starts = np.empty(BLOCKS * BLOCKS + 1, np.int64)
        self.users = np.empty(user_items.nnz, np.int32)
        self.positions = np.empty(user_items.nnz, np.int64)
        csr = (user_items.indptr, user_items.indices)
        deal(*csr, user_order, user_block, item_block, self.starts, self.users, self.positions)
        self.items = user_items.indices[self.positions]

    @staticmethod
    def of_stage(stage: int) -> list[tuple[int, int]]:
        """(user block, item block) of the cells that touch nothing in common."""
        return [(block, (block + stage) % BLOCKS) for block in range(BLOCKS)]

    def content(self, user_block: int, item_block: int) -> tuple[Array, Array, Array, Array]:
        """A cell's random state, users and items, and all items of its item block."""
        part = self.part(user_block, item_block)
        return self.seeds[user_block, item_block], self.users[part], self.items[part], self.item_blocks[item_block]

    def part(self, user_block: int, item_block: int) -> slice:
        """Where a cell's interactions are in ``users``, ``items`` and ``positions``."""
        cell = user_block * BLOCKS + item_block
        return slice(int(self.starts[cell]), int(self.starts[cell + 1]))
