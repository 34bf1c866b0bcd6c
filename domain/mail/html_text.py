"""The text of HTML that is too large to be shown as such: rough, in proportion to its size."""

import html
import re

# Whatever is never closed reaches to the end, so that nothing is looked at twice.
_HIDDEN = re.compile(r"<(script|style|title)\b.*?(?:</\1\s*>|\Z)", re.IGNORECASE | re.DOTALL)
_BREAK = re.compile(
    r"<(?:br|/?(?:p|div|tr|li|h[1-6]|table|ul|ol|blockquote|pre))\b[^>]*(?:>|\Z)", re.IGNORECASE
)
_TAG = re.compile(r"<!--.*?(?:-->|\Z)|<[a-zA-Z/!?][^>]*(?:>|\Z)", re.DOTALL)
_SPACE = re.compile(r"[^\S\n]+")


def text_of(html_body: str) -> str:
    """What somebody would read, a line for each block. It is text: not to be shown as HTML."""
    visible = _SPACE.sub(" ", _HIDDEN.sub("", html_body).replace("\n", " "))
    text = html.unescape(_TAG.sub("", _BREAK.sub("\n", visible)))
    return "\n".join(filter(None, map(str.strip, text.split("\n"))))
