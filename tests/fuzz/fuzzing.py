"""What the fuzzers of this folder share: a target by its name, its seeds as a corpus, and which errors are answers."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import atheris

LONGEST = 5000  # characters of a message: one of many kilobytes is a fault


def check_message(text: str) -> None:
    assert len(text) < LONGEST, "a message of many kilobytes"


def fuzz(
    target: Callable[[bytes], object], seeds: Sequence[bytes], folder: Path, answers: tuple[type[Exception], ...]
) -> None:
    """Try inputs until the limits of the command line; ``answers`` are the errors that a user may see."""
    corpus = folder / "seeds"
    corpus.mkdir()
    for number, seed in enumerate(seeds):
        (corpus / str(number)).write_bytes(seed)

    def one_input(content: bytes) -> None:
        try:
            target(content)
        except answers as error:
            check_message(str(error))

    atheris.Setup([*sys.argv, str(corpus), "-timeout=10", "-rss_limit_mb=4096"], one_input)
    atheris.Fuzz()
