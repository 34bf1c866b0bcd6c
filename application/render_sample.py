"""Render what an application is tried with: under a key of its own, and stored nowhere."""

import base64
import json
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from postroom.application.accept_handover import body_options
from postroom.application.ports import Clock, HtmlSanitiser, Kind, Offload
from postroom.application.sanitising import sanitised
from postroom.domain.account import Account
from postroom.domain.handover.application import Application
from postroom.domain.handover.body import render_body
from postroom.domain.handover.body_input import Acceptance
from postroom.domain.identity import identify
from postroom.domain.mail.message import InboundMessage
from postroom.domain.mail.reader import read_message
from postroom.domain.mailbox import Mailbox

MAILBOX = "test"
ADDRESS = "test@mailbox.example"
DEFAULT_TENANT = "default"


@dataclass(frozen=True, slots=True)
class _NoAccount(Account):
    """Of a mailbox that is nowhere."""

    @property
    def provider(self) -> str:
        return "test"

    @property
    def folders(self) -> tuple[str, ...]:
        return ()


def new_key() -> str:
    """In the form of those of messages, and drawn: no message has it."""
    return "msg_" + base64.b32encode(secrets.token_bytes(20)).decode("ascii").lower()


def sample_event(application: Application, key: str, now: datetime) -> bytes:
    """What is to have no effect: an application answers 200 to it, and does nothing."""
    event = {
        "type": "postroom.test",
        "timestamp": f"{now:%Y-%m-%dT%H:%M:%S}Z",
        "data": {"version": 1, "key": key, "application": application.name},
    }
    return json.dumps(event).encode()


@dataclass(frozen=True, slots=True)
class RenderSample:
    """*base_url* is that of our API, as applications reach it. No link of a sample opens."""

    sanitise: HtmlSanitiser
    offload: Offload
    clock: Clock
    base_url: str

    async def __call__(self, application: Application, key: str, raw: bytes) -> bytes:
        """The body that the mail *raw* would have. Raises Unprocessable."""
        now = self.clock.now()
        message = await self.offload(Kind.MAIL, read_message, raw, size=len(raw))
        mailbox = Mailbox(
            tenant=application.tenant or DEFAULT_TENANT,
            id=MAILBOX,
            address=ADDRESS,
            account=_NoAccount(),
            added_at=now,
        )
        return render_body(
            mailbox,
            InboundMessage(
                identity=identify(message.message_id, source=key, digest=message.content_digest),
                received_at=now,
                raw=raw,
                message=message,
            ),
            await sanitised(message.html, self.sanitise, self.offload),
            Acceptance(key=key, at=now, keep_key_until=now + timedelta(days=1)),
            body_options(application, self.base_url),
        )
