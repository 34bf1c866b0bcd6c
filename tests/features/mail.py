"""Messages, as their senders wrote them."""

from email.message import EmailMessage
from uuid import uuid4


def mail(
    subject: str = "A question",
    *,
    message_id: str | None = "",
    replies_to: str = "",
    text: str = "Hello!",
    attachment: str = "",
) -> bytes:
    """A message; *message_id* None leaves it without, and empty makes one up."""
    message = EmailMessage()
    message["From"] = "Ada Lovelace <ada@example.org>"
    message["To"] = "support@example.test"
    message["Subject"] = subject
    if message_id is not None:
        message["Message-ID"] = message_id or f"<{uuid4().hex}@example.org>"
    if replies_to:
        message["In-Reply-To"] = replies_to
    message.set_content(text)
    if attachment:
        message.add_attachment(b"%PDF-", maintype="application", subtype="pdf", filename=attachment)
    return message.as_bytes()
