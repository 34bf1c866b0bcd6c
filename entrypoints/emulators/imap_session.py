"""One connection to the IMAP server of imap_server.py: commands in, responses out."""

import asyncio
import base64
import re
import ssl
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Protocol

from postroom.entrypoints.emulators.imap_folder import Entry, Folder, number_set, render, search

_LITERAL = re.compile(rb"\{(\d+)(\+?)\}\r\n$")
_TOKEN = re.compile(rb'"((?:[^"\\]|\\.)*)"|\x00(\d+)\x00|([^\s"]+)')


Content = Callable[[str, int, bytes], bytes | str | None]
"""What is sent of a user's message, by its UID: content, a refusal (text), or nothing."""


def as_it_is(_user: str, _uid: int, raw: bytes) -> bytes:
    return raw


class Script(Protocol):
    """What a session asks of its server."""

    users: dict[str, str]
    folders: dict[str, dict[str, Folder]]
    tls: ssl.SSLContext | None
    starttls: bool
    capabilities: str
    greeting: str
    refusals: dict[str, str]
    slow: dict[str, float]
    hangs_up: set[str]
    announces_nothing: bool
    seen: list[str]
    idling: asyncio.Event
    arrived: dict[str, asyncio.Event]

    @property
    def content(self) -> Content: ...

    def deliver(
        self,
        user: str,
        raw: bytes,
        *,
        folder: str,
        received_at: datetime | None,
        flags: frozenset[str],
    ) -> int: ...


class Session:
    """*view* is what this client has been told: UIDs by sequence number."""

    def __init__(
        self, server: Script, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.server, self.reader, self.writer = server, reader, writer
        self.user = ""
        self.folder: Folder | None = None
        self.read_only = self.idling = self.closing = False
        self.view: list[int] = []

    async def run(self) -> None:
        self._send(f"* {self.server.greeting or f'OK [CAPABILITY {self._capabilities}] ready'}")
        if self.server.greeting.startswith("BYE"):
            return
        while not self.closing:
            line, literals = await self._read_command()
            tag, verb, rest = _split(line)
            await self._answer(tag, verb, rest, literals)

    async def _answer(self, tag: str, verb: str, rest: bytes, literals: list[bytes]) -> None:
        self.server.seen.append(verb)
        self.server.arrived[verb].set()
        await asyncio.sleep(self.server.slow.get(verb, 0))
        if verb in self.server.hangs_up:
            raise EOFError
        self._tokens = [_token(match, literals) for match in _TOKEN.finditer(rest)]
        self._rest = rest.decode("utf-8", "replace")
        handler = getattr(self, f"_do_{verb.lower().replace(' ', '_')}", None)
        if verb in self.server.refusals:
            result = self.server.refusals[verb]
        elif not rest.isascii():  # RFC 3501 section 9, QUOTED-CHAR; other text goes by literal
            result = "BAD 8-bit data outside a literal"
        else:
            result = await handler() if handler else "BAD unknown command"
        # No EXPUNGE may be told during a command that goes by sequence numbers.
        self.catch_up(expunged=verb not in ("FETCH", "STORE", "SEARCH"))
        self._send(f"{tag} {result}")
        if verb == "STARTTLS" and result.startswith("OK"):
            assert self.server.tls
            await self.writer.start_tls(self.server.tls)
        await self.writer.drain()

    async def _read_command(self) -> tuple[bytes, list[bytes]]:
        """A line in which each literal is replaced by its index between NULs; and the literals."""
        line, literals = b"", list[bytes]()
        while match := _LITERAL.search(part := await self._read_line()):
            if not match[2]:
                self._send("+ go on")
            line += part[: match.start()] + b"\x00%d\x00" % len(literals)
            literals.append(await self.reader.readexactly(int(match[1])))
        return line + part.removesuffix(b"\r\n"), literals

    async def _read_line(self) -> bytes:
        line = await self.reader.readline()
        if not line.endswith(b"\r\n"):
            raise EOFError
        return line

    def _send(self, text: str | bytes) -> None:
        self.writer.write((text.encode() if isinstance(text, str) else text) + b"\r\n")

    def catch_up(self, *, expunged: bool = True) -> None:
        """Tell the client how the folder differs from its view (RFC 3501 section 7.3, 7.4)."""
        if self.folder is None:
            return
        uids = list(self.folder.messages)
        for uid in [uid for uid in self.view if uid not in self.folder.messages]:
            if expunged:
                self._send(f"* {self.view.index(uid) + 1} EXPUNGE")
                self.view.remove(uid)
        if new := [uid for uid in uids if uid not in self.view]:
            self.view += new
            self._send(f"* {len(self.view)} EXISTS")

    # --- Any state ------------------------------------------------------------------------------

    @property
    def _capabilities(self) -> str:
        """As with Gmail, IDLE is offered only after the login."""
        if self.user:
            return self.server.capabilities
        protected = self.writer.get_extra_info("ssl_object") is not None
        offers = self.server.starttls and not protected
        starttls = " STARTTLS LOGINDISABLED" if offers else ""
        return self.server.capabilities.replace(" IDLE", "") + starttls

    async def _do_capability(self) -> str:
        self._send(f"* CAPABILITY {self._capabilities}")
        return "OK done"

    async def _do_noop(self) -> str:
        return "OK done"

    async def _do_logout(self) -> str:
        self._send("* BYE see you")
        self.closing = True
        return "OK done"

    # --- Not authenticated ----------------------------------------------------------------------

    async def _do_starttls(self) -> str:
        return "OK begin" if self.server.starttls else "BAD no TLS here"

    async def _do_login(self) -> str:
        user, password = (token.decode() for token in self._tokens)
        return self._log_in(user, password)

    async def _do_authenticate(self) -> str:
        if self._tokens[0].upper() != b"PLAIN":
            return "NO [CANNOT] only PLAIN"
        self._send("+ ")
        _, user, password = base64.b64decode(await self._read_line()).decode().split("\x00")
        return self._log_in(user, password)

    def _log_in(self, user: str, password: str) -> str:
        if self.server.users.get(user) != password:
            return "NO [AUTHENTICATIONFAILED] wrong user name or password"
        self.user = user
        return "OK logged in"

    # --- Authenticated --------------------------------------------------------------------------

    async def _do_select(self) -> str:
        self.folder, self.view = None, []
        name = self._tokens[0].decode()
        folder = self.server.folders[self.user].get(name)
        if folder is None:
            return "NO [NONEXISTENT] no such folder"
        self.folder, self.read_only, self.view = folder, False, list(folder.messages)
        self._send(r"* FLAGS (\Seen \Deleted)")
        self._send(f"* {len(self.view)} EXISTS")
        self._send("* 0 RECENT")
        self._send(f"* OK [UIDVALIDITY {folder.uid_validity}] valid")
        self._send(f"* OK [UIDNEXT {folder.uid_next}] next")
        return "OK [READ-WRITE] open"

    async def _do_examine(self) -> str:
        result = await self._do_select()
        self.read_only = True
        return result.replace("READ-WRITE", "READ-ONLY")

    async def _do_list(self) -> str:
        for name in self.server.folders[self.user]:
            self._send(rf'* LIST (\HasNoChildren) "/" "{name}"')
        return "OK listed"

    async def _do_append(self) -> str:
        name, *middle, raw = self._tokens
        if name.decode() not in self.server.folders[self.user]:
            return "NO [TRYCREATE] no such folder"
        received_at = None
        if date := re.search(r'"(.{20} [+-]\d{4})"', self._rest):
            received_at = datetime.strptime(date[1].strip(), "%d-%b-%Y %H:%M:%S %z")
        flags = frozenset(token.decode().strip("()") for token in middle if b"\\" in token)
        uid = self.server.deliver(
            self.user, raw, folder=name.decode(), received_at=received_at, flags=flags
        )
        validity = self.server.folders[self.user][name.decode()].uid_validity
        return f"OK [APPENDUID {validity} {uid}] kept"

    # --- Selected -------------------------------------------------------------------------------

    async def _do_idle(self) -> str:
        self._send("+ idling")
        if not self.server.announces_nothing:
            self.catch_up()
        self.idling = True
        self.server.idling.set()
        line = await self._read_line()
        self.idling = False
        return "OK idled" if line.upper() == b"DONE\r\n" else "BAD expected DONE"

    async def _do_search(self) -> str:
        return self._search(by_uid=False)

    async def _do_uid_search(self) -> str:
        return self._search(by_uid=True)

    async def _do_fetch(self) -> str:
        return self._fetch(by_uid=False)

    async def _do_uid_fetch(self) -> str:
        return self._fetch(by_uid=True)

    async def _do_store(self) -> str:
        numbers, how, flags = self._rest.split(" ", 2)
        changed = set(flags.strip("()").split())
        for entry in self._named(numbers, by_uid=False):
            flags_now = entry.message.flags
            entry.message.flags = flags_now - changed if how[0] == "-" else flags_now | changed
        return "OK stored"

    async def _do_expunge(self) -> str:
        assert self.folder
        for uid, message in list(self.folder.messages.items()):
            if r"\Deleted" in message.flags:
                del self.folder.messages[uid]
        return "OK expunged"

    def _entries(self) -> list[Entry]:
        assert self.folder
        messages = self.folder.messages
        known = [(number, uid) for number, uid in enumerate(self.view, 1) if uid in messages]
        return [Entry(number, uid, messages[uid]) for number, uid in known]

    def _named(self, numbers: str, *, by_uid: bool) -> list[Entry]:
        keyed = {(entry.uid if by_uid else entry.number): entry for entry in self._entries()}
        wanted = number_set(numbers, list(keyed))
        return [entry for key, entry in keyed.items() if key in wanted]

    def _search(self, *, by_uid: bool) -> str:
        if self._tokens[0].upper() == b"CHARSET":
            return "NO [BADCHARSET (US-ASCII)] as with Exchange Online"
        try:
            found = search(self._entries(), [token.decode() for token in self._tokens])
        except ValueError as error:
            return f"BAD {error}"
        numbers = [entry.uid if by_uid else entry.number for entry in found]
        self._send(" ".join(["* SEARCH", *map(str, numbers)]))
        return "OK searched"

    def _fetch(self, *, by_uid: bool) -> str:
        numbers, _, items = self._rest.partition(" ")
        for entry in self._named(numbers, by_uid=by_uid):
            sent = entry if "BODY" not in items.upper() else self._scripted(entry)
            if isinstance(sent, str):
                return sent
            if sent:
                self._send(render(sent, items, by_uid=by_uid, read_only=self.read_only))
        return "OK fetched"

    def _scripted(self, entry: Entry) -> Entry | str | None:
        """The message as it is to be sent, or a refusal; None: there is nothing to say of it."""
        raw = entry.message.raw
        content = self.server.content(self.user, entry.uid, raw)
        if not isinstance(content, bytes):
            return content
        if content != raw:
            entry = replace(entry, message=replace(entry.message, raw=content))
        return entry


def _split(line: bytes) -> tuple[str, str, bytes]:
    """Tag, verb (`UID FETCH` is one) and the rest of a command."""
    tag, _, rest = line.partition(b" ")
    verb, _, rest = rest.partition(b" ")
    if verb.upper() == b"UID":
        second, _, rest = rest.partition(b" ")
        verb += b" " + second
    return tag.decode(), verb.decode().upper(), rest


def _token(match: re.Match[bytes], literals: list[bytes]) -> bytes:
    quoted, literal, atom = match.groups()
    if literal is not None:
        return literals[int(literal)]
    return atom if quoted is None else re.sub(rb"\\(.)", rb"\1", quoted)
