"""What a Redis URL says."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from redis.asyncio.connection import parse_url

Node = tuple[str, int]
"""A host and a port."""

SENTINEL_PORT = 26379

OPTIONS = frozenset(
    {
        "client_name",
        "db",
        "max_connections",
        "password",
        "protocol",
        "sentinel_password",
        "sentinel_username",
        "ssl_ca_certs",
        "ssl_cert_reqs",
        "ssl_certfile",
        "ssl_check_hostname",
        "ssl_keyfile",
        "ssl_password",
        "username",
    }
)
"""No timeout is among them: `open_redis` says why."""

SHAPES = (
    "redis://[user:password@]host[:port][/db], rediss://… (TLS), unix:///path,"
    " redis+cluster://host[:port],host[:port] or redis+sentinel://host[:port],host[:port]/service"
)


class InvalidRedisUrl(ValueError):
    """The setting is not a Redis URL; the message does not repeat it."""


class Kind(Enum):
    SERVER = "redis"
    CLUSTER = "cluster"
    SENTINEL = "sentinel"


@dataclass(frozen=True, slots=True)
class Address:
    """*settings* are what a connection to a server that holds data is made with.

    *nodes* are some of the cluster, or the Sentinels that watch *service*: a connection to one of
    these is made with *sentinel_settings*. Without them, the settings say where the server is.
    """

    kind: Kind
    settings: Mapping[str, Any] = field(repr=False)
    nodes: tuple[Node, ...] = ()
    service: str = ""
    sentinel_settings: Mapping[str, Any] = field(default_factory=dict, repr=False)
    tls: bool = False


def read_address(url: str) -> Address:
    """Raises InvalidRedisUrl."""
    scheme, _, rest = url.partition("://")
    base, _, kind = scheme.lower().partition("+")
    if base == "unix" and not kind:
        return _one_server(base, rest)
    if base not in {"redis", "rediss"} or kind not in {"", "cluster", "sentinel"}:
        raise InvalidRedisUrl(f"use {SHAPES}")
    readers = {"": _one_server, "cluster": _cluster, "sentinel": _sentinels}
    try:
        return readers[kind](base, rest)
    except InvalidRedisUrl:
        raise
    except ValueError as error:
        raise InvalidRedisUrl(f"use {SHAPES}") from error


def _one_server(base: str, rest: str) -> Address:
    url = f"{base}://{rest}"
    path = urlsplit(url).path
    if base != "unix" and not re.fullmatch(r"(/\d*)?", path):
        raise InvalidRedisUrl("the path of redis:// is the number of a database")
    return Address(Kind.SERVER, _settings(url, base), tls=base == "rediss")


def _cluster(base: str, rest: str) -> Address:
    user, nodes, tail = _split(rest, default_port=6379)
    if urlsplit(tail).path not in {"", "/", "/0"}:
        raise InvalidRedisUrl("a cluster has no databases: let the URL end after the hosts")
    settings = _settings(f"{base}://{user}host?{urlsplit(tail).query}", base)
    if settings.pop("db", 0):
        raise InvalidRedisUrl("a cluster has no databases: leave db out")
    del settings["host"]
    return Address(Kind.CLUSTER, settings, nodes, tls=base == "rediss")


def _sentinels(base: str, rest: str) -> Address:
    user, nodes, tail = _split(rest, default_port=SENTINEL_PORT)
    path = re.fullmatch(r"/([^/]+)(?:/(\d*))?", urlsplit(tail).path)
    if path is None:
        raise InvalidRedisUrl("name the service: redis+sentinel://host[:port],…/service[/db]")
    settings = _settings(f"{base}://{user}host/{path[2] or ''}?{urlsplit(tail).query}", base)
    del settings["host"]
    secrets = {
        name: settings.pop(f"sentinel_{name}")
        for name in ("username", "password")
        if f"sentinel_{name}" in settings
    }
    shared = {name: value for name, value in settings.items() if name.startswith("ssl_")}
    return Address(
        Kind.SENTINEL,
        settings,
        nodes,
        service=unquote(path[1]),
        sentinel_settings=secrets | shared,
        tls=base == "rediss",
    )


def _split(rest: str, *, default_port: int) -> tuple[str, tuple[Node, ...], str]:
    """The user with an @ (or nothing), the hosts, and what comes after them."""
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    user, at, hosts = authority.rpartition("@")
    nodes = tuple(_node(host, default_port) for host in hosts.split(","))
    return f"{user}{at}", nodes, rest[len(authority) :]


def _node(host: str, default_port: int) -> Node:
    parsed = urlsplit(f"redis://{host}")
    if not parsed.hostname:
        raise InvalidRedisUrl("a host is missing between the commas")
    return unquote(parsed.hostname), parsed.port or default_port


def _settings(url: str, base: str) -> dict[str, Any]:
    """What the client library reads in a URL of one server."""
    named = set(parse_qs(urlsplit(url).query, keep_blank_values=True))
    if not named <= OPTIONS:
        raise InvalidRedisUrl(f"an option after the ? is unknown: use {', '.join(sorted(OPTIONS))}")
    if base != "rediss" and any(name.startswith("ssl_") for name in named):
        raise InvalidRedisUrl("the ssl_… options need TLS: rediss://, rediss+cluster://, …")
    settings: dict[str, Any] = dict(parse_url(url))
    settings.pop("connection_class", None)
    if settings.setdefault("protocol", 2) not in {2, 3}:
        raise InvalidRedisUrl("protocol is 2 or 3")
    return settings
