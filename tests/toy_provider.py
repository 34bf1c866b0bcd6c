"""A whole provider, of a mail server that is a Python object: the pattern for another one.

A real one is a package, `adapters/<name>`, in which each section here is the file that it names.
The core, the queue, the API and the command line know a provider by the one value that `provider`
returns (see application/ports/provider.py), so there is nothing to change in any of them.

What this one leaves out is optional: `subscriptions`, where the provider wants to be asked for its
notifications over and over, and a `listener`, where it holds a connection instead of sending any.
"""

import hashlib
import hmac
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Annotated, ClassVar

from pydantic import BaseModel, Field, ValidationError

from postroom.adapters.http.deps import ProviderDeps
from postroom.application.option_values import texts
from postroom.application.ports import (
    AccountFactory,
    AccountOption,
    Announced,
    Arrival,
    BackfillPage,
    ChangeSource,
    ChangesPage,
    CheckStep,
    Clock,
    FetchedMessage,
    Handshake,
    InvalidWebhook,
    Lifecycle,
    MailboxCheck,
    MessageFetcher,
    Notification,
    NotificationReader,
    NotificationResult,
    OptionValue,
    PendingSignIn,
    PositionExpired,
    Provider,
    Rejected,
    Route,
    Routes,
    SignIn,
    SignInPrompt,
    WebhookDescription,
    WebhookRequest,
    by_subscription,
)
from postroom.domain.account import Account, InvalidAccount, Secret
from postroom.domain.failure import (
    AccessFailed,
    Failure,
    FolderMissing,
    SourceGone,
    Unprocessable,
)
from postroom.domain.folder_sync import Request
from postroom.domain.mailbox import Mailbox
from postroom.domain.pointer import InvalidPointer, Pointer, check_bounds

NAME = "toy"

# --- account.py: what a mailbox is opened with. Its fields are stored under their names ---


@dataclass(frozen=True, slots=True, kw_only=True)
class ToyAccount(Account):
    """*token* opens the mailbox of *user* at *region*; it is empty until a guest has signed in."""

    region: str
    user: str
    token: Secret
    folders: tuple[str, ...] = ("inbox",)

    @property
    def provider(self) -> str:
        return NAME


REGIONS = ("north", "south")

OPTIONS = (
    AccountOption(name="region", help="Where the mailbox lies.", required=True, choices=REGIONS),
    AccountOption(name="user", help="Whose mailbox it is.", default="the address"),
    AccountOption(name="folder", help="What is read.", repeatable=True, default="inbox"),
    AccountOption(
        name="token",
        help="What opens the mailbox.",
        required=True,
        unless=("guest",),
        secret=True,
        credential=True,
        variable="POSTROOM_MAILBOX_TOKEN",
    ),
    AccountOption(name="guest", help="Let a guest sign in.", is_flag=True, credential=True),
)
"""All that may be said of an account: `mailbox add` and `mailbox reconnect` are made of it."""


class ToyAccounts(AccountFactory):
    def create(self, address: str, values: Mapping[str, OptionValue]) -> ToyAccount:
        return ToyAccount(
            region=_region(values),
            user=_user(values, address),
            token=_token(values),
            folders=texts(values, "folder", "inbox"),
        )

    def reconnect(self, account: Account, values: Mapping[str, OptionValue]) -> ToyAccount:
        if not isinstance(account, ToyAccount):
            raise InvalidAccount("the mailbox is not at the toy server")
        return replace(account, token=_token(values))


def _region(values: Mapping[str, OptionValue]) -> str:
    region = values.get("region")
    if not isinstance(region, str) or region not in REGIONS:
        raise InvalidAccount(f"--region is not one of {', '.join(REGIONS)}")
    return region


def _user(values: Mapping[str, OptionValue], address: str) -> str:
    user = values.get("user", address)
    if not isinstance(user, str) or not user:
        raise InvalidAccount("--user is empty")
    return user


def _token(values: Mapping[str, OptionValue]) -> Secret:
    match values.get("token"), values.get("guest", False):
        case Secret(token) as secret, False if token and " " not in token:
            return secret
        case Secret(token), False if token:
            raise InvalidAccount("--token-file: a token has no blanks")
        case None, True:
            return Secret("")
        case _:
            raise InvalidAccount("give one of --token-file and --guest")


def _toy(account: Account) -> ToyAccount:
    if not isinstance(account, ToyAccount):
        raise Unprocessable(f"the toy server has no {account.provider} mailboxes")
    return account


# --- pointer.py: where one message is. Its fields lie in the queue, in this order ---


@dataclass(frozen=True, slots=True)
class ToyPointer(Pointer):
    provider: ClassVar[str] = NAME

    folder: str
    number: int

    def __post_init__(self) -> None:
        if self.number < 1:
            raise InvalidPointer("number must be positive")
        check_bounds(self, required=("folder",))

    @property
    def key(self) -> tuple[str, ...]:
        return "message", self.folder, str(self.number)

    @property
    def log_fields(self) -> dict[str, str | int]:
        return {"folder": self.folder, "message_id": str(self.number)}


# --- client.py: how the provider is spoken to. A real one speaks HTTP, by the ports' `deps` ---


@dataclass
class ToyServer:
    """*tokens* by user. A *failure* is raised at every call, if it is set."""

    tokens: dict[str, str] = field(default_factory=dict)
    failure: Failure | None = None
    _messages: defaultdict[tuple[str, str], list[FetchedMessage | None]] = field(
        default_factory=lambda: defaultdict(list)
    )

    def deliver(self, user: str, raw: bytes, at: datetime, *, folder: str = "inbox") -> ToyPointer:
        messages = self._messages[user, folder]
        number = len(messages) + 1
        messages.append(FetchedMessage(f"{NAME}:{folder}:{number}", raw, at))
        return ToyPointer(folder, number)

    def delete(self, user: str, pointer: ToyPointer) -> None:
        self._messages[user, pointer.folder][pointer.number - 1] = None

    def messages(self, mailbox: Mailbox, folder: str) -> Sequence[FetchedMessage | None]:
        """All there ever were: None for one that is gone. Raises AccessFailed, FolderMissing."""
        account = _toy(mailbox.account)
        self.sign_in(account)
        if folder not in account.folders:
            raise FolderMissing(account.folders)
        return self._messages[account.user, folder]

    def sign_in(self, account: ToyAccount) -> None:
        if self.failure:
            raise self.failure
        if self.tokens.get(account.user) != account.token.value:
            raise AccessFailed("the token is refused")


# --- fetcher.py ---


@dataclass(frozen=True, slots=True)
class ToyFetcher(MessageFetcher):
    server: ToyServer
    max_bytes: int

    async def fetch(self, mailbox: Mailbox, pointer: Pointer) -> FetchedMessage:
        assert isinstance(pointer, ToyPointer)
        messages = self.server.messages(mailbox, pointer.folder)
        found = messages[pointer.number - 1] if pointer.number <= len(messages) else None
        if found is None:
            raise SourceGone("there is no such message")
        if len(found.raw) > self.max_bytes:
            raise Unprocessable(f"the message is larger than {self.max_bytes} bytes")
        return found


# --- changes.py: what came in, by a position of the provider's own, and by date ---

PAGE = 100


@dataclass(frozen=True, slots=True)
class ToyChanges(ChangeSource):
    """A position is the number of the last message that was listed."""

    server: ToyServer

    async def position(self, mailbox: Mailbox, folder: str) -> str:
        return str(len(self.server.messages(mailbox, folder)))

    async def since(
        self, mailbox: Mailbox, folder: str, position: str
    ) -> AsyncIterator[ChangesPage]:
        last = int(position)
        if last > len(self.server.messages(mailbox, folder)):
            raise PositionExpired
        is_last = False
        while not is_last:
            messages = self.server.messages(mailbox, folder)
            page = messages[last : last + PAGE]
            arrivals = _arrivals(folder, page, first=last + 1)
            last += len(page)
            is_last = last == len(messages)
            yield ChangesPage(arrivals, str(last), is_last)

    async def received_after(
        self, mailbox: Mailbox, folder: str, moment: datetime
    ) -> AsyncIterator[BackfillPage]:
        arrivals = _arrivals(folder, self.server.messages(mailbox, folder), first=1)
        yield BackfillPage([each for each in arrivals if (each.received_at or moment) >= moment])


def _arrivals(
    folder: str, messages: Sequence[FetchedMessage | None], *, first: int
) -> list[Arrival]:
    return [
        Arrival(ToyPointer(folder, number), message.received_at)
        for number, message in enumerate(messages, first)
        if message
    ]


# --- check.py: is it as it should be, before it is stored ---


@dataclass(frozen=True, slots=True)
class ToyCheck(MailboxCheck):
    server: ToyServer

    async def check(self, mailbox: Mailbox) -> AsyncIterator[CheckStep]:
        try:
            self.server.sign_in(_toy(mailbox.account))
        except Failure as failure:
            yield CheckStep("signing in", failure.reason, "give another token")
            return
        yield CheckStep("signing in")


# --- sign_in.py: only where a person can let us in without telling us a password ---


@dataclass(frozen=True, slots=True)
class ToySignIn(SignIn):
    server: ToyServer
    clock: Clock

    def is_needed(self, account: Account) -> bool:
        return not _toy(account).token.value

    @asynccontextmanager
    async def open(
        self, mailbox: Mailbox, _: Mapping[str, OptionValue]
    ) -> AsyncIterator[PendingSignIn]:
        toy = _toy(mailbox.account)
        prompt = SignInPrompt(
            uri=f"https://{toy.region}.toy.example/sign-in",
            user_code="TOY-1",
            expires_at=self.clock.now() + timedelta(minutes=15),
        )
        yield ToyPending(self.server, toy, prompt)


@dataclass(frozen=True, slots=True)
class ToyPending(PendingSignIn):
    server: ToyServer
    account: ToyAccount
    prompt: SignInPrompt

    async def finish(self, _: str = "") -> Account:
        """A real one waits here until the person has signed in."""
        toy = self.account
        if toy.user not in self.server.tokens:
            raise AccessFailed("the guest was turned away")
        return replace(toy, token=Secret(self.server.tokens[toy.user]))


# --- notifications.py: authenticate, then parse, then classify ---


class ToyItem(BaseModel):
    """One notification: of the message *number*, or of an *event* in the subscription's life."""

    subscription: str = Field(max_length=64)
    secret: str
    number: int = Field(default=0, lt=2**32)
    event: str = ""


class ToyNotifications(BaseModel):
    """An item that is none is read as whatever it is, so that it does not cost the others."""

    items: list[Annotated[ToyItem | object, Field(union_mode="left_to_right")]] = Field(
        max_length=100
    )


EVENTS = {"ending": Request.RENEW, "ended": Request.RECREATE, "dropped": Request.SYNC}

DESCRIPTION = WebhookDescription(
    text="Queue the messages that the toy server announces, or repeat its challenge.",
    body=ToyNotifications.model_json_schema(),
    query={"challenge": "Asks us to prove that we want notifications."},
    handshake="The challenge.",
)


class ToyReader(NotificationReader):
    """What it posts is proven by a secret in each item, of which we store a digest only."""

    paths: Sequence[str] = ("", "/life")
    accepted: int = HTTPStatus.ACCEPTED
    description: WebhookDescription = DESCRIPTION

    async def read(
        self, request: WebhookRequest, routes: Routes
    ) -> Handshake | Sequence[Notification]:
        if challenge := request.query.get("challenge"):
            return Handshake(challenge)
        try:
            items = ToyNotifications.model_validate_json(request.body).items
        except ValidationError:
            raise InvalidWebhook("The body is not a toy notification.") from None
        shown = [by_subscription(each.subscription) for each in items if isinstance(each, ToyItem)]
        found = await routes.find(list(dict.fromkeys(shown))) if shown else {}
        return [_notification(each, found) for each in items]


def _notification(item: object, routes: Mapping[str, Route]) -> Notification:
    if not isinstance(item, ToyItem):
        return Rejected(NotificationResult.MALFORMED)
    route = routes.get(by_subscription(item.subscription))
    if route is None or route.provider != NAME:
        return Rejected(NotificationResult.UNKNOWN_SUBSCRIPTION, item.subscription)
    if not _proves(item.secret, route):
        return Rejected(NotificationResult.BAD_SIGNATURE, item.subscription)
    return _proven(item, route)


def _proven(item: ToyItem, route: Route) -> Notification:
    if item.event in EVENTS:
        return Lifecycle(route, item.subscription, EVENTS[item.event])
    if item.event:
        return Rejected(NotificationResult.IGNORED, item.subscription)
    try:
        return Announced(route, ToyPointer(route.folder, item.number))
    except InvalidPointer:
        return Rejected(NotificationResult.MALFORMED, item.subscription)


def _proves(secret: str, route: Route) -> bool:
    """Compared in constant time; where there is no secret, nothing is proven."""
    digest = hashlib.sha256(secret.encode()).hexdigest()
    return bool(route.secret_digest) and hmac.compare_digest(digest, route.secret_digest)


# --- __init__.py: the one value. A line in entrypoints/container/providers.py calls this ---


def provider(deps: ProviderDeps, *, server: ToyServer) -> Provider:
    return Provider(
        name=NAME,
        title="Toy Mail",
        account=ToyAccount,
        pointer=ToyPointer,
        options=OPTIONS,
        accounts=ToyAccounts(),
        fetcher=ToyFetcher(server, deps.max_message_bytes),
        changes=ToyChanges(server),
        check=ToyCheck(server),
        sign_in=ToySignIn(server, deps.clock),
        notifications=ToyReader(),
        describe=_describe,
    )


def _describe(account: Account) -> Mapping[str, str]:
    return {"server": f"{_toy(account).region}.toy.example"}
