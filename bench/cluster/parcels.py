"""What a worker needs to run a cell, as files named by their content, so that they travel to it once."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path, PurePosixPath
from tempfile import mkdtemp

CHUNK = 2**22


@dataclass(frozen=True)
class Parcel:
    """Files on this machine by the names they have in the parcel; ``name`` is a hash of all names and contents."""

    name: str
    files: tuple[tuple[str, Path], ...]

    @classmethod
    def of(cls, files: Mapping[str, Path]) -> Parcel:
        digest = blake2b(digest_size=12)
        for name in sorted(files):
            digest.update(f"{name}\0{files[name].stat().st_size}\0".encode())
            with open(files[name], "rb") as stream:
                while chunk := stream.read(CHUNK):
                    digest.update(chunk)
        return cls(digest.hexdigest(), tuple(sorted(files.items())))

    def is_here(self) -> bool:
        """Whether the files are still on this machine."""
        return all(path.exists() for _, path in self.files)

    def content(self) -> dict[str, bytes]:
        """The files as bytes, to be sent."""
        return {name: path.read_bytes() for name, path in self.files}


def folder_parcel(folder: str | Path) -> Parcel:
    """All files that stand in a folder."""
    return Parcel.of({path.name: path for path in Path(folder).iterdir() if path.is_file()})


def unpack(content: Mapping[str, bytes], folder: Path) -> None:
    """Write a parcel's files into a folder, which appears at once; one that is there has the same content."""
    if folder.exists():
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(mkdtemp(prefix=".tmp-", dir=folder.parent))
    for name, data in content.items():
        parts = PurePosixPath(name).parts
        if not parts or ".." in parts or PurePosixPath(name).is_absolute():
            raise ValueError(f"a parcel with a file named {name!r}")
        path = temporary.joinpath(*parts)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    os.rename(temporary, folder)
