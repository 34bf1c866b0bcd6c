"""URLs of Graph, and which URLs anybody in the internet can reach."""

from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from urllib.parse import quote, urlencode, urlsplit

_PRIVATE = (".localhost", ".local", ".internal", ".home.arpa")
"""RFC 6761, RFC 6762, RFC 8375, and ICANN's name for private use."""


def graph_address(base: str, path: Sequence[str], query: Mapping[str, str]) -> str:
    """The URL of *path*, given segment by segment and not yet percent-encoded, at *base*."""
    url = "/".join((base, "v1.0", *map(_segment, path)))
    return f"{url}?{urlencode(query, safe='$,', quote_via=quote)}" if query else url


def is_public(url: str) -> bool:
    """Whether *url* is https and of a host that can be in the internet, by its name alone."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme == "https" and _is_public_host(parts.hostname or "")


def is_loopback(url: str) -> bool:
    """Whether *url* leads to this machine by its address."""
    try:
        return ip_address(urlsplit(url).hostname or "").is_loopback
    except ValueError:
        return False


def _is_public_host(host: str) -> bool:
    try:
        return ip_address(host).is_global
    except ValueError:
        return "." in host.strip(".") and not host.rstrip(".").endswith(_PRIVATE)


def _segment(text: str) -> str:
    """*text* as one segment of a path, whatever stands in it: `..` leads nowhere else."""
    return quote(text, safe="$") if text.strip(".") else text.replace(".", "%2E")
