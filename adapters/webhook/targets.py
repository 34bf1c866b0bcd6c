"""What the URL of an application may be. That is decided by who set it.

An operator may name any host, in their own network as well. A tenant may not make us knock at
doors inside (SSRF): https, at a usual port, and a host by its name, which then has to lead to
public addresses at every connection (`guard.py`).
"""

import re
from typing import NoReturn

import httpx

from postroom.domain.handover.application import InvalidApplication, SetBy

TENANT_PORTS = {443, 8443}
LARGEST_PORT = 65535

_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"(?:{_LABEL}\.)+[a-z](?:[a-z0-9-]{{0,61}}[a-z0-9])?")
"""No top-level domain begins with a digit; so no address in any notation is a name."""


def check_target(url: str, set_by: SetBy) -> httpx.URL:
    """The URL, read. Raises InvalidApplication, which does not repeat it: it may hold a secret."""
    try:
        read = httpx.URL(url)
    except (httpx.InvalidURL, UnicodeError):
        _refuse("the URL cannot be read")
    if read.scheme not in {"https", "http"} or not read.raw_host or b"%" in read.raw_host:
        _refuse("the URL must be https://host/… or http://host/…")
    if read.port is not None and not 0 < read.port <= LARGEST_PORT:
        _refuse(f"the URL's port must be 1 to {LARGEST_PORT}")
    if set_by is SetBy.TENANT:
        _check_as_a_tenants(read)
    return read


def _check_as_a_tenants(url: httpx.URL) -> None:
    if url.scheme != "https":
        _refuse("the URL must begin with https://")
    if (url.port or 443) not in TENANT_PORTS:
        _refuse("the URL's port must be 443 or 8443")
    if url.userinfo:
        _refuse("the URL must have no user and no password: calls are signed")
    if not _NAME.fullmatch(url.raw_host.decode("ascii")):
        _refuse("the URL must have the full name of a public host, and no IP address")


def _refuse(reason: str) -> NoReturn:
    raise InvalidApplication(reason)
