"""The sections of analyses that a page shows and of which figures can be written: made once, from stored results."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from reports.beside import Beside, beside
from reports.cells import Read, ReadDataset
from reports.data import Data, data
from reports.differences import Differences, differences
from reports.figures import Style
from reports.plot import Plot
from reports.store import safe_name, write_text
from reports.table import Leaderboard
from reports.trade import Trade, trade

Name = tuple[str, str]


@dataclass(frozen=True)
class Sections:
    """What is shown of each leaderboard, by (data set, split), and of each data set; None where there is nothing."""

    trades: dict[Name, Trade | None]
    differences: dict[Name, Differences | None]
    besides: dict[Name, Beside | None]
    data: dict[str, Data | None]

    def plots(self) -> Iterator[tuple[str, str, Plot]]:
        """Every figure with its data set and split ("" for one of the data set)."""
        for tables in (self.trades, self.differences, self.besides):
            for (dataset, split), section in tables.items():
                for plot in section.plots if section else ():
                    yield dataset, split, plot
        for dataset, of_data in self.data.items():
            for plot in of_data.plots if of_data else ():
                yield dataset, plot.split, plot


def sections(
    boards: Sequence[Leaderboard], read: Read, read_dataset: ReadDataset, styles: dict[str, Style]
) -> Sections:
    """The sections of all leaderboards; each cell is read once, one at a time."""
    names = {(board.dataset, board.split): board for board in boards}
    of_datasets: dict[str, list[Leaderboard]] = {}
    for board in boards:
        of_datasets.setdefault(board.dataset, []).append(board)
    return Sections(
        {name: trade(board, styles) for name, board in names.items()},
        {name: differences(board, read, read_dataset, styles) for name, board in names.items()},
        {name: beside(board, styles) for name, board in names.items()},
        {dataset: data(of_data, read_dataset) for dataset, of_data in of_datasets.items()},
    )


def write_figures(found: Sections, folder: str | Path) -> list[Path]:
    """Write every figure as an SVG file, ``ml-100k_random_trade-time.svg``; the folder is made, other files stay."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for dataset, split, plot in found.plots():
        path = folder / f"{safe_name('_'.join(filter(None, (dataset, split, plot.name))))}.svg"
        write_text(path, plot.svg)
        paths.append(path)
    return paths
