"""Small mail for tests, and the message that is read in it."""

from postroom.domain.mail.message import Message
from postroom.domain.mail.reader import read_message


def mail(*lines: str, body: str = "text") -> bytes:
    """Of header *lines* and a *body*."""
    return "\r\n".join([*lines, "", body]).encode()


def message(*lines: str, body: str = "text") -> Message:
    return read_message(mail(*lines, body=body))


def multipart(kind: str, *parts: str, head: tuple[str, ...] = ()) -> bytes:
    """A multipart/*kind* of *parts*, each a header and a body."""
    body = "".join(f"--b\r\n{part}\r\n" for part in parts) + "--b--\r\n"
    return mail(*head, f"Content-Type: multipart/{kind}; boundary=b", body=body)
