"""All reports of results folders at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from reports.result import Result
from reports.store import Store, StoreError, write_text
from reports.stores import open_stores


def write_reports(
    folders: str | Path | Sequence[str | Path],
    out: str | Path | None = None,
    *,
    figures: bool = False,
    chosen: Iterable[Result] = (),
) -> list[Path]:
    """Write the reports of the results in one or several folders, and touch nothing else.

    Those are report.html, report.csv (one row a cell), report-long.csv (one row a figure), report.md and report.tex;
    with ``figures`` also the page's figures, as figures/*.svg. They are written into ``out``, by default the folder of
    the results; several have no default. ``chosen`` are results of one folder that are shown before newer ones of the
    same cells.

    Raises
    ------
    StoreError
        There are no results, or one can't be read, or ``out`` isn't said or is no folder.
    """
    from reports.csv import write_csv
    from reports.figure_files import write_figures
    from reports.html import read_page, render
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
    store = open_stores(several, chosen)
    results = list(store.summaries())
    uncertain = uncertainties(leaderboards(results), store.reader("per_user"))
    boards = leaderboards(results, uncertain)
    page = read_page(store, uncertain=uncertain)
    write_text(root / "report.html", render(page))
    paths = [
        root / "report.html",
        write_csv(results, root / "report.csv"),
        write_long_csv(boards, root / "report-long.csv"),
        write_markdown(results, root / "report.md", uncertain),
        write_latex(boards, root / "report.tex"),
    ]
    return [*paths, *(write_figures(page.plots(), root / "figures") if figures else [])]
