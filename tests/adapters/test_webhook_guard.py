"""A tenant's URL leads to public addresses, whatever its name server says and when."""

import asyncio
import ssl
from collections.abc import Sequence
from pathlib import Path

import httpcore
import pytest

from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.webhook.caller import WebhookCaller
from postroom.adapters.webhook.guard import MOST_ADDRESSES
from postroom.adapters.webhook.names import Names
from postroom.domain.handover.answer import Done, Unreachable
from postroom.domain.handover.application import SetBy
from tests.adapters.webhook_rig import OK, PUBLIC, FakeNames, listening, read_request, webhook_rig
from tests.calling import application, call_of

TENANTS = application("https://hooks.crm.example/inbound", set_by=SetBy.TENANT)
OPERATORS = application("https://hooks.crm.example/inbound")
CLOSE = b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n"
NOT_PUBLIC = Unreachable(
    reason="no call was possible: its name does not lead to public addresses alone"
)


async def test_the_connection_goes_to_the_address_and_the_name_stays_in_tls_and_http() -> None:
    async with webhook_rig() as rig:
        assert await rig.caller.call(TENANTS, [call_of()]) == [Done(status=200)]
        (wire,) = rig.network.wires

    assert rig.names.wanted == ["hooks.crm.example"]
    assert wire.address == f"{PUBLIC}:443"
    assert wire.server_name == "hooks.crm.example"
    assert wire.headers["host"] == "hooks.crm.example"


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"],
        ["169.254.169.254"],
        ["::ffff:10.0.0.1"],
        ["64:ff9b::a00:1"],
        [PUBLIC, "10.0.0.1"],
        [PUBLIC] * MOST_ADDRESSES + ["::1"],
        [],
    ],
)
async def test_one_address_that_is_not_public_is_enough(addresses: Sequence[str]) -> None:
    async with webhook_rig() as rig:
        rig.names.addresses = addresses
        answers = await rig.caller.call(TENANTS, [call_of()])

    assert answers == [NOT_PUBLIC]
    assert rig.network.tried == []


async def test_an_operators_name_may_lead_anywhere() -> None:
    async with webhook_rig() as rig:
        rig.names.addresses = ["10.0.0.1"]
        assert await rig.caller.call(OPERATORS, [call_of()]) == [Done(status=200)]

    assert rig.network.tried == ["10.0.0.1:443"]


async def test_a_name_is_looked_up_once_a_connection_so_no_second_answer_counts() -> None:
    """Rebinding: public when it is checked, and loopback when it is connected to."""
    async with webhook_rig(CLOSE) as rig:
        assert await rig.caller.call(TENANTS, [call_of()]) == [Done(status=200)]
        assert len(rig.names.wanted) == 1
        rig.names.addresses = ["127.0.0.1"]

        assert await rig.caller.call(TENANTS, [call_of()]) == [NOT_PUBLIC]

    assert rig.network.tried == [f"{PUBLIC}:443"]


async def test_an_address_that_does_not_answer_leaves_the_others() -> None:
    async with webhook_rig() as rig:
        rig.names.addresses = ["2a00::1", "2a00::2", PUBLIC]
        rig.network.failures = {
            "2a00::1": httpcore.ConnectError(),
            "2a00::2": httpcore.ConnectTimeout(),
        }
        assert await rig.caller.call(TENANTS, [call_of()]) == [Done(status=200)]

    assert rig.network.tried == ["2a00::1:443", "2a00::2:443", f"{PUBLIC}:443"]


async def test_of_many_addresses_some_are_tried() -> None:
    async with webhook_rig() as rig:
        rig.names.addresses = [f"1.1.1.{n}" for n in range(20)]
        rig.network.failures = {each: httpcore.ConnectError() for each in rig.names.addresses}
        (answer,) = await rig.caller.call(TENANTS, [call_of()])

    assert isinstance(answer, Unreachable)
    assert len(rig.network.tried) == MOST_ADDRESSES
    assert rig.network.waits == [5 / MOST_ADDRESSES] * MOST_ADDRESSES


async def test_a_url_that_a_tenant_may_not_have_is_not_called() -> None:
    """It may have been stored by another release, or changed in the database."""
    async with webhook_rig() as rig:
        answers = await rig.caller.call(
            application("http://127.0.0.1:3000/", set_by=SetBy.TENANT), [call_of()]
        )

    assert answers == [Unreachable(reason="no call was possible: the URL must begin with https://")]
    assert rig.names.wanted == []


class Detour(httpcore.AnyIOBackend):
    """Connects to a server of the test's, whatever the address."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def connect_tcp(
        self, host: str, port: int, *_: object, **__: object
    ) -> httpcore.AsyncNetworkStream:
        assert (host, port) == (PUBLIC, 443)
        return await super().connect_tcp("127.0.0.1", self._port)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("localhost.localdomain", "no call was possible: its certificate is for another name"),
        ("localhost", ""),
    ],
)
async def test_the_certificate_must_be_for_the_name(
    name: str, reason: str, loopback_certificate: Path, trust: ssl.SSLContext
) -> None:
    names: list[str] = []
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(loopback_certificate)
    server.sni_callback = lambda _, name, __: names.append(str(name))

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        headers, _ = await read_request(reader)
        names.append(headers["host"])
        writer.write(OK)
        await writer.drain()

    async with (
        listening(answer, server) as (_, port),
        WebhookCaller(
            ManualClock(),
            content_token=lambda _: "t",
            version="1",
            tls=trust,
            resolve=FakeNames(),
            network=Detour(port),
        ) as caller,
    ):
        answers = await caller.call(application(f"https://{name}/"), [call_of()])

    assert answers == [Unreachable(reason=reason) if reason else Done(status=200)]
    assert names == ([name] if reason else [name, name])


async def test_a_name_is_looked_up_by_the_host() -> None:
    assert await Names()("127.0.0.1") == ["127.0.0.1"]


async def test_a_name_that_hangs_is_looked_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    lookups, hanging = [], asyncio.Event()

    async def look_up(name: str) -> Sequence[str]:
        lookups.append(name)
        await hanging.wait()
        return [PUBLIC]

    monkeypatch.setattr("postroom.adapters.webhook.names._look_up", look_up)
    names = Names()
    waiting = [asyncio.create_task(names("slow.example")) for _ in range(3)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    hanging.set()

    assert await asyncio.gather(*waiting[1:]) == [[PUBLIC], [PUBLIC]]
    assert lookups == ["slow.example"]
    assert await names("slow.example") == [PUBLIC]
    assert lookups == ["slow.example"] * 2


async def test_a_lookup_that_nobody_waits_for_may_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    async def look_up(name: str) -> Sequence[str]:
        await asyncio.sleep(0)
        raise OSError

    monkeypatch.setattr("postroom.adapters.webhook.names._look_up", look_up)
    waiting = asyncio.create_task(Names()("slow.example"))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    for _ in range(3):
        await asyncio.sleep(0)
