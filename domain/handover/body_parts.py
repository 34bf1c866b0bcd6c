"""The files of a message in a body (RFC 8621 section 4.1.4)."""

import base64
import hashlib
from collections.abc import Sequence

from postroom.domain.handover import body_limits as limits
from postroom.domain.handover.body_input import Acceptance, BodyOptions, Withheld
from postroom.domain.handover.body_json import fitting
from postroom.domain.handover.body_links import Links
from postroom.domain.handover.body_types import EmailBodyPart
from postroom.domain.mail.detected_type import detected_type
from postroom.domain.mail.message import Attachment

MAX_LANGUAGES = 10


def body_parts(
    files: Sequence[Attachment],
    links: Links,
    accepted: Acceptance,
    options: BodyOptions,
    cuts: list[str],
) -> list[EmailBodyPart]:
    """Those that there is room for; small ones with what they hold, which has no part in that."""
    parts: list[EmailBodyPart] = fitting(
        (_part(file, links, accepted.withheld.get(file.part)) for file in files),
        limits.MAX_ATTACHMENTS_SIZE,
        most=limits.MAX_ATTACHMENTS,
    )
    if len(parts) < len(files):
        cuts.append("email.attachments")
    if any(len(file.content_id) > limits.MAX_FIELD for file in files):
        cuts.append("email.attachments.cid")
    if any(len(file.location) > limits.MAX_FIELD for file in files):
        cuts.append("email.attachments.location")
    inline_below = 0 if options.thin else options.inline_below
    for part, file in zip(parts, files, strict=False):
        if part["size"] < inline_below and not part["withheld"]:
            part["content"] = base64.b64encode(file.content).decode("ascii")
    return parts


def _part(file: Attachment, links: Links, withheld: Withheld | None) -> EmailBodyPart:
    return {
        "partId": file.part,
        "blobId": hashlib.sha256(file.content).hexdigest(),
        "size": len(file.content),
        "name": file.filename[: limits.MAX_NAME] if file.is_named else None,
        "type": file.content_type,
        "charset": _charset(file),
        "disposition": _disposition(file),
        "cid": _whole(file.content_id),
        "language": [each[: limits.MAX_NAME] for each in file.languages[:MAX_LANGUAGES]] or None,
        "location": _whole(file.location),
        "detectedType": detected_type(file.content),
        "withheld": withheld,
        "content": None,
        "url": None if withheld else links.part(file.part),
    }


def _charset(file: Attachment) -> str | None:
    """RFC 8621 has US-ASCII for a text that names none."""
    implied = "us-ascii" if file.content_type.startswith("text/") else None
    return file.charset[: limits.MAX_NAME] or implied


def _disposition(file: Attachment) -> str | None:
    """Programs call files inline that no HTML shows: whoever hid those would lose them."""
    if file.inline:
        return "inline"
    said = file.disposition[: limits.MAX_NAME]
    return "attachment" if said == "inline" else said or None


def _whole(text: str) -> str | None:
    """An id or a URL that is cut would be another."""
    return text if 0 < len(text) <= limits.MAX_FIELD else None
