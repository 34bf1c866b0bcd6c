"""What a provider says of whom to trust, and of a message, is with it when it is processed."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from postroom.adapters.memory.clock import ManualClock
from postroom.application.ports import Prepared
from postroom.application.providers import Providers
from postroom.domain.mail.message import InboundMessage
from postroom.domain.mail.trusted_servers import TrustedServers
from postroom.domain.mailbox import Mailbox
from postroom.domain.pointer import PointerJob
from tests.unit.api_rig import Rig, open_rig, toy_mailbox
from tests.unit.telemetry_rig import Processor, Worker, ingesting

MAILBOX = toy_mailbox()
OURS = TrustedServers(ids=frozenset({"mx.acme.example"}))


@pytest.fixture
def rig(clock: ManualClock) -> Iterator[Rig]:
    with open_rig(clock) as opened:
        opened.server.tokens["support"] = "hush"
        yield opened


class Noting(Processor):
    def __init__(self) -> None:
        self.seen: list[InboundMessage] = []

    async def prepare(self, mailbox: Mailbox, inbound: InboundMessage, job: PointerJob) -> Prepared:
        self.seen.append(inbound)
        return await super().prepare(mailbox, inbound, job)


async def test_the_servers_that_a_provider_trusts_are_those_of_its_messages(rig: Rig) -> None:
    rig.providers = Providers([replace(rig.toy, trusted_servers=lambda _: OURS)])
    await rig.registry.add(MAILBOX)
    pointer = rig.server.deliver("support", b"Subject: Hello\n\nHello!", rig.clock.now())
    await ingesting(rig)(MAILBOX, [pointer])
    processor = Noting()

    await Worker(rig, processor=processor).work()

    assert [inbound.trusted for inbound in processor.seen] == [OURS]
