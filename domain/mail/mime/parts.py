"""The tree of parts of a message (RFC 2046), each a span of the message's own bytes."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from postroom.domain.mail.mime.headers import Headers, read_headers
from postroom.domain.mail.mime.parameters import read_parameters
from postroom.domain.mail.mime.transfer import decode_transfer

MAX_DEPTH = 30
"""Multiparts within multiparts; what lies deeper is kept as one file."""

MAX_PARTS = 1_000
"""Parts of one message; further ones are left out."""

TOO_MANY_PARTS = "too many parts"

MAX_TYPE = 128

# A byte order mark, blank lines, and the separator line of an mbox file are no part of a message.
_PREFACE = re.compile(rb"\s*+(?:\xef\xbb\xbf)?+\s*+(?:>?From (?![ \t]*:)[^\n]*\n)?")
_TYPE = re.compile(r"[!#$&^_.+\w-]+/[!#$&^_.+\w-]+", re.ASCII)
_LIKELY_BOUNDARY = re.compile(rb"(?:^|\n)--(\S[^\r\n]{0,100})\r?\n")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Part:
    """A leaf, or a multipart with *children*. *source* from *start* to *end* is its body."""

    headers: Headers
    content_type: str
    charset: str
    disposition: str
    filename: str
    source: bytes
    start: int
    end: int
    children: tuple["Part", ...] = ()

    @property
    def body(self) -> bytes:
        """The bytes as they were sent."""
        return self.source[self.start : self.end]

    @property
    def content_id(self) -> str:
        return self.headers.get("content-id").strip("<> ")

    def content(self, defects: list[str]) -> bytes:
        """The bytes without their transfer encoding."""
        return decode_transfer(self.body, self.headers.get("content-transfer-encoding"), defects)

    def leaves(self) -> Iterator["Part"]:
        if not self.children:
            yield self
        for child in self.children:
            yield from child.leaves()

    def numbered(self, above: str = "") -> Iterator[tuple[str, "Part"]]:
        """The leaves with their part numbers, as `2.1` (RFC 9051 section 6.4.5)."""
        if not self.children:
            yield above or "1", self
        for number, child in enumerate(self.children, start=1):
            yield from child.numbered(f"{above}.{number}" if above else str(number))


def read_parts(source: bytes, defects: list[str], *, limit: int = MAX_PARTS) -> Part:
    """The tree of the message in *source*; at most *limit* parts of it."""
    if b"\n" not in source:  # line ends of the first Macintosh
        source = source.replace(b"\r", b"\n")
    preface = _PREFACE.match(source)
    start = preface.end() if preface else 0
    return _Reader(source, defects, limit).part(start, len(source), "text/plain", 0)


@dataclass(slots=True)
class _Reader:
    source: bytes
    defects: list[str]
    left: int

    def part(self, start: int, end: int, default: str, depth: int) -> Part:
        """The part from *start* to *end*, of the type *default* if it names none."""
        headers, body = read_headers(self.source, start, end, self.defects)
        disposition, file = read_parameters(headers.get("content-disposition"))
        content_type, parameters = read_parameters(headers.get("content-type"))
        filename = file.get("filename") or parameters.get("name", "")
        content_type = self._type(content_type, default, is_file=bool(filename))
        children: tuple[Part, ...] = ()
        if content_type.startswith("multipart/"):
            boundary = parameters.get("boundary", "").rstrip().encode()
            children = self._children(body, end, boundary, content_type, depth)
            content_type = content_type if children else self._childless(depth)
        return Part(
            headers=headers,
            content_type=content_type,
            charset=parameters.get("charset", "").partition(" ")[0],
            disposition=disposition,
            filename=filename,
            source=self.source,
            start=body,
            end=end,
            children=children,
        )

    def _type(self, content_type: str, default: str, *, is_file: bool) -> str:
        """RFC 2045 section 5.2 makes text of what cannot be read; a file would be spoilt by it."""
        if len(content_type) < MAX_TYPE and _TYPE.fullmatch(content_type):
            return content_type
        if content_type not in ("", "text"):
            self.defects.append("malformed content type")
        return "application/octet-stream" if is_file and content_type else default

    def _children(
        self, start: int, end: int, boundary: bytes, content_type: str, depth: int
    ) -> tuple[Part, ...]:
        if depth == MAX_DEPTH:
            return ()
        spans = list(self._spans(start, end, boundary)) if boundary else []
        if not spans and (likely := _LIKELY_BOUNDARY.search(self.source, start - 1, end)):
            self.defects.append("multipart without its boundary")
            spans = list(self._spans(start, end, likely[1].rstrip()))
        default = "message/rfc822" if content_type == "multipart/digest" else "text/plain"
        return tuple(self.part(*span, default, depth + 1) for span in spans)

    def _childless(self, depth: int) -> str:
        """What a multipart is that has no parts."""
        if depth == MAX_DEPTH:
            self.defects.append("nested too deep")
            return "application/octet-stream"
        self.defects.append("multipart without parts")
        return "text/plain"

    def _spans(self, start: int, end: int, boundary: bytes) -> Iterator[tuple[int, int]]:
        """The spans between the delimiter lines of *boundary*.

        What an outer multipart delimits is cut before what is in it, so an inner one that was never
        closed loses nothing and swallows nothing. Parts after a closing delimiter count as well.
        """
        begin: int | None = None
        for line, line_end, is_closing in self._delimiters(start, end, b"\n--" + boundary):
            if begin is not None:
                if not self.left:
                    self.defects.append(TOO_MANY_PARTS)
                    return
                self.left -= 1
                # The line end before a delimiter belongs to the delimiter (RFC 2046 section 5.1.1).
                stop = line - (self.source[line - 1 : line] == b"\r")
                yield begin, max(begin, stop)
            begin = None if is_closing else line_end + 1
        if begin is not None and begin < end:
            self.defects.append("closing boundary missing")
            yield begin, end

    def _delimiters(self, start: int, end: int, marker: bytes) -> Iterator[tuple[int, int, bool]]:
        """Of each delimiter line: where its line begins and ends, and whether it is the last."""
        line = self.source.find(marker, start - 1, end)
        while line >= 0:
            line_end = self.source.find(b"\n", line + 1, end)
            line_end = end if line_end < 0 else line_end
            tail = self.source[line + len(marker) : line_end].strip()
            if tail in (b"", b"--"):
                yield line, line_end, bool(tail)
            line = self.source.find(marker, line_end, end)
