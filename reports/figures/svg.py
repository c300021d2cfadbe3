"""A figure as SVG: the same bytes for the same results, text left as text."""

from __future__ import annotations

import io
import re
import warnings
from typing import TYPE_CHECKING

from reports.figures.style import INK, LINE, drawing

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def to_svg(figure: Figure) -> str:
    """The figure as a standalone SVG document."""
    stream = io.StringIO()
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    with drawing(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")  # drawn by the reader's fonts, not by ours
        figure.savefig(stream, format="svg", transparent=True, metadata=nothing)
    return stream.getvalue()


def inline_svg(svg: str, prefix: str) -> str:
    """The SVG as an element of an HTML page: ids with a prefix of their own, ink and grid in the page's colours.

    It is hidden from screen readers; what it shows has to stand beside it in words.
    """
    body = svg[svg.index("<svg") :]
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    body = re.sub(r"<style.*?</style>", "", body, count=1, flags=re.DOTALL)
    body = re.sub(r'<svg[^>]*?(viewBox="[^"]*")[^>]*>', r'<svg aria-hidden="true" \1>', body, count=1)
    body = re.sub(r'\bid="', f'id="{prefix}-', body)
    body = re.sub(r'(url\(#|href="#)', rf"\g<1>{prefix}-", body)
    return body.replace(INK, "currentColor").replace(LINE, "var(--line)")
