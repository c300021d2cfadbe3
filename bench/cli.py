"""The command line: parses, calls the API, prints, returns the exit status.

Results go to stdout, progress and logs to stderr. Exit status: 0 fine, 1 a cell failed, 2 wrong usage or input that
can't be read; compare has its own (``bench/gate.py``).
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import click

from bench import gate, printing
from bench.registry import DATASETS, METRICS, MODELS, SPLITS
from bench.terminal import printable

LARGEST_CUTOFF = 10_000
TABLES: dict[str, Any] = {"datasets": DATASETS, "splits": SPLITS, "models": MODELS, "metrics": METRICS}
MORE_TABLES = ("spaces", "suites")  # read from files, and shown where they are asked for


class Names(click.ParamType):
    """``a,b,c`` as a tuple."""

    name = "names"

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[str, ...]:
        if isinstance(value, tuple):
            return value
        names = tuple(filter(None, (part.strip() for part in value.split(","))))
        if value and not names:
            self.fail(f"'{value[:60]}' holds no name; write a,b,c", param, ctx)
        return names


class Cutoffs(click.ParamType):
    """``5,10,20`` as a tuple of whole numbers of at least 1."""

    name = "numbers"

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[int, ...]:
        if isinstance(value, tuple):
            return value
        try:
            numbers = tuple(int(part) for part in value.split(","))
        except ValueError:
            numbers = ()
        if not numbers or min(numbers) < 1 or max(numbers) > LARGEST_CUTOFF:
            wanted = f"whole numbers from 1 to {LARGEST_CUTOFF:,}"
            self.fail(f"'{value[:60]}' must be {wanted}, for example 5,10,20", param, ctx)
        return tuple(sorted(set(numbers)))


class Columns(click.ParamType):
    """``user=who,item=what`` (or places counted from 1) as a dict."""

    name = "columns"

    def convert(self, value: Any, param: Any, ctx: Any) -> dict[str, str | int]:
        if isinstance(value, dict):
            return value
        pairs = [part.partition("=") for part in value.split(",")]
        if not all(role.strip() and name.strip() for role, _, name in pairs):
            self.fail(f"'{value}' must be like user=who,item=what,rating=stars, or user=1,item=2,rating=3", param, ctx)
        return {role.strip(): name.strip() for role, _, name in pairs}


class Plural(click.Choice[str]):
    """One of some plurals; the singular is taken for it."""

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        return super().convert(f"{value}s" if f"{value}s" in self.choices else value, param, ctx)


OUT = click.option("--out", default="results", show_default=True, help="Folder of the results.")
TENSORBOARD = click.option("--tensorboard", metavar="DIR", help="Write vectors for TensorBoard's projector there.")
BY_DEFAULT = "[default: 4 where ratings are stars up to 5; else every interaction is]"
FILE_OPTIONS = [
    click.option("--columns", type=Columns(), help="For a file: which column is which, user=who,item=what,..."),
    click.option("--titles", help="For a file: another file with item ids and titles."),
    click.option("--threshold", type=float, help=f"For a file: ratings from here on are relevant. {BY_DEFAULT}"),
]


def file_options(command: Any) -> Any:
    """Add the options that say how to read a file of the user's."""
    for option in reversed(FILE_OPTIONS):
        command = option(command)
    return command


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="recsys-bench")
def bench() -> None:
    """Compare collaborative filtering models on real data, with numbers that can be believed."""


@bench.command()
@click.option("--all", "everything", is_flag=True, help="Every model on ml-100k and ml-1m, where not named.")
@click.option("--dataset", "datasets", multiple=True, metavar="NAME|FILE", help="May be repeated. [default: ml-100k]")
@click.option("--split", "splits", multiple=True, metavar="NAME[:PARAMETER=VALUE,...]", help="[default: random]")
@click.option("--models", type=Names(), default=(), metavar="A,B,...", help="[default: all]")
@click.option("--k", type=Cutoffs(), default=(), metavar="5,10,20", help="Cut-offs of the metrics.")
@click.option("--seeds", type=click.IntRange(1), help="Number of split seeds. [default: 1; k-fold: its folds]")
@click.option("--model-seeds", type=click.IntRange(1), help="Number of model seeds a split. [default: 1]")
@click.option("--set", "settings", multiple=True, metavar="MODEL.PARAMETER=VALUE", help="Replace a model's parameter.")
@click.option("--config", metavar="FILE", help="A TOML file with the same settings.")
@click.option("--plugin", "plugins", multiple=True, metavar="FILE", help="A Python file with a MODELS dict.")
@click.option("--test", metavar="FILE", help="For a file: the held-out rows; the split is fixed.")
@file_options
@OUT
@click.option("--jobs", type=click.IntRange(1), default=1, show_default=True, help="Cells side by side.")
@click.option("--threads", type=click.IntRange(0, 1024), default=0, help="Threads a cell. [default: cores / jobs]")
@click.option("--timeout", metavar="T", help="End a cell that takes longer than 900, 15m, 1h. [default: none]")
@click.option("--memory-limit", metavar="4GiB|500MB", help="End a cell that takes more memory. [default: none]")
@click.option("--force", is_flag=True, help="Compute again what is in the store.")
@click.option("--shard", metavar="I/N", help="Only the I-th of N shares of the cells, for several machines.")
@click.option("--cluster", metavar="ADDRESS", help="Run on a Dask cluster: its scheduler's address or file.")
@click.option(
    "--cluster-timeout",
    type=click.FloatRange(0, min_open=True),
    metavar="SECONDS",
    help="Wait that long for it. [default: 10]",
)
@click.option("--strict", is_flag=True, help="End with 1 where a sanity check fails.")
@TENSORBOARD
@click.option("--tuned", is_flag=True, help="With what tune found on the same split; --set goes before.")
def run(settings: tuple[str, ...], everything: bool, strict: bool, **options: Any) -> int:
    """Run models on data sets and write the reports."""
    from bench import api
    from bench.experiment import parse_settings

    with printing.progress() as listener:
        frame = api.run(everything=everything, parameters=parse_settings(settings), listener=listener, **options)
    found = api.verdicts(listener.results, options["out"])
    if found or (frame["status"] == "ok").any():  # nothing was checked where nothing finished
        printing.verdicts(found)
    printing.leaderboards(listener.results)
    listener.summarise()
    failed = frame["status"].isin(["failed", "timeout", "out-of-memory"]).any()
    return int(failed or (strict and any(verdict.serious for verdict in found)))


@bench.command("list")
@click.argument("what", type=Plural([*TABLES, *MORE_TABLES, "results"]), required=False)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.option("--plugin", "plugins", multiple=True, metavar="FILE", help="A Python file with a MODELS dict.")
@OUT
def list_tables(what: str | None, as_json: bool, plugins: tuple[str, ...], out: str) -> int:
    """Show data sets, splits, models, metrics; the spaces of tune, the suites of reproduce; the cells of a folder."""
    if what == "results":
        from reports.listing import list_results
        from reports.store import Store

        printing.listing(list_results(Store(out)), as_json)
        return 0
    from bench.plugins import models

    tables = {**TABLES, "models": models(plugins)}
    if what in MORE_TABLES:
        from bench import api

        tables[what] = api.spaces() if what == "spaces" else api.suites()
    chosen = {what: tables[what]} if what else tables
    if as_json:
        click.echo(json.dumps({name: printing.rows_as_json(table) for name, table in chosen.items()}, indent=1))
    else:
        printing.tables(chosen)
    return 0


@bench.command()
@click.argument("folders", metavar="DIR...", nargs=-1, required=True)
@click.option("--out", metavar="DIR", help="Folder of the reports. [default: the results', if it is one]")
@click.option("--figures", is_flag=True, help="Write the page's figures beside it, too, as figures/*.svg.")
@TENSORBOARD
def report(folders: tuple[str, ...], out: str | None, figures: bool, tensorboard: str | None) -> int:
    """Write the reports of results folders, of several as of one; nothing is trained."""
    from bench import api

    for path in api.report(folders, out, figures=figures):
        click.echo(path)
    if tensorboard is None:
        return 0
    from reports.projector import write_projector

    projected = write_projector(folders, tensorboard)
    printing.projected(projected)
    return 0 if projected.files else 2


@bench.command("eval")
@click.option("--recommendations", required=True, metavar="FILE", help="Columns user, item and score or rank.")
@click.option("--train", required=True, metavar="FILE")
@click.option("--test", required=True, metavar="FILE")
@click.option("--k", type=Cutoffs(), default=(5, 10, 20), metavar="5,10,20")
@click.option("--columns", type=Columns(), help="Which column is which in train and test, user=who,item=what,...")
@click.option("--compat", default="", metavar="PROGRAM", help="Beside ours: implicit, rectools, lenskit or trec_eval.")
@click.option("--threshold", type=float, help=f"Ratings from here on are relevant. {BY_DEFAULT}")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def evaluate(as_json: bool, **options: Any) -> int:
    """Score recommendation lists of any program with the bench's metrics."""
    from bench import api

    printing.evaluation(api.evaluate(**options), as_json)
    return 0


@bench.command("export-split")
@click.option("--dataset", required=True, metavar="NAME|FILE")
@click.option("--split", "rule", default="random", show_default=True)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option("--out", required=True, metavar="DIR")
@file_options
def export_split(dataset: str, rule: str, seed: int, out: str, **options: Any) -> int:
    """Write a split as train.csv and test.csv."""
    from bench import api

    for path in api.export_split(api.load(dataset, **options), rule, seed, out):
        click.echo(path)
    return 0


@bench.command()
@click.option("--dataset", default="ml-1m", show_default=True, metavar="NAME|FILE")
@click.option("--threads", type=Cutoffs(), default=(1, 2), metavar="1,2", help="Numbers of threads. [default: 1,2]")
@click.option("--only", type=Names(), default=(), metavar="als,bpr,...", help="Contests whose names begin like this.")
@click.option("--rounds", type=click.IntRange(1), default=5, show_default=True, help="How often each is timed.")
@file_options
@OUT
def speed(**options: Any) -> int:
    """Time the hand-rolled models beside the libraries', in turn, in one process."""
    from bench import api

    api.speed(say=lambda line: click.echo(line, err=True), **options)
    printing.speed(options["out"])
    return 0


@bench.command()
@click.option("--repeat", type=click.IntRange(2), metavar="N", help="Run cells N times and compare bytes.")
@click.option("--dataset", default="synthetic", metavar="NAME|FILE", help="Repeated on. [default: small, made up]")
@click.option("--models", type=Names(), default=(), metavar="A,B,...", help="[default: the hand-rolled, plug-ins']")
@click.option("--plugin", "plugins", multiple=True, metavar="FILE", help="A Python file with a MODELS dict.")
@file_options
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def doctor(repeat: int | None, as_json: bool, **options: Any) -> int:
    """Say what this machine has, and with --repeat 2 prove that results repeat byte by byte.

    Each repeat is a process of its own, in turn on 1 and 2 threads. Exit status 1: a repeat differs or failed.
    """
    from bench import api

    found = api.doctor(repeat or 0, say=lambda line: click.echo(line, err=True), **options)
    printing.checkup(found, as_json)
    return found.status


@bench.command()
@click.option("--dataset", default="ml-100k", show_default=True, metavar="NAME|FILE")
@click.option("--split", "rule", default="random", show_default=True, metavar="NAME[:PARAMETER=VALUE,...]")
@click.option("--models", type=Names(), default=(), metavar="A,B,...", help="[default: all that have a search space]")
@click.option("--trials", type=click.IntRange(1), default=40, show_default=True, help="Settings tried for each model.")
@click.option("--time-budget", metavar="T", help="For each model, 900, 15m or 1h. [default: no limit]")
@click.option("--metric", default="", metavar="NAME@K", help="[default: ndcg@10; rmse where a model learns ratings]")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of the proposals.")
@click.option("--jobs", type=click.IntRange(1), default=1, show_default=True, help="Trials side by side; 1 repeats.")
@click.option("--threads", type=click.IntRange(0), default=0, help="Threads a trial. [default: cores / jobs]")
@click.option("--spaces", metavar="FILE", help="A TOML file with further search spaces.")
@click.option("--set", "settings", multiple=True, metavar="MODEL.PARAMETER=VALUE", help="Not searched: this value.")
@click.option("--plugin", "plugins", multiple=True, metavar="FILE", help="A Python file with a MODELS dict.")
@click.option("--test", metavar="FILE", help="For a file: the held-out rows, not looked at; the split is fixed.")
@file_options
@OUT
@click.option("--write", "also_write", metavar="FOLDER", help="Put the best settings into FOLDER/DATASET.toml, too.")
def tune(settings: tuple[str, ...], **options: Any) -> int:
    """Search the best settings, the same budget for every model; the test part is never looked at.

    A search that was stopped goes on where it was. `run --tuned` uses what was found. Exit status 1: a model has no
    setting that works.
    """
    from bench import api
    from bench.experiment import parse_settings

    parameters = parse_settings(settings)
    searches = api.tune(parameters=parameters, say=lambda line: click.echo(line, err=True), **options)
    printing.tuning(searches)
    return int(not searches or any(search.best is None for search in searches))


@bench.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--all", "everything", is_flag=True, help="Every suite.")
@click.option("--threads", type=click.IntRange(0), default=0, help="Threads a model. [default: all cores]")
@click.option("--models", type=Names(), default=(), metavar="A,B,...", help="Only the suite's rows of these models.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def reproduce(names: tuple[str, ...], everything: bool, as_json: bool, **options: Any) -> int:
    """Run published tables by their own protocol: published, ours, difference, verdict.

    NAME is a suite (`python -m bench list suites`) or a TOML file of your own. Exit status 1: a miss.
    """
    from bench import api

    outcomes = api.reproduce(names, everything=everything, say=lambda line: click.echo(line, err=True), **options)
    printing.reproduction(outcomes, as_json)
    return int(any(outcome.missed for outcome in outcomes))


def lookup_options(command: Any) -> Any:
    """The options that recommend and similar share."""
    for option in reversed(
        [
            click.option("--dataset", required=True, metavar="NAME|FILE"),
            click.option("--model", required=True, metavar="NAME"),
            click.option("--n", type=click.IntRange(1), default=10, show_default=True, help="Length of the list."),
            click.option("--set", "settings", multiple=True, metavar="MODEL.PARAMETER=VALUE"),
            click.option("--tuned", is_flag=True, help="With what tune found on the data set; --set goes before."),
            click.option("--plugin", "plugins", multiple=True, metavar="FILE"),
            click.option("--json", "as_json", is_flag=True, help="As JSON."),
        ]
    ):
        command = option(command)
    return file_options(OUT(command))


@bench.command()
@click.option("--user", required=True, metavar="ID", help="As it is in the file.")
@lookup_options
def recommend(as_json: bool, settings: tuple[str, ...], **options: Any) -> int:
    """Show what a model recommends to a user, beside the user's history."""
    from bench import api
    from bench.experiment import parse_settings

    printing.recommendations(api.recommend(parameters=parse_settings(settings), **options), as_json)
    return 0


@bench.command()
@click.option("--item", required=True, metavar="ID|TITLE", help="An id, or a part of a title.")
@lookup_options
def similar(as_json: bool, settings: tuple[str, ...], **options: Any) -> int:
    """Show the items most similar to one."""
    from bench import api
    from bench.experiment import parse_settings

    printing.similar(api.similar(parameters=parse_settings(settings), **options), as_json)
    return 0


bench.add_command(gate.compare)
bench.add_command(gate.reference)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return the exit status; whatever is wrong with the input is one message."""
    import warnings

    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a name that the terminal's encoding can't write is no reason to stop
            stream.reconfigure(errors="backslashreplace")
    warnings.formatwarning = lambda message, *_: f"warning: {printable(str(message))}\n"  # type: ignore[assignment]
    try:
        status = bench.main(arguments, standalone_mode=False, prog_name="python -m bench")
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        return 2
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        click.echo("interrupted; what was finished is kept", err=True)
        return 130
    except BrokenPipeError:  # the reader has seen enough: `list | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 0
    except MemoryError as error:
        click.echo(f"error: the memory is not enough: {error}", err=True)
        return 2
    except (ValueError, OSError) as error:
        if not _is_ours(error):
            raise
        click.echo(f"error: {printable(str(error))}", err=True)
        return getattr(error, "exit_status", 2)
    return int(status or 0)


def _is_ours(error: Exception) -> bool:
    """Whether an error was raised to be read by the user: one of our own classes, or the system's about a file."""
    ours = ("bench.", "splits.", "reports.", "recsys_impl.")
    return isinstance(error, OSError) or type(error).__module__.startswith(ours)


if __name__ == "__main__":
    sys.exit(main())
