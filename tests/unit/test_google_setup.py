"""`mailbox add google` and `mailbox reconnect google`: a person in a browser, and labels."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit
from urllib.request import urlopen

import httpx
import pytest
import typer
from typer.testing import CliRunner, Result

from postroom.adapters.google import provider
from postroom.adapters.google.account import GoogleAccount
from postroom.adapters.google.account_options import OPTIONS
from postroom.adapters.google.labels import Label
from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.memory.database import InMemoryDatabase
from postroom.adapters.memory.queue import InMemoryPointerQueue
from postroom.adapters.memory.registry import InMemoryMailboxRegistry
from postroom.application.ports import MailboxRegistry
from postroom.application.providers import Providers
from postroom.application.resume_mailbox import ResumeMailbox
from postroom.domain.mailbox import Mailbox, Pause, PausedBy
from postroom.entrypoints.cli import mailbox_access
from postroom.entrypoints.cli.context import SetupContext
from postroom.entrypoints.cli.mailbox_add import add_command
from postroom.entrypoints.cli.mailbox_reconnect import reconnect_command
from postroom.entrypoints.emulators.gmail import GmailEmulator
from postroom.entrypoints.emulators.gmail.script_sign_in import CLIENT
from tests.adapters.gmail_rig import SUPPORT, URL
from tests.adapters.google_sign_in_rig import CONSENT_URL, TOKEN_URL
from tests.contracts.samples import NOON
from tests.provider_deps import provider_deps

STEPS = [
    "signing in",
    "reading the profile",
    "opening a message",
    "reading the history",
    "finding the labels",
]
"""Of the check, after two lines of the sign-in."""


@dataclass
class Person:
    """Reads what the command shows, and signs in: in a browser here, or on another machine."""

    gmail: GmailEmulator
    shown: list[str] = field(default_factory=list)
    pasted: str = ""

    def echo(self, text: str, *, err: bool = False, nl: bool = True) -> None:
        typer.echo(text, err=err, nl=nl)
        _, is_invited, uri = text.partition(": open ")
        if not is_invited:
            return
        self.shown.append(uri)
        query = {name: value for name, [value] in parse_qs(urlsplit(uri).query).items()}
        ends_at = self.gmail.tokens.page.answer(query, [SUPPORT, "anna@example.org"])
        self.pasted = f"{ends_at}\n"
        asyncio.get_running_loop().run_in_executor(None, self._browse, ends_at)

    def readline(self) -> str:
        return self.pasted

    @staticmethod
    def _browse(address: str) -> None:
        with suppress(OSError):  # nothing listens where the browser is on another machine
            urlopen(address, timeout=5).close()


@dataclass
class World:
    gmail: GmailEmulator
    person: Person
    registry: MailboxRegistry
    setup: SetupContext

    def __call__(self, *arguments: str) -> Result:
        app = typer.Typer(rich_markup_mode=None)
        app.command("add")(add_command("google", OPTIONS, self._run))
        app.command("reconnect")(reconnect_command("google", OPTIONS, self._run))
        return CliRunner().invoke(app, arguments)

    def stored(self) -> Mailbox:
        found = asyncio.run(self.registry.get("default", "help"))
        assert found
        return found

    def account(self) -> GoogleAccount:
        account = self.stored().account
        assert isinstance(account, GoogleAccount)
        return account

    def token(self) -> str:
        person = self.account().person
        assert person
        return person.refresh_token.value

    def _run(self, use: Callable[[SetupContext], Awaitable[None]]) -> None:
        async def run() -> None:
            await use(self.setup)

        asyncio.run(run())


@pytest.fixture
def world(clock: ManualClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "secret").write_text(CLIENT.secret)
    gmail = GmailEmulator(httpx.AsyncClient(), clock)
    (tmp_path / "key.json").write_text(gmail.service_account_key(URL))
    gmail.mailbox(SUPPORT)
    registry = InMemoryMailboxRegistry(InMemoryDatabase())
    deps = provider_deps(clock, registry, http=httpx.AsyncClient(transport=gmail.transport()))
    google = provider(deps, gmail_url=URL, consent_url=CONSENT_URL, token_url=TOKEN_URL)
    person = Person(gmail)
    fake_typer = SimpleNamespace(echo=person.echo, BadParameter=typer.BadParameter)
    monkeypatch.setattr(mailbox_access, "typer", fake_typer)
    monkeypatch.setattr(mailbox_access, "sys", SimpleNamespace(stdin=person))
    resume = ResumeMailbox(registry, InMemoryPointerQueue(clock))
    setup = SetupContext(
        registry=registry, resume=resume, providers=Providers([google]), clock=clock
    )
    return World(gmail, person, registry, setup)


ADD = [
    *["add", "help", "--address", SUPPORT, "--pubsub-subscription", "projects/p/subscriptions/s"],
    *["--push-service-account", "push@p.iam.gserviceaccount.com"],
]
BY_KEY = ["--service-account-file", "key.json"]
BY_PERSON = ["--delegated", "--client-id", CLIENT.id, "--client-secret-file", "secret"]
RECONNECT = ["reconnect", "help"]


def steps_of(ended: Result) -> list[str]:
    return [line.removesuffix(": done") for line in ended.stderr.splitlines()[2:]]


# --- A person ---


@pytest.mark.parametrize("where", [[], ["--paste"]])
def test_the_user_of_a_mailbox_signs_in_here_or_on_another_machine(
    world: World, where: list[str]
) -> None:
    ended = world(*ADD, *BY_PERSON, *where)

    assert ended.exit_code == 0, ended.stderr
    assert steps_of(ended) == STEPS
    assert ended.stdout.startswith("default/help is added.")
    assert world.gmail.tokens.clients.refresh_token(world.token())
    shown = ended.stderr.splitlines()
    assert shown[0].startswith(f"Sign in as who may read {SUPPORT}: open https://gmail.test/")
    assert ("Paste it until" in shown[1]) is bool(where)
    assert world.token() not in ended.output


def test_a_mailbox_is_added_without_any_pubsub_and_is_notified_when_it_is_reconnected(
    world: World,
) -> None:
    ended = world(*ADD[:4], *BY_PERSON)

    assert ended.exit_code == 0, ended.output
    assert "the mailbox has no Pub/Sub subscription" in ended.stderr
    assert world.account().pubsub_subscription == ""

    assert world(*RECONNECT, "--delegated", *ADD[4:]).exit_code == 0
    assert world.account().pubsub_subscription == "projects/p/subscriptions/s"


def test_who_signs_in_as_somebody_else_adds_nothing(world: World) -> None:
    world.gmail.mailbox("anna@example.org")
    world.gmail.sign_in("anna@example.org")

    ended = world(*ADD, *BY_PERSON)

    assert ended.exit_code == 1
    assert "somebody has signed in whose mailbox has another address" in str(ended.exception)
    assert asyncio.run(world.registry.all()) == []


def test_who_refuses_adds_nothing(world: World) -> None:
    world.gmail.deny_consent()

    assert "access_denied" in str(world(*ADD, *BY_PERSON).exception)
    assert asyncio.run(world.registry.all()) == []


def test_a_person_signs_in_again_and_a_mailbox_that_was_suspended_goes_on(world: World) -> None:
    world(*ADD, *BY_PERSON)
    before = world.token()
    world.gmail.withdraw_consent(SUPPORT)
    suspended = Pause(PausedBy.ACCESS, "the token endpoint answered 400 invalid_grant", NOON)
    asyncio.run(world.registry.pause("default", "help", suspended))

    ended = world(*RECONNECT, "--delegated")

    assert ended.exit_code == 0, ended.stderr
    assert world.token() != before
    assert world.gmail.tokens.clients.refresh_token(world.token())
    assert world.stored().paused is None


def test_a_key_takes_the_place_of_a_person(world: World) -> None:
    world(*ADD, *BY_PERSON)

    ended = world(*RECONNECT, *BY_KEY)

    assert ended.exit_code == 0, ended.stderr
    assert world.account().person is None
    assert world.account().service_account.value


def test_wrong_usage_is_said_with_the_option(world: World) -> None:
    for arguments, said in [
        (ADD, "give it, or --delegated"),
        ([*ADD, *BY_KEY, "--delegated"], "choose one"),
        ([*ADD, "--delegated", "--client-secret-file", "secret"], "--client-id is missing"),
        ([*ADD, *BY_KEY, "--label", "Spam"], "never counts as inbound"),
        ([*ADD, *BY_KEY, "--label", "Orders", "--all-mail"], "choose one"),
    ]:
        ended = world(*arguments)

        assert ended.exit_code == 2
        assert said in ended.stderr


# --- Labels ---


def test_labels_are_stored_with_their_ids(world: World) -> None:
    orders = world.gmail.add_label(SUPPORT, "Desk/Orders")
    ads = world.gmail.add_label(SUPPORT, "Ads")
    labels = ["--label", "inbox", "--label", "desk/orders", "--except-label", "ads"]

    ended = world(*ADD, *BY_KEY, *labels)

    assert ended.exit_code == 0, ended.stderr
    choice = world.account().labels
    assert choice.received == (Label("INBOX", "INBOX"), Label("Desk/Orders", orders))
    assert choice.left_out == (Label("Ads", ads),)


def test_a_label_that_is_not_there_adds_nothing_and_the_others_are_named(world: World) -> None:
    world.gmail.add_label(SUPPORT, "Desk/Orders")

    ended = world(*ADD, *BY_KEY, "--label", "Orders")

    said = str(ended.exception)
    assert said.startswith("finding the labels: the mailbox has no such label; choose of: ")
    assert "Desk/Orders" in said
    assert asyncio.run(world.registry.all()) == []
