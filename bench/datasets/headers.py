"""Which column of a user's file is which: by its name, or by what the user says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path

from bench.datasets.columns import as_number
from bench.datasets.errors import DatasetError, listed

# Compared without case, blanks, "_" and "-", so that userId, user_id and "User ID" are one name.
USUAL_NAMES: dict[str, tuple[str, ...]] = {
    "user": ("user", "userid", "uid", "customer", "customerid", "reviewer", "reviewerid", "visitor", "visitorid"),
    "item": ("item", "itemid", "iid", "movie", "movieid", "film", "filmid", "product", "productid", "asin", "book",
             "bookid", "artist", "artistid", "track", "trackid", "song", "songid", "business", "businessid"),
    "rating": ("rating", "ratings", "score", "stars", "star", "overall", "bookrating"),
    "count": ("count", "counts", "weight", "plays", "playcount", "listens", "frequency", "quantity"),
    "timestamp": ("timestamp", "time", "ts", "date", "datetime", "unixreviewtime", "createdat"),
    "title": ("title", "name", "movietitle", "booktitle", "itemname", "artistname", "productname", "trackname"),
    "genres": ("genres", "genre", "categories", "category"),
}  # fmt: skip
NEEDED = ("user", "item")


def find_columns(path: Path, names: Sequence[str], columns: Mapping[str, str | int] | None = None) -> dict[str, int]:
    """Place (from 0) of each role that the file has: what ``columns`` says, then what the usual names say.

    ``columns`` maps roles (the keys of USUAL_NAMES) to names in the file or to places counted from 1.

    Raises
    ------
    DatasetError
        A role or name that doesn't exist, or two columns that could play one role.
    """
    named = {role: _place(path, names, role, wanted) for role, wanted in (columns or {}).items()}
    if "rating" in named and "count" in named:
        raise DatasetError(
            f"{path}: --columns names a rating and a count. Name the one that the models shall learn from."
        )
    value_is_named = "rating" in named or "count" in named
    open_roles = [role for role in USUAL_NAMES if role not in named]
    if value_is_named:
        open_roles = [role for role in open_roles if role not in ("rating", "count")]
    found = {role: _usual_places(names, role, set(named.values())) for role in open_roles}
    values = found.get("rating", []) + found.get("count", [])
    for role, places in [*found.items(), ("rating", values)]:
        if len(places) > 1:
            could_be = " and ".join(f"'{names[place]}'" for place in places[:5])
            raise DatasetError(
                f"{path}: {could_be} could each be the {role}. Say which: --columns {role}={names[places[0]]}"
            )
    return named | {role: places[0] for role, places in found.items() if places}


def check_needed(path: Path, names: Sequence[str], roles: Mapping[str, int], needed: Sequence[str] = NEEDED) -> None:
    """Raise the DatasetError that names the columns there are and the option that says which is which."""
    missing = [role for role in needed if role not in roles]
    if missing:
        example = ",".join(f"{role}={names[place]}" for role, place in roles.items() if role in needed)
        option = ",".join([*([example] if example else []), *(f"{role}=NAME" for role in missing)])
        raise DatasetError(
            f"{path} has no column for {' and '.join(missing)}; its columns are {listed(names)}. "
            f"Say which it is: --columns {option}"
        )


def is_header(first: Sequence[str], columns: Mapping[str, str | int] | None, roles: Sequence[str] = NEEDED) -> bool:
    """Whether a first line holds names: no number, and a usual name for one of the roles or a name in ``columns``."""
    if any(as_number(field) is not None for field in first):
        return False
    usual = any(_usual_places(first, role, set()) for role in roles)
    return usual or bool(
        {_plain(field) for field in first} & {_plain(str(wanted)) for wanted in (columns or {}).values()}
    )


def columns_option(first: Sequence[str]) -> str:
    """The --columns value that fits a first line of data, as far as one can guess."""
    roles = {"user": 1, "item": 2}
    for place, field in enumerate(first[2:4], 3):
        number = as_number(field)
        if number is None:
            break
        role = "timestamp" if abs(number) > 1e6 else "rating"
        if role not in roles:
            roles[role] = place
    return ",".join(f"{role}={place}" for role, place in roles.items())


def _place(path: Path, names: Sequence[str], role: str, wanted: str | int) -> int:
    if role not in USUAL_NAMES:
        near = get_close_matches(str(role), USUAL_NAMES, n=1, cutoff=0.5)
        hint = f" Did you mean '{near[0]}'?" if near else ""
        raise DatasetError(f"--columns knows no '{role}'.{hint} There are: {', '.join(USUAL_NAMES)}")
    for same in (str, _plain):
        places = [place for place, name in enumerate(names) if same(name) == same(str(wanted))]
        if len(places) == 1:
            return places[0]
    digits = str(wanted)
    if digits.isascii() and digits.isdigit() and len(digits) < 10 and 1 <= int(digits) <= len(names):
        return int(digits) - 1
    raise DatasetError(
        f"{path} has no column '{digits[:60]}' for {role}; it has {len(names)}: {listed(names)}. "
        "Give one of these names, or its place counted from 1."
    )


def _usual_places(names: Sequence[str], role: str, taken: set[int]) -> list[int]:
    return [place for place, name in enumerate(names) if place not in taken and _plain(name) in USUAL_NAMES[role]]


def _plain(name: str) -> str:
    """A name without what people write differently; "user_id:token" is how RecBole writes user_id."""
    return "".join(letter for letter in name.split(":")[0].lower() if letter.isalnum())
