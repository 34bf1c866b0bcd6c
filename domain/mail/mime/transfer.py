"""Content-Transfer-Encoding (RFC 2045 section 6)."""

import binascii
import re

_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]+")
_NOISE = re.compile("[^a-z0-9]")
_IDENTITY = {"", "7bit", "8bit", "8bits", "binary"}


def decode_transfer(data: bytes, encoding: str, defects: list[str]) -> bytes:
    """*data* without its transfer *encoding*; as it is if the encoding is unknown."""
    match _NOISE.sub("", encoding.lower()):  # real mail has `7-bit`, `quoted printable`, `base64;`
        case "base64":
            return decode_base64(data, defects)
        case "quotedprintable":
            return binascii.a2b_qp(data)
        case "xuuencode" | "uuencode" | "xuue":
            return _decode_uu(data, defects)
        case known if known in _IDENTITY:
            return data
        case _:
            defects.append("unknown transfer encoding")
            return data


def decode_base64(data: bytes, defects: list[str]) -> bytes:
    """What can be decoded of *data*: foreign characters are skipped, a torn end is dropped."""
    try:
        return binascii.a2b_base64(data)
    except binascii.Error:
        defects.append("malformed base64")
    whole = _NOT_BASE64.sub(b"", data)
    if len(whole) % 4 == 1:  # six bits are no byte
        whole = whole[:-1]
    return binascii.a2b_base64(whole + b"=" * (-len(whole) % 4))


def _decode_uu(data: bytes, defects: list[str]) -> bytes:
    frame = (b"", b"end", b"`")
    lines = [
        _decode_uu_line(line)
        for line in data.splitlines()
        if not line.startswith(b"begin ") and line.strip() not in frame
    ]
    if None in lines:
        defects.append("malformed uuencoding")
    return b"".join(filter(None, lines))


def _decode_uu_line(line: bytes) -> bytes | None:
    length = (((line[0] - 32) & 63) * 4 + 5) // 3  # some writers pad a line beyond its length
    if len(line) <= length // 4:  # what a torn line lacks would be made up of zeros
        return None
    try:
        return binascii.a2b_uu(line[:length])
    except binascii.Error:
        return None
