"""All reports of results folders at once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from reports.store import Store, StoreError
from reports.stores import open_stores


def write_reports(folders: str | Path | Sequence[str | Path], out: str | Path | None = None) -> list[Path]:
    """Write report.html, report.csv and report.md from the results in one or several folders, and touch nothing else.

    They are written into ``out``, by default the folder of the results; several have no default.

    Raises
    ------
    StoreError
        There are no results, or one can't be read, or ``out`` isn't said or is no folder.
    """
    from reports.csv import write_csv
    from reports.html import write_html
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
    html, csv, markdown = root / "report.html", root / "report.csv", root / "report.md"
    uncertain = uncertainties(leaderboards(results), store.read_again)
    write_html(store, html, uncertain=uncertain)
    write_csv(results, csv)
    write_markdown(results, markdown, uncertain)
    return [html, csv, markdown]
