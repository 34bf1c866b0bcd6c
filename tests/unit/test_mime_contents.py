"""What a part holds, and what it is called."""

from time import process_time

import pytest

from postroom.domain.mail.mime.charsets import clean_line, clean_text, decode
from postroom.domain.mail.mime.filenames import MAX_LENGTH, safe_filename
from postroom.domain.mail.mime.transfer import decode_transfer


@pytest.mark.parametrize(
    ("filename", "content_type", "expected"),
    [
        ("report.pdf", "application/pdf", "report.pdf"),
        ("", "application/pdf", "attachment-3.pdf"),
        ("...", "text/csv", "attachment-3.csv"),
        ("\u202e\u200b", "text/x-log", "attachment-3.txt"),
        ("???", "application/x-thing", "attachment-3.bin"),
        ("/etc/passwd", "text/plain", "passwd"),
        (r"..\..\boot.ini", "text/plain", "boot.ini"),
        ("dir/", "text/plain", "attachment-3.txt"),
        ("gpj.\u202eexe.txt", "text/plain", "gpj.exe.txt"),
        ("a\x00b\r\nc\x1b[0m.txt", "text/plain", "abc[0m.txt"),
        ('a<b>c:d"e|f?g*.txt', "text/plain", "a_b_c_d_e_f_g_.txt"),
        ("CON", "text/plain", "_CON"),
        ("lpt1.tar.gz", "text/plain", "_lpt1.tar.gz"),
        ("console.txt", "text/plain", "console.txt"),
        (" .hidden. ", "text/plain", "hidden"),
        ("cafe\u0301.txt", "text/plain", "café.txt"),
    ],
)  # fmt: skip
def test_a_filename_is_safe_and_never_empty(
    filename: str, content_type: str, expected: str
) -> None:
    assert safe_filename(filename, content_type=content_type, number=3) == expected


def test_a_long_filename_keeps_its_extension() -> None:
    name = safe_filename("x" * 300 + ".pdf", content_type="application/pdf", number=1)

    assert len(name) == MAX_LENGTH
    assert name.endswith("x.pdf")


def test_a_filename_of_many_combining_marks_takes_no_time() -> None:
    began = process_time()

    name = safe_filename("a" + "\u0301\u0316" * 100_000 + ".txt", content_type="", number=1)

    assert name.endswith(".txt")
    assert process_time() - began < 1  # the marks are sorted one by one: it would be a minute


@pytest.mark.parametrize(
    ("data", "charset", "expected", "defects"),
    [
        ("ü".encode(), "utf-8", "ü", []),
        ("ü".encode(), "", "ü", []),
        ("ü".encode(), "us-ascii", "ü", []),
        (b"\xfc \x80", "", "ü €", []),
        (b"\xfc \x80", "ISO-8859-1", "ü €", []),
        (b"\xfc", "x-user-defined", "ü", ["unknown charset"]),
        (b"abc", "zlib", "abc", ["unknown charset"]),
        (b"xn--bcher-kva", "punycode", "xn--bcher-kva", ["unknown charset"]),
        (b"\xfc", "utf-8", "\ufffd", ["text does not fit its charset"]),
        ("ü".encode(), "ascii\0", "ü", ["unknown charset"]),
        ("€".encode("gb18030"), "GB2312", "€", []),
        ("한".encode("cp949"), "ks_c_5601-1987", "한", []),
        ("ї".encode("koi8_u"), "KOI8-U", "ї", []),
        ("あ".encode("cp932"), "Shift_JIS", "あ", []),
    ],
)  # fmt: skip
def test_text_is_decoded_as_declared_or_as_it_can_be(
    data: bytes, charset: str, expected: str, defects: list[str]
) -> None:
    found: list[str] = []

    assert decode(data, charset, found) == expected
    assert found == defects


def test_clean_text_has_line_feeds_and_no_controls() -> None:
    assert clean_text("a\r\nb\rc\td\0\x1b[1m\x9b\ud800\ufffd") == "a\nb\nc\td[1m\ufffd"
    assert clean_line(" a\r\n\tb\0\u2028c\ud800 ") == "a b c"


@pytest.mark.parametrize(
    ("data", "encoding", "expected", "defects"),
    [
        (b"as it is\n", "7bit", b"as it is\n", []),
        (b"=E2=82=AC=\r\n ok", "Quoted Printable", "€ ok".encode(), []),
        (b"aGVsbG8=\r\n", "BASE64;", b"hello", []),
        (b"aGVs\xff bG8", "base64", b"hello", ["malformed base64"]),
        (b"aGVsbG8h-A", "base64", b"hello!", ["malformed base64"]),
        (b"begin 644 a.txt\n%:&5L;&\\\n`\nend\n", "x-uuencode", b"hello", []),
        (b"M\n", "uuencode", b"", ["malformed uuencoding"]),
        (b"x", "rot13", b"x", ["unknown transfer encoding"]),
    ],
)  # fmt: skip
def test_transfer_encodings_are_undone_as_far_as_can_be(
    data: bytes, encoding: str, expected: bytes, defects: list[str]
) -> None:
    found: list[str] = []

    assert decode_transfer(data, encoding, found) == expected
    assert found == defects
