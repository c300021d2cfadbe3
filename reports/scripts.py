"""The page's scripts: a table library kept as it came, and ours; their hashes for the policy; data that they read."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from hashlib import sha256
from importlib.resources import files
from typing import Any

TABLE_LIBRARY = "vendor/datatables.net/dataTables.min.js"
OURS = "templates/report.js"


def scripts() -> list[str]:
    """The texts of the page's scripts, in the order in which they run."""
    return [(files("reports") / path).read_text(encoding="utf-8") for path in (TABLE_LIBRARY, OURS)]


def policy(texts: Sequence[str]) -> str:
    """A Content-Security-Policy under which these scripts run, no other, and nothing is fetched."""
    hashes = [base64.b64encode(sha256(text.encode()).digest()).decode("ascii") for text in texts]
    sources = " ".join(f"'sha256-{one}'" for one in hashes) or "'none'"
    return (
        f"default-src 'none'; script-src {sources}; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def data_block(content: Any) -> str:
    """JSON to stand inside a script element: nothing in it can end the element or begin a comment."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for letter in "<>&\u2028\u2029":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return text
