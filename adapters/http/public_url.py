"""Which URLs anybody in the internet can reach, by what they say of themselves."""

from ipaddress import ip_address
from urllib.parse import urlsplit

NO_PUBLIC_URL = "no public https URL: set POSTROOM_PUBLIC_URL"

_PRIVATE = (".localhost", ".local", ".internal", ".home.arpa")
"""RFC 6761, RFC 6762, RFC 8375, and ICANN's name for private use."""


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
