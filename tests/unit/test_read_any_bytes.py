"""read_message on bytes that nobody has thought of, on sound mail, and at its bounds."""

from email.headerregistry import Address as StandardAddress
from email.message import EmailMessage
from email.policy import SMTP

from hypothesis import given
from hypothesis import strategies as st

from postroom.domain.failure import Unprocessable
from postroom.domain.mail.message import Address, Message, TextFrom
from postroom.domain.mail.mime.filenames import MAX_LENGTH
from postroom.domain.mail.reader import read_message
from tests.samples import NAMES, sample

PIECES = [
    b"\r\n", b"\n", b"\r", b" ", b"\t", b"\n\n", b"--b", b"\n--b\n", b"\n--b--\n", b"\n--c\n",
    b"From ", b"From: ", b"To: ", b"Subject: ", b"Date: ", b"Message-ID: ", b"References: ",
    b"Content-ID: ", b"Content-Type: multipart/mixed; boundary=b\n\n",
    b"Content-Type: multipart/alternative; boundary=c\n\n", b"Content-Type: text/html\n\n",
    b"Content-Type: message/rfc822\n\n", b"Content-Type: ", b"text/plain", b"; charset=",
    b"utf-7", b"utf-16", b"iso-2022-jp", b"hz", b"idna", b"\xff\xfe", b"\xd8\x00", b"+2AA-",
    b"Content-Transfer-Encoding: base64\n", b"Content-Transfer-Encoding: quoted-printable\n",
    b"Content-Transfer-Encoding: x-uuencode\n\n", b"begin 644 a\n", b"M", b"=", b"=3D", b"AAAA",
    b"Content-Disposition: attachment; filename", b"*0*=", b"*=", b"utf-8''", b"%C3", b'"', b"\\",
    b";", b"=?", b"=?utf-8?q?", b"=?utf-7?b?", b"?=", b"<", b">", b"(", b")", b"@", b",", b":",
    b"a", b"\xc3", b"\x00", b"cid:a", b"31 Dec 9999 23:59:59 -2300", b"1 Jan 0001 00:00:00 +2300",
]  # fmt: skip
MAIL = st.lists(st.sampled_from(PIECES) | st.binary(max_size=3), max_size=40).map(b"".join)


def texts(message: Message) -> list[str]:
    """Every text of *message*."""
    said = message.written
    fields = (said.author, said.sender, said.reply_to, said.to, said.cc, said.bcc)
    addresses = (message.sender, *(address for field in fields for address in field or ()))
    return [
        message.message_id,
        *message.references,
        *(id_ for ids in (said.message_id, said.in_reply_to, said.references) for id_ in ids or ()),
        message.subject,
        message.text,
        message.html,
        *(text for address in addresses for text in (address.name, address.email)),
        *(text for header in message.headers for text in header),
        *(text for header in message.raw_headers for text in header),
        *(text for file in message.attachments for text in (file.filename, file.content_type)),
        *(text for file in message.attachments for text in (file.content_id, *file.languages)),
        *(text for file in message.attachments for text in (file.charset, file.disposition)),
        *(file.location for file in message.attachments),
        *message.defects,
    ]


def assert_fit_to_keep(message: Message) -> None:
    """PostgreSQL takes no NUL, and UTF-8 no half of a surrogate pair."""
    for text in texts(message):
        text.encode()
        assert "\x00" not in text
    for file in message.attachments:
        assert file.filename
        assert len(file.filename) <= MAX_LENGTH
        assert not set(file.filename) & set("/\\\n")
    assert "\n" not in message.subject
    if message.sent_at:
        assert message.sent_at.utcoffset() is not None


@given(MAIL | st.binary(max_size=200))
def test_any_bytes_are_a_message_unless_they_are_white_space(raw: bytes) -> None:
    try:
        message = read_message(raw)
    except Unprocessable:
        assert not raw.strip()
    else:
        assert_fit_to_keep(message)
        assert message == read_message(raw)


@given(st.sampled_from(NAMES), st.data())
def test_any_damage_to_a_message_leaves_a_message(name: str, data: st.DataObject) -> None:
    raw = sample(name)
    start = data.draw(st.integers(0, len(raw)))
    end = data.draw(st.integers(start, min(start + 50, len(raw))))

    message = read_message(raw[:start] + data.draw(MAIL) + raw[end:])

    assert_fit_to_keep(message)


@given(st.sampled_from(NAMES), st.integers(1, 10_000))
def test_a_message_that_is_cut_short_is_a_message(name: str, size: int) -> None:
    assert_fit_to_keep(read_message(sample(name)[:size]))


def test_a_message_says_the_same_whatever_its_line_ends() -> None:
    for name in NAMES:
        unix = sample(name).replace(b"\r\n", b"\n")
        one, other = read_message(unix), read_message(unix.replace(b"\n", b"\r\n"))

        assert (one.subject, one.text, one.html) == (other.subject, other.text, other.html)


# What the standard library can write: where it folds words in other scripts, it loses the space or
# the comma after them.
LATIN = st.lists(st.text("abcXYZ019", min_size=1, max_size=12), min_size=1, max_size=20)
SENTENCE = LATIN.map(" ".join)
WORD = st.text(st.characters(codec="utf-8", categories=["L", "N"]), min_size=1, max_size=12)
LINES = st.text(
    st.characters(codec="utf-8", exclude_categories=["C", "Z"], include_characters=" \n"),
    max_size=200,
)
LOCAL = st.text("abcXYZ019-", min_size=1, max_size=10)
FILE = st.tuples((SENTENCE | WORD).map(lambda name: f"{name[:80]}.bin"), st.binary(max_size=200))


def addresses(names: st.SearchStrategy[str]) -> st.SearchStrategy[StandardAddress]:
    return st.builds(StandardAddress, st.just("") | names, LOCAL, st.just("sender.example"))


def written(text: str) -> str:
    """*text* as it is after the standard library has ended its last line."""
    return text if text.endswith("\n") or not text else f"{text}\n"


def address(standard: StandardAddress) -> Address:
    return Address(standard.display_name, standard.addr_spec)


@given(
    subject=SENTENCE | WORD,
    sender=addresses(SENTENCE | WORD),
    to=st.lists(addresses(SENTENCE), min_size=1, max_size=3),
    text=LINES,
    html=LINES,
    files=st.lists(FILE, max_size=3),
    encoding=st.sampled_from(["quoted-printable", "base64", "8bit"]),
)
def test_what_the_standard_library_writes_is_read_as_it_was_meant(
    *,
    subject: str,
    sender: StandardAddress,
    to: list[StandardAddress],
    text: str,
    html: str,
    files: list[tuple[str, bytes]],
    encoding: str,
) -> None:
    mail = EmailMessage(policy=SMTP)
    mail["Subject"], mail["From"], mail["To"] = subject, sender, to
    mail["Date"] = "Mon, 04 Feb 2030 08:12:29 +0100"
    mail["Message-ID"], mail["References"] = "<c@x.test>", "<a@x.test> <b@x.test>"
    mail.set_content(text, cte=encoding)
    mail.add_alternative(html, subtype="html", cte=encoding)
    for name, content in files:
        mail.add_attachment(content, maintype="application", subtype="x-test", filename=name)

    message = read_message(mail.as_bytes())

    assert message.defects == ()
    assert message.subject == subject
    assert message.sender == address(sender)
    assert message.to == tuple(map(address, to))
    assert (message.message_id, message.references) == ("c@x.test", ("a@x.test", "b@x.test"))
    assert message.text == written(text) or not text.strip()
    assert (message.text_from is TextFrom.PLAIN) == bool(text.strip())
    assert message.html == (written(html) if html.strip() else "")
    assert [file.content for file in message.attachments] == [content for _, content in files]
