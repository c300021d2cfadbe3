"""recsys-bench: which collaborative filtering model to take, with numbers that can be believed.

``bench.load``, ``bench.run``, ``bench.evaluate``, ``bench.recommend``, ``bench.similar``, ``bench.export_split``,
``bench.report``, ``bench.speed``, ``bench.tune``, ``bench.reproduce`` and ``bench.doctor`` are what the command line
calls.
"""

from typing import Any

__all__ = [
    *("compat", "doctor", "evaluate", "export_split", "load", "recommend", "report", "reproduce", "run", "similar"),
    *("speed", "split", "tune"),
]


def __getattr__(name: str) -> Any:
    """Import the functions when they are first asked for, so that ``import bench`` costs nothing."""
    if name not in __all__:
        raise AttributeError(f"module 'bench' has no attribute '{name}'; it has {', '.join(__all__)}")
    from bench import api

    return getattr(api, name)
