"""`mailbox add` and `mailbox reconnect`, made of the options of a provider: here the toy one."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

import pytest
import typer
from typer.testing import CliRunner, Result

from postroom.adapters.memory.clock import ManualClock
from postroom.adapters.memory.database import InMemoryDatabase
from postroom.adapters.memory.queue import InMemoryPointerQueue
from postroom.adapters.memory.registry import InMemoryMailboxRegistry
from postroom.application.ports import AccountOption
from postroom.application.providers import Providers
from postroom.application.resume_mailbox import ResumeMailbox
from postroom.domain.account import Account, Secret
from postroom.domain.failure import AccessFailed
from postroom.domain.mailbox import Mailbox, Pause, PausedBy
from postroom.entrypoints.cli.context import SetupContext
from postroom.entrypoints.cli.lazy_group import lazy_group
from postroom.entrypoints.cli.mailbox_add import add_command
from postroom.entrypoints.cli.mailbox_reconnect import TRIES, reconnect_command
from tests import toy_provider
from tests.provider_deps import provider_deps
from tests.toy_provider import OPTIONS, ToyAccount, ToyServer
from tests.unit.api_rig import toy_mailbox

ADD = ["add", "toy", "support", "--address", "support@acme.example", "--region", "north"]
RECONNECT = ["reconnect", "toy", "support"]
USER = "support@acme.example"


@dataclass
class Registry(InMemoryMailboxRegistry):
    """A worker writes another token into the mailbox *raced* times before one is stored."""

    database: InMemoryDatabase
    raced: int = 0
    race: Callable[[ToyAccount], Account] = field(
        default=lambda account: replace(account, token=Secret(f"{account.token.value}+"))
    )

    def __post_init__(self) -> None:
        super().__init__(self.database)

    async def replace_account(self, mailbox: Mailbox, account: Account) -> bool:
        if self.raced:
            self.raced -= 1
            assert isinstance(mailbox.account, ToyAccount)
            await super().replace_account(mailbox, self.race(mailbox.account))
        return await super().replace_account(mailbox, account)


class World:
    """The commands on adapters in memory, and the toy server behind them."""

    def __init__(self, clock: ManualClock) -> None:
        self.server = ToyServer({USER: "key"})
        self.registry = Registry(InMemoryDatabase())
        queue = InMemoryPointerQueue(clock)
        deps = provider_deps(clock, self.registry)
        toy = toy_provider.provider(deps, server=self.server)
        self.setup = SetupContext(
            registry=self.registry,
            resume=ResumeMailbox(self.registry, queue),
            providers=Providers([toy]),
            clock=clock,
        )
        self.made: list[str] = []
        self.app = typer.Typer(rich_markup_mode=None)
        add, reconnect = self._group(add_command), self._group(reconnect_command)
        self.app.add_typer(typer.Typer(cls=add), name="add", no_args_is_help=True)
        self.app.add_typer(typer.Typer(cls=reconnect), name="reconnect", no_args_is_help=True)

    def __call__(self, *arguments: str, stdin: str = "") -> Result:
        return CliRunner().invoke(self.app, arguments, input=stdin)

    def stored(self, name: str = "support") -> Mailbox:
        found = asyncio.run(self.registry.get("default", name))
        assert found
        return found

    def token(self) -> str:
        account = self.stored().account
        assert isinstance(account, ToyAccount)
        return account.token.value

    def names(self) -> list[str]:
        return [each.id for each in asyncio.run(self.registry.all())]

    def _group(self, command: Callable[..., Callable[..., None]]) -> type[typer.core.TyperGroup]:
        def commands() -> dict[str, Callable[..., None]]:
            self.made.append("once")
            return {"toy": command("toy", OPTIONS, self._run)}

        return lazy_group("provider", commands)

    def _run(self, use: Callable[[SetupContext], Awaitable[None]]) -> None:
        async def run() -> None:
            await use(self.setup)

        asyncio.run(run())


@pytest.fixture
def postroom(clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.delenv("POSTROOM_MAILBOX_TOKEN", raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    return World(clock)


@pytest.fixture
def added(postroom: World) -> World:
    assert postroom(*ADD, "--token-file", "-", stdin="key").exit_code == 0
    return postroom


def failure(result: Result) -> str:
    """The one line that a command that failed would say; the mailboxes are as before."""
    assert result.exception
    assert not isinstance(result.exception, SystemExit), result.output
    return str(result.exception)


# --- Adding


def test_a_mailbox_is_added_when_it_is_seen_to_work(postroom: World) -> None:
    ended = postroom(*ADD, "--token-file", "-", stdin="key\n")

    assert ended.exit_code == 0
    assert ended.stdout == "default/support is added. What arrives from now on is handled.\n"
    assert ended.stderr == "signing in: done\n"
    assert postroom.stored().account == ToyAccount(region="north", user=USER, token=Secret("key"))
    assert postroom.stored().address == USER


def test_whatever_is_particular_can_be_said(postroom: World) -> None:
    postroom.server.tokens["clerk"] = "key"

    ended = postroom(
        *[*ADD, "--token-file", "-", "--user", "clerk", "--region", "south"],
        *["--folder", "inbox", "--folder", "orders"],
        stdin="key",
    )

    assert ended.exit_code == 0
    assert postroom.stored().account == ToyAccount(
        region="south", user="clerk", token=Secret("key"), folders=("inbox", "orders")
    )


def test_an_option_that_is_empty_is_one_that_was_not_given(postroom: World) -> None:
    assert postroom(*ADD, "--token-file", "-", "--user", "", stdin="key").exit_code == 0
    assert postroom.stored().account.sign_in_key == ToyAccount(
        region="north", user=USER, token=Secret("key")
    )


def test_a_mailbox_is_added_untried_if_that_is_wanted(postroom: World) -> None:
    postroom.server.failure = AccessFailed("nobody may in")

    ended = postroom(*ADD, "--token-file", "-", "--no-check", stdin="key")

    assert (ended.exit_code, ended.stderr) == (0, "")
    assert postroom.token() == "key"


def test_a_check_that_fails_says_what_to_do_and_nothing_is_added(postroom: World) -> None:
    ended = postroom(*ADD, "--token-file", "-", stdin="guess")

    assert failure(ended) == "signing in: the token is refused; give another token"
    assert postroom.names() == []
    assert "guess" not in ended.output


def test_a_name_that_is_taken_is_refused_before_anybody_signs_in(added: World) -> None:
    added.server.tokens.clear()

    assert "a mailbox of that name" in failure(added(*ADD, "--guest"))


# --- Secrets


def test_a_secret_may_come_from_the_environment(
    postroom: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTROOM_MAILBOX_TOKEN", "key\n")

    assert postroom(*ADD).exit_code == 0
    assert postroom.token() == "key"


def test_a_file_goes_before_the_environment(
    postroom: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTROOM_MAILBOX_TOKEN", "stale")

    assert postroom(*ADD, "--token-file", "-", stdin="key").exit_code == 0


def test_the_environment_is_not_read_where_another_option_takes_its_place(
    postroom: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTROOM_MAILBOX_TOKEN", "stale")

    assert postroom(*ADD, "--guest").exit_code == 0
    assert postroom.token() == "key"


def test_a_secret_that_is_required_is_prompted_for_and_not_echoed(postroom: World) -> None:
    ended = postroom(*ADD, stdin="key\n")

    assert ended.exit_code == 0
    assert ended.stdout.startswith("Token:")
    assert "key" not in ended.output


@pytest.mark.parametrize("content", ["", " \n"])
def test_an_empty_secret_is_refused(
    postroom: World, content: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTROOM_MAILBOX_TOKEN", content)

    assert failure(postroom(*ADD)) == "Token: POSTROOM_MAILBOX_TOKEN is empty"
    assert (
        failure(postroom(*ADD, "--token-file", "-", stdin=content))
        == "Token: standard input is empty"
    )


# --- A person who signs in


def test_a_person_is_shown_where_to_sign_in(postroom: World) -> None:
    ended = postroom(*ADD, "--guest")

    assert ended.exit_code == 0
    shown, waiting, *steps = ended.stderr.splitlines()
    assert shown == (
        f"Sign in as who may read {USER}: open https://north.toy.example/sign-in"
        " and enter the code TOY-1"
    )
    assert waiting == "Waiting until 00:15 UTC; Ctrl-C ends it."
    assert steps == ["signing in: done"]
    assert postroom.token() == "key"


def test_who_does_not_sign_in_adds_nothing(postroom: World) -> None:
    postroom.server.tokens.clear()

    assert failure(postroom(*ADD, "--guest")) == "the guest was turned away"
    assert postroom.names() == []


# --- Wrong usage


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (ADD[:-2], "Missing option '--region'"),
        ([*ADD[:-1], "west"], "'west' is none of: north, south"),
        ([*ADD, "--token-file", "-", "--guest"], "give one of --token-file and --guest"),
        ([*ADD, "--loud"], "No such option: --loud"),
        (ADD[:2], "Missing argument 'ID'"),
    ],
)
def test_wrong_usage_is_said_with_the_option(
    postroom: World, arguments: list[str], said: str
) -> None:
    ended = postroom(*arguments, stdin="key")

    assert ended.exit_code == 2
    assert said in ended.stderr
    assert "Traceback" not in ended.output
    assert postroom.names() == []


def test_a_secret_of_nonsense_is_wrong_usage_and_not_shown(postroom: World) -> None:
    ended = postroom(*ADD, "--token-file", "-", stdin="se cret")

    assert ended.exit_code == 2
    assert "--token-file: a token has no blanks" in ended.stderr
    assert "se cret" not in ended.output


@pytest.mark.parametrize("command", ["add", "reconnect"])
def test_an_unknown_provider_is_told_with_those_that_there_are(
    postroom: World, command: str
) -> None:
    ended = postroom(command, "pigeon", "support")

    assert ended.exit_code == 2
    assert "Error: there is no provider 'pigeon'; choose one of: toy\n" in ended.stderr


# --- The help


def test_providers_are_loaded_only_when_one_is_needed(postroom: World) -> None:
    assert postroom("--help").exit_code == 0
    assert postroom.made == []

    assert "toy" in postroom("add", "--help").stdout
    assert postroom.made == ["once"]


def test_the_help_says_what_an_option_is_for(postroom: World) -> None:
    shown = " ".join(postroom("add", "toy", "--help").stdout.split())

    assert "--region <north|south> Where the mailbox lies. [required]" in shown
    assert "--user <str> Whose mailbox it is. [the address]" in shown
    assert "--folder <str> What is read. May be repeated. [inbox]" in shown
    assert "Without, POSTROOM_MAILBOX_TOKEN is read, or it is prompted for." in shown
    assert "--guest Let a guest sign in." in shown
    assert "--no-guest" not in shown
    assert "--check / --no-check Try the access" in shown


def test_only_credentials_can_be_given_anew(postroom: World) -> None:
    shown = postroom("reconnect", "toy", "--help").stdout

    assert "--token-file" in shown
    assert "--guest" in shown
    assert "--region" not in shown


FILE_ONLY = AccountOption(name="key", help="In PEM.", required=True, secret=True, credential=True)


def test_a_secret_of_many_lines_is_demanded_as_a_file(postroom: World) -> None:
    app = typer.Typer()
    app.command("add")(add_command("toy", [FILE_ONLY], postroom._run))

    ended = CliRunner().invoke(app, ["support", "--address", USER], input="one\ntwo\n")

    assert ended.exit_code == 2
    assert "Missing option '--key-file'" in ended.stderr


def test_an_option_is_demanded_unless_another_one_takes_its_place(postroom: World) -> None:
    either = AccountOption(name="host", help="A server.", required=True, unless=("service",))
    other = AccountOption(name="service", help="A known one.")
    app = typer.Typer()
    app.command("add")(add_command("toy", [either, other], postroom._run))

    ended = CliRunner().invoke(app, ["support", "--address", USER])

    assert ended.exit_code == 2
    assert "Invalid value for --host: give it, or --service" in ended.stderr


def test_an_option_that_is_required_may_be_one_that_is_repeatable(postroom: World) -> None:
    folder = AccountOption(name="folder", help="One to read.", required=True, repeatable=True)
    app = typer.Typer()
    app.command("add")(add_command("toy", [folder], postroom._run))

    ended = CliRunner().invoke(app, ["support", "--address", USER])

    assert ended.exit_code == 2
    assert "Missing option '--folder'" in ended.stderr


# --- Reconnecting


def test_other_credentials_are_tried_and_stored(added: World) -> None:
    added.server.tokens[USER] = "another"

    ended = added(*RECONNECT, "--token-file", "-", stdin="another")

    assert ended.exit_code == 0
    assert ended.stdout == (
        "default/support has new credentials. Jobs that wait for them go on by themselves.\n"
    )
    assert ended.stderr == "signing in: done\n"
    assert added.token() == "another"


def test_a_person_signs_in_again(added: World) -> None:
    added.server.tokens[USER] = "another"

    ended = added(*RECONNECT, "--guest")

    assert ended.exit_code == 0
    assert "enter the code TOY-1" in ended.stderr
    assert added.token() == "another"


def test_credentials_that_do_not_open_the_mailbox_are_not_stored(added: World) -> None:
    ended = added(*RECONNECT, "--token-file", "-", stdin="guess")

    assert "the token is refused" in failure(ended)
    assert added.token() == "key"


def test_untried_credentials_are_stored_if_that_is_wanted(added: World) -> None:
    assert added(*RECONNECT, "--token-file", "-", "--no-check", stdin="guess").exit_code == 0
    assert added.token() == "guess"


@pytest.mark.parametrize(
    ("by", "is_paused"), [(PausedBy.ACCESS, False), (PausedBy.OPERATOR, True)], ids=str
)
def test_a_mailbox_that_was_suspended_goes_on_and_one_that_a_person_paused_does_not(
    added: World, clock: ManualClock, by: PausedBy, *, is_paused: bool
) -> None:
    pause = Pause(by, "the token is refused", clock.now())
    asyncio.run(added.registry.pause("default", "support", pause))

    assert added(*RECONNECT, "--token-file", "-", stdin="key").exit_code == 0
    assert bool(added.stored().paused) == is_paused


def test_a_token_that_a_worker_writes_back_meanwhile_gives_way(added: World) -> None:
    added.registry.raced = TRIES - 1

    assert added(*RECONNECT, "--guest").exit_code == 0
    assert added.token() == "key"


def test_a_mailbox_that_changes_each_time_is_left_alone(added: World) -> None:
    added.registry.raced = TRIES

    assert "at the same time; run the command again" in failure(added(*RECONNECT, "--guest"))
    assert added.token() == "key" + "+" * TRIES


def test_what_was_tried_is_not_stored_in_a_mailbox_that_is_another_by_now(added: World) -> None:
    added.registry.raced = 1
    added.registry.race = lambda account: replace(account, region="south")

    assert "at the same time" in failure(added(*RECONNECT, "--guest"))
    account = added.stored().account
    assert isinstance(account, ToyAccount)
    assert account.region == "south"


def test_a_mailbox_that_is_not_there_is_told(added: World) -> None:
    ended = added("reconnect", "toy", "sales", "--guest")

    assert failure(ended) == "the tenant default has no mailbox sales; see: postroom mailbox list"


def test_a_mailbox_of_another_provider_is_told(added: World) -> None:
    other = replace(toy_mailbox(tenant="default", name="office"), account=Pigeon())
    asyncio.run(added.registry.add(other))

    assert failure(added("reconnect", "toy", "office", "--guest")) == (
        "default/office is a mailbox of another provider;"
        " use: postroom mailbox reconnect pigeon office"
    )


class Pigeon(Account):
    provider = "pigeon"
    folders = ()
