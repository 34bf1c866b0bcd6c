"""A mailbox whose credentials have ended gets others, which are tried before they are kept."""

from pathlib import Path

import pytest

from postroom.adapters.imap.account import ImapAccount
from postroom.adapters.microsoft.account import ClientCertificate, ClientSecret, DelegatedAccess
from postroom.domain.account import Secret
from postroom.domain.mailbox import Pause, PausedBy
from postroom.entrypoints.container import Wired
from postroom.entrypoints.emulators.graph import CLIENT_ID, CLIENT_SECRET, DIRECTORY, GraphEmulator
from tests.adapters.client_certificates import certificate_pem, key_pem, rsa_key
from tests.end_to_end.command_rig import Postroom, in_container
from tests.end_to_end.test_add_microsoft import ADD, BY_SECRET, STEPS, USER, credentials, graph
from tests.end_to_end.test_mailbox_commands import add_imap, stored

__all__ = ["graph"]  # a fixture

RECONNECT = ["mailbox", "reconnect", "microsoft", "support"]
RECONNECTED = "default/support has new credentials. Jobs that wait for them go on by themselves.\n"


@pytest.fixture
def added(postroom: Postroom, graph: GraphEmulator) -> None:
    assert postroom(*ADD, *BY_SECRET).code == 0


@pytest.mark.usefixtures("added")
def test_another_secret_is_tried_and_kept(
    postroom: Postroom, graph: GraphEmulator, tmp_path: Path
) -> None:
    graph.register(DIRECTORY, CLIENT_ID, "another")
    (tmp_path / "secret").write_text("another")

    ended = postroom(*RECONNECT, *BY_SECRET)

    assert (ended.code, ended.out, ended.err) == (0, RECONNECTED, STEPS.format("inbox"))
    assert credentials() == ClientSecret(Secret("another"))


@pytest.mark.usefixtures("added")
def test_a_certificate_may_take_the_place_of_a_secret(
    postroom: Postroom, graph: GraphEmulator, tmp_path: Path
) -> None:
    certificate = certificate_pem(rsa_key())
    graph.certify(certificate.encode())
    (tmp_path / "app.pem").write_text(key_pem(rsa_key()) + certificate)

    assert postroom(*RECONNECT, "--certificate-file", "app.pem").code == 0
    assert isinstance(credentials(), ClientCertificate)


def test_a_person_signs_in_again(postroom: Postroom, graph: GraphEmulator) -> None:
    graph.expect_device("clerk@acme.example")
    assert postroom(*ADD, "--delegated").code == 0
    old = credentials()
    assert isinstance(old, DelegatedAccess)
    graph.revoke_refresh_token(old.refresh_token.value)

    ended = postroom(*RECONNECT, "--delegated")

    assert (ended.code, ended.out) == (0, RECONNECTED)
    assert ended.err.endswith(STEPS.format("inbox"))
    new = credentials()
    assert isinstance(new, DelegatedAccess)
    assert new.refresh_token.value in graph.refresh_tokens


@pytest.mark.usefixtures("added")
@pytest.mark.parametrize(
    ("by", "is_paused"), [(PausedBy.ACCESS, False), (PausedBy.OPERATOR, True)], ids=str
)
def test_a_mailbox_that_was_closed_is_open_again_and_one_that_a_person_paused_is_not(
    postroom: Postroom, by: PausedBy, *, is_paused: bool
) -> None:
    async def pause(wired: Wired) -> None:
        pause = Pause(by, "invalid_grant", wired.clock.now())
        await wired.registry.pause("default", "support", pause)

    in_container(pause)

    assert postroom(*RECONNECT, *BY_SECRET).code == 0
    assert bool(stored("support").paused) == is_paused


@pytest.mark.usefixtures("added")
def test_a_wrong_secret_is_not_kept(postroom: Postroom, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("a guess")

    assert "AADSTS7000215" in postroom(*RECONNECT, *BY_SECRET).failure
    assert credentials() == ClientSecret(Secret(CLIENT_SECRET))


@pytest.mark.usefixtures("added")
def test_a_secret_that_does_not_open_the_mailbox_is_not_kept(
    postroom: Postroom, graph: GraphEmulator, tmp_path: Path
) -> None:
    graph.register(DIRECTORY, CLIENT_ID, "another")
    (tmp_path / "secret").write_text("another")
    graph.fail(USER, status=403, code="ErrorAccessDenied")

    ended = postroom(*RECONNECT, *BY_SECRET)

    assert (ended.code, ended.out) == (1, "")
    assert "403 ErrorAccessDenied" in ended.err
    assert credentials() == ClientSecret(Secret(CLIENT_SECRET))


@pytest.mark.usefixtures("added")
def test_an_untried_secret_is_kept_if_that_is_wanted(postroom: Postroom, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("a guess")

    assert postroom(*RECONNECT, *BY_SECRET, "--no-check").code == 0
    assert credentials() == ClientSecret(Secret("a guess"))


def test_an_imap_mailbox_gets_another_password(postroom: Postroom, graph: GraphEmulator) -> None:
    add_imap(postroom)

    ended = postroom(
        *["mailbox", "reconnect", "imap", "office", "--password-file", "-", "--no-check"],
        stdin="another",
    )

    assert (ended.code, ended.err) == (0, "")
    account = stored("office").account
    assert isinstance(account, ImapAccount)
    assert account.password == Secret("another")


def test_a_mailbox_that_is_not_there_or_at_another_provider_is_told(
    postroom: Postroom, graph: GraphEmulator
) -> None:
    add_imap(postroom)

    missing = postroom(*RECONNECT, *BY_SECRET).failure
    other = postroom("mailbox", "reconnect", "microsoft", "office", *BY_SECRET).failure

    assert missing == "the tenant default has no mailbox support; see: postroom mailbox list"
    assert other == (
        "default/office is a mailbox of another provider;"
        " use: postroom mailbox reconnect imap office"
    )
