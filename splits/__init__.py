"""Interactions, and the rules that divide them into train and test."""

from splits.fixed import fixed
from splits.folds import k_fold
from splits.holdout import leave_k_out, leave_one_out, random
from splits.interactions import Interactions, InteractionsError
from splits.split import Split, SplitError
from splits.temporal import global_temporal, temporal

__all__ = [
    "Interactions",
    "InteractionsError",
    "Split",
    "SplitError",
    "fixed",
    "global_temporal",
    "k_fold",
    "leave_k_out",
    "leave_one_out",
    "random",
    "temporal",
]
