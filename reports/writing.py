"""All reports of a results folder at once."""

from __future__ import annotations

from pathlib import Path

from reports.store import Store, StoreError, write_text


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
    from reports.figure_files import write_figures
    from reports.html import read_page, render
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
