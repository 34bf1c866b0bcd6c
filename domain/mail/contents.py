"""What the links of a message lead to, read out of the message as it came.

Each function takes what can be sent to another process, and time in proportion to its size.
"""

from dataclasses import dataclass, field
from hashlib import sha256

from postroom.domain.mail.html_text import text_of
from postroom.domain.mail.mime.bodies import find_bodies
from postroom.domain.mail.mime.filenames import safe_filename
from postroom.domain.mail.mime.parts import Part, read_parts
from postroom.domain.mail.reader import read_message


@dataclass(frozen=True, slots=True)
class Content:
    """A file; *sha256*, in hex, is of its *body*."""

    filename: str
    content_type: str
    body: bytes = field(repr=False)
    sha256: str


@dataclass(frozen=True, slots=True)
class PartOf:
    """The part of that *number* of the message *raw*."""

    raw: bytes = field(repr=False)
    number: str


def read_part(wanted: PartOf) -> Content | None:
    """The part without its transfer encoding, in its own charset; None if there is none.

    Parts are numbered as in RFC 9051 section 6.4.5: `2`, `1.2`. A multipart is not to be had, and
    what a message within the message holds has no number.
    """
    root = read_parts(wanted.raw, [])
    part = _numbered(root, wanted.number)
    if part is None or part.children:
        return None
    files = find_bodies(root).files
    number = files.index(part) + 1 if part in files else len(files) + 1
    filename = safe_filename(part.filename, content_type=part.content_type, number=number)
    return _content(filename, part.content_type, part.content([]))


def read_html(raw: bytes) -> Content | None:
    """What the sender wrote as HTML, in UTF-8: hostile, as any stranger's."""
    html = read_message(raw).html
    return _content("message.html", "text/html", html.encode()) if html else None


def read_text(raw: bytes) -> Content:
    """All of the text, in UTF-8: of the HTML, where there is no other."""
    message = read_message(raw)
    text = message.text or text_of(message.html)
    return _content("message.txt", "text/plain; charset=utf-8", text.encode(errors="replace"))


def _numbered(root: Part, number: str) -> Part | None:
    if not root.children:
        return root if number == "1" else None
    part = root
    for step in number.split("."):
        place = {str(n): child for n, child in enumerate(part.children, start=1)}
        if step not in place:
            return None
        part = place[step]
    return part


def _content(filename: str, content_type: str, body: bytes) -> Content:
    return Content(filename, content_type, body, sha256(body).hexdigest())
