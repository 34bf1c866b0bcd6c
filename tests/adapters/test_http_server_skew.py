"""How far a server's clock and ours are apart."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from postroom.adapters.http.server_skew import TOLERATED, ServerSkew

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


def dated(moment: datetime) -> dict[str, str]:
    return {"Date": format_datetime(moment, usegmt=True)}


@pytest.fixture
def told() -> list[tuple[str, timedelta]]:
    return []


@pytest.fixture
def skew(told: list[tuple[str, timedelta]]) -> ServerSkew:
    return ServerSkew("graph.test", lambda host, ahead: told.append((host, ahead)))


@pytest.mark.parametrize("ahead", [10 * MINUTE, -10 * MINUTE, timedelta(days=400)])
def test_a_skew_is_measured_by_a_response_and_told(
    skew: ServerSkew, told: list[tuple[str, timedelta]], ahead: timedelta
) -> None:
    skew.measure(dated(NOW - ahead), NOW, NOW)

    assert abs(skew.ahead - ahead) <= SECOND
    assert told == [("graph.test", skew.ahead)]
    assert abs(skew.theirs(NOW) - (NOW - ahead)) <= SECOND
    assert skew.ours(skew.theirs(NOW)) == NOW


def test_a_response_that_took_long_is_no_skew(skew: ServerSkew) -> None:
    skew.measure(dated(NOW), NOW, NOW + 10 * MINUTE)
    assert not skew.ahead

    skew.measure(dated(NOW + 10 * MINUTE), NOW, NOW + 10 * MINUTE)
    assert not skew.ahead


@pytest.mark.parametrize("ahead", [TOLERATED, -TOLERATED, timedelta()])
def test_up_to_a_minute_two_clocks_are_the_same(
    skew: ServerSkew, told: list[tuple[str, timedelta]], ahead: timedelta
) -> None:
    skew.measure(dated(NOW - ahead), NOW, NOW)

    assert (skew.is_measured, skew.ahead, told) == (True, timedelta(), [])
    assert skew.start(NOW) == skew.theirs(NOW) == NOW


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Date": ""},
        {"Date": "yesterday"},
        {"Date": "Fri, 31 Dec 99999 23:59:59 GMT"},
        dated(NOW - 60 * MINUTE) | {"Age": "3600"},
    ],
)
def test_a_response_without_a_date_of_the_servers_says_nothing(
    skew: ServerSkew, headers: dict[str, str]
) -> None:
    skew.measure(headers, NOW, NOW)

    assert not skew.ahead


def test_a_skew_is_told_once_until_it_is_another(
    skew: ServerSkew, told: list[tuple[str, timedelta]]
) -> None:
    for minutes in (10, 10, 10.5, 20, 0, 10):
        skew.measure(dated(NOW + minutes * MINUTE), NOW, NOW)

    assert [ahead / MINUTE for _, ahead in told] == [-10, -20, -10]


def test_a_list_begins_early_enough_though_the_skew_is_measured_inexactly(skew: ServerSkew) -> None:
    skew.measure(dated(NOW - 10 * MINUTE), NOW, NOW)

    assert skew.start(NOW) <= NOW - 10.5 * MINUTE
