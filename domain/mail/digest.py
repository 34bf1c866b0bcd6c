"""The digest that tells messages of one Message-ID apart, whoever wrapped them and how.

A provider may build the MIME of a message for each request, so it is taken over decoded content:
the author, the date and the subject, and of each part its type and what it holds. Boundaries,
transfer encodings, charsets, the order of header fields and line ends make no difference.
"""

from collections.abc import Iterable, Iterator, Mapping

from postroom.domain.identity import content_digest
from postroom.domain.mail import fields
from postroom.domain.mail.mime.charsets import clean_text, decode
from postroom.domain.mail.mime.headers import Headers
from postroom.domain.mail.mime.parts import MAX_PARTS, TOO_MANY_PARTS, Part, read_parts

MAX_NESTED = 5
"""Messages attached to messages that are looked into; what lies deeper counts as it was sent."""


def digest(root: Part, contents: Mapping[Part, bytes]) -> str:
    """The digest of the message *root*, given the decoded content of each of its leaves."""
    return content_digest(_of_message(root.headers, contents, MAX_PARTS, MAX_NESTED))


def _of_message(
    headers: Headers, contents: Mapping[Part, bytes], limit: int, depth: int
) -> Iterator[bytes]:
    sent_at = fields.sent_at(headers)
    yield fields.sender(headers).email.encode()
    yield (sent_at.isoformat() if sent_at else headers.get("date")).encode()
    yield fields.subject(headers).encode()
    for leaf, content in contents.items():
        yield leaf.content_type.encode()
        if leaf.content_type == "message/rfc822" and depth:
            yield from _of_nested(content, limit // len(contents), depth - 1)
        elif leaf.content_type.startswith("text/"):
            yield clean_text(decode(content, leaf.charset, [])).rstrip("\n").encode()
        else:
            yield content


def _of_nested(content: bytes, limit: int, depth: int) -> Iterable[bytes]:
    """An attached message; *limit* is shared among siblings so that all of them stay within it."""
    defects: list[str] = []
    root = read_parts(content, defects, limit=limit)
    if TOO_MANY_PARTS in defects:
        return [content]
    contents = {leaf: leaf.content([]) for leaf in root.leaves()}
    return _of_message(root.headers, contents, limit, depth)
