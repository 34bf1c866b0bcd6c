"""Parameters of Content-Type and Content-Disposition (RFC 2045 section 5.1, RFC 2231)."""

import re
from urllib.parse import unquote_to_bytes

from postroom.domain.mail.mime.charsets import clean_line, decode
from postroom.domain.mail.mime.encoded_words import decode_words

MAX_PARAMETERS = 100

_HEAD = re.compile(r"[^;\s]*")
_PIECE = re.compile(r'(?:[^;"]++|"(?:[^"\\]++|\\.)*+"?+)++')
_KEY = re.compile(r"([^*]+)(?:\*(\d{1,3}))?(\*)?")
_ESCAPED = re.compile(r'\\(["\\])')  # and nothing else: Windows paths are full of backslashes


def read_parameters(value: str) -> tuple[str, dict[str, str]]:
    """`Text/Plain; Charset="UTF-8"` -> `text/plain`, `{"charset": "UTF-8"}`.

    A value in the extended form (`name*=`, `name*0=`) goes before a plain one (RFC 2231 section 3).
    """
    head = _HEAD.match(value.lstrip())
    main = head[0].lower() if head else ""
    plain: dict[str, str] = {}
    extended: dict[str, dict[int, tuple[str, bool]]] = {}
    pieces = _PIECE.findall(value.lstrip()[len(main) :])
    for piece in pieces[:MAX_PARAMETERS]:
        name, _, text = piece.partition("=")
        key = _KEY.fullmatch(name.strip().lower())
        if not key:
            continue
        base, number, is_encoded = key.groups()
        if number or is_encoded:
            section = (_unquote(text), bool(is_encoded))
            extended.setdefault(base, {}).setdefault(int(number or 0), section)
        else:
            plain.setdefault(base, decode_words(_unquote(text)))
    return main, plain | {base: _join(sections) for base, sections in extended.items()}


def _unquote(text: str) -> str:
    text = text.strip()
    if not text.startswith('"'):
        return text
    return _ESCAPED.sub(r"\1", text[1:].removesuffix('"'))


def _join(sections: dict[int, tuple[str, bool]]) -> str:
    """The value cut into numbered *sections*; the first may begin with `charset'language'`."""
    charset, data = "", b""
    for number, (text, is_encoded) in sorted(sections.items()):
        rest = text
        if is_encoded and not number and text.count("'") >= 2:  # noqa: PLR2004 - two quotes
            charset, _, rest = text.split("'", 2)
        data += unquote_to_bytes(rest) if is_encoded else rest.encode()
    return clean_line(decode(data, charset, []))
