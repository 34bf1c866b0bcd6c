"""The body of a handover, rendered where it holds nobody up."""

from dataclasses import dataclass, replace

from postroom.application.ports import Kind, Offload
from postroom.domain.account import UnreadableAccount
from postroom.domain.handover.body import render_body
from postroom.domain.handover.body_input import Acceptance, BodyOptions
from postroom.domain.mail.message import InboundMessage
from postroom.domain.mailbox import Mailbox


@dataclass(frozen=True, slots=True)
class Rendering:
    """*html* is the sanitised HTML, as `render_body` wants it."""

    mailbox: Mailbox
    inbound: InboundMessage
    html: str | None
    accepted: Acceptance
    options: BodyOptions


async def rendered(rendering: Rendering, offload: Offload) -> bytes:
    """A quarter of a mebibyte of short lines takes a tenth of a second."""
    mailbox = rendering.mailbox
    # No credentials are to come where a stranger's bytes are worked on.
    bare = replace(mailbox, account=UnreadableAccount(mailbox.provider, ""))
    argument = replace(rendering, mailbox=bare)
    return await offload(Kind.MAIL, _render, argument, size=len(rendering.inbound.raw))


def _render(rendering: Rendering) -> bytes:
    return render_body(
        rendering.mailbox,
        rendering.inbound,
        rendering.html,
        rendering.accepted,
        rendering.options,
    )
