"""Encoded words in header fields (RFC 2047): `=?utf-8?q?caf=C3=A9?=` says `café`."""

import binascii
import re
from collections.abc import Iterator
from itertools import groupby

from postroom.domain.mail.mime.charsets import clean_line, decode
from postroom.domain.mail.mime.transfer import decode_base64

_START = re.compile(r"=\?([^?\s]{1,60})\?([BbQq])\?")


def decode_words(value: str) -> str:
    """*value* with its encoded words decoded, as one clean line."""
    if "=?" not in value:
        return clean_line(value)
    text = []
    # A character may be split over words, so bytes of one charset are joined before decoding.
    for charset, pieces in groupby(_pieces(value), key=lambda piece: piece[0]):
        data = b"".join(data for _, data in pieces)
        text.append(decode(data, charset, []) if charset else data.decode())
    return clean_line("".join(text))


def _pieces(value: str) -> Iterator[tuple[str, bytes]]:
    """(charset, bytes) for each word and (empty, UTF-8) for the text between.

    White space that only separates two words is not part of the text (RFC 2047 section 6.2).
    """
    at = 0
    while start := _START.search(value, at):
        end = value.find("?=", start.end())
        if end < 0:
            break
        between = value[at : start.start()]
        if between.strip():
            yield "", between.encode()
        charset, encoding = start[1].partition("*")[0].lower(), start[2].lower()
        yield charset, _payload(value[start.end() : end].encode(), encoding)
        at = end + 2
    yield "", value[at:].encode()


def _payload(data: bytes, encoding: str) -> bytes:
    return decode_base64(data, []) if encoding == "b" else binascii.a2b_qp(data, header=True)
