"""From an address to a client of the cluster there."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from bench.cluster.errors import ClusterError

TIMEOUT = 10.0
QUIET = {"distributed.admin.large-graph-warning-threshold": "1 TiB"}  # a data set is large, and we know


@contextmanager
def connect(address: Any, timeout: float = TIMEOUT) -> Iterator[Any]:
    """A client of the cluster; one that was given is not closed.

    Parameters
    ----------
    address
        ``tcp://host:8786``, ``host:8786``, the path of a scheduler file, one of Dask's clusters (``SLURMCluster``), or
        a ``distributed.Client``.
    timeout
        Seconds within which the scheduler must answer.

    Raises
    ------
    ClusterError
        Dask isn't installed, the address can't be understood, or nobody answers.
    """
    if find_spec("distributed") is None:
        raise ClusterError("a cluster needs Dask: pip install 'recsys-bench[cluster]'")
    import dask
    from distributed import Client

    if isinstance(address, Client):
        with dask.config.set(QUIET):
            yield address
        return
    where = {"scheduler_file": address} if _is_file(address) else {"address": address}
    try:
        with dask.config.set({"distributed.comm.timeouts.connect": timeout}):
            client = Client(**where, timeout=timeout, set_as_default=False)
    except (OSError, TimeoutError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise ClusterError(
            f"cluster {address}: no scheduler answers there within {timeout:g} seconds ({error}). Start one with "
            "`dask scheduler`, give its address as tcp://HOST:8786 or its scheduler file, see that no firewall lies "
            "between; --cluster-timeout waits longer"
        ) from error
    log = logging.getLogger("distributed.client")
    level = log.level
    log.setLevel(logging.CRITICAL)  # of a lost connection it prints a traceback; we say it in one line
    try:
        with dask.config.set(QUIET):
            yield client
    finally:
        client.close(timeout=min(timeout, 5))
        log.setLevel(level)


def _is_file(address: Any) -> bool:
    return isinstance(address, str | Path) and Path(address).is_file()
