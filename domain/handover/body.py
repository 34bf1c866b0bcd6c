"""The body of a handover: one message as its application gets it, rendered once, then frozen.

A provider may build the MIME of a message for each request, so a second rendering could differ.
"""

from postroom.domain.handover import body_limits as limits
from postroom.domain.handover.body_content import body_content, body_reply
from postroom.domain.handover.body_derived import (
    body_authentication,
    body_automated,
    body_envelope,
    body_thread,
)
from postroom.domain.handover.body_email import body_email
from postroom.domain.handover.body_fit import fit
from postroom.domain.handover.body_input import Acceptance, BodyOptions
from postroom.domain.handover.body_json import clean, encoded, utc
from postroom.domain.handover.body_links import Links
from postroom.domain.handover.body_types import Data, Identity, MailReceived, Source
from postroom.domain.mail.message import InboundMessage
from postroom.domain.mail.mime.headers import Headers
from postroom.domain.mailbox import Mailbox


def render_body(
    mailbox: Mailbox,
    inbound: InboundMessage,
    html: str | None,
    accepted: Acceptance,
    options: BodyOptions,
) -> bytes:
    """JSON in UTF-8, of at most `options.max_body` bytes. It takes time: a file may be in it.

    *html* is the sanitised HTML; None if there is none, or if it is too large to be sanitised.
    """
    data = _data(mailbox, inbound, clean(html), accepted, options)
    body: MailReceived = {"type": "mail.received", "timestamp": utc(accepted.at), "data": data}
    return encoded(fit(clean(body), options.max_body))


def body_data(
    mailbox: Mailbox,
    inbound: InboundMessage,
    html: str | None,
    accepted: Acceptance,
    options: BodyOptions,
) -> Data:
    """What is said of the message, whatever its size."""
    data: Data = clean(_data(mailbox, inbound, clean(html), accepted, options))
    return data


def _data(
    mailbox: Mailbox,
    inbound: InboundMessage,
    html: str | None,
    accepted: Acceptance,
    options: BodyOptions,
) -> Data:
    message = inbound.message
    links = Links(options.base_url, accepted.key)
    cuts: list[str] = []
    content = body_content(message, html, links, options, cuts)
    reply = body_reply(message, content["text"], options, cuts)
    own_text = reply["text"] if reply and reply["sure"] else message.text
    email = body_email(inbound, links, accepted, options, own_text=own_text, cuts=cuts)
    replayed = accepted.replayed
    return {
        "version": 1,
        "key": accepted.key,
        "keepKeyUntil": utc(accepted.keep_key_until.replace(microsecond=0)),
        "tenant": mailbox.tenant,
        "application": options.application,
        "sequence": accepted.sequence,
        "replay": {"of": replayed.of, "number": replayed.number} if replayed else None,
        "mailbox": {
            "id": mailbox.id,
            "address": mailbox.address,
            "provider": mailbox.provider,
            "folder": inbound.hints.folder[: limits.MAX_SOURCE] or None,
        },
        "identity": _identity(inbound),
        "source": _source(mailbox, inbound),
        "thread": body_thread(message),
        "email": email,
        "envelope": body_envelope(message, mailbox.address, cuts),
        "content": content,
        "reply": reply,
        "automated": body_automated(message, mailbox.address, cuts),
        "authentication": body_authentication(message, inbound.trusted),
        "raw": {"url": links.raw, "size": email["size"], "sha256": email["blobId"]},
        "defects": [defect.replace(" ", "-") for defect in message.defects],
    }


def _identity(inbound: InboundMessage) -> Identity:
    return {
        "name": inbound.identity.name,
        "digest": inbound.identity.digest,
        "normalisedMessageId": inbound.message.message_id or None,
    }


def _source(mailbox: Mailbox, inbound: InboundMessage) -> Source:
    """The provider's id is without our prefix; the header of some mail has a Thread-Index."""
    hints = inbound.hints
    own_id = hints.id or inbound.identity.source.removeprefix(f"{mailbox.provider}:")
    thread_index = Headers(inbound.message.headers).get("thread-index")
    return {
        "id": own_id[: limits.MAX_SOURCE],
        "threadId": hints.thread_id[: limits.MAX_SOURCE] or None,
        "threadIndex": thread_index[: limits.MAX_SOURCE] or None,
        "labels": [label[: limits.MAX_NAME] for label in hints.labels[: limits.MAX_LABELS]],
        "folder": hints.folder[: limits.MAX_SOURCE] or None,
    }
