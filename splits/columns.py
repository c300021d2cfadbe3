"""Raw columns as checked arrays of one type each.

``what`` names data set and column in errors; rows are counted from 1.
"""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

_MISSING = {"None", "nan", "NaT", "<NA>"}  # how objects that stand for no value print


class InteractionsError(ValueError):
    """The columns do not make a set of interactions; the message says which row and why."""


def id_column(what: str, values: ArrayLike) -> NDArray[Any]:
    """Ids as whole numbers (int64, or what integers they came as) where all are such, else as str."""
    array = _one_dimensional(what, values)
    if array.dtype.kind == "U":
        array = np.asarray(values, dtype=object)  # in a list beside texts, a missing value would have become "nan"
    if array.dtype.kind == "f" and isinstance(values, list | tuple) and any(_is_beyond_float(v) for v in values):
        array = np.asarray(values, dtype=object)  # beside smaller ones, NumPy makes whole numbers from 2**63 floats
    missing = np.flatnonzero(_is_missing(array))
    if len(missing):
        raise InteractionsError(f"{what}: row {missing[0] + 1} is empty")
    if not _are_whole(array):
        return _texts(what, array)
    return array if array.dtype.kind in "iu" else array.astype(np.int64)


def _texts(what: str, array: NDArray[Any]) -> NDArray[np.str_]:
    try:
        texts = array.astype(np.str_)
    except UnicodeDecodeError as error:
        raise InteractionsError(f"{what}: bytes that are not ASCII ({error}); give ids as text") from error
    # NumPy drops a character 0 at the end of a text, which would make one id of two.
    with_nul = [row for row, value in enumerate(array.tolist()) if isinstance(value, str) and "\0" in value]
    if with_nul:
        raise InteractionsError(f"{what}: row {with_nul[0] + 1} has a character 0, which no id may have")
    return texts


def coded(ids: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.int32]]:
    """The distinct ids, sorted, int64 or str, and each row's code, int32 (n,): its id's place among them.

    Whole numbers that lie close together, as in most files, are ticked off in a table; sorting takes ten times as long
    and several times the memory.
    """
    if ids.dtype.kind in "iu":
        lowest, highest = int(ids.min()), int(ids.max())
        if highest - lowest < 4 * len(ids):
            place = np.subtract(ids, lowest, dtype=np.int64)
            is_there = np.zeros(highest - lowest + 1, dtype=bool)
            is_there[place] = True
            code = np.cumsum(is_there, dtype=np.int32) - np.int32(1)
            return np.flatnonzero(is_there) + lowest, code[place]
        ids = ids.astype(np.int64, copy=False)
    distinct, codes = np.unique(ids, return_inverse=True)
    return distinct, codes.astype(np.int32)


def _is_missing(array: NDArray[Any]) -> NDArray[np.bool_]:
    if array.dtype.kind == "f":
        return np.asarray(np.isnan(array))
    if array.dtype.kind == "O":
        return np.array([v == "" if isinstance(v, str) else str(v) in _MISSING for v in array], dtype=bool)
    return np.zeros(array.size, dtype=bool)


def _is_beyond_float(value: Any) -> bool:
    return isinstance(value, Integral) and abs(int(value)) > 2**53


def _are_whole(array: NDArray[Any]) -> bool:
    """Whether all are numbers that int64 holds exactly."""
    if array.dtype.kind == "O":
        return all(isinstance(value, Integral) and -(2**63) <= int(value) < 2**63 for value in array)
    if array.dtype.kind == "f":
        return bool(np.all((array == np.floor(array)) & (np.abs(array) < 2**53)))
    return array.dtype.kind == "i" or (array.dtype.kind == "u" and bool(np.all(array < 2**63)))


def rating_column(what: str, ratings: ArrayLike | None) -> NDArray[np.float32] | None:
    """Finite float32."""
    if ratings is None:
        return None
    array = _one_dimensional(what, ratings)
    with np.errstate(over="ignore"):  # what float32 can't hold becomes infinite, which is checked
        numbers = _numbers(what, array).astype(np.float32)
    return _finite(what, numbers, array)


def time_column(what: str, timestamps: ArrayLike | None) -> NDArray[np.int64] | None:
    """Whole seconds; what is finer is cut off."""
    if timestamps is None:
        return None
    array = _one_dimensional(what, timestamps)
    if array.dtype.kind == "M":
        return _finite(what, array.astype("datetime64[s]"), array).astype(np.int64)
    numbers = _numbers(what, array)
    if numbers.dtype.kind in "fu":  # what int64 can't hold
        numbers = np.where(np.abs(numbers) >= 2**63, np.inf, numbers)
    return _finite(what, numbers, array).astype(np.int64)


def flag_column(what: str, flags: ArrayLike | None) -> NDArray[np.bool_] | None:
    """Yes or no a row."""
    return None if flags is None else _one_dimensional(what, flags).astype(bool)


def _one_dimensional(what: str, values: ArrayLike) -> NDArray[Any]:
    if np.ma.is_masked(values):
        row = int(np.flatnonzero(np.ma.getmaskarray(np.ma.asarray(values)))[0])
        raise InteractionsError(f"{what}: row {row + 1} is masked; leave such rows out")
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise InteractionsError(f"{what}: values of different lengths ({error})") from error
    if array.ndim != 1:
        raise InteractionsError(f"{what} must be one-dimensional, not of shape {array.shape}")
    return array


def _numbers(what: str, array: NDArray[Any]) -> NDArray[Any]:
    """Numbers as they are; texts and other objects as float64."""
    if array.dtype.kind in "biuf":
        return array
    if array.dtype.kind == "c":
        raise InteractionsError(f"{what} has complex numbers; give real ones")
    try:
        return array.astype(np.float64)
    except (TypeError, ValueError, OverflowError):
        for row, value in enumerate(array.tolist()):
            _number(f"{what}: row {row + 1}", value)
        raise


def _number(what: str, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise InteractionsError(f"{what} is {str(value)[:60]!r}, not a finite number") from error


def _finite(what: str, numbers: NDArray[Any], given: NDArray[Any]) -> NDArray[Any]:
    """``numbers``, if all are finite; the error shows the value as it was given."""
    wrong = np.flatnonzero(~np.isfinite(numbers))
    if len(wrong):
        raise InteractionsError(f"{what}: row {wrong[0] + 1} is {given[wrong[0]]}, not a finite number")
    return numbers
