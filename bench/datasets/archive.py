"""Files out of a zip that came from outside: by name, into memory, up to a size; no path in it is ever written to."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from bench.datasets.errors import DatasetError

LARGEST = 256 * 2**20  # bytes unpacked, all files together: ten times the largest set
CHUNK = 2**20


def read_members(archive: Path, names: Iterable[str], largest: int = LARGEST) -> dict[str, bytes]:
    """The contents of the files with these names, in whichever folder of the archive they stand.

    Raises
    ------
    DatasetError
        The archive is damaged, a file is missing or there twice, or they unpack to more than ``largest`` bytes.
    """
    contents: dict[str, bytes] = {}
    try:
        with zipfile.ZipFile(archive) as opened:
            for name in names:
                left = largest - sum(map(len, contents.values()))
                contents[name] = _read(opened, _member(opened, name), left)
    except DatasetError as error:
        raise DatasetError(f"{archive.name}: {error}") from error
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError) as error:
        raise DatasetError(f"{archive.name} is not a whole zip file: {error}. Get it again.") from error
    return contents


def _member(opened: zipfile.ZipFile, name: str) -> zipfile.ZipInfo:
    found = [member for member in opened.infolist() if PurePosixPath(member.filename).name == name]
    if len(found) != 1:
        raise DatasetError(f"holds {len(found)} files named {name}, one is needed")
    return found[0]


def _read(opened: zipfile.ZipFile, member: zipfile.ZipInfo, largest: int) -> bytes:
    # The size that the archive states is its own claim, so what really comes out is counted.
    parts, size = [], 0
    with opened.open(member) as stream:
        while part := stream.read(CHUNK):
            size += len(part)
            if size > largest:
                raise DatasetError(f"{member.filename} unpacks to more than the {largest:,} bytes allowed")
            parts.append(part)
    return b"".join(parts)
