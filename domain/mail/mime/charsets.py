"""Bytes to text that any database, terminal and browser can hold."""

import re
from encodings.aliases import aliases

_ALIASES = {
    "big5": "big5hkscs",
    "gb2312": "gb18030",  # what is labelled GB 2312 is mostly GBK, and GB 18030 holds both
    "gbk": "gb18030",
    "ks_c_5601_1987": "cp949",
    "euc_kr": "cp949",
    "shift_jis": "cp932",
    "x_sjis": "cp932",
    "iso_8859_1": "cp1252",  # https://encoding.spec.whatwg.org/#names-and-labels
    "latin_1": "cp1252",
    "iso_8859_8_i": "iso8859_8",
    "windows_874": "cp874",
    "unicode_1_1_utf_7": "utf_7",
    "utf_8_sig": "utf_8",
}
_NOT_TEXT = {
    "base64_codec", "bz2_codec", "hex_codec", "quopri_codec", "rot_13", "uu_codec", "zlib_codec",
    "idna", "punycode",  # quadratic on hostile input
    "mbcs", "oem", "raw_unicode_escape", "unicode_escape", "undefined",
}  # fmt: skip
_CODECS = {*aliases.values(), "cp874", "koi8_t", "koi8_u"} - _NOT_TEXT
_UNDECLARED = {"", "ascii"}

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]+")
_CONTROL_OR_BREAK = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")


def decode(data: bytes, charset: str, defects: list[str]) -> str:
    """*data* as text in *charset*; where that is unknown or untrue, as UTF-8 or Windows-1252."""
    codec = _codec(charset, defects)
    if codec not in _UNDECLARED:
        try:
            return data.decode(codec)
        except UnicodeError:
            defects.append("text does not fit its charset")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252" if codec in _UNDECLARED else codec, errors="replace")


def clean_text(text: str) -> str:
    """With line feeds alone, and without control characters or halves of surrogate pairs."""
    return _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def clean_line(text: str) -> str:
    """As one line, without control characters, halves of surrogate pairs, or space around it."""
    return _CONTROL_OR_BREAK.sub(" ", text).strip()


def _codec(charset: str, defects: list[str]) -> str:
    """The Python codec for a MIME *charset*, or empty if none is declared or it is unknown."""
    label = re.sub(r"[\s:.-]+", "_", charset.strip().lower()[:40])
    name = _ALIASES.get(label) or aliases.get(label, label)
    name = _ALIASES.get(name, name)
    if not name or name in _CODECS:
        return name
    defects.append("unknown charset")
    return ""
