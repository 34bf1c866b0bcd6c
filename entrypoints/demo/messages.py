"""The messages of the demo, as their senders' programs would have written them."""

import base64
from email.message import EmailMessage
from email.utils import format_datetime

from postroom.application.ports import Clock
from postroom.domain.identity import normalise_message_id

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
"""A PNG image of one pixel."""


def compose(
    clock: Clock, name: str, subject: str, text: str, *, sender: str, answers: str = ""
) -> EmailMessage:
    """A message whose Message-ID is made of *name*; *answers* is the name of another."""
    message = EmailMessage()
    message["From"] = sender
    message["To"] = "Support <support@contoso.example>"
    message["Subject"] = subject
    message["Date"] = format_datetime(clock.now())
    message["Message-ID"] = _message_id(name)
    if answers:
        message["In-Reply-To"] = message["References"] = _message_id(answers)
    message.set_content(text)
    return message


def with_inline_image(message: EmailMessage, html: str) -> EmailMessage:
    """Add *html*, and the image that it shows as `cid:logo`."""
    message.add_alternative(html, subtype="html")
    *_, shown = message.iter_parts()
    shown.add_related(PIXEL, "image", "png", cid="<logo>", filename="logo.png")
    return message


def with_files(message: EmailMessage) -> EmailMessage:
    message.add_attachment(
        b"%PDF-1.4\n%%EOF\n", maintype="application", subtype="pdf", filename="Rechnung März.pdf"
    )
    message.add_attachment("item;count\nchair;4\n", subtype="csv", filename="order.csv")
    return message


def broken() -> bytes:
    """A space before a colon, raw 8-bit text, a boundary that never comes, no closing: all real."""
    lines = [
        b"From : =?utf-8?q?J=C3=BCrgen?= <juergen@example.com>",
        b"Subject: Gr\xfc\xdfe aus M\xfcnchen",
        b"Message-ID: " + _message_id("broken").encode(),
        b'Content-Type: multipart/mixed; boundary="never"',
        b"",
        b"Please call me back.",
    ]
    return b"\r\n".join(lines)


def identity_of(name: str) -> str:
    """The identity under which the outcome of the message can be looked up."""
    return f"rfc5322:{normalise_message_id(_message_id(name))}"


def _message_id(name: str) -> str:
    return f"<{name}.demo@mail.example.com>"
