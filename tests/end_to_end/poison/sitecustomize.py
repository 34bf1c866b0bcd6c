"""Makes a process die of a message that holds POISON, as a bug in a C library would have it.

Python imports this at its start where PYTHONPATH names the directory.
"""

import os
import signal

from postroom.application import consume_job
from postroom.application.ports import FetchedMessage
from postroom.domain.mail.message import InboundMessage

POISON = b"X-Poison: yes"

read = consume_job.read_inbound


def die_of_poison(fetched: FetchedMessage) -> InboundMessage:
    if POISON in fetched.raw:
        os.kill(os.getpid(), signal.SIGKILL)
    return read(fetched)


consume_job.read_inbound = die_of_poison
