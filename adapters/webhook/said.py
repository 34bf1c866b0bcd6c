"""What an application says in the body of its answer: JSON, if it says anything.

All of it is a stranger's: whatever is no short text is passed over, and harms nothing.
"""

import json
from dataclasses import dataclass

from postroom.domain.handover.answer import MAX_REASON, MAX_REFERENCE
from postroom.domain.mail.mime.charsets import clean_line

_WEB = ("https://", "http://")
"""A link that somebody clicks on must not be a script."""


@dataclass(frozen=True, slots=True)
class Said:
    outcome: str = ""
    reference: str = ""
    url: str = ""
    reason: str = ""


def said(body: bytes | bytearray) -> Said:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return Said()
    if not isinstance(value, dict):
        return Said()
    return Said(
        outcome=_text(value.get("outcome")),
        reference=_text(value.get("reference"))[:MAX_REFERENCE],
        url=_link(_text(value.get("url"))),
        reason=_cut(_text(value.get("reason")), MAX_REASON),
    )


def _text(value: object) -> str:
    """As one line; a number, which many a reference is, as its digits."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    return clean_line(str(value))


def _link(url: str) -> str:
    """Whole or not at all: half of a link leads nowhere."""
    return url if url.lower().startswith(_WEB) and len(url) <= MAX_REFERENCE else ""


def _cut(text: str, size: int) -> str:
    """The first *size* bytes of it, and no half of a character."""
    return text.encode()[:size].decode(errors="ignore")
