"""Applications at the command line: added, changed, routed to, rotated, paused, removed."""

import re

import pytest

from postroom.domain.handover.answer import Failed
from postroom.domain.handover.application import Application
from postroom.entrypoints.container import Wired
from tests.end_to_end.command_rig import Postroom, in_container
from tests.end_to_end.handover_commands_rig import URL, add, answer, secret_of, with_mail

UNSURE = Failed(reason="the application answered 500", sure=False, status=500)


def cells(line: str) -> list[str]:
    return re.split(r" {2,}", line.strip())


def stored(name: str = "crm", tenant: str = "") -> Application:
    found: list[Application | None] = []

    async def get(wired: Wired) -> None:
        found.append(await wired.applications.owned(tenant, name))

    in_container(get)
    assert found[0]
    return found[0]


# --- Added


def test_an_application_is_added_and_its_secret_is_shown_once(postroom: Postroom) -> None:
    ended = add(postroom)

    assert ended.err == ""
    assert ended.out.splitlines() == [
        "crm is added. It gets no mail yet: postroom application route crm",
        f"Its secret, which is shown this once: {secret_of(ended)}",
        "Try it: postroom application test crm",
    ]
    assert stored().secrets == (secret_of(ended),)


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_no_command_shows_a_secret_or_the_path_of_a_url(
    postroom: Postroom, options: list[str]
) -> None:
    secret = secret_of(add(postroom))

    shown = [postroom("application", *words, *options) for words in (["list"], ["show", "crm"])]

    for ended in shown:
        assert ended.code == 0
        assert "https://crm.acme.example" in ended.out
        assert "hush" not in ended.out
        assert secret.removeprefix("whsec_") not in ended.out


def test_a_tenants_application_is_that_tenants_in_what_is_to_be_done_next(
    postroom: Postroom,
) -> None:
    ended = add(postroom, "--tenant", "acme")

    assert "postroom application route crm --tenant acme\n" in ended.out
    assert "postroom application test crm --tenant acme\n" in ended.out
    assert postroom("application", "show", "crm").failure == (
        "there is no application crm; see: postroom application list"
    )
    assert postroom("application", "show", "crm", "--tenant", "acme", "--json").json["tenant"] == (
        "acme"
    )


def test_an_inbox_table_needs_no_secret_and_takes_many_rows_at_a_time(postroom: Postroom) -> None:
    ended = add(postroom, url="postgresql://postroom:hush@db.example/crm")

    assert "whsec_" not in ended.out
    assert stored().in_flight == 100
    assert "hush" not in postroom("application", "list").out


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["CRM", URL], "application 'CRM': use 1 to 63 of"),
        (["helpdesk", URL], "helpdesk is the built-in help desk: choose another name"),
        (["crm", "ftp://crm.acme.example"], "the destination begins with one of: https, http,"),
        (["crm", "crm.acme.example"], "the destination begins with one of: https, http,"),
        (["crm", "python:"], "the destination is no more than python:"),
        (["crm", "https://"], "the URL must be https://host/…"),
        (["crm", "https://crm.acme.example:99999/"], "the URL's port must be 1 to 65535"),
        (["crm", "postgresql://db.example"], "the URL must name a database: postgresql://"),
        (["crm", "postgresql://db.example/crm?a=hush"], "the URL of the database cannot be read"),
        (["crm", URL, "--timeout", "500"], "timeout: use 1 s to 120 s"),
        (["crm", URL, "--in-flight", "0"], "in-flight: use 1 to 1000"),
        (["crm", URL, "--copy", "archive"], "there is no application archive: add it first"),
        (["crm", URL, "--copy", "crm"], "an application gets no copies of its own messages"),
        (["crm", URL, "--fallback", "archive"], "there is no application archive: add it first"),
        (["crm", URL, "--fallback-after", "10s"], "fallback-after: use 60 s to"),
    ],
)
def test_an_application_that_cannot_be_is_refused(
    postroom: Postroom, arguments: list[str], why: str
) -> None:
    failure = postroom("application", "add", *arguments).failure

    assert failure.startswith(why)
    assert "hush" not in failure
    assert postroom("application", "list", "--json").json == []


def test_a_name_is_taken_once(postroom: Postroom) -> None:
    add(postroom)

    again = postroom("application", "add", "crm", URL).failure
    by_a_tenant = postroom("application", "add", "crm", URL, "--tenant", "acme").failure

    assert (
        again == "there is one of that name already, an application or a subscriber: choose another"
    )
    assert by_a_tenant == "the installation has one of that name: choose another"


# --- Seen


def test_applications_are_listed_with_what_waits_for_each(postroom: Postroom) -> None:
    with_mail(postroom)
    add(postroom, "--tenant", "acme", name="archive")

    header, *lines = postroom("application", "list").out.splitlines()
    parsed = postroom("application", "list", "--tenant", "acme", "--json").json

    assert cells(header) == [
        "tenant", "application", "destination", "state", "waiting", "oldest (UTC)",
    ]  # fmt: skip
    assert [cells(line)[:5] for line in lines] == [
        ["(any)", "crm", "https://crm.acme.example", "active", "1"],
        ["acme", "archive", "https://crm.acme.example", "active", "0"],
    ]
    assert [(each["tenant"], each["waiting"]) for each in parsed] == [(None, 1), ("acme", 0)]


@pytest.mark.parametrize("command", ["show", "set", "rotate", "pause", "resume", "remove"])
def test_an_unknown_application_leads_to_the_list(postroom: Postroom, command: str) -> None:
    options = ["--timeout", "5"] if command == "set" else []

    failure = postroom("application", command, "nobody", *options, "--tenant", "acme").failure

    assert failure == (
        "there is no application nobody of the tenant acme; see: postroom application list"
    )


def test_with_no_application_the_list_says_how_to_add_one(postroom: Postroom) -> None:
    assert postroom("application", "list").out.endswith("postroom application add --help\n")


# --- Changed


def test_what_is_given_is_changed_and_the_rest_stays(postroom: Postroom) -> None:
    add(postroom, "--in-flight", "4")
    before = stored()

    ended = postroom("application", "set", "crm", "--timeout", "5", "--retention", "2d")

    assert (ended.code, ended.out) == (0, "crm is changed. Workers use it within seconds.\n")
    shown = postroom("application", "show", "crm", "--json").json
    assert (shown["timeout_seconds"], shown["retention_days"], shown["in_flight"]) == (5, 2, 4)
    assert stored().secrets == before.secrets


def test_to_change_nothing_is_wrong_usage(postroom: Postroom) -> None:
    add(postroom)

    ended = postroom("application", "set", "crm")

    assert ended.code == 2
    assert "give what is to change" in ended.err


def test_an_application_stays_what_it_is(postroom: Postroom) -> None:
    add(postroom)

    failure = postroom(
        "application", "set", "crm", "--destination", "postgresql://db.example/crm"
    ).failure

    assert failure.startswith("crm is called over HTTP: for an inbox table add another")


def test_a_tenants_option_does_not_change_what_is_the_installations(postroom: Postroom) -> None:
    add(postroom)

    for command in ("rotate", "pause", "resume", "remove"):
        failure = postroom("application", command, "crm", "--tenant", "acme").failure
        assert failure == "crm is the installation's: leave out --tenant"


# --- Replaced while it is down


def test_a_fallback_is_set_shown_and_taken_back(postroom: Postroom) -> None:
    add(postroom)
    add(postroom, "--tenant", "acme", "--fallback", "crm", "--fallback-after", "1h", name="own")

    shown = postroom("application", "show", "own", "--tenant", "acme").out
    parsed = postroom("application", "show", "own", "--tenant", "acme", "--json").json
    postroom("application", "set", "own", "--tenant", "acme", "--fallback", "")

    assert "crm, after 60 minutes" in shown
    assert (parsed["fallback"], parsed["fallback_after_seconds"]) == ("crm", 3600)
    assert stored("own", "acme").fallback == ""


def test_fallbacks_have_no_chains(postroom: Postroom) -> None:
    add(postroom)
    add(postroom, "--fallback", "crm", name="first")

    ended = postroom("application", "set", "crm", "--fallback", "first")

    assert ended.failure == (
        "first cannot be the fallback of crm: it falls back to crm itself, and there are no chains"
    )


def test_a_fallback_is_not_removed(postroom: Postroom) -> None:
    add(postroom)
    add(postroom, "--tenant", "acme", "--fallback", "crm", name="own")

    refused = postroom("application", "remove", "crm", "--yes").failure
    postroom("application", "set", "own", "--tenant", "acme", "--fallback", "")

    assert refused == (
        "crm is the fallback of own. Give it another one, or none:"
        " postroom application set own --tenant acme --fallback ''"
    )
    assert postroom("application", "remove", "crm", "--yes").code == 0


# --- Routed to


def test_mail_is_routed_to_an_application_and_back(postroom: Postroom) -> None:
    add(postroom)

    there = postroom("application", "route", "crm", "--tenant", "acme")
    back = postroom("application", "route", "helpdesk", "--tenant", "acme")

    assert there.out == "Mail of the tenant acme that is accepted from now on goes to crm.\n"
    assert back.out == "Mail of the tenant acme that is accepted from now on goes to helpdesk.\n"


def test_mail_is_not_routed_to_what_is_not_there(postroom: Postroom) -> None:
    add(postroom)

    nobody = postroom("application", "route", "nobody").failure
    nowhere = postroom("application", "route", "crm", "--mailbox", "office").failure

    assert nobody.startswith("there is no application nobody of the tenant default")
    assert nowhere == "the tenant default has no mailbox office; see: postroom mailbox list"


# --- Rotated


def test_after_a_rotation_both_secrets_sign_until_it_is_finished(postroom: Postroom) -> None:
    old = secret_of(add(postroom))

    rotated = postroom("application", "rotate", "crm")
    both = stored().secrets
    finished = postroom("application", "rotate", "crm", "--finish")

    assert both == (secret_of(rotated), old)
    assert "postroom application rotate crm --finish" in rotated.out
    assert (finished.code, finished.out) == (
        0,
        "Calls of crm are signed with its newest secret alone.\n",
    )
    assert stored().secrets == (secret_of(rotated),)


def test_what_is_not_signed_has_no_secret_to_rotate(postroom: Postroom) -> None:
    add(postroom, url="postgresql://db.example/crm")

    assert postroom("application", "rotate", "crm").failure == (
        "crm has no secret: an inbox table needs none"
    )


# --- Paused


def test_a_paused_application_says_why_until_it_goes_on(postroom: Postroom) -> None:
    add(postroom)

    paused = postroom("application", "pause", "crm", "--reason", "we move")
    shown = postroom("application", "show", "crm", "--json").json
    resumed, again = (postroom("application", "resume", "crm") for _ in range(2))

    assert paused.out == "crm is paused. To go on: postroom application resume crm\n"
    assert (shown["state"], shown["reason"]) == ("paused", "we move")
    assert (resumed.out, again.out) == ("crm goes on.\n", "crm is not paused.\n")


# --- Removed


def test_an_application_for_which_mail_waits_is_not_removed(postroom: Postroom) -> None:
    with_mail(postroom)

    failure = postroom("application", "remove", "crm", "--yes").failure

    assert failure == "1 message waits for crm: let them be handed over, or add --discard"
    assert len(postroom("application", "list", "--json").json) == 1


def test_what_is_held_for_a_person_is_not_forgotten_either(postroom: Postroom) -> None:
    with_mail(postroom, "--when-unsure", "hold")
    answer(UNSURE)

    assert postroom("application", "remove", "crm", "--yes").failure.startswith("1 message waits")


def test_what_waits_is_discarded_by_count(postroom: Postroom) -> None:
    with_mail(postroom)

    refused = postroom("application", "remove", "crm", "--discard", stdin="n\n")
    removed = postroom("application", "remove", "crm", "--discard", "--yes")

    assert refused.code == 1
    assert "Remove crm, and discard what waits for it (1)? [y/N]" in refused.err
    assert removed.code == 0
    assert removed.out.startswith("crm is removed. Messages discarded: 1.")
    assert postroom("application", "list", "--json").json == []
    assert postroom("handover", "list", "--json").json == []


def test_an_application_without_mail_is_removed_when_a_person_says_yes(postroom: Postroom) -> None:
    add(postroom)

    ended = postroom("application", "remove", "crm", stdin="y\n")

    assert (ended.code, ended.err) == (0, "Remove crm? [y/N] ")
    assert ended.out.startswith("crm is removed.")
