"""What a cell is and how it ended, from the beginning of its result.json: thousands are looked at in under a second."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from reports.opening import open_regular

# Cell, key, identity, status and error come first; metrics and neighbours, which are most of the file, after them.
METRICS = b',\n "metrics": {'


def read_beginning(path: str | Path) -> Any:
    """The content of result.json up to its metrics; all of it where somebody has written the file in another way.

    Raises
    ------
    OSError, ValueError
        It can't be read, or is no JSON; a file that is cut off is not, wherever that is.
    """
    with open_regular(path) as stream:
        text = stream.read()
    beginning, found, rest = text.partition(METRICS)
    if found and rest.rstrip().endswith(b"}"):
        try:
            return json.loads(beginning + b"}")
        except ValueError:
            pass  # those words stood in a text
    return json.loads(text)
