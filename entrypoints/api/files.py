"""What somebody else has written, sent so that it is saved and that no browser runs it."""

from collections.abc import Mapping
from urllib.parse import quote

SHOWN_AS_THEY_ARE = frozenset(
    {
        *("image/png", "image/jpeg", "image/gif", "image/webp"),
        *("application/pdf", "text/plain", "message/rfc822"),
    }
)
"""Content types that a browser runs nothing of. Any other is sent as plain bytes."""


def harmless(content_type: str) -> str:
    kind = content_type.partition(";")[0].strip().lower()
    return kind if kind in SHOWN_AS_THEY_ARE else "application/octet-stream"


def saved_as(filename: str) -> Mapping[str, str]:
    """Headers after RFC 6266, the name by RFC 8187, since a stranger chose it."""
    return {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(filename, safe='')}",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "sandbox; default-src 'none'",
    }
