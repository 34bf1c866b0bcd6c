"""Import a mailbox of another system: add it, with what that system has handled of its mail."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from postroom.application.ports import MailboxRegistry, OptionValue, Takeovers
from postroom.application.providers import Providers
from postroom.domain.account import InvalidAccount
from postroom.domain.mailbox import InvalidMailbox, Mailbox, Pause, PausedBy
from postroom.domain.takeover import Takeover, may_be


class ImportRefused(Exception):
    """The mailbox cannot be imported as it is described; the message says why, without secrets."""


class Imported(StrEnum):
    """What became of a mailbox."""

    ADDED = "added"
    BEFORE = "imported before"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedMailbox:
    """A mailbox as another system has it, and what that has handled of its mail.

    *values* are those of the provider's account options, by name; *positions* are by folder. Of
    *handled*, the names of identities, and of *ids*, the provider's own, one is enough for a
    message. *paused* is why it was paused there, and empty if it was not.
    """

    tenant: str
    id: str
    address: str
    provider: str
    values: Mapping[str, OptionValue] = field(repr=False)
    positions: Mapping[str, str] = field(default_factory=dict)
    handled: Mapping[str, datetime] = field(default_factory=dict)
    ids: frozenset[str] = frozenset()
    paused: str = ""


@dataclass(slots=True)
class Taken:
    """Names and addresses of the mailboxes that there are, each with its tenant."""

    names: set[tuple[str, str]]
    addresses: set[tuple[str, str]]

    def add(self, mailbox: Mailbox) -> None:
        self.names.add((mailbox.tenant, mailbox.id))
        self.addresses.add((mailbox.tenant, mailbox.address.lower()))


@dataclass(frozen=True, slots=True)
class ImportMailboxes:
    registry: MailboxRegistry
    takeovers: Takeovers
    providers: Providers

    async def taken(self) -> Taken:
        found = Taken(set(), set())
        for mailbox in await self.registry.all():
            found.add(mailbox)
        return found

    async def __call__(
        self, exported: ExportedMailbox, since: datetime, taken: Taken, *, dry_run: bool = False
    ) -> Imported:
        """Add it, whole or not at all; what came in before *since* is the other system's.

        One that was imported before, from the same moment on, stays as it is. Raises ImportRefused,
        also if another has its name, or its address.
        """
        try:
            mailbox = self._mailbox(exported, since)
        except (InvalidAccount, InvalidMailbox) as error:
            raise ImportRefused(str(error)) from None
        takeover = self._takeover(exported, since)
        self._check_positions(exported, mailbox)
        if (mailbox.tenant, mailbox.id) in taken.names:
            return await self._imported_before(mailbox, since)
        if (mailbox.tenant, mailbox.address.lower()) in taken.addresses:
            raise ImportRefused("the tenant has a mailbox of that address already")
        taken.add(mailbox)
        if not dry_run:
            try:
                await self.takeovers.add(mailbox, takeover, exported.positions)
            except InvalidMailbox as error:
                raise ImportRefused(str(error)) from None
        return Imported.ADDED

    def _mailbox(self, exported: ExportedMailbox, since: datetime) -> Mailbox:
        if exported.provider not in self.providers:
            known = ", ".join(sorted(self.providers))
            raise ImportRefused(f"provider: {exported.provider!r} is none of: {known}")
        accounts = self.providers[exported.provider].accounts
        paused = Pause(PausedBy.OPERATOR, exported.paused, since) if exported.paused else None
        return Mailbox(
            tenant=exported.tenant,
            id=exported.id,
            address=exported.address,
            account=accounts.create(exported.address, exported.values),
            added_at=since,  # lists by date begin there
            paused=paused,
        )

    def _takeover(self, exported: ExportedMailbox, since: datetime) -> Takeover:
        source_of_id = self.providers[exported.provider].source_of_id
        sources = {id_: source_of_id(id_) for id_ in exported.ids}
        if unknown := sorted(id_ for id_, source in sources.items() if not source):
            raise ImportRefused(
                f"{len(unknown)} messages have a source_id alone, and ids of {exported.provider}"
                " are not the same there and here: give their message_id"
            )
        handled = {name: at for name, at in exported.handled.items() if may_be(since, at)}
        return Takeover(since=since, handled=handled, sources=frozenset(sources.values()))

    def _check_positions(self, exported: ExportedMailbox, mailbox: Mailbox) -> None:
        is_position = self.providers[exported.provider].is_position
        for folder, position in exported.positions.items():
            if folder not in mailbox.account.folders:
                raise ImportRefused(f"positions: {folder!r} is no folder of the mailbox")
            if not is_position(position):
                raise ImportRefused(
                    f"positions: that of {folder!r} means nothing here; leave it out, and the"
                    " folder is listed by date"
                )

    async def _imported_before(self, mailbox: Mailbox, since: datetime) -> Imported:
        if await self.takeovers.since(mailbox.tenant, mailbox.id) != since:
            raise ImportRefused(
                "the tenant has a mailbox of that name, which was not imported from this moment on"
            )
        return Imported.BEFORE
