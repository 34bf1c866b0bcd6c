"""Header fields, their parameters and their addresses, as they come."""

import pytest

from postroom.domain.mail.message import Address
from postroom.domain.mail.mime.addresses import read_addresses
from postroom.domain.mail.mime.headers import read_headers
from postroom.domain.mail.mime.parameters import read_parameters

MALFORMED = "malformed header line"
NO_BLANK_LINE = "no blank line after the headers"
A, B = ("", "a@x.test"), ("", "b@x.test")


def headers_of(block: bytes) -> tuple[dict[str, str], bytes, list[str]]:
    defects: list[str] = []
    headers, body = read_headers(block, 0, len(block), defects)
    return dict(headers.fields), block[body:], defects


@pytest.mark.parametrize(
    ("block", "fields", "body", "defects"),
    [
        (b"A: 1\r\nB: 2\r\n\r\nbody", {"A": "1", "B": "2"}, b"body", []),
        (b"A: 1\nB: 2\n\nbody", {"A": "1", "B": "2"}, b"body", []),
        (b"\r\nbody", {}, b"body", []),
        (b"A: 1", {"A": "1"}, b"", []),
        (b"A: one\r\n\ttwo\r\n  three\r\n\r\n", {"A": "one two  three"}, b"", []),
        (b"A   : 1\n\n", {"A": "1"}, b"", []),
        (b"A:\n\n", {"A": ""}, b"", []),
        (b"A: 1\nno field\nB: 2\n\nbody", {"A": "1", "B": "2"}, b"body", [MALFORMED]),
        (b"A: 1\nno field\n folded\nB: 2\n\n", {"A": "1", "B": "2"}, b"", [MALFORMED]),
        (b"A: 1\nDear all,\n\nbody", {"A": "1"}, b"Dear all,\n\nbody", [NO_BLANK_LINE]),
        (b"A: 1\n--b\nB: 2\n\nbody", {"A": "1"}, b"--b\nB: 2\n\nbody", [NO_BLANK_LINE]),
        (b"A: 1\n \n\nbody", {"A": "1"}, b"body", []),
    ],
)  # fmt: skip
def test_header_fields_are_read_past_what_is_wrong(
    block: bytes, fields: dict[str, str], body: bytes, defects: list[str]
) -> None:
    assert headers_of(block) == (fields, body, defects)


@pytest.mark.parametrize(
    ("value", "main", "parameters"),
    [
        ('Text/Plain; Charset="UTF-8"; a=b', "text/plain", {"charset": "UTF-8", "a": "b"}),
        ('multipart/mixed\tboundary="b"', "multipart/mixed", {"boundary": "b"}),
        ("text/plain;;; charset = x ;", "text/plain", {"charset": "x"}),
        ('a/b; name="a; b=c"; x=y', "a/b", {"name": "a; b=c", "x": "y"}),
        (r'a/b; name="C:\temp\say \"hi\".txt"', "a/b", {"name": r'C:\temp\say "hi".txt'}),
        ("a/b; name=my file.pdf", "a/b", {"name": "my file.pdf"}),
        ('a/b; name="not closed', "a/b", {"name": "not closed"}),
        ('; filename="x.png"', "", {"filename": "x.png"}),
        ("a/b; name==?utf-8?q?caf=C3=A9?=", "a/b", {"name": "café"}),
        ("a/b; name*=utf-8'en'caf%C3%A9; name=cafe", "a/b", {"name": "café"}),
        ("a/b; name*=caf%C3%A9", "a/b", {"name": "café"}),
        ("a/b; name*1*=%A9.txt; name*0*=utf-8''caf%C3", "a/b", {"name": "café.txt"}),
        ('a/b; name*0="one "; name*1="two"', "a/b", {"name": "one two"}),
        ("a/b; name*=iso-8859-1''%FC; name*0*=x", "a/b", {"name": "ü"}),
        ("a/b; name*99999=x; =y; *=z", "a/b", {}),
        ("", "", {}),
    ],
)  # fmt: skip
def test_parameters_are_read_in_every_form(
    value: str, main: str, parameters: dict[str, str]
) -> None:
    assert read_parameters(value) == (main, parameters)


@pytest.mark.parametrize(
    ("value", "addresses"),
    [
        ("a@x.test", [("", "a@x.test")]),
        ("Jane Doe <jane@x.test>", [("Jane Doe", "jane@x.test")]),
        ('"Doe, Jane" <jane@x.test>, b@x.test', [("Doe, Jane", "jane@x.test"), ("", "b@x.test")]),
        ("Doe, Jane <jane@x.test>", [("Doe, Jane", "jane@x.test")]),
        (r'"say \"hi\"" <a@x.test>', [('say "hi"', "a@x.test")]),
        ("a@x.test (Jane (the first) Doe)", [("Jane the first Doe", "a@x.test")]),
        ("(ignored) Jane <a@x.test>", [("Jane", "a@x.test")]),
        ("us: a@x.test, B <b@x.test>;, c@x.test", [A, ("B", "b@x.test"), ("", "c@x.test")]),
        ("undisclosed-recipients:;", []),
        ("=?utf-8?q?Zo=C3=AB?= <z@x.test>", [("Zoë", "z@x.test")]),
        ('"=?utf-8?q?Zo=C3=AB=2C?= van" <z@x.test>', [("Zoë, van", "z@x.test")]),
        ("=?utf-8?q?Zo=C3=AB_=3Cz=40x=2Etest=3E?=", [("Zoë", "z@x.test")]),
        ("jane@x.test <jane@x.test>", [("jane@x.test", "jane@x.test")]),
        ("<@relay.test:a@x.test>", [("", "a@x.test")]),
        ("<a@x.test> <b@x.test>", [A, B]),
        ("a@x.test b@x.test", [A, B]),
        ("a @ x.test", [A]),
        ("(both) and a@x.test b@x.test", [A, B]),
        ('<"a b"@x.test>', [("", '"a b"@x.test')]),
        ("Jane Doe a@x.test", [("Jane Doe", "a@x.test")]),
        ('"Jane Doe" a@x.test', [("Jane Doe", "a@x.test")]),
        ('"a b"@x.test', [("", '"a b"@x.test')]),
        (r"Jane (known as :\)) <a(work)@x.test (here)>", [("Jane", "a@x.test")]),
        (r"a@x.test (\(Jane\))", [("(Jane)", "a@x.test")]),
        ("Jane <a@x.test", [("Jane", "a@x.test")]),
        ("Jane (known as (J) <a@x.test>, b@x.test", [("Jane known as J", "a@x.test"), B]),
        ('Jane 5" <a@x.test>', [('Jane 5"', "a@x.test")]),
        ("Jane < a@ x.test >", [("Jane", "a@x.test")]),
        ("Postmaster", [("Postmaster", "")]),
        ("Jane, b@x.test", [("Jane", ""), ("", "b@x.test")]),
        ("<>", []),
        (",,;", []),
    ],
)  # fmt: skip
def test_addresses_are_read_in_every_form(value: str, addresses: list[tuple[str, str]]) -> None:
    assert read_addresses(value) == tuple(Address(*address) for address in addresses)
