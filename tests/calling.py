"""An application, and calls of it, each with only what matters in the test given."""

from datetime import UTC, datetime, timedelta

from postroom.application.ports import Call
from postroom.domain.handover.application import Application, SetBy
from postroom.domain.handover.handover import Handover, State

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
KEY = "msg_ic4uclgu7j3ru5k5hkyx6us2sty4fy63"
BODY = b'{"type": "mail.received", "data": {"subject": "Gr\xc3\xbc\xc3\x9fe"}}'


def application(
    destination: str = "https://hooks.crm.example/inbound?token=secret-of-the-url",
    *,
    name: str = "crm",
    secrets: tuple[str, ...] = (SECRET,),
    set_by: SetBy = SetBy.OPERATOR,
    timeout: timedelta = timedelta(seconds=30),
) -> Application:
    return Application(
        tenant="acme",
        name=name,
        destination=destination,
        secrets=secrets,
        set_by=set_by,
        timeout=timeout,
        added_at=NOON,
    )


def call_of(
    key: str = KEY,
    body: bytes = BODY,
    *,
    fence: int = 1,
    unsure: int = 0,
    traceparent: str = "",
) -> Call:
    handover = Handover(
        tenant="acme",
        application="crm",
        key=key,
        mailbox="support",
        identity="rfc5322:1@sender.example",
        received_at=NOON,
        accepted_at=NOON,
        state=State.CALLING,
        due_at=NOON,
        fence=fence,
        unsure=unsure,
    )
    return Call(handover, body, traceparent)
