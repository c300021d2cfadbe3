"""What the terminal shows: tables on stdout, progress on stderr (bars on a terminal, plain lines elsewhere)."""

from __future__ import annotations

import json
import shlex
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.listener import Listener
from bench.terminal import cell, printable
from reports.result import Cell, Result

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID

    from bench.checkup.checkup import Checkup
    from bench.checkup.repetition import Repeated
    from bench.compatibility.table import Beside
    from bench.evaluation import Evaluation
    from bench.lookup import Item, Recommendations, Similar
    from bench.reproduction.outcome import Outcome
    from reports.listing import Listed
    from reports.projector import Projected
    from reports.speed import SpeedRow
    from reports.tuning import Search
    from reports.verdicts import Verdict

PLAIN_WIDTH = 160  # of tables that don't go to a terminal: wide enough that no cell is cut
OTHER_DATA = "on other data of that name, which reports leave out"
NOT_IN_TERMINAL = ("recall_min", "mae")  # they stand in the reports


def console(stream: Any = None) -> Console:
    """A console whose tables are as wide as the terminal, or wide enough for a file."""
    from rich.console import Console

    stream = stream or sys.stdout
    return Console(file=stream, highlight=False, width=None if stream.isatty() else PLAIN_WIDTH)


class RunProgress(Listener):
    """Tells of a run on stderr and keeps its results."""

    def __init__(self, bars: Progress | None):
        self.bars = bars
        self.results: list[Result] = []
        self.n_reused = 0
        self.files: list[str] = []
        self.projector: Projected | None = None
        self.n_cells = 0
        self._all: TaskID | None = None
        self._epochs: dict[tuple[Any, ...], TaskID] = {}

    def planned(self, n_cells: int) -> None:
        self.n_cells = n_cells
        if self.bars is not None:
            self._all = self.bars.add_task("all cells", total=n_cells)

    def preparing(self, dataset: str) -> None:
        self._say(f"loading {dataset}")

    def loaded(self, dataset: str, told: str) -> None:
        self._say(f"{dataset}: {told}")

    def epoch(self, cell: Cell, epoch: int) -> None:
        if self.bars is None:
            return
        name = _name(cell)
        if name not in self._epochs:
            total = cell.parameters.get("iterations") or cell.parameters.get("epochs")
            self._epochs[name] = self.bars.add_task(" ".join(map(str, name)), total=total)
        self.bars.update(self._epochs[name], completed=epoch)

    def again(self, cell: Cell, reason: str) -> None:
        self._say(f"{' '.join(map(str, _name(cell)))}: computed again, {reason}")

    def needs_memory(self, cell: Cell, n_bytes: int) -> None:
        self._say(f"{' '.join(map(str, _name(cell)))}: will take {n_bytes / 2**30:.2g} GiB of memory")

    def ended(self, result: Result, reused: bool) -> None:
        self.results.append(result)
        self.n_reused += reused
        if self.bars is not None:
            task = self._epochs.pop(_name(result.cell), None)
            if task is not None:
                self.bars.remove_task(task)
            assert self._all is not None
            self.bars.advance(self._all)
        if not reused:
            name = " ".join(map(str, _name(result.cell)))
            self._say(f"[{len(self.results)}/{self.n_cells}] {name}: {_outcome(result)}")

    def finishing(self, n_cells: int) -> None:
        those = "the cell that is" if n_cells == 1 else f"the {n_cells} cells that are"
        self._say(f"interrupted: finishing {those} running; interrupt again to stop at once")

    def reported(self, files: list[str]) -> None:
        self.files = files

    def projected(self, projected: Projected) -> None:
        self.projector = projected

    def summarise(self) -> None:
        """Say what was computed and what was not, and where the report is."""
        counts = {status: sum(result.status == status for result in self.results) for status in _statuses(self.results)}
        computed = counts.get("ok", 0) - self.n_reused
        tried = len(self.results) - self.n_reused - counts.get("skipped", 0)
        told = [f"{computed} computed" if tried else "nothing to compute", f"{self.n_reused} already in the store"]
        told += [f"{count} {status}" for status, count in counts.items() if status != "ok"]
        self._say(f"{len(self.results)} cells: {', '.join(told)}")
        if self.files:
            print(f"\nreport: {self.files[0]}")
        if self.projector is not None:
            projected(self.projector)

    def _say(self, text: str) -> None:
        if self.bars is not None:
            self.bars.console.print(printable(text), markup=False)
        else:
            print(printable(text), file=sys.stderr, flush=True)


@contextmanager
def progress() -> Iterator[RunProgress]:
    """A listener that draws bars while it is open, if stderr is a terminal."""
    if not sys.stderr.isatty():
        yield RunProgress(None)
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=console(sys.stderr), transient=True) as bars:
        listener = RunProgress(bars)
        yield listener
    listener.bars = None


def projected(projected: Projected) -> None:
    """Where TensorBoard finds the vectors, and which models have none."""
    for sentence in projected.missing:
        print(f"not in the projector: {sentence}", file=sys.stderr)
    if projected.files:
        print(f"vectors: tensorboard --logdir {shlex.quote(str(projected.files[0].parent))}")


def verdicts(found: Iterable[Verdict]) -> None:
    """A line for each thing that must be known before the ranking."""
    told = [
        f"{'CHECK' if verdict.serious else 'note'}: {verdict.dataset}, {verdict.split}: {verdict.kind}: {verdict.text}"
        for verdict in found
    ]
    print(printable("\n".join([*told, ""])) if told else "sanity checks: nothing found\n")


def leaderboards(results: Iterable[Result]) -> None:
    """A table for each data set and split: accuracy at the usual cut-off, ratings, costs; then what went wrong."""
    from rich.table import Table

    from reports import numbers
    from reports.table import leaderboards as make
    from reports.uncertainty import uncertainties

    out, cells = console(), list(results)
    for board in make(cells, uncertainties(make(cells), lambda result: result, metrics=())):
        table = Table(title=cell(f"{board.dataset}, {board.split} split"), title_justify="left", title_style="bold")
        table.add_column("model", no_wrap=True)
        columns = [column for column in board.select("accuracy", "ratings") if column.metric not in NOT_IN_TERMINAL]
        for column in columns:
            table.add_column(column.title, justify="right", no_wrap=True)
            if column == board.primary:
                table.add_column("95%", justify="right", no_wrap=True)
        for heading in ("fit", "recommend", "memory"):
            table.add_column(heading, justify="right", no_wrap=True)
        for row in board.rows:
            values = [_marked(board.text(row, column), board.is_best(row, column)) for column in columns]
            if board.primary in columns:
                place = columns.index(board.primary)
                values[place] = "≈" * board.is_like_best(row) + values[place]
                values.insert(place + 1, board.interval_text(row, board.primary))
            costs = [
                numbers.seconds(row.cost.get("fit_seconds")),
                numbers.seconds(row.cost.get("recommend_seconds")),
                numbers.megabytes(row.cost.get("peak_memory_mb")),
            ]
            table.add_row(cell(row.label), *values, *costs)
        if board.rows:
            out.print(table)
            if len(board.rows) > 1:
                print("* the best of its column, by the digits shown")
            if any(board.is_like_best(row) for row in board.rows):
                print("≈ can't be told from the best (paired by user on the same splits, Holm at 5%)")
            if board.uncertainty and board.primary and board.uncertainty.components:
                print(board.uncertainty.variance_text(board.primary.title))
        for row in board.problems:
            told = f"{board.dataset} {board.split} {row.label}: {row.status}: {row.reason}"
            out.print(printable(told), markup=False)
        out.print()


def tables(chosen: Mapping[str, Mapping[str, Any]]) -> None:
    """The registry's tables, a line each."""
    for name, table in chosen.items():
        print(f"{name}:")
        width = max(map(len, table))
        for key, row in table.items():
            extra = f" [licence: {row.licence}]" if hasattr(row, "licence") else ""
            extra += f" (pip install 'recsys-bench[{row.extra}]')" if getattr(row, "extra", "") else ""
            print(f"  {key:<{width}}  {row.summary}{extra}")
            if name == "models" and len(chosen) == 1 and row.parameters:
                settings = ", ".join(f"{parameter}={value}" for parameter, value in row.parameters.items())
                print(f"  {'':<{width}}  {settings} ({row.parameters_from})")
        print()


def listing(found: Sequence[Listed], as_json: bool) -> None:
    """How many cells of each data set and split ended how, and a line for each that has no result."""
    if as_json:
        print(json.dumps([{**asdict(one), "folder": str(one.folder)} for one in found], indent=1))
        return
    counts: dict[tuple[str, str], Counter[str]] = {}
    for one in found:
        status = one.status if one.current else OTHER_DATA
        counts.setdefault((one.cell.dataset, one.cell.split), Counter())[status] += 1
    for (dataset, split), of_status in sorted(counts.items()):
        told = ", ".join(f"{count} {status}" for status, count in sorted(of_status.items()))
        print(printable(f"{dataset}, {split}: {told}"))
    for one in found:
        if one.status != "ok" and one.current:
            reason = one.error.strip().partition("\n")[0]
            print(printable(f"{' '.join(map(str, _name(one.cell)))}: {one.status}: {reason}"))
    print(f"{len(found)} cells")


def rows_as_json(table: Mapping[str, Any]) -> dict[str, Any]:
    """A table's rows as plain values."""
    plain = {name: {key: value for key, value in asdict(row).items() if value != ""} for name, row in table.items()}
    for row in plain.values():
        if "target" not in row:
            continue
        row["target"] = row["target"] if isinstance(row["target"], str) else row["target"].__name__
    return plain


def tuning(searches: Sequence[Search]) -> None:
    """What was best of each model, a table for each metric."""
    for metric in dict.fromkeys(search.metric for search in searches):
        group = [search for search in searches if search.metric == metric]
        rows = []
        for search in group:
            found = search.best or {"value": None, "setting": {}}
            setting = ", ".join(f"{name}={_short(value)}" for name, value in found["setting"].items())
            counts = [str(len(search.trials)), str(search.count("pruned")), str(search.count("failed"))]
            own = _decimal(search.defaults["value"] if search.defaults else None)
            rows.append([search.model, _decimal(found["value"]), own, *counts, f"{search.seconds:.1f}", setting])
        headings = ["model", metric, "its defaults", "trials", "pruned", "failed", "seconds", "best setting"]
        title = f"{group[0].dataset}, {group[0].split} split: validation part of train ({group[0].validation})"
        _print_table(headings, rows, title)
    for search in searches:
        if search.best is None:
            reasons = dict.fromkeys(trial["error"].splitlines()[0] for trial in search.all_tried if trial["error"])
            print(f"{search.model}: no trial was completed: {'; '.join(reasons) or 'the budget was too small'}")


def reproduction(outcomes: Sequence[Outcome], as_json: bool) -> None:
    """Published, ours, difference and verdict, a table a suite."""
    if as_json:
        print(json.dumps([asdict(outcome) for outcome in outcomes], indent=1))
        return
    for outcome in outcomes:
        rows = [
            [
                row.model,
                line.metric,
                "" if line.published is None else line.published,
                _decimal(line.ours, line.digits),
                "" if line.difference is None else f"{line.difference:+.{line.digits}f}",
                line.asked,
                line.verdict,
                f"{row.seconds:.1f} s",
                f"{row.peak_memory_mb / 1024:.2f} GiB",
            ]
            for row in outcome.rows
            for line in row.lines
        ]
        headings = ["model", "metric", "published", "ours", "difference", "asked", "verdict", "fit", "memory"]
        _print_table(headings, rows, outcome.title)
        print(f"{outcome.protocol}\nsource: {outcome.source}\n")
        for row in outcome.rows:
            if row.settings_from:
                print(f"{row.model}: {row.settings_from}")
            if row.error or row.skipped:
                print(f"{'failed' if row.error else 'skipped'}: {row.model}: {row.error or row.skipped}")


def evaluation(found: Evaluation, as_json: bool) -> None:
    """Metrics of lists: one line a metric, one column a cut-off."""
    if as_json:
        print(json.dumps(asdict(found), indent=1))
        return
    cutoffs = sorted({int(name.partition("@")[2]) for name in found.metrics})
    names = list(dict.fromkeys(name.partition("@")[0] for name in found.metrics))
    rows = [[name, *(_decimal(found.metrics.get(f"{name}@{k}")) for k in cutoffs)] for name in names]
    _print_table(["metric", *(f"@{k}" for k in cutoffs)], rows, f"{found.counts['n_users']:,} users")
    for note in found.notes:
        print(f"note: {note}")
    if found.beside:
        _definitions_beside(found.beside)


def _definitions_beside(rows: Sequence[Beside]) -> None:
    """Ours and another program's value of each metric; below, what makes the difference."""
    table = [[row.metric, _decimal(row.ours), _decimal(row.theirs), row.name] for row in rows]
    _print_table(["metric", "here", "there", "its name there"], table, "the same lists by other definitions")
    for metric, difference in {row.metric.partition("@")[0]: row.difference for row in rows}.items():
        print(f"{metric}: {difference}")


def recommendations(found: Recommendations, as_json: bool) -> None:
    """A user's history beside the recommended items."""
    if as_json:
        print(json.dumps(asdict(found), indent=1, ensure_ascii=False))
        return
    rows = []
    for place in range(max(len(found.items), min(len(found.history), 20))):
        liked = _titled(found.history, place)
        rating = "" if place >= len(found.history) else _rating(found.history[place].value)
        rows.append([liked, rating, str(place + 1) if place < len(found.items) else "", _titled(found.items, place)])
    title = f"user {found.user}, {len(found.history)} items rated"
    _print_table(["history, best rated first", "rating", "", f"recommended by {found.model}"], rows, title)


def similar(found: Similar, as_json: bool) -> None:
    """The items nearest to one."""
    if as_json:
        print(json.dumps(asdict(found), indent=1, ensure_ascii=False))
        return
    if found.others:
        more = f" and {len(found.others) - 5} more" if len(found.others) > 5 else ""
        print(printable(f"also matching: {'; '.join(found.others[:5])}{more}"), file=sys.stderr)
    rows = [[str(n), _decimal(item.value, 3), item.title or str(item.id)] for n, item in enumerate(found.items, 1)]
    name = found.item.title or str(found.item.id)
    _print_table(["", "similarity", f"similar to {name}"], rows, f"{found.model}")


def speed(folder: str) -> None:
    """The machine, speed.csv as a table, its notes, and where a peer is faster."""
    from reports.speed import FILE, read_speed

    found = read_speed(folder)
    assert found is not None
    for name, text in found.facts:
        print(f"{name}: {text}")
    headings = ["contest", "measure", "threads", "ours", "peer", "peer's", "ratio", "faster", "goal", "quality, peer's"]
    rows = []
    for row in found.rows:
        quality = f"{row.our_quality}, {row.peer_quality}" if row.quality_name and row.status != "skipped" else ""
        goal = f"{row.goal} {row.reached}".strip()
        words = [row.contest, row.measure, row.threads, row.ours, row.peer_name, row.peer, row.ratio, row.faster, goal]
        rows.append([*words, quality])
    _print_table(headings, rows, "ours beside the libraries: median (smallest–largest) of the rounds")
    for contest, note in found.notes:
        print(f"{contest}: {note}")
    _list_rows("skipped", [row for row in found.rows if row.status == "skipped"])
    _list_rows("quality not reached", [row for row in found.rows if row.status == "not reached"])
    _list_rows("a peer is faster", [row for row in found.rows if row.peer_is_faster])
    _list_rows("uneven rounds, was something else running?", [row for row in found.rows if row.uneven])
    goals = [row for row in found.rows if row.reached]
    print(f"goals: {sum(row.reached == 'yes' for row in goals)} of {len(goals)} reached")
    print(f"\n{Path(folder) / FILE}")


def checkup(found: Checkup, as_json: bool) -> None:
    """The machine, a line for each data set and library, then a table of the repeats."""
    if as_json:
        print(json.dumps({**asdict(found), "status": found.status}, indent=1, ensure_ascii=False))
        return
    for name, text in _facts(found):
        print(f"{name}: {text}")
    for holding in found.data:
        place = f" [{holding.place}]" if holding.place else ""
        print(f"data set {holding.name}: {holding.state}: {holding.text}{place}")
    for library in found.libraries:
        name, models = f"baseline {library.name} {library.version}".strip(), ", ".join(library.models)
        if library.reason:
            command = f": {library.command}" if library.command else ""
            print(f"{name}: can't be imported ({library.reason}){command} [{models}]")
        else:
            print(f"{name}: ready [{models}]")
    if found.repeated:
        _repeats(found.repeated)


def _facts(found: Checkup) -> Iterator[tuple[str, str]]:
    """What the machine is, a name and a text a line."""
    machine, cache = found.machine, found.kernel_cache
    quota = "" if machine.cores_quota is None else f", for {machine.cores_quota:g} cores' time (control group)"
    variables = " ".join(f"{name}={value}" for name, value in machine.thread_variables.items())
    yield "python", f"{machine.python} [{machine.executable}]"
    yield "versions", ", ".join(f"{name} {version}" for name, version in machine.versions.items())
    yield "commit", machine.commit or "not a checkout"
    yield "system", machine.system
    yield "processor", machine.processor
    yield "cores", f"{machine.cores}, of which this process may use {machine.cores_allowed}{quota}"
    yield "memory available", f"{machine.memory_available_mb:,.0f} MB"
    yield "threads", f"{machine.threads} by default{' [' * bool(variables)}{variables}{']' * bool(variables)}"
    for pool in machine.thread_pools:
        yield "thread pool", pool
    yield "kernels' cache", f"{cache.folder} {'can be written' if cache.writable else cache.reason}".strip()


def _repeats(repeated: Sequence[Repeated]) -> None:
    """Which of a model's parts have the same bytes in all repeats, and what differs."""
    rows = []
    for one in repeated:
        parts = [_sameness(one.digests.get(part, [])) for part in ("factors", "lists", "metrics")]
        rows.append([one.model, ", ".join(map(str, one.threads)), *parts, one.outcome])
    headings = ["model", "threads", "factors", "lists", "metrics", ""]
    _print_table(headings, rows, "the same cell again, each time in a process of its own")
    for one in repeated:
        if one.reason:
            print(f"{one.outcome}: {one.model}: {one.reason}")


def _sameness(digests: Sequence[str]) -> str:
    if not any(digests):
        return "–"
    return f"equal {digests[0]}" if len(set(digests)) == 1 else f"DIFFER {' '.join(digests)}"


def _list_rows(title: str, rows: Sequence[SpeedRow]) -> None:
    """Rows by name, with the ratio or the reason."""
    for row in rows:
        threads = f"{row.threads} thread{'s' if row.threads != '1' else ''}"
        why = row.ratio if row.status == "ok" else row.note
        print(f"{title}: {row.contest}, {row.measure}, {threads}, {row.peer_name}: {why}")


def _print_table(headings: Sequence[str], rows: Iterable[Sequence[str]], title: str) -> None:
    from rich.table import Table

    table = Table(title=cell(title), title_justify="left", title_style="bold")
    for heading in headings:
        table.add_column(cell(heading))
    for row in rows:
        table.add_row(*map(cell, row))
    console().print(table)


def _name(cell: Cell) -> tuple[Any, ...]:
    """What tells cells of one run apart, short."""
    seeds = f"seed {cell.split_seed}" + (f".{cell.model_seed}" if cell.model_seed else "")
    return cell.dataset, cell.split, seeds, cell.model


def _outcome(result: Result) -> str:
    if result.status != "ok":
        lines = result.error.strip().splitlines()
        return f"{result.status}: {lines[0] if lines else ''}"
    metric = next((name for name in ("ndcg@10", *result.metrics) if name in result.metrics), None)
    value = f"{metric} {result.metrics[metric].value:.4f}, " if metric else ""
    return f"{value}fit {result.measured['fit_seconds']:.2f} s"


def _statuses(results: Iterable[Result]) -> list[str]:
    return list(dict.fromkeys(result.status for result in results))


def _marked(text: str, best: bool) -> str:
    return f"[bold]{text}*[/bold]" if best else f"{text} "


def _decimal(value: float | None, digits: int = 4) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _rating(value: float | None) -> str:
    return "" if value is None else f"{value:g}"


def _titled(items: Sequence[Item], place: int) -> str:
    if place >= len(items):
        return ""
    return items[place].title or str(items[place].id)
