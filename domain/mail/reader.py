"""Read a message: what the sender wrote, out of how MIME wrapped it."""

import html
import re
from collections.abc import Mapping, Sequence
from urllib.parse import unquote

from postroom.domain.failure import Unprocessable
from postroom.domain.mail import fields
from postroom.domain.mail.digest import digest
from postroom.domain.mail.html_text import text_of
from postroom.domain.mail.message import Attachment, Message, TextFrom
from postroom.domain.mail.mime.bodies import HTML, PLAIN, find_bodies
from postroom.domain.mail.mime.charsets import clean_text, decode
from postroom.domain.mail.mime.filenames import safe_filename
from postroom.domain.mail.mime.headers import Headers
from postroom.domain.mail.mime.parts import Part, read_parts

# No longer than an id may be: a number of many digits, as a reference, cannot be unescaped.
_CID = re.compile(rf"""cid:([^"'\s<>)]{{1,{fields.MAX_ID}}})""", re.IGNORECASE)
_ONCE = ("from", "date", "subject", "message-id")


def read_message(raw: bytes) -> Message:
    """Read *raw* as well as can be; the result's *defects* say what was wrong with it.

    Never fails, and takes time in proportion to the size, but raises Unprocessable if there is
    nothing but white space.
    """
    if not raw or raw.isspace():
        raise Unprocessable("the message is empty")
    defects: list[str] = []
    root = read_parts(raw, defects)
    headers = root.headers
    contents = {leaf: leaf.content(defects) for leaf in root.leaves()}
    bodies = find_bodies(root)
    texts = {
        part: clean_text(decode(contents[part], part.charset, defects))
        for part in (*bodies.text, *bodies.html)
    }
    plain = _join([texts[part] for part in bodies.text if part.content_type == PLAIN])
    html_body = _html([(part, texts[part]) for part in bodies.html])
    text = plain or clean_text(text_of(html_body))
    written = fields.written(headers)
    defects += _header_defects(headers)
    return Message(
        message_id=fields.message_id(headers),
        references=fields.references(headers),
        subject=fields.subject(headers),
        sender=fields.sender(headers),
        to=written.to or (),
        cc=written.cc or (),
        sent_at=fields.sent_at(headers),
        text=text,
        text_from=_text_from(plain, text),
        html=html_body,
        attachments=_attachments(root, bodies.files, contents, html_body),
        headers=headers.decoded(),
        raw_headers=headers.raw(),
        written=written,
        defects=tuple(dict.fromkeys(defects)),
        content_digest=digest(root, contents),
    )


def _header_defects(headers: Headers) -> list[str]:
    defects = [f"several {name} headers" for name in _ONCE if len(headers.all(name)) > 1]
    if not fields.sender(headers).email:
        defects.append("no sender")
    if fields.sent_at(headers) is None:
        defects.append("no readable date")
    if headers.get("message-id") and not fields.message_id(headers):
        defects.append("malformed message id")
    return defects


def _join(texts: Sequence[str]) -> str:
    return "\n".join(text for text in texts if text.strip())


def _html(rendering: Sequence[tuple[Part, str]]) -> str:
    """The HTML rendering, with plain text among it kept as it is; empty if it is all plain."""
    if not any(part.content_type == HTML for part, _ in rendering):
        return ""
    return _join(
        [
            text
            if part.content_type == HTML or not text.strip()
            else f"<pre>{html.escape(text)}</pre>"
            for part, text in rendering
        ]
    )


def _text_from(plain: str, text: str) -> TextFrom:
    if plain:
        return TextFrom.PLAIN
    return TextFrom.HTML if text else TextFrom.NONE


def _attachments(
    root: Part, files: Sequence[Part], contents: Mapping[Part, bytes], html_body: str
) -> tuple[Attachment, ...]:
    shown = {unquote(html.unescape(cid)) for cid in _CID.findall(html_body)}
    numbers = {part: number for number, part in root.numbered()}
    return tuple(
        Attachment(
            filename=safe_filename(part.filename, content_type=part.content_type, number=number),
            content_type=part.content_type,
            content=contents[part],
            content_id=part.content_id,
            inline=bool(part.content_id) and part.content_id in shown,
            is_named=bool(part.filename),
            part=numbers[part],
            charset=part.charset,
            disposition=part.disposition,
            languages=tuple(part.headers.get("content-language").replace(",", " ").split()),
            location="".join(part.headers.get("content-location").split()),
        )
        for number, part in enumerate(files, start=1)
    )
