"""Where the body of a handover is rendered, and what comes there."""

import pickle
from collections.abc import Callable
from dataclasses import dataclass, field

from postroom.adapters.offload import Processes
from postroom.adapters.offload.processes import Limits
from postroom.application.ports import ArgumentT, Kind, Offload, ResultT
from postroom.application.rendering import Rendering, rendered
from postroom.domain.handover.body import render_body
from postroom.domain.handover.body_input import Acceptance, BodyOptions
from tests.contracts.samples import NOON, imap_mailbox
from tests.unit.accept_rig import BASE, inbound, raw_mail

MAILBOX = imap_mailbox()
ACCEPTED = Acceptance(key="msg_a", at=NOON, keep_key_until=NOON)
OPTIONS = BodyOptions(application="crm", base_url=BASE)
LONG = "short\n" * 40_000


def rendering(text: str) -> Rendering:
    return Rendering(MAILBOX, inbound(raw_mail(text=text)), None, ACCEPTED, OPTIONS)


def at_once(what: Rendering) -> bytes:
    return render_body(what.mailbox, what.inbound, what.html, what.accepted, what.options)


@dataclass
class Heard(Offload):
    sizes: list[tuple[Kind, int]] = field(default_factory=list)
    sent: bytes = b""

    async def __call__(
        self,
        kind: Kind,
        work: Callable[[ArgumentT], ResultT],
        argument: ArgumentT,
        *,
        size: int,
    ) -> ResultT:
        self.sizes.append((kind, size))
        self.sent = pickle.dumps(argument)
        return work(argument)


async def test_a_process_renders_the_very_same_bytes() -> None:
    what = rendering(LONG)
    processes = Processes({kind: Limits(in_line=0) for kind in Kind})
    try:
        body = await rendered(what, processes)
    finally:
        await processes.aclose()

    assert body == at_once(what)


async def test_it_is_as_much_work_as_the_message_is_large() -> None:
    what, offload = rendering(LONG), Heard()

    await rendered(what, offload)

    assert offload.sizes == [(Kind.MAIL, len(what.inbound.raw))]


async def test_no_credentials_of_the_mailbox_come_there() -> None:
    offload = Heard()

    body = await rendered(rendering("Hello"), offload)

    assert b'"provider":"imap"' in body.replace(b": ", b":")
    assert b"password" not in offload.sent
    assert b"ImapAccount" not in offload.sent
