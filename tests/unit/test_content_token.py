from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from postroom.domain.handover.content_token import (
    OPENS_FOR,
    ContentTokens,
    Links,
    is_content_token,
)

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
LINKS = Links("acme", "crm", "msg_ic4uclgu7j3ru5k5hkyx6us2sty4fy63")
TOKENS = ContentTokens([b"k" * 32])
TOKEN = TOKENS.make(LINKS, NOW)


def test_a_token_has_the_form_that_is_published() -> None:
    version, expiry, mac = TOKEN.split(".")

    assert (version, int(expiry)) == ("v1", (NOW + OPENS_FOR).timestamp())
    assert len(mac) == 43
    assert is_content_token(TOKEN)
    assert not is_content_token("token-of-acme")


def test_it_opens_its_links_for_an_hour() -> None:
    assert TOKENS.opens(TOKEN, LINKS, NOW)
    assert TOKENS.opens(TOKEN, LINKS, NOW + timedelta(seconds=3599))
    assert not TOKENS.opens(TOKEN, LINKS, NOW + timedelta(hours=1))


@pytest.mark.parametrize(
    "other", [{"tenant": "globex"}, {"application": "erp"}, {"key": "msg_other"}]
)
def test_it_opens_no_others(other: dict[str, str]) -> None:
    assert not TOKENS.opens(TOKEN, replace(LINKS, **other), NOW)


@pytest.mark.parametrize(
    "forged",
    [
        "",
        "v1",
        "v1.",
        "v1..",
        "v1.99999999999.",
        TOKEN.replace("v1.", "v2."),
        TOKEN.replace(".18", ".19"),
        TOKEN[:-1],
        TOKEN + "=",
        TOKEN + "A" * 1000,
        "v1.x." + TOKEN.rpartition(".")[2],
        "v1.1e99." + TOKEN.rpartition(".")[2],
        "v1.ü.ü",
        "v1.\ud800.\x00",
    ],
)
def test_what_was_changed_or_made_up_opens_nothing(forged: str) -> None:
    assert not TOKENS.opens(forged, LINKS, NOW)


def test_tokens_of_an_old_key_open_and_those_of_an_unknown_one_do_not() -> None:
    rotated = ContentTokens([b"n" * 32, b"k" * 32])

    assert rotated.opens(TOKEN, LINKS, NOW)
    assert not TOKENS.opens(rotated.make(LINKS, NOW), LINKS, NOW)


def test_keys_are_not_shown() -> None:
    assert "kkk" not in repr(TOKENS)
