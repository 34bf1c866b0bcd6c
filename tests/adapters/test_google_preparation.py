"""What `mailbox prepare google` prints."""

import shlex

import pytest

from postroom.adapters.google import OPTIONS, PREPARATION
from postroom.application.ports import OptionValue
from postroom.domain.account import InvalidAccount

PUBLIC_URL = "https://postroom.example"


def lines(*, public_url: str = PUBLIC_URL, **values: OptionValue) -> list[list[str]]:
    given = {name.replace("_", "-"): value for name, value in values.items()}
    found = PREPARATION.lines({"project": "my-project", **given}, public_url)
    return [words for line in found if (words := shlex.split(line, comments=True))]


def test_pushes_come_to_our_webhook_signed_for_it() -> None:
    (created,) = [line for line in lines() if line[1:4] == ["pubsub", "subscriptions", "create"]]
    endpoint = f"{PUBLIC_URL}/webhooks/google"
    assert f"--push-endpoint={endpoint}" in created
    assert f"--push-auth-token-audience={endpoint}" in created
    assert "--expiration-period=never" in created


def test_what_is_pulled_has_no_endpoint_and_somebody_who_may_pull_it() -> None:
    script = lines(pubsub_pull=True, public_url="")
    assert not any("push-endpoint" in word for line in script for word in line)
    assert any("--role=roles/pubsub.subscriber" in line for line in script)


@pytest.mark.parametrize("is_pulled", [True, False])
def test_the_last_line_adds_a_mailbox_with_options_that_there_are(*, is_pulled: bool) -> None:
    command = lines(pubsub_pull=is_pulled)[-1]
    assert command[:4] == ["./postroom", "mailbox", "add", "google"]
    known = {f"--{each.name}{'-file' if each.secret else ''}" for each in OPTIONS} | {"--address"}
    assert {word for word in command if word.startswith("--")} <= known


def test_the_accounts_of_a_domains_project_have_the_domain_last() -> None:
    script = lines(project="example.org:my-project")
    assert any("postroom@my-project.example.org.iam.gserviceaccount.com" in line for line in script)


@pytest.mark.parametrize(
    "url", ["", "http://postroom.example", "https://127.0.0.1", "https://postroom.internal"]
)
def test_nobody_can_push_to_an_address_that_is_not_public(url: str) -> None:
    with pytest.raises(InvalidAccount, match=r"POSTROOM_PUBLIC_URL, or .*--pubsub-pull"):
        lines(public_url=url)


@pytest.mark.parametrize("project", ["x; ls", "My-Project", "", "$(ls)", "p"])
def test_what_is_no_project_gets_into_no_command(project: str) -> None:
    with pytest.raises(InvalidAccount, match="project"):
        lines(project=project)
