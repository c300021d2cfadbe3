"""All reports of a results folder at once."""

from __future__ import annotations

from pathlib import Path

from reports.store import Store, StoreError


def write_reports(folder: str | Path) -> list[Path]:
    """Write report.html, report.csv and report.md from the results in a folder, and touch nothing else.

    Raises
    ------
    StoreError
        There are no results, or one can't be read.
    """
    from reports.csv import write_csv
    from reports.html import write_html
    from reports.markdown import write_markdown
    from reports.table import leaderboards
    from reports.uncertainty import uncertainties

    root = Path(folder)
    store = Store(root)
    results = list(store.summaries())
    if not results:
        raise StoreError(f"{root}: there are no results here; `python -m bench run --out {root}` makes some")
    html, csv, markdown = root / "report.html", root / "report.csv", root / "report.md"
    uncertain = uncertainties(leaderboards(results), store.read_again)
    write_html(store, html, uncertain=uncertain)
    write_csv(results, csv)
    write_markdown(results, markdown, uncertain)
    return [html, csv, markdown]
