"""An IMAP server that says what a test wants it to say, and no more."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

HANG_UP = "HANG UP"
"""In an answer: close the connection here."""

CONTINUED = "(continued)"
"""Stands for a line of the client that is not a command, but part of one."""

_DEFAULT = {"CAPABILITY": ["* CAPABILITY IMAP4rev1 IDLE\r\nTAG OK\r\n"]}


@dataclass
class Script:
    """*answers* to each command in turn, the last one from then on; `TAG` stands for its tag."""

    answers: Mapping[str, Sequence[str]]
    greeting: str
    port: int = 0
    connections: int = 0
    received: list[str] = field(default_factory=list)
    writers: list[asyncio.StreamWriter] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.writers.append(writer)
        writer.write(self.greeting.encode())
        tag, hang_up = "", ""
        while not hang_up and (line := await reader.readline()):
            first, command, rest = line.decode().rstrip().partition(" ")
            tag = first if command else tag
            said, hang_up, _ = self._answer(_verb(rest) or CONTINUED).partition(HANG_UP)
            writer.write(said.replace("TAG", tag).encode())
        writer.close()

    def _answer(self, verb: str) -> str:
        answers = self.answers.get(verb, ["TAG OK done\r\n"])
        given = self.received.count(verb)
        self.received.append(verb)
        return answers[min(given, len(answers) - 1)]


def _verb(command: str) -> str:
    words = command.upper().split()
    return " ".join(words[: 2 if words[:1] == ["UID"] else 1])


@asynccontextmanager
async def scripted_imap(
    answers: Mapping[str, Sequence[str]], *, greeting: str = "* OK hello\r\n"
) -> AsyncIterator[Script]:
    """Play the script while the block lasts, on the `port` of what this gives."""
    script = Script({**_DEFAULT, **answers}, greeting)
    server = await asyncio.start_server(script.serve, "127.0.0.1", 0)
    script.port = server.sockets[0].getsockname()[1]
    try:
        yield script
    finally:
        server.close()
        for writer in script.writers:
            writer.transport.abort()
        await server.wait_closed()
