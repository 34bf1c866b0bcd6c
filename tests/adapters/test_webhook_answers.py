"""The table of what an application's answer means, row by row."""

import json
from datetime import timedelta
from unicodedata import category

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.adapters.webhook.answers import answer_of
from postroom.domain.handover.answer import (
    MAX_REASON,
    MAX_REFERENCE,
    Answer,
    Busy,
    Done,
    Duplicate,
    Failed,
    InProgress,
    Refused,
    Skipped,
    Unreachable,
    is_sure,
)
from tests.calling import NOON

SECOND = timedelta(seconds=1)


def answer(status: int, said: object = None, **headers: str) -> Answer:
    """*said* is the body: bytes, or JSON."""
    body = said if isinstance(said, bytes) else b"" if said is None else json.dumps(said).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return answer_of(status, named, body, NOON)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 226, 299])
def test_any_2xx_is_done(status: int) -> None:
    assert answer(status) == Done(status=status)
    assert answer(status, {"outcome": "done", "reference": "4711"}) == Done(
        status=status, reference="4711"
    )


def test_208_is_a_duplicate_whatever_else_is_said() -> None:
    assert answer(208, {"reference": "4711"}) == Duplicate(status=208, reference="4711")
    assert answer(208, {"outcome": "done"}) == Duplicate(status=208)


@pytest.mark.parametrize("status", [200, 409])
def test_an_application_may_say_that_it_is_a_duplicate(status: int) -> None:
    said = {"outcome": "duplicate", "reference": "4711", "url": "https://crm.example/4711"}

    assert answer(status, said) == Duplicate(
        status=status, reference="4711", url="https://crm.example/4711"
    )


def test_a_2xx_may_say_that_it_is_skipped() -> None:
    said = {"outcome": "skipped", "reason": "an auto-reply"}

    assert answer(200, said) == Skipped(status=200, reason="an auto-reply")


@pytest.mark.parametrize("status", [200, 422])
def test_a_message_is_refused_by_a_word(status: int) -> None:
    said = {"outcome": "refused", "reason": "no such customer"}

    assert answer(status, said) == Refused(status=status, reason="no such customer")


@pytest.mark.parametrize("said", [None, {"detail": "value is not a dict"}, {"outcome": "skipped"}])
def test_a_bare_422_is_a_failure(said: object) -> None:
    assert answer(422, said) == Failed(status=422, reason="the application answered 422", sure=True)


@pytest.mark.parametrize("said", [None, b"Conflict", {"outcome": "refused"}])
def test_a_bare_409_says_that_the_key_is_worked_on(said: object) -> None:
    assert answer(409, said) == InProgress(status=409)
    assert answer(409, said, retry_after="7") == InProgress(status=409, retry_after=7 * SECOND)


@pytest.mark.parametrize(("status", "sure"), [(429, True), (503, False)])
def test_an_application_may_ask_for_time(status: int, sure: bool) -> None:  # noqa: FBT001
    assert answer(status) == Busy(status=status, sure=sure)
    assert answer(status, retry_after="7") == Busy(status=status, sure=sure, retry_after=7 * SECOND)


@pytest.mark.parametrize("status", [408, 425, 500, 501, 502, 504, 520, 599])
def test_after_these_it_may_have_been_handled(status: int) -> None:
    failed = answer(status, {"outcome": "refused"})

    assert failed == Failed(status=status, reason=f"the application answered {status}", sure=False)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 413, 415, 418, 451, 499])
def test_a_bare_4xx_refuses_no_message_and_has_surely_not_handled_it(status: int) -> None:
    failed = answer(status, {"outcome": "refused"})

    assert failed == Failed(status=status, reason=f"the application answered {status}", sure=True)


def test_410_pauses_the_application() -> None:
    gone = answer(410)

    assert gone == Unreachable(status=410, reason="the application answered 410 (gone)")
    assert is_sure(gone)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_a_failure_that_names_its_host_and_no_more(status: int) -> None:
    where = "https://user:password@Login.crm.example:8443/sign-in?next=secret"

    assert answer(status, location=where) == Failed(
        status=status,
        reason=f"the application answered {status}, a redirect to login.crm.example, which is"
        " not followed",
        sure=True,
    )


@pytest.mark.parametrize(
    ("location", "where"),
    [
        ("/sign-in?next=secret", "to another path, which is not followed"),
        ("//crm.example/secret", "to crm.example, which is not followed"),
        ("https://[::1]/secret", "to ::1, which is not followed"),
        ("https://bücher.example/", "to xn--bcher-kva.example, which is not followed"),
        ("https://" + "a" * 9000, f"to {'a' * 253}, which is not followed"),
        ("https://0177.0.0.1/secret", "that cannot be read"),
        ("https://\x00/secret", "that cannot be read"),
        ("https://" + "a" * 90_000, "that cannot be read"),
    ],
)
def test_any_location_is_harmless(location: str, where: str) -> None:
    reason = f"the application answered 302, a redirect {where}"

    assert answer(302, location=location) == Failed(status=302, reason=reason, sure=True)


@pytest.mark.parametrize("status", [300, 304])
def test_a_redirect_to_nowhere_is_a_failure(status: int) -> None:
    assert answer(status) == Failed(
        status=status, reason=f"the application answered {status}", sure=True
    )


@pytest.mark.parametrize("status", [0, 101, 199, 600, 999])
def test_what_is_no_answer_at_all_is_a_failure(status: int) -> None:
    assert answer(status) == Failed(
        status=status, reason=f"the application answered {status}", sure=False
    )


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        ("120", timedelta(minutes=2)),
        ("Tue, 01 Jan 2030 12:02:00 GMT", timedelta(minutes=2)),
        ("Tue, 01 Jan 2030 11:00:00 GMT", timedelta()),
        ("0", timedelta()),
        ("31536000", timedelta(hours=1)),
        ("Wed, 01 Jan 2031 12:00:00 GMT", timedelta(hours=1)),
        ("-5", None),
        ("soon", None),
        ("", None),
        ("9" * 5000, None),
        ("\xff\x00", None),
    ],
)
def test_how_long_an_application_asks_for(header: str, wait: timedelta | None) -> None:
    assert answer(503, retry_after=header) == Busy(status=503, sure=False, retry_after=wait)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"OK",
        b"<html>",
        b"\xff\xfe",
        b"[" * 60_000,
        b'{"a":' * 10_000,
        b"1" * 60_000,
        b"null",
        b'"duplicate"',
        b'["duplicate"]',
        b'{"outcome": ["duplicate"], "reference": {"a": 1}, "url": 5, "reason": null}',
        b'{"outcome": true, "reference": 1.5, "url": "javascript:alert(1)"}',
        b'{"outcome": "duplicate", "reference": "47',
    ],
)
def test_a_body_that_says_nothing_is_harmless(body: bytes) -> None:
    assert answer(200, body) == Done(status=200)


def test_a_number_is_a_reference() -> None:
    assert answer(201, {"reference": 4711}) == Done(status=201, reference="4711")


def test_what_is_said_is_plain_text() -> None:
    said = {
        "reference": " 47\x0011\r\n",
        "url": "HTTPS://crm.example/\x1b[2J",
        "outcome": "done",
    }

    assert answer(200, said) == Done(status=200, reference="47 11", url="HTTPS://crm.example/ [2J")


def test_halves_of_surrogate_pairs_do_not_get_in() -> None:
    refused = answer(422, b'{"outcome": "refused", "reason": "a\\ud800b\\u0000c"}')

    assert refused == Refused(status=422, reason="a b c")


def test_what_is_said_is_short() -> None:
    said = {"reference": "r" * 1000, "url": "https://crm.example/" + "u" * 1000}

    done = answer(200, said)

    assert done == Done(status=200, reference="r" * MAX_REFERENCE, url="")


def test_a_reason_is_cut_between_characters() -> None:
    refused = answer(422, {"outcome": "refused", "reason": "x" + "ü" * MAX_REASON})

    assert isinstance(refused, Refused)
    assert refused.reason == "x" + "ü" * ((MAX_REASON - 1) // 2)


TEXT = (
    st.text(max_size=30)
    | st.integers().map(str)
    | st.binary(max_size=30).map(lambda raw: raw.decode("latin-1"))
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["outcome", "reference", "url", "reason"]), inner)
    ),
    max_leaves=10,
).map(lambda value: json.dumps(value).encode())


@given(
    status=st.integers(0, 999),
    headers=st.fixed_dictionaries({}, optional={"retry-after": TEXT, "location": TEXT}),
    body=JSON | st.binary(max_size=100),
)
def test_whatever_is_answered_has_a_meaning(
    status: int, headers: dict[str, str], body: bytes
) -> None:
    read = answer_of(status, headers, body, NOON)

    assert read.status == status
    match read:
        case Done(reference=text, url=url) | Duplicate(reference=text, url=url):
            assert fits(text, MAX_REFERENCE)
            assert fits(url, MAX_REFERENCE)
        case Skipped(reason=text) | Refused(reason=text):
            assert fits(text, MAX_REASON)
        case Busy(retry_after=wait) | InProgress(retry_after=wait):
            assert wait is None or timedelta() <= wait <= timedelta(hours=1)
        case Failed(reason=text) | Unreachable(reason=text):
            assert fits(text, MAX_REASON)


def fits(text: str, size: int) -> bool:
    return len(text) <= size and not {category(each) for each in text} & {"Cc", "Cs", "Zl", "Zp"}
