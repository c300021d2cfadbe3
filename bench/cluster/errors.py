"""What can go wrong with a cluster as a whole; what goes wrong with a cell is a row."""

from __future__ import annotations


class ClusterError(ValueError):
    """A cluster can't be used; the message says which and what to try."""


class LostClusterError(ClusterError):
    """The scheduler, or all workers, were lost in the middle of a run; finished cells are in the store."""

    exit_status = 1
