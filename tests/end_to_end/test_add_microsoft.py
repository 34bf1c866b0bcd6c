"""A Microsoft mailbox is added when it is seen to work; else what is missing is told."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from postroom.adapters.microsoft.account import (
    ClientCertificate,
    ClientSecret,
    DelegatedAccess,
    MicrosoftAccount,
    MicrosoftCredentials,
)
from postroom.domain.account import Secret
from postroom.entrypoints.emulators.graph import CLIENT_ID, CLIENT_SECRET, DIRECTORY, GraphEmulator
from tests.adapters.client_certificates import certificate_pem, key_pem, rsa_key
from tests.end_to_end.command_rig import Ended, Postroom
from tests.end_to_end.emulated_graph import emulated_graph
from tests.end_to_end.test_mailbox_commands import ADDED, stored

USER, PERSON = "support@acme.example", "clerk@acme.example"
ADD = [
    *["mailbox", "add", "microsoft", "support", "--address", USER, "--directory", DIRECTORY],
    *["--client-id", CLIENT_ID],
]
BY_SECRET = ["--client-secret-file", "secret"]
STEPS = "signing in: done\nreading the mailbox: done\nfinding the folder {}: done\n"


@pytest.fixture
def graph(
    environment: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[GraphEmulator]:
    """With the mailbox in it, and the files that lead there in the working directory."""
    (tmp_path / "secret").write_text(CLIENT_SECRET)
    with emulated_graph(tmp_path) as (graph, settings):
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        graph.add_folder(USER, "Inbox/Orders")
        graph.share(USER, PERSON)
        yield graph


def account() -> MicrosoftAccount:
    found = stored("support").account
    assert isinstance(found, MicrosoftAccount)
    return found


def credentials() -> MicrosoftCredentials:
    return account().credentials


def refused(ended: Ended, postroom: Postroom) -> str:
    """What the command said at its end; the mailbox was not added."""
    assert (ended.code, ended.out) == (1, "")
    assert postroom("mailbox", "list", "--json").json == []
    return ended.err.splitlines()[-1].removeprefix("postroom: ")


# --- Added


def test_a_mailbox_is_added_by_a_secret(postroom: Postroom, graph: GraphEmulator) -> None:
    ended = postroom(*ADD, *BY_SECRET)

    assert (ended.code, ended.out) == (0, f"default/support is added. {ADDED}")
    assert ended.err == STEPS.format("inbox")
    assert credentials() == ClientSecret(Secret(CLIENT_SECRET))


def test_the_secret_may_come_from_the_environment(
    postroom: Postroom, graph: GraphEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTROOM_MAILBOX_CLIENT_SECRET", CLIENT_SECRET)

    assert postroom(*ADD).code == 0


def test_a_mailbox_is_added_by_a_certificate(
    postroom: Postroom, graph: GraphEmulator, tmp_path: Path
) -> None:
    certificate = certificate_pem(rsa_key())
    graph.certify(certificate.encode())
    (tmp_path / "app.pem").write_text(key_pem(rsa_key()) + certificate)

    ended = postroom(*ADD, "--certificate-file", "app.pem")

    assert (ended.code, ended.err) == (0, STEPS.format("inbox"))
    assert isinstance(credentials(), ClientCertificate)


def test_a_mailbox_is_added_by_a_person_who_signs_in_elsewhere(
    postroom: Postroom, graph: GraphEmulator
) -> None:
    graph.expect_device(PERSON)

    ended = postroom(*ADD, "--delegated")

    assert (ended.code, ended.out) == (0, f"default/support is added. {ADDED}")
    told, waiting, *steps = ended.err.splitlines()
    assert told == (
        f"Sign in as who may read {USER}: open https://login.microsoft.com/device"
        " and enter the code A1B2C3D4E"
    )
    assert waiting.startswith("Waiting until ")
    assert steps == STEPS.format("inbox").splitlines()
    access = credentials()
    assert isinstance(access, DelegatedAccess)
    assert access.refresh_token.value in graph.refresh_tokens


def test_folders_are_given_by_name_and_by_path(postroom: Postroom, graph: GraphEmulator) -> None:
    ended = postroom(*ADD, *BY_SECRET, "--folder", "inbox", "--folder", "Inbox/Orders")

    assert (ended.code, ended.err) == (
        0,
        STEPS.format("inbox") + "finding the folder Inbox/Orders: done\n",
    )
    assert account().folders == ("inbox", "Inbox/Orders")
    shown = postroom("mailbox", "show", "support", "--json").json["folders"]
    assert [folder["name"] for folder in shown] == ["Inbox/Orders", "inbox"]


def test_a_mailbox_is_added_untried_if_that_is_wanted(
    postroom: Postroom, graph: GraphEmulator
) -> None:
    ended = postroom(*ADD, *BY_SECRET, "--folder", "Nowhere", "--no-check")

    assert (ended.code, ended.err) == (0, "")
    assert graph.token_requests == 0
    assert graph.requests == []


# --- Not added


def test_a_wrong_secret_is_told_with_what_to_do(
    postroom: Postroom, graph: GraphEmulator, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text("a guess")

    ended = postroom(*ADD, *BY_SECRET)

    assert refused(ended, postroom).startswith(
        "signing in: sign-in answered 401 invalid_client AADSTS7000215; give the secret's Value"
    )
    assert "guess" not in ended.err


def test_a_missing_permission_is_told(postroom: Postroom, graph: GraphEmulator) -> None:
    graph.fail(USER, status=403, code="ErrorAccessDenied")

    ended = postroom(*ADD, *BY_SECRET)

    assert ended.err.splitlines()[0] == "signing in: done"
    assert refused(ended, postroom).startswith(
        "reading the mailbox: Graph answered 403 ErrorAccessDenied;"
        " add the application permission Mail.Read and grant admin consent"
    )


def test_a_missing_folder_is_told_with_those_that_there_are(
    postroom: Postroom, graph: GraphEmulator
) -> None:
    told = refused(postroom(*ADD, *BY_SECRET, "--folder", "Orders"), postroom)

    assert told.startswith(
        "finding the folder Orders: the mailbox has no such folder; choose one of: Archive, "
    )
    assert ", Inbox, Inbox/Orders, " in told


def test_a_file_without_a_key_is_told(
    postroom: Postroom, graph: GraphEmulator, tmp_path: Path
) -> None:
    (tmp_path / "app.pem").write_text(certificate_pem(rsa_key()))

    told = refused(postroom(*ADD, "--certificate-file", "app.pem"), postroom)

    assert told == "signing in: the certificate's file has no private key in PEM"


def test_a_person_with_whom_a_mailbox_is_not_shared_cannot_add_it(
    postroom: Postroom, graph: GraphEmulator
) -> None:
    graph.expect_device("stranger@acme.example")

    said = refused(postroom(*ADD, "--delegated"), postroom)

    assert "403 ErrorAccessDenied" in said


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("authorization_declined", "sign-in answered 400 authorization_declined AADSTS70018"),
        ("expired_token", "sign-in answered 400 expired_token AADSTS70020"),
    ],
)
def test_a_person_who_does_not_sign_in_is_told(
    postroom: Postroom, graph: GraphEmulator, answer: str, told: str
) -> None:
    graph.expect_device(PERSON, answer)

    assert told in refused(postroom(*ADD, "--delegated"), postroom)


def test_nobody_is_asked_to_sign_in_for_a_name_that_is_taken(
    postroom: Postroom, graph: GraphEmulator
) -> None:
    postroom(*ADD, *BY_SECRET)

    assert "a mailbox of that name" in postroom(*ADD, "--delegated").failure
    assert graph.device_polls == 0


def test_two_ways_to_sign_in_are_refused(postroom: Postroom, graph: GraphEmulator) -> None:
    ended = postroom(*ADD, *BY_SECRET, "--delegated")

    assert ended.code == 2
    assert "these are different ways to sign in" in ended.err


def test_waiting_for_a_person_can_be_interrupted(postroom: Postroom, graph: GraphEmulator) -> None:
    graph.expect_device(PERSON, *["authorization_pending"] * 100)
    # A shell's background jobs ignore SIGINT, and so do their children, such as these tests.
    heed = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    program = f"{heed}; from entrypoints.cli import main; main()"
    command = [sys.executable, "-c", program, *ADD, "--delegated"]
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    with subprocess.Popen(command, stderr=subprocess.PIPE, env=environment, text=True) as waiting:
        assert waiting.stderr
        lines = (line for line in waiting.stderr if line.startswith("Waiting until"))
        assert next(lines)

        waiting.send_signal(signal.SIGINT)

        assert (waiting.wait(30), waiting.stderr.read()) == (130, "")
    assert postroom("mailbox", "list", "--json").json == []
