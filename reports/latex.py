r"""Leaderboards as LaTeX tables for papers: booktabs, best values bold, intervals beside the primary metric.

The file is meant for ``\input``; nothing but the package booktabs is needed, and it compiles with every engine: what
isn't ASCII is written as a command, or as its number.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from reports import numbers
from reports.store import write_text
from reports.table import Column, Leaderboard, Row
from reports.text import brief

LONGEST = 80

COMMANDS = {  # all of them in LaTeX itself; braces keep - from ligatures, and * and [ from being arguments of a command
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", '"': "''", "-": "{-}", "*": "{*}", "[": "{[}", "]": "{]}",
    "–": "--", "—": "---", "…": r"\ldots{}", "≈": r"$\approx$", "−": "$-$", "×": r"$\times$", "’": "'", "‘": "`",
    "ä": r'\"a', "ö": r'\"o', "ü": r'\"u', "Ä": r'\"A', "Ö": r'\"O', "Ü": r'\"U', "ß": r"\ss{}", "é": r"\'e",
    "è": r"\`e", "á": r"\'a", "à": r"\`a", "ñ": r"\~n", "ç": r"\c{c}",
}  # fmt: skip


def leaderboard_latex(board: Leaderboard) -> str:
    """One leaderboard as a table; the caption names skipped and failed rows."""
    ranked = board.select("accuracy", "ratings")
    sure = board.uncertainty is not None and board.primary in ranked
    heads = ["Model"]
    for column in ranked:
        heads.append(escape(column.title))
        if sure and column == board.primary:
            heads.append(r"95\% interval")
    heads.append("Fit")
    lines = [
        r"\begin{table}",
        r"\centering\footnotesize\setlength{\tabcolsep}{3.5pt}",
        rf"\caption{{{_caption(board)}}}",
        rf"\begin{{tabular}}{{l{'r' * (len(heads) - 1)}}}",
        r"\toprule",
        _line(heads),
        r"\midrule",
        *(_line(_cells(board, row, ranked, sure)) for row in board.rows),
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def latex(boards: Iterable[Leaderboard]) -> str:
    """All leaderboards that have a finished row."""
    tables = [leaderboard_latex(board) for board in boards if board.rows]
    return "\n".join(["% Tables of recsys-bench: \\usepackage{booktabs}, then \\input this file.", *tables])


def write_latex(boards: Iterable[Leaderboard], path: str | Path) -> Path:
    """Write :func:`latex` to a file."""
    path = Path(path)
    write_text(path, latex(boards))
    return path


def escape(text: str) -> str:
    """Text that is neither a command nor a cell's end, in ASCII; what has no command becomes a number, ``[U+05E9]``."""
    text = " ".join(brief(text, LONGEST).split())
    return "".join(_letter(letter) for letter in text)


def _letter(letter: str) -> str:
    if letter in COMMANDS:
        return COMMANDS[letter]
    return letter if " " <= letter <= "~" else f"{{[}}U+{ord(letter):04X}{{]}}"


def _caption(board: Leaderboard) -> str:
    """What the table is of, what is bold and marked, and who isn't in it."""
    parts = [f"{escape(board.dataset)}, {escape(board.split)} split."]
    seeds = numbers.span(row.n_seeds for row in board.rows)
    parts.append(f"Means over {escape(seeds)} cells a model; best values bold.")
    if any(board.is_like_best(row) for row in board.rows):
        parts.append(r"$\approx$: can't be told from the best (paired by user on the same splits, Holm at 5\%).")
    absent = [f"{escape(row.label)} ({row.status})" for row in board.problems[:10]]
    more = ", \\ldots{}" if len(board.problems) > len(absent) else ""
    if absent:
        parts.append(f"Not measured: {', '.join(absent)}{more}.")
    return " ".join(parts)


def _cells(board: Leaderboard, row: Row, ranked: Iterable[Column], sure: bool) -> list[str]:
    cells = [escape(row.label)]
    for column in ranked:
        cells.append(_value(board, row, column))
        if sure and column == board.primary:
            cells.append(escape(board.interval_text(row, column)))
    return [*cells, escape(numbers.seconds(row.cost.get("fit_seconds")))]


def _value(board: Leaderboard, row: Row, column: Column) -> str:
    text = escape(board.text(row, column))
    if board.is_best(row, column):
        text = rf"\textbf{{{text}}}"
    return rf"$\approx$\,{text}" if column == board.primary and board.is_like_best(row) else text


def _line(cells: Iterable[str]) -> str:
    return " & ".join(cells) + r" \\"
