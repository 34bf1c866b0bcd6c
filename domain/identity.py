"""What makes a message one of a kind, however often and from wherever it is notified."""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MessageIdentity:
    """The key under which a mailbox handles a message once.

    * *name*: the RFC 5322 Message-ID normalised (`rfc5322:…`), else the provider's own id.
    * *source*: the provider's own stable id of this copy, e.g. `jmap:M1f3`.
    * *digest*: of the content, since the sender chooses the Message-ID: two different messages
      under one Message-ID are two messages.

    Two messages of one mailbox are the same if they share the source, or the name and the digest.
    """

    name: str
    source: str
    digest: str


def identify(message_id: str, *, source: str, digest: str) -> MessageIdentity:
    """Prefer the message's own id; fall back to *source* where it has none."""
    normalised = normalise_message_id(message_id)
    return MessageIdentity(f"rfc5322:{normalised}" if normalised else source, source, digest)


def normalise_message_id(text: str) -> str:
    """`<Abc@Example.ORG>` -> `Abc@example.org`; empty if there is no id in *text*. Idempotent.

    RFC 5322 section 3.6.4. The left side is case-sensitive there, the domain is not (RFC 5321
    section 2.3.11). Folding white space inside the brackets is dropped, as senders do fold ids.
    """
    bare = re.sub(r"\s+", "", text)
    if bracketed := re.search(r"<([^<>]+)>", bare):
        bare = bracketed[1]
    left, at, domain = bare.strip("<>").rpartition("@")
    return f"{left}@{domain.lower()}" if at else domain


def content_digest(parts: Iterable[bytes]) -> str:
    """SHA-256 over *parts*, each prefixed by its length so that no two lists collide."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()
