"""Messages as a worker has them when it has fetched and read them."""

from postroom.application.consume_job import as_inbound
from postroom.application.ports import FetchedMessage
from postroom.domain.mail.message import InboundMessage
from postroom.domain.mail.reader import read_message


def read_inbound(fetched: FetchedMessage) -> InboundMessage:
    return as_inbound(fetched, read_message(fetched.raw))
