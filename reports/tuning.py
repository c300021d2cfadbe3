"""tuning.json: what was searched, with which budget, what was best, and quality against trials spent."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reports import numbers
from reports.figures.style import Style, axis_title, canvas, drawing, printable
from reports.figures.svg import inline_svg, to_svg
from reports.store import StoreError, to_json, write_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMAT = 1
FILE = "tuning.json"
COLUMNS = (
    *("dataset", "split", "metric", "model", "number", "state", "value", "best_so_far", "iterations", "seconds"),
    *("parameters", "error"),
)


@dataclass(frozen=True)
class Search:
    """A model's search on one data set.

    Attributes
    ----------
    validation
        The split rule that cut the validation part from train.
    space
        Parameter -> what it may be, as text.
    budget
        "trials" asked for and "seconds" (None: no limit).
    best
        "number", "value" and "setting" of the best complete trial; None where no trial was completed.
    defaults
        The model's own setting, tried before the others, as a dict like those of ``trials`` with the number -1; None
        in files of a version that didn't try it.
    trials
        One dict a trial: number, state, parameters, value, iterations, curve, seconds, error.
    """

    dataset: str
    split: str
    validation: str
    model: str
    metric: str
    higher_is_better: bool
    space: dict[str, str]
    budget: dict[str, Any]
    seed: int
    jobs: int
    command: str
    versions: dict[str, str]
    best: dict[str, Any] | None
    defaults: dict[str, Any] | None = None
    trials: list[dict[str, Any]] = field(default_factory=list)

    @property
    def place(self) -> tuple[str, str, str, str]:
        """What a newer search takes the place of."""
        return self.dataset, self.split, self.metric, self.model

    def count(self, state: str) -> int:
        """How many trials ended in a state."""
        return sum(trial["state"] == state for trial in self.trials)

    @property
    def seconds(self) -> float:
        """What all trials took together, that of the model's own setting included."""
        return float(sum(trial["seconds"] for trial in self.all_tried))

    @property
    def all_tried(self) -> list[dict[str, Any]]:
        """The model's own setting and the trials."""
        return [*([self.defaults] if self.defaults else []), *self.trials]

    def best_so_far(self) -> list[float | None]:
        """After each of ``all_tried`` the best value of the complete ones, None before the first."""
        found: list[float | None] = []
        best: float | None = None
        for trial in self.all_tried:
            if trial["state"] == "complete":
                better = best is None or (trial["value"] > best) == self.higher_is_better
                best = trial["value"] if better else best
            found.append(best)
        return found


@dataclass(frozen=True)
class TuningRow:
    """A search as a row of the section's table."""

    model: str
    value: str
    defaults: str
    trials: str
    seconds: str
    setting: str
    space: str
    command: str


@dataclass(frozen=True)
class TuningGroup:
    """The searches of one data set, split and metric: comparable, since they had the same validation part."""

    dataset: str
    split: str
    metric: str
    caption: str
    rows: list[TuningRow]
    figure: Any
    figure_in_words: str


@dataclass(frozen=True)
class TuningSection:
    """All that templates/tuning.html shows, as its ``section``."""

    groups: list[TuningGroup]


def write_tuning(root: str | Path, search: Search) -> None:
    """Put a search into tuning.json and tuning.csv, in the place of an older one of the same model and data.

    Raises
    ------
    StoreError
        The file that is there is broken.
    """
    root = Path(root)
    root.mkdir(parents=True, exist_ok=True)
    searches = {known.place: known for known in read_tuning(root)} | {search.place: search}
    ordered = [searches[place] for place in sorted(searches)]
    write_text(root / FILE, to_json({"format": FORMAT, "searches": [asdict(one) for one in ordered]}))
    write_text(root / "tuning.csv", _csv(ordered))


def read_tuning(root: str | Path) -> list[Search]:
    """The searches in a results folder, none where nothing was tuned.

    Raises
    ------
    StoreError
        The file can't be read or is of another format.
    """
    path = Path(root) / FILE
    if not path.is_file():
        return []
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["format"] != FORMAT:
            raise ValueError(f"format {content['format']!r}, this version reads {FORMAT}")
        return [Search(**one) for one in content["searches"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{path}: can't be read ({error}); `python -m bench tune` writes it again") from error


def tuning(searches: Sequence[Search], styles: dict[str, Style]) -> TuningSection | None:
    """The section of a page, None where nothing was tuned."""
    groups: dict[tuple[str, str, str], list[Search]] = {}
    for search in searches:
        groups.setdefault(search.place[:3], []).append(search)
    made = [_group(number, group, styles) for number, group in enumerate(groups.values(), 1)]
    return TuningSection(made) if made else None


def _group(number: int, searches: list[Search], styles: dict[str, Style]) -> TuningGroup:
    first = searches[0]
    ordered = sorted(searches, key=lambda one: _rank(one))
    curves = [(search.model, _points(search)) for search in ordered if search.best]
    direction = "" if first.higher_is_better else " (lower is better)"
    sample = "" if first.metric == "rmse" else "; at most 5,000 of its users"
    caption = (
        f"Best {first.metric}{direction} on a validation part of train ({first.validation}{sample}); the search did "
        f"not look at the test part. {_budgets(searches)}"
    )
    told = [f"{model} {points[-1][1]:.4f} after {points[-1][0]} trials" for model, points in curves]
    return TuningGroup(
        dataset=first.dataset,
        split=first.split,
        metric=first.metric,
        caption=caption,
        rows=[_table_row(search, len({_budget(one) for one in searches}) > 1) for search in ordered],
        figure=_markup(inline_svg(to_svg(_draw(first.metric, curves, styles)), f"tuning-{number}")) if curves else "",
        figure_in_words=f"{first.metric} of the best setting so far: {'; '.join(told)}.",
    )


def _budgets(searches: Sequence[Search]) -> str:
    """What all searches had, or that they had not the same."""
    budgets = {_budget(search) for search in searches}
    if len(budgets) == 1:
        return f"Every model had the same budget: {budgets.pop()}, beside its defaults"
    return "Models did NOT have the same budget, which stands with their trials"


def _budget(search: Search) -> str:
    """``40 trials`` or ``40 trials in at most 15 min 00 s``."""
    limit = search.budget["seconds"]
    return f"{search.budget['trials']} trials" + ("" if limit is None else f" in at most {numbers.seconds(limit)}")


def _rank(search: Search) -> tuple[float, str]:
    value = search.best["value"] if search.best else float("inf")
    return (-value if search.higher_is_better and search.best else value), search.model


def _points(search: Search) -> list[tuple[int, float]]:
    """(trials spent, best value so far); with none spent, the model's own setting."""
    tried = zip(search.all_tried, search.best_so_far(), strict=True)
    return [(trial["number"] + 1, value) for trial, value in tried if value is not None]


def _table_row(search: Search, budget_told: bool) -> TuningRow:
    told = [f"{search.count(state)} {state}" for state in ("pruned", "failed") if search.count(state)]
    if budget_told:
        told.insert(0, f"of {_budget(search)}")
    return TuningRow(
        model=search.model,
        value=numbers.fixed(search.best["value"] if search.best else None, 4),
        defaults=numbers.fixed(search.defaults["value"] if search.defaults else None, 4),
        trials=str(len(search.trials)) + (f" ({', '.join(told)})" if told else ""),
        seconds=numbers.seconds(search.seconds),
        setting=_best_setting(search.best),
        space="; ".join(f"{name}: {values}" for name, values in search.space.items()),
        command=search.command,
    )


def _best_setting(best: dict[str, Any] | None) -> str:
    if best is None:
        return numbers.NOTHING
    return _listed(best["setting"]) + (" (its defaults: no trial was better)" if best["number"] < 0 else "")


def _listed(setting: dict[str, Any]) -> str:
    """The setting in one line, numbers as short as a reader wants them."""
    return ", ".join(
        f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}" for name, value in setting.items()
    )


def _draw(metric: str, curves: list[tuple[str, list[tuple[int, float]]]], styles: dict[str, Style]) -> Figure:
    """The best value so far against trials spent, one stepped line a model."""
    with drawing():
        figure, axes = canvas(3.6, right=130, top=22)
        for model, points in curves:
            look: Any = {"color": styles[model].colour, "marker": styles[model].marker} if model in styles else {}
            spent, values = zip(*points, strict=True)
            axes.step(spent, values, where="post", label=printable(model), markersize=4, markevery=[-1], **look)
        axis_title(axes, "trials spent, 0 with its defaults", f"best {metric} so far, validation")
        axes.grid(visible=True, linewidth=0.7)
        axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False, fontsize=8)
    return figure


def _csv(searches: Sequence[Search]) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    for search in searches:
        for trial, best in zip(search.all_tried, search.best_so_far(), strict=True):
            parameters = json.dumps(trial["parameters"], sort_keys=True)
            values = [trial["value"], best, trial["iterations"], trial["seconds"], parameters, trial["error"]]
            plain = ["" if value is None else value for value in values]
            writer.writerow(
                [search.dataset, search.split, search.metric, search.model, trial["number"], trial["state"], *plain]
            )
    return stream.getvalue()


def _markup(svg: str) -> Any:
    from markupsafe import Markup

    return Markup(svg)
