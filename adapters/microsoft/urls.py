"""URLs of Graph."""

from collections.abc import Mapping, Sequence
from urllib.parse import quote, urlencode


def graph_address(base: str, path: Sequence[str], query: Mapping[str, str]) -> str:
    """The URL of *path*, given segment by segment and not yet percent-encoded, at *base*."""
    url = "/".join((base, "v1.0", *map(_segment, path)))
    return f"{url}?{urlencode(query, safe='$,', quote_via=quote)}" if query else url


def _segment(text: str) -> str:
    """*text* as one segment of a path, whatever stands in it: `..` leads nowhere else."""
    return quote(text, safe="$") if text.strip(".") else text.replace(".", "%2E")
