"""All reports of results folders at once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from reports.store import Store, StoreError
from reports.stores import open_stores

if TYPE_CHECKING:
    from reports.table import Leaderboard


def write_reports(
    folders: str | Path | Sequence[str | Path], out: str | Path | None = None, *, figures: bool = False
) -> list[Path]:
    """Write the reports of the results in one or several folders, and touch nothing else.

    Those are report.html, report.csv (one row a cell), report-long.csv (one row a figure), report.md and report.tex;
    with ``figures`` also the page's figures, as figures/*.svg. They are written into ``out``, by default the folder of
    the results; several have no default.

    Raises
    ------
    StoreError
        There are no results, or one can't be read, or ``out`` isn't said or is no folder.
    """
    from reports.csv import write_csv
    from reports.html import write_html
    from reports.latex import write_latex
    from reports.long import write_long_csv
    from reports.markdown import write_markdown
    from reports.table import leaderboards
    from reports.uncertainty import uncertainties

    several = [folders] if isinstance(folders, str | Path) else list(folders)
    if out is None and len(several) != 1:
        raise StoreError(f"a report on {len(several)} folders goes into none of them by itself: say where with --out")
    for folder in several:
        if not any(Store(folder).folders()):
            raise StoreError(f"{folder}: there are no results here; `python -m bench run --out {folder}` makes some")
    root = Path(several[0] if out is None else out)
    if root.exists() and not root.is_dir():
        raise StoreError(f"--out {root}: is no folder, and reports go into one: give another name")
    root.mkdir(parents=True, exist_ok=True)
    store = open_stores(several)
    results = list(store.summaries())
    uncertain = uncertainties(leaderboards(results), store.read_again)
    boards = leaderboards(results, uncertain)
    paths = [
        write_html(store, root / "report.html", uncertain=uncertain),
        write_csv(results, root / "report.csv"),
        write_long_csv(boards, root / "report-long.csv"),
        write_markdown(results, root / "report.md", uncertain),
        write_latex(boards, root / "report.tex"),
    ]
    return [*paths, *(_write_figures(store, boards, root) if figures else [])]


def _write_figures(store: Store, boards: Sequence[Leaderboard], root: Path) -> list[Path]:
    from reports.figures import model_styles
    from reports.sections import sections, write_figures

    styles = model_styles(row.model for board in boards for row in (*board.rows, *board.problems))
    return write_figures(sections(boards, store.read_again, store.read_dataset, styles), root / "figures")
