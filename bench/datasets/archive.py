"""Files out of a zip that came from outside: by name, into memory, up to a size; no path in it is ever written to."""

from __future__ import annotations

import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from bench.datasets.errors import DatasetError
from bench.datasets.limits import largest_unpacked, too_large

CHUNK = 2**20
# What the standard library raises on archives that are cut off, encrypted, packed in an unknown way or made to confuse.
DAMAGE = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, NotImplementedError, RuntimeError),
    *(OSError, ValueError, OverflowError),
)


def read_members(archive: Path, names: Iterable[str], largest: int = 0) -> dict[str, bytes]:
    """The contents of the files with these names, in whichever folder of the archive they stand.

    Raises
    ------
    DatasetError
        The archive is damaged, a file is missing or there twice, or they unpack to more than ``largest`` bytes (0: as
        many as are allowed for any file).
    """
    limit = largest or largest_unpacked(0)
    contents: dict[str, bytes] = {}
    try:
        with zipfile.ZipFile(archive) as opened:
            for name in names:
                contents[name] = _read(opened, _member(opened, name), sum(map(len, contents.values())), limit)
    except DatasetError as error:
        raise DatasetError(f"{archive.name}: {error}") from error
    except DAMAGE as error:
        raise DatasetError(f"{archive.name} is not a whole zip file: {error}. Get it again.") from error
    return contents


def _member(opened: zipfile.ZipFile, name: str) -> zipfile.ZipInfo:
    found = [member for member in opened.infolist() if PurePosixPath(member.filename).name == name]
    if len(found) != 1:
        raise DatasetError(f"holds {len(found)} files named {name}, one is needed")
    return found[0]


def _read(opened: zipfile.ZipFile, member: zipfile.ZipInfo, size: int, limit: int) -> bytes:
    """A member's bytes; ``size`` were unpacked before it. What it states as its size is its own claim: we count."""
    parts = []
    with opened.open(member) as stream:
        while part := stream.read(CHUNK):
            size += len(part)
            if size > limit:
                raise too_large(member.filename, "unpacks to", limit)
            parts.append(part)
    return b"".join(parts)
