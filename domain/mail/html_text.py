"""The text of HTML: rough, in proportion to its size."""

import html
import re
from collections.abc import Iterable, Iterator

MAX_QUOTED = 5
"""Quotations within quotations that are marked as such, so that no line grows with their number."""

# Whatever is never closed reaches to the end, so that nothing is looked at twice.
_HIDDEN = re.compile(r"<(script|style|title)\b.*?(?:</\1\s*>|\Z)", re.IGNORECASE | re.DOTALL)
_QUOTATION = re.compile(r"<(/?)blockquote\b[^>]*(?:>|\Z)", re.IGNORECASE)
_BREAK = re.compile(
    r"<(?:br|/?(?:p|div|tr|li|h[1-6]|table|ul|ol|pre))\b[^>]*(?:>|\Z)", re.IGNORECASE
)
_TAG = re.compile(r"<!--.*?(?:-->|\Z)|<[a-zA-Z/!?][^>]*(?:>|\Z)", re.DOTALL)
_SPACE = re.compile(r"[^\S\n]+")

_BEGIN, _END = "\x01", "\x02"  # neither white space nor anything that HTML can name


def text_of(html_body: str) -> str:
    """What somebody would read, a line for each block; quotations are marked as in plain text.

    It is text: not to be shown as HTML.
    """
    visible = _SPACE.sub(" ", _HIDDEN.sub("", html_body).replace("\n", " "))
    marked = _QUOTATION.sub(lambda tag: f"\n{_END if tag[1] else _BEGIN}\n", visible)
    text = html.unescape(_TAG.sub("", _BREAK.sub("\n", marked)))
    return "\n".join(_quoted(filter(None, map(str.strip, text.split("\n")))))


def _quoted(lines: Iterable[str]) -> Iterator[str]:
    depth = 0
    for line in lines:
        if line == _BEGIN:
            depth += 1
        elif line == _END:
            depth = max(0, depth - 1)
        elif depth:
            yield f"{'>' * min(depth, MAX_QUOTED)} {line}"
        else:
            yield line
