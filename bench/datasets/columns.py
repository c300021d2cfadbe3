"""What a column may hold, how it becomes numbers or text, and what is wrong with a value that it may not hold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from math import inf, isfinite
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Kind = Literal["whole", "number", "id", "text", "time"]

# Seconds since 1970 stay below this for 3,000 years; larger timestamps are milli-, micro- or nanoseconds.
LARGEST_SECOND = 10**11
LONGEST_ID = 1000  # bytes; a column of ids is as wide as its longest, four bytes a character


class ColumnError(ValueError):
    """Some value cannot stand in its column; whoever knows the file finds out where."""


@dataclass(frozen=True)
class Column:
    """What may stand in a column.

    ``whole`` numbers, finite ``number``s from ``lowest`` to ``highest``, ``id``s (anything but nothing), ``text``
    (nothing, too), and ``time`` as seconds since 1970 or ISO dates, all of a column in one of the two ways.
    ``meaning`` names what is allowed where the limits don't explain themselves.
    """

    kind: Kind
    lowest: float = -inf
    highest: float = inf
    meaning: str = ""


def convert(values: Any, column: Column) -> Any:
    """An Arrow column in the type of its kind: int64 for whole and time, float64 for number, text for the rest.

    An id keeps the type int64 if it has it already.

    Raises
    ------
    ColumnError, pyarrow.ArrowInvalid
        Some value is not allowed.
    """
    import pyarrow as pa

    if values.null_count and column.kind != "text":
        raise ColumnError("has empty values")
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    converters: dict[Kind, Callable[[Any], Any]] = {
        "whole": lambda whole: whole.cast(pa.int64()),
        "number": lambda number: _numbers(number, column),
        "id": _ids,
        "text": lambda text: _trimmed(text.fill_null("") if text.null_count else text),
        "time": _seconds,
    }
    return converters[column.kind](values)


def _numbers(values: Any, column: Column) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    numbers = values.cast(pa.float64())
    if not pc.all(pc.is_finite(numbers)).as_py():
        raise ColumnError("has values that are not finite numbers")
    limits = pc.min_max(numbers).as_py()
    if limits["min"] < column.lowest or limits["max"] > column.highest:
        raise ColumnError("has values that are out of range")
    return numbers


def _trimmed(values: Any) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    return pc.utf8_trim_whitespace(values.cast(pa.string()))


def _ids(values: Any) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_integer(values.type) or pa.types.is_floating(values.type):
        return values.cast(pa.int64())
    text = _trimmed(values)
    lengths = pc.min_max(pc.binary_length(text)).as_py()
    if lengths["min"] == 0:
        raise ColumnError("has empty values")
    if lengths["max"] > LONGEST_ID:
        raise ColumnError(f"has values of more than {LONGEST_ID} bytes")
    return text


def to_numpy(values: Any) -> NDArray[Any]:
    """A converted column as a NumPy array. (Arrow's own way imports pandas for it, .4 seconds.)"""
    import pyarrow as pa

    if pa.types.is_string(values.type):
        return np.array(values.to_pylist(), dtype=np.str_)
    return np.from_dlpack(values.combine_chunks())


def whole_if_possible(ids: Any) -> Any:
    """Ids as int64 where all of them are whole numbers as a program writes them, else unchanged.

    "007" and "7" are two ids, so a column with either stays text if any of its ids isn't written in the usual way.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_integer(ids.type):
        return ids
    try:
        numbers = ids.cast(pa.int64())
    except pa.ArrowInvalid:
        return ids
    return numbers if pc.all(pc.equal(numbers.cast(pa.string()), ids)).as_py() else ids


def _seconds(values: Any) -> Any:
    """int64 seconds since 1970 from numbers, dates, or text that holds one of them."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
        values = _numbers_or_dates(_trimmed(values))
    if pa.types.is_temporal(values.type):
        return values.cast(pa.timestamp("s", tz=getattr(values.type, "tz", None)), safe=False).cast(pa.int64())
    if pa.types.is_floating(values.type):
        values = pc.floor(_numbers(values, Column("time")))
    seconds = values.cast(pa.int64())
    limits = pc.min_max(seconds).as_py()
    unit = 1
    while max(-limits["min"], limits["max"]) // unit > LARGEST_SECOND:
        unit *= 1000
    return seconds if unit == 1 else pc.floor(pc.divide(seconds, unit)).cast(pa.int64())


def _numbers_or_dates(text: Any) -> Any:
    import pyarrow as pa

    for kind in (pa.int64(), pa.float64(), pa.timestamp("us"), pa.timestamp("us", tz="UTC")):
        try:
            return text.cast(kind)
        except pa.ArrowInvalid:
            continue
    raise ColumnError("has values that are neither seconds since 1970 nor ISO dates, or both kinds")


def complaint(value: str, column: Column, first: str) -> str:
    """What is wrong with one value, "" if nothing; times must be written in the way of the column's ``first`` value."""
    value = value.strip()
    if column.kind == "text":
        return ""
    if not value:
        return "is empty"
    if column.kind == "whole":
        return "" if _is_whole(value) else f"is '{_cut(value)}', not a whole number"
    if column.kind == "number":
        return _number_complaint(value, column)
    if column.kind == "time":
        return _time_complaint(value, first.strip())
    return _id_complaint(value)


def _id_complaint(value: str) -> str:
    if len(value.encode("utf-8", "backslashreplace")) > LONGEST_ID:
        return f"is '{_cut(value)}', an id of more than {LONGEST_ID} bytes"
    return f"is {_cut(value)!r}, with a character 0, which no id may have" if "\0" in value else ""


def _number_complaint(value: str, column: Column) -> str:
    number = as_number(value)
    if number is None:
        return f"is '{_cut(value)}', not a number"
    if not isfinite(number):
        return f"is {_cut(value)}, not a finite number"
    if not column.lowest <= number <= column.highest:
        return f"is {_cut(value)}, not {column.meaning or f'from {column.lowest:g} to {column.highest:g}'}"
    return ""


def _time_complaint(value: str, first: str) -> str:
    number = as_number(value)
    if number is not None and isfinite(number) and abs(number) >= 2**63:
        return f"is {_cut(value)}, more than a time can be (2**63)"
    if (number is not None and isfinite(number)) or (number is None and _is_date(value)):
        same_way = (number is None) == (as_number(first) is None)
        ways = f"is '{_cut(value)}', but the first row has '{_cut(first)}': times are written in two ways"
        return "" if same_way else ways
    return f"is '{_cut(value)}', neither seconds since 1970 nor an ISO date such as 2024-05-31 18:00:00"


def as_number(value: str) -> float | None:
    """The number that the text is, as other programs read it too (so 1_000 is none); None if it is none."""
    try:
        return None if "_" in value else float(value)
    except ValueError:
        return None


def _is_whole(value: str) -> bool:
    digits = value.removeprefix("-")
    return digits.isascii() and digits.isdigit() and len(digits) < 20 and int(digits) < 2**63


def _is_date(value: str) -> bool:
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


def _cut(value: str) -> str:
    """A value for a message: of a field of megabytes the beginning."""
    return value if len(value) <= 60 else f"{value[:57]}..."
