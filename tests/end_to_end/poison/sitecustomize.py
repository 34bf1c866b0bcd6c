"""Makes a process die of a message that holds POISON, as a bug in a C library would have it.

Python imports this at its start where PYTHONPATH names the directory.
"""

import os
import signal

from postroom.application import consume_job
from postroom.domain.mail.message import Message
from postroom.domain.mail.reader import read_message

POISON = b"X-Poison: yes"


def die_of_poison(raw: bytes) -> Message:
    if POISON in raw:
        os.kill(os.getpid(), signal.SIGKILL)
    return read_message(raw)


consume_job.read_message = die_of_poison  # type: ignore[attr-defined]  # only imported there
