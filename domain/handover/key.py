"""The name of a handover: the same for a message whenever and however often it is accepted."""

import base64
import hashlib

from postroom.domain.identity import MessageIdentity

_RULE = "postroom-handover-1"
"""Its number grows with the definition of the digest; keys that are stored stay as they are."""

_SEPARATOR = "\x1f"
_SIZE = 20


def handover_key(tenant: str, mailbox: str, identity: MessageIdentity) -> str:
    """36 characters of `[a-z2-7_]`: no dot, which separates what is signed.

    It is derived, so that a database that was restored, or a mailbox that is listed again, brings
    no second one. The source of the message is no part of it, since a copy has another.
    """
    text = _SEPARATOR.join([_RULE, tenant, mailbox, identity.name, identity.digest])
    digest = hashlib.sha256(text.encode()).digest()[:_SIZE]
    return "msg_" + base64.b32encode(digest).decode("ascii").lower()
