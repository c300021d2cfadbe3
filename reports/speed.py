"""speed.csv: our models beside the libraries', and how the ratios were in the last release."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from reports import numbers
from reports.store import StoreError, write_text

if TYPE_CHECKING:
    import pandas as pd

FILE = "speed.csv"
RELEASES = Path(__file__).parent / "data"
NUMBERS = (
    *("ours", "ours_low", "ours_high", "peer", "peer_low", "peer_high", "ratio", "goal", "our_quality"),
    "peer_quality",
)
TEXTS = (
    *("contest", "measure", "unit", "kind", "threads", "peer_name", "goal_is", "reached", "quality_name", "status"),
    *("note", "contest_note", "rounds", "dataset", "processor", "versions"),
)
UNEVEN = 1.5  # largest over smallest of the rounds
_REDO = "python -m bench speed writes it again"
Key = tuple[str, str, str, str, str]


@dataclass(frozen=True)
class SpeedRow:
    """A row of speed.csv as it is shown.

    ``faster`` is "ours", the peer's name, "neither" where the spreads overlap, or "" where there is no race; ``goal``
    and ``reached`` are "" without a goal; ``last`` is the ratio of the last release; ``uneven`` is where one round was
    half as long again as another, so that little can be made of it.
    """

    contest: str
    measure: str
    threads: str
    ours: str
    peer_name: str
    peer: str
    ratio: str
    faster: str
    goal: str
    reached: str
    our_quality: str
    peer_quality: str
    quality_name: str
    status: str
    note: str
    last: str
    uneven: bool

    @property
    def peer_is_faster(self) -> bool:
        return self.faster not in ("", "ours", "neither")


@dataclass(frozen=True)
class Speed:
    """What a page or a terminal shows of speed.csv.

    ``notes`` are sentences on a contest; ``facts`` are (name, text) of the machine and the software; ``release`` is the
    version that ``last`` comes from, "" where there is none.
    """

    rows: list[SpeedRow]
    notes: list[tuple[str, str]]
    facts: list[tuple[str, str]]
    release: str


def write_speed(frame: pd.DataFrame, folder: str | Path) -> Path:
    """Write speed.csv into a results folder, at once."""
    path = Path(folder) / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, frame.to_csv(index=False, lineterminator="\n"))
    return path


def read_speed(folder: str | Path, releases: str | Path = RELEASES) -> Speed | None:
    """What speed.csv in a results folder says; None where there is no such file.

    Raises
    ------
    StoreError
        The file isn't one that ``python -m bench speed`` wrote.
    """
    path = Path(folder) / FILE
    return make_speed(_read(path), *last_release(releases)) if path.is_file() else None


def make_speed(table: Sequence[Mapping[str, str]], release: str = "", last: Mapping[Key, float] | None = None) -> Speed:
    """Rows as a person reads them, with the ratios of another table beside them."""
    rows = [_shown(line, (last or {}).get(_key(line))) for line in table]
    names = {"dataset": "Data", "processor": "Processor", "rounds": "Rounds", "versions": "Versions"}
    facts = [(title, "; ".join(dict.fromkeys(line[name] for line in table))) for name, title in names.items()]
    notes = dict.fromkeys((line["contest"], line["contest_note"]) for line in table if line["contest_note"])
    return Speed(rows, list(notes), facts, release if any(row.last for row in rows) else "")


def last_release(folder: str | Path = RELEASES) -> tuple[str, dict[Key, float]]:
    """The highest version among speed-<version>.csv and its ratios; ("", {}) where there is none."""
    files = {file.stem.removeprefix("speed-"): file for file in Path(folder).glob("speed-*.csv")}
    if not files:
        return "", {}
    version = max(files, key=_version)
    return version, {_key(line): float(line["ratio"]) for line in _read(files[version]) if line["ratio"]}


def _read(path: Path) -> list[dict[str, str]]:
    """The lines of a file by column name, every number finite or empty."""
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            reader = csv.DictReader(stream)
            missing = [name for name in (*NUMBERS, *TEXTS) if name not in (reader.fieldnames or ())]
            if missing:
                raise StoreError(f"{path}: has no column {', '.join(missing)}; {_REDO}")
            lines = []
            for line in reader:
                _check(path, reader.line_num, line)
                lines.append(line)
            return lines
    except (UnicodeDecodeError, csv.Error) as error:
        raise StoreError(f"{path}: not a speed.csv ({error}); {_REDO}") from error


def _check(path: Path, number: int, line: Mapping[str, str | None]) -> None:
    for name in (*NUMBERS, *TEXTS):
        value = line[name]
        if value is None:
            raise StoreError(f"{path}, line {number}: is cut off; {_REDO}")
        if name in NUMBERS and value and not _is_number(value):
            raise StoreError(f"{path}, line {number}: {name} is {value!r}, not a number; {_REDO}")


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _key(line: Mapping[str, str]) -> Key:
    return line["dataset"], line["contest"], line["measure"], line["peer_name"], line["threads"]


def _version(text: str) -> tuple[tuple[int, str], ...]:
    """Something that orders 0.10.0 after 0.9.1."""
    return tuple((int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"[.\-+]", text))


def _shown(line: Mapping[str, str], last: float | None) -> SpeedRow:
    value = {name: float(line[name]) if line[name] else math.nan for name in NUMBERS}
    decimals = numbers.decimals_for([value["our_quality"], value["peer_quality"]])
    return SpeedRow(
        contest=line["contest"],
        measure=line["measure"],
        threads=line["threads"],
        ours=_spread(value["ours"], value["ours_low"], value["ours_high"], line["unit"]),
        peer_name=line["peer_name"],
        peer=_spread(value["peer"], value["peer_low"], value["peer_high"], line["unit"]),
        ratio=_times(value["ratio"]),
        faster=_faster(line, value),
        goal="" if math.isnan(value["goal"]) else f"{'≥' if line['goal_is'] == 'at least' else '≤'} {value['goal']:g}",
        reached=line["reached"],
        our_quality=numbers.fixed(value["our_quality"], decimals),
        peer_quality=numbers.fixed(value["peer_quality"], decimals),
        quality_name=line["quality_name"],
        status=line["status"],
        note=line["note"],
        last="" if last is None else _times(last),
        uneven=any(value[f"{who}_high"] > UNEVEN * value[f"{who}_low"] for who in ("ours", "peer")),
    )


def _faster(line: Mapping[str, str], value: Mapping[str, float]) -> str:
    """Who is ahead in a race; nobody where one's worst round is as good as the other's best."""
    if line["kind"] not in ("time", "rate") or math.isnan(value["ratio"]):
        return ""
    if value["ours_low"] <= value["peer_high"] and value["peer_low"] <= value["ours_high"]:
        return "neither"
    return "ours" if value["ratio"] > 1 else line["peer_name"]


def _spread(middle: float, low: float, high: float, unit: str) -> str:
    """``61.2 (60.1–63.4) ms``, ``61.2 ms`` where there is no spread; a dash where there is nothing."""
    text = numbers.seconds if unit == "s" else _rate
    shown, least, most = text(middle), text(low), text(high)
    if least == most or numbers.NOTHING in (shown, least, most):
        return shown
    parts = [each.rpartition(" ") for each in (shown, least, most)]
    if len({unit for _, _, unit in parts}) == 1:
        return f"{parts[0][0]} ({parts[1][0]}–{parts[2][0]}) {parts[0][2]}"
    return f"{shown} ({least}–{most})"


def _rate(value: float) -> str:
    if math.isnan(value):
        return numbers.NOTHING
    return f"{numbers.significant(value / 1e6)} M/s" if value >= 1e5 else f"{numbers.significant(value / 1e3)} k/s"


def _times(ratio: float) -> str:
    return numbers.NOTHING if math.isnan(ratio) else f"{numbers.significant(ratio)}×"
