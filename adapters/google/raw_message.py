"""Reads a message out of Gmail's JSON as it comes: it is in memory once, and not five times.

`messages.get` with `format=raw` answers with an object one of whose texts, `raw`, is the message in
base64url (RFC 4648 section 5), with or without padding. What is in there is decoded by the chunk;
all else is left to a JSON parser. `"raw"` with a colon behind is a key, and no part of another
text: there its second quote would be escaped.
"""

import base64
import binascii
import json
import re
from dataclasses import dataclass, field

_KEY = re.compile(rb'"raw"\s{0,64}:\s{0,64}"')
_LONGEST_KEY = 140
"""What `_KEY` matches at the most."""


class UnreadableMessage(ValueError):
    """It is no base64url."""


@dataclass(slots=True)
class RawReader:
    """*rest* is the JSON object with an empty text for `raw`."""

    rest: bytearray = field(default_factory=bytearray)
    _raw: bytearray = field(default_factory=bytearray)
    _undecoded: bytes = b""
    _escaped: bytes = b""
    _began: bool = False
    _ended: bool = False
    _is_padded: bool = False

    def __call__(self, chunk: bytes) -> None:
        """Raises UnreadableMessage."""
        if not self._began:
            chunk = self._begin(chunk)
        if self._began and not self._ended:
            text, quote, chunk = chunk.partition(b'"')
            self._decode(text)
            if quote:
                self._end()
                chunk = quote + chunk
        if self._ended:
            self.rest += chunk

    def message(self) -> bytes:
        """Empty if there was none."""
        return bytes(self._raw)

    def _begin(self, chunk: bytes) -> bytes:
        """What of *chunk* belongs to the text."""
        searched = max(len(self.rest) - _LONGEST_KEY, 0)
        self.rest += chunk
        if not (key := _KEY.search(self.rest, searched)):
            return b""
        self._began = True
        chunk = bytes(self.rest[key.end() :])
        del self.rest[key.end() :]
        return chunk

    def _decode(self, text: bytes) -> None:
        if self._escaped or b"\\" in text:  # padding, which Google may write so: \u003d
            text, escape, escaped = text.partition(b"\\") if not self._escaped else (b"", b"", text)
            self._escaped += escape + escaped
        text = self._undecoded + text
        whole = len(text) - len(text) % 4
        self._undecoded = text[whole:]
        self._add(text[:whole])

    def _end(self) -> None:
        self._ended = True
        last = self._undecoded + self._unescaped()
        self._add(last + b"=" * (-len(last) % 4))
        self._undecoded = b""

    def _unescaped(self) -> bytes:
        try:
            return str(json.loads(b'"' + self._escaped + b'"')).encode("ascii")
        except ValueError:
            raise UnreadableMessage from None

    def _add(self, text: bytes) -> None:
        if text and self._is_padded:
            raise UnreadableMessage
        try:
            self._raw += base64.b64decode(text, altchars=b"-_", validate=True)
        except binascii.Error:
            raise UnreadableMessage from None
        self._is_padded = self._is_padded or text.endswith(b"=")
