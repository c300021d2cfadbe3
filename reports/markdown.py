"""Leaderboards as GitHub's markdown tables, for a README or a pull request."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from reports import numbers
from reports.result import Result
from reports.store import write_text
from reports.table import Column, Leaderboard, Row, leaderboards

if TYPE_CHECKING:
    from reports.uncertainty import Uncertainty


def leaderboard_markdown(board: Leaderboard) -> str:
    """One leaderboard: metrics at its first cut-off, best values bold, then time, then what is beside accuracy.

    The primary metric has its interval beside it; a ≈ marks what can't be told from the best. Skipped and failed rows
    stand below the table with their reason.
    """
    ranked = board.select("accuracy", "ratings")
    beside = board.select("beside")
    titles = ["model", "seeds", *(column.title for column in ranked), "fit", *(column.title for column in beside)]
    place = 3 + ranked.index(board.primary) if board.primary in ranked and board.uncertainty else None
    if place is not None:
        titles.insert(place, "95%")
    lines = [line(titles), line(["---", *["---:"] * (len(titles) - 1)])]
    for row in board.rows:
        cells = [escape(row.label), str(row.n_seeds), *(_value(board, row, column) for column in ranked)]
        cells += [numbers.seconds(row.cost.get("fit_seconds")), *(board.text(row, column) for column in beside)]
        if place is not None:
            cells.insert(place, board.interval_text(row, board.primary))
        lines.append(line(cells))
    if not board.rows:
        lines = ["No cell finished."]
    problems = [f"- {escape(row.label)}: {row.status} ({escape(row.reason)})" for row in board.problems]
    if any(board.is_like_best(row) for row in board.rows):
        lines += ["", "≈ can't be told from the best (paired by user on the same splits, Holm at 5%)."]
    if board.uncertainty and board.primary and board.uncertainty.components:
        lines += ["", escape(board.uncertainty.variance_text(board.primary.title))]
    return "\n".join([*lines, *(["", *problems] if problems else [])]) + "\n"


def markdown(results: Iterable[Result], uncertain: Mapping[tuple[str, str], Uncertainty] | None = None) -> str:
    """All leaderboards, each under a heading."""
    parts = [
        f"### {escape(board.dataset)}, {escape(board.split)}\n\n{leaderboard_markdown(board)}"
        for board in leaderboards(results, uncertain)
    ]
    return "\n".join(parts) if parts else "No results.\n"


def write_markdown(
    results: Iterable[Result], path: str | Path, uncertain: Mapping[tuple[str, str], Uncertainty] | None = None
) -> Path:
    """Write :func:`markdown` to a file."""
    path = Path(path)
    write_text(path, markdown(results, uncertain))
    return path


def _value(board: Leaderboard, row: Row, column: Column) -> str:
    text = board.text(row, column)
    if column == board.primary and board.is_like_best(row):
        text = f"≈ {text}"
    return f"**{text}**" if board.is_best(row, column) else text


def line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def escape(text: str) -> str:
    """Text that can neither end a cell nor become markup."""
    return re.sub(r"([\\`*_{}\[\]<>()#+!|~$@&])", r"\\\1", " ".join(text.split()))
