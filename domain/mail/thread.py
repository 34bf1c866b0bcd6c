"""Which conversation a message says that it belongs to: a stranger can say anything."""

from dataclasses import dataclass

from postroom.domain.identity import normalise_message_id
from postroom.domain.mail.message import Message


@dataclass(frozen=True, slots=True)
class ThreadIds:
    """Normalised ids, or None: *root* opened the conversation, *parent* is what is answered."""

    root: str | None
    parent: str | None


def thread_of(message: Message) -> ThreadIds:
    """The first of the references, and of In-Reply-To (RFC 5322 section 3.6.4).

    Programs that write no In-Reply-To put what they answer last among the references.
    """
    references = message.references
    answered = map(normalise_message_id, message.written.in_reply_to or ())
    others = (id_ for id_ in answered if id_ != message.message_id)
    return ThreadIds(
        root=next(iter(references), None),
        parent=next(others, references[-1] if references else None),
    )
