"""The envelope of a message, as far as the last server wrote it into the header."""

from collections.abc import Iterable
from dataclasses import dataclass

from postroom.domain.mail.message import Message
from postroom.domain.mail.mime.addresses import read_addresses
from postroom.domain.mail.mime.headers import Headers

_RECIPIENTS = frozenset({"delivered-to", "envelope-to", "x-original-to"})


@dataclass(frozen=True, slots=True)
class Envelope:
    """*mail_from* is empty for the null path of RFC 5321; None is what nobody wrote down.

    *tag* is what stands after `+` in the mailbox's own address.
    """

    mail_from: str | None
    rcpt_to: tuple[str, ...] | None
    tag: str | None


def envelope_of(message: Message, own_address: str) -> Envelope:
    headers = Headers(message.headers)
    rcpt_to = tuple(dict.fromkeys(_delivered_to(headers)))
    addressed = (address.email for address in (*message.to, *message.cc))
    return Envelope(
        mail_from=_mail_from(headers.get("return-path")),
        rcpt_to=rcpt_to or None,
        tag=_tag(own_address, (*rcpt_to, *addressed)),
    )


def _mail_from(return_path: str) -> str | None:
    if not return_path:
        return None
    return next((address.email for address in read_addresses(return_path)), "")


def _delivered_to(headers: Headers) -> Iterable[str]:
    """Of what stands above the first Received alone: a sender can write anything below it."""
    for name, value in headers.fields:
        if name.lower() == "received":
            return
        if name.lower() in _RECIPIENTS:
            yield from (address.email for address in read_addresses(value) if address.email)


def _tag(own_address: str, addresses: Iterable[str]) -> str | None:
    own, _, own_domain = own_address.lower().rpartition("@")
    for address in addresses:
        local, _, domain = address.rpartition("@")
        name, _, tag = local.partition("+")
        if tag and (name.lower(), domain.lower()) == (own, own_domain):
            return tag
    return None
