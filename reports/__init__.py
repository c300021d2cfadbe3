"""Stored results, and everything that is made from them: tables, CSV, markdown, LaTeX, figures and the HTML page.

From a notebook::

    import reports

    reports.leaderboard("results")  # a DataFrame, best model first
    reports.figure("results", "trade-time", dataset="ml-100k")  # a matplotlib figure

``docs/reports.md`` shows each; what a function needs is imported when it is called.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reports.notebook import (
        by_item_popularity,
        by_user_activity,
        figure,
        gains,
        leaderboard,
        learning_curves,
        long_table,
        overlap,
        pareto,
    )

__all__ = [
    "by_item_popularity",
    "by_user_activity",
    "figure",
    "gains",
    "leaderboard",
    "learning_curves",
    "long_table",
    "overlap",
    "pareto",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'reports' has no attribute {name!r}")
    from reports import notebook

    return getattr(notebook, name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
