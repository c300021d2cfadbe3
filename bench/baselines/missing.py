"""A library that is not there is a reason to skip its models, with the command that installs it."""

from __future__ import annotations

from importlib import import_module
from typing import Any


class MissingLibraryError(ImportError):
    """A library cannot be imported.

    Attributes
    ----------
    library
        The distribution that has it, ``lightfm-next``.
    command
        What to type to install it.
    """

    def __init__(self, message: str, library: str = "", command: str = ""):
        super().__init__(message)
        self.library = library
        self.command = command


def import_library(module: str, library: str, extra: str) -> Any:
    """The module of an optional library.

    Raises
    ------
    MissingLibraryError
        It cannot be imported: the message has the reason and the pip command of our ``extra``.
    """
    try:
        return import_module(module)
    except ImportError as error:
        command = f"pip install 'recsys-bench[{extra}]'"
        message = f"{library} can't be imported ({error}): {command}"
        raise MissingLibraryError(message, library, command) from error
