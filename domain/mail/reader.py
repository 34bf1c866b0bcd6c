"""Reading MIME."""

from domain.mail.message import Message


def read_message(raw: bytes) -> Message:
    """Read *raw*. Raises Unprocessable if it is empty."""
    raise NotImplementedError
