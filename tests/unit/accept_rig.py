"""Messages that are accepted for applications, in memory."""

from collections.abc import Mapping
from hashlib import sha256

from postroom.adapters.memory.blobs import InMemoryBlobStore
from postroom.adapters.memory.offload import AtOnce
from postroom.adapters.memory.sanitiser import PlainSanitiser
from postroom.application.accept_handover import AcceptHandover
from postroom.application.ports import BlobStore, FetchedMessage
from postroom.domain.ingress import Ingress, IngressMode
from postroom.domain.mail.message import InboundMessage
from tests.contracts.samples import NOON
from tests.reading import read_inbound
from tests.unit.handover_rig import Rig

BASE = "https://postroom.example"


def accepting(
    rig: Rig,
    blobs: BlobStore | None = None,
    modes: Mapping[str, IngressMode] | None = None,
) -> AcceptHandover:
    return AcceptHandover(
        applications=rig.applications,
        handovers=rig.handovers,
        events=rig.events,
        blobs=blobs or InMemoryBlobStore(rig.clock),
        sanitise=PlainSanitiser(),
        offload=AtOnce(),
        clock=rig.clock,
        ingress=Ingress(modes or {}),
        base_url=BASE,
    )


def raw_mail(message_id: str = "a@sender.example", text: str = "Hello", html: str = "") -> bytes:
    kind = "text/html; charset=utf-8" if html else "text/plain"
    return (
        f"From: Ann <ann@sender.example>\r\nMessage-ID: <{message_id}>\r\nSubject: Hello\r\n"
        f"Content-Type: {kind}\r\n\r\n{html or text}\r\n"
    ).encode()


def inbound(raw: bytes = b"") -> InboundMessage:
    raw = raw or raw_mail()
    source = f"imap:INBOX:1:{sha256(raw).hexdigest()}"
    return read_inbound(FetchedMessage(source, raw, NOON))
