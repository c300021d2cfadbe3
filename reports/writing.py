"""All reports of a results folder at once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from reports.store import Store, StoreError

if TYPE_CHECKING:
    from reports.table import Leaderboard


def write_reports(folder: str | Path, *, figures: bool = False) -> list[Path]:
    """Write the reports of the results in a folder, and touch nothing else.

    Those are report.html, report.csv (one row a cell), report-long.csv (one row a figure), report.md and report.tex;
    with ``figures`` also the page's figures, as figures/*.svg.

    Raises
    ------
    StoreError
        There are no results, or one can't be read.
    """
    from reports.csv import write_csv
    from reports.html import write_html
    from reports.latex import write_latex
    from reports.long import write_long_csv
    from reports.markdown import write_markdown
    from reports.table import leaderboards
    from reports.uncertainty import uncertainties

    root = Path(folder)
    store = Store(root)
    results = list(store.summaries())
    if not results:
        raise StoreError(f"{root}: there are no results here; `python -m bench run --out {root}` makes some")
    uncertain = uncertainties(leaderboards(results), store.read_again)
    boards = leaderboards(results, uncertain)
    paths = [
        write_html(store, root / "report.html", uncertain=uncertain),
        write_csv(results, root / "report.csv"),
        write_long_csv(boards, root / "report-long.csv"),
        write_markdown(results, root / "report.md", uncertain),
        write_latex(boards, root / "report.tex"),
    ]
    return [*paths, *(_write_figures(store, boards) if figures else [])]


def _write_figures(store: Store, boards: Sequence[Leaderboard]) -> list[Path]:
    from reports.figures import model_styles
    from reports.sections import sections, write_figures

    styles = model_styles(row.model for board in boards for row in (*board.rows, *board.problems))
    return write_figures(sections(boards, store.read_again, store.read_dataset, styles), store.root / "figures")
