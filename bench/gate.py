"""The commands of the gate: compare, and reference save, show and diff."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench import api, printing
from bench.terminal import cell, printable

if TYPE_CHECKING:
    from reports.comparison import Comparison
    from reports.reference import Side

NOT_COMPARABLE = 3
FEWEST_SEEDS = 3  # split seeds by which a model with random numbers can be decided on
COLOURS = {"PASS": "green", "FAIL": "red", "INCONCLUSIVE": "yellow", "INCOMPARABLE": "red"}


class Margin(click.ParamType):
    """``1%`` or ``0.01``, at least 0 and below 1."""

    name = "margin"

    def convert(self, value: Any, param: Any, ctx: Any) -> float:
        if isinstance(value, float):
            return value
        text = value.strip()
        try:
            share = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
        except ValueError:
            share = math.nan
        if not 0 <= share < 1:
            self.fail(f"'{value}' must be a share of the reference's mean below 1, like 1% or 0.01", param, ctx)
        return share


@click.command()
@click.argument("reference")
@click.argument("candidate")
@click.option("--metric", default="", metavar="NAME@K", help="Decided on. [default: the reference's, ndcg@10]")
@click.option("--margin", type=Margin(), metavar="1%", help="Allowed drop. [default: 1%, or what the seeds can see]")
@click.option("--strict", is_flag=True, help="An inconclusive cell is an error, too.")
@click.option("--json", "json_file", metavar="FILE", help="Write everything as JSON.")
@click.option("--junit", "junit_file", metavar="FILE", help="Write a test case for every cell and metric.")
@click.option("--markdown", "markdown_file", metavar="FILE", help="Write a comment for a pull request.")
def compare(
    reference: str, candidate: str, metric: str, margin: float | None, strict: bool, **files: str | None
) -> int:
    """Say whether CANDIDATE is worse than REFERENCE.

    Each is a results folder or a file of `reference save`. Exit status: 0 pass, 1 a regression (with --strict also
    what is inconclusive), 3 not comparable, 2 wrong usage.
    """
    from reports.output import check_outputs
    from reports.pairing import IncomparableError
    from reports.store import VersionError

    check_outputs((file for file in files.values() if file is not None), inputs=(reference, candidate))
    try:
        comparison = api.compare(reference, candidate, metric=metric, margin=margin)
    except (IncomparableError, VersionError) as error:
        click.echo(f"not comparable: {error}", err=True)
        return NOT_COMPARABLE
    show_comparison(comparison)
    if comparison.comparable:
        write_files(comparison, strict, **files)
    elif any(file is not None for file in files.values()):
        click.echo("data, split, users or definitions differ: nothing was written", err=True)
    return comparison.status(strict)


@click.group()
def reference() -> None:
    """Keep results as one small file to compare with."""


@reference.command()
@click.argument("folders", metavar="DIR...", nargs=-1, required=True)
@click.option("-o", "--out", required=True, metavar="FILE")
@click.option("--metric", default="", metavar="NAME@K", help="Later comparisons decide on it. [default: ndcg@10]")
def save(folders: tuple[str, ...], out: str, metric: str) -> int:
    """Write the results of one or several folders as a reference file."""
    side = api.save_reference(folders, out, metric=metric)
    unfinished = [entry for entry in side.entries if entry.status != "ok"]
    if unfinished:
        names = ", ".join(sorted({entry.cell.model for entry in unfinished}))
        click.echo(f"warning: {len(unfinished)} cells did not finish ({names}): they will never pass", err=True)
    if few := too_few_seeds(side):
        click.echo(
            f"warning: fewer than {FEWEST_SEEDS} split seeds ({', '.join(few)}): compare will mostly find them "
            f"INCONCLUSIVE; `python -m bench run --seeds {FEWEST_SEEDS}` on both sides",
            err=True,
        )
    click.echo(f"{out}: {len(side.entries)} cells, {side.metric}, {Path(out).stat().st_size / 1024:.0f} KB")
    return 0


def too_few_seeds(side: Side) -> list[str]:
    """Models that draw random numbers and have too few split seeds to tell a change from their noise."""
    seeds: dict[tuple[str, str, str], set[int]] = {}
    for entry in side.entries:
        if entry.status == "ok" and entry.identity.get("seeded"):
            cell = entry.cell
            seeds.setdefault((cell.dataset, cell.split, cell.model), set()).add(cell.split_seed)
    return sorted({model for (_, _, model), known in seeds.items() if len(known) < FEWEST_SEEDS})


@reference.command()
@click.argument("file")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def show(file: str, as_json: bool) -> int:
    """Show what a reference file (or a results folder) holds."""
    show_side(_something(file), as_json)
    return 0


@reference.command()
@click.argument("first")
@click.argument("second")
def diff(first: str, second: str) -> int:
    """Show how two references differ: exit status 0 where they hold the same, else 1."""
    old = _something(first)
    lines = differences(old, _something(second, old.metric))
    click.echo("\n".join(lines) if lines else "the same cells with the same values")
    return int(bool(lines))


def write_files(
    comparison: Comparison, strict: bool, json_file: str | None, junit_file: str | None, markdown_file: str | None
) -> None:
    """Write the files that were asked for, once all of them are made."""
    from reports.comment import comment
    from reports.comparison import as_json
    from reports.junit import junit
    from reports.store import to_json, write_text

    texts = {}
    if json_file is not None:
        texts[json_file] = to_json(as_json(comparison, strict)) + "\n"
    if junit_file is not None:
        texts[junit_file] = junit(comparison, strict)
    if markdown_file is not None:
        texts[markdown_file] = comment(comparison, strict)
    for file, text in texts.items():
        write_text(Path(file), text)


def show_comparison(comparison: Comparison) -> None:
    """A table of the decisions, why those that don't pass don't, and what the seeds could have seen."""
    from rich.table import Table

    from reports.comment import figures, sensitivity

    out = printing.console()
    title = f"{comparison.metric}: {comparison.candidate} against {comparison.reference}"
    table = Table(title=cell(title), title_justify="left", title_style="bold")
    for heading in ("", "data set", "split", "model"):
        table.add_column(heading, no_wrap=True)
    for heading in ("seeds", "reference", "candidate", "change", "one-sided 95%", "margin"):
        table.add_column(heading, justify="right", no_wrap=True)
    for decision in comparison.decisions:
        verdict = f"[{COLOURS[decision.outcome]}]{decision.outcome}[/]"
        names = map(cell, (decision.dataset, decision.split, decision.model))
        table.add_row(verdict, *names, *figures(decision))
    out.print(table)
    for decision in comparison.decisions:
        if decision.outcome != "PASS":
            print(printable(f"{decision.outcome} {decision.name}: {decision.reason}"))
        if decision.notes:
            print(printable(f"note: {decision.name}: {'; '.join(decision.notes)}"))
        if decision.changed_users:
            print(f"note: {decision.name}: {_changed(decision.changed_users, decision.n_users, decision.named_users)}")
    for sentence in sensitivity(comparison):
        print(sentence)
    for note in comparison.notes:
        print(printable(f"note: {note}"))
    print(comparison.outcome)


def show_side(side: Side, as_json: bool) -> None:
    """The models of a reference with their seeds and means."""
    rows = [
        {
            "dataset": dataset,
            "split": split,
            "model": model,
            "seeds": len(values),
            side.metric: sum(values) / len(values),
        }
        for (dataset, split, model), values in sorted(_values(side).items())
    ]
    unfinished = [entry for entry in side.entries if entry.status != "ok"]
    if as_json:
        click.echo(json.dumps({"path": side.path, "metric": side.metric, "cells": rows}, indent=1, ensure_ascii=False))
        return
    for row in rows:
        place = f"{row['dataset']} {row['split']} {row['model']}"
        click.echo(f"{printable(place)}: {side.metric} {row[side.metric]:.4f} over {row['seeds']} seeds")
    for entry in unfinished:
        cell = entry.cell
        click.echo(f"{cell.dataset} {cell.split} seed {cell.split_seed} {cell.model}: {entry.status}")


def differences(first: Side, second: Side) -> list[str]:
    """A line for each cell that only one side has, or that has other content."""
    old, new = ({_key(entry): entry for entry in side.entries} for side in (first, second))
    lines = [] if first.metric == second.metric else [f"metric: {first.metric} and {second.metric}"]
    for key in sorted(old.keys() | new.keys()):
        name = f"{key[0]} {key[1]} seed {key[2]}.{key[5]} {key[3]}"
        if key not in new or key not in old:
            lines.append(f"{name}: only in {first.path if key in old else second.path}")
            continue
        before, after = old[key], new[key]
        told = []
        if before.status != after.status:
            told.append(f"{before.status} and {after.status}")
        if first.metric == second.metric and before.digest != after.digest:
            told.append(f"{first.metric} {_figure(before, first.metric)} and {_figure(after, first.metric)}")
        others = [name for name in sorted(before.metrics.keys() | after.metrics.keys()) if name != first.metric]
        told += [
            f"{name} {_figure(before, name)} and {_figure(after, name)}"
            for name in others
            if _figure(before, name) != _figure(after, name)
        ]
        parts = dict.fromkeys([*before.identity, *after.identity])
        told += [f"{part} differs" for part in parts if before.identity.get(part) != after.identity.get(part)]
        if told:
            lines.append(f"{name}: {'; '.join(told)}")
    return lines


def _something(path: str, metric: str = "") -> Side:
    """A side with at least one cell, a folder's with the values of ``metric``; two that hold nothing aren't alike."""
    from reports.reference import ReferenceFileError, read_side

    side = read_side(path, metric, asked=False)
    if not side.entries:
        raise ReferenceFileError(f"{path}: there are no results here; `python -m bench run --out {path}` makes some")
    return side


def _values(side: Side) -> dict[tuple[str, str, str], list[float]]:
    values: dict[tuple[str, str, str], list[float]] = {}
    for entry in side.entries:
        if entry.values is not None:
            name = (entry.cell.dataset, entry.cell.split, entry.cell.model)
            values.setdefault(name, []).append(entry.metrics[side.metric].value)
    return values


def _key(entry: Any) -> tuple[Any, ...]:
    cell = entry.cell
    parameters = json.dumps(cell.parameters, sort_keys=True)
    return cell.dataset, cell.split, cell.split_seed, cell.model, parameters, cell.model_seed


def _figure(entry: Any, metric: str) -> str:
    return f"{entry.metrics[metric].value:.6f}" if metric in entry.metrics else "nothing"


def _changed(n_changed: int, n_users: int, named: Iterable[int]) -> str:
    codes = ", ".join(map(str, named))
    return f"{n_changed:,} users have another value on some seed (codes {codes}{', ...' if n_changed > 5 else ''})"
