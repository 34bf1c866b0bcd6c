"""What is read in a Redis URL, and what is refused."""

from pathlib import Path
from typing import Any

import pytest

from postroom.adapters.redis.address import Address, InvalidRedisUrl, Kind, read_address
from postroom.adapters.redis.servers import open_redis


def settings(**given: object) -> dict[str, Any]:
    return {"protocol": 2} | given


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://", Address(Kind.SERVER, settings())),
        ("redis://h/", Address(Kind.SERVER, settings(host="h"))),
        ("redis://h:1/9", Address(Kind.SERVER, settings(host="h", port=1, db=9))),
        (
            "rediss://user:p%40ss@[::1]?protocol=3&ssl_check_hostname=no",
            Address(
                Kind.SERVER,
                settings(
                    host="::1",
                    username="user",
                    password="p@ss",
                    protocol=3,
                    ssl_check_hostname=False,
                ),
                tls=True,
            ),
        ),
        ("unix:///a%20b?db=3", Address(Kind.SERVER, settings(path="/a b", db=3))),
        (
            "redis+cluster://:p@a:1,[::1]:2,c",
            Address(
                Kind.CLUSTER,
                settings(password="p"),
                (("a", 1), ("::1", 2), ("c", 6379)),
            ),
        ),
        (
            "rediss+cluster://a/?ssl_ca_certs=/ca.pem",
            Address(Kind.CLUSTER, settings(ssl_ca_certs="/ca.pem"), (("a", 6379),), tls=True),
        ),
        (
            "redis+sentinel://user:p@a,b:2/mail/3?sentinel_password=s",
            Address(
                Kind.SENTINEL,
                settings(username="user", password="p", db=3),
                (("a", 26379), ("b", 2)),
                "mail",
                {"password": "s"},
            ),
        ),
        (
            "REDISS+SENTINEL://a/my%20mail?ssl_ca_certs=/ca.pem&sentinel_username=watch",
            Address(
                Kind.SENTINEL,
                settings(ssl_ca_certs="/ca.pem"),
                (("a", 26379),),
                "my mail",
                {"username": "watch", "ssl_ca_certs": "/ca.pem"},
                tls=True,
            ),
        ),
    ],
)
def test_a_url_says_where_and_as_whom(url: str, expected: Address) -> None:
    assert read_address(url) == expected


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://u:hush@h", "use redis://"),
        ("hush", "use redis://"),
        ("redis+ring://u:hush@h", "use redis://"),
        ("redis://u:hush@h:port", "use redis://"),
        ("redis://u:hush@h/mail", "the number of a database"),
        ("redis://u:hush@h?socket_timeout=1", "an option after the ? is unknown"),
        ("redis://:hu?sh=hush@h", "an option after the ? is unknown"),
        ("redis://u:hush@h?protocol=4", "protocol is 2 or 3"),
        ("redis://u:hush@h?protocol=hush", "use redis://"),
        ("redis://u:hush@h?ssl_ca_certs=/ca.pem", "rediss://"),
        ("redis+cluster://u:hush@a,,b", "a host is missing"),
        ("redis+cluster://u:hush@", "a host is missing"),
        ("redis+cluster://u:hush@a:port", "use redis://"),
        ("redis+cluster://u:hush@a/1", "no databases"),
        ("redis+cluster://u:hush@a?db=1", "no databases"),
        ("redis+sentinel://u:hush@a", "name the service"),
        ("redis+sentinel://u:hush@a/mail/one", "name the service"),
        ("rediss://u:hush@h?ssl_ca_certs=/nowhere/hush.pem", "names no readable file"),
        ("rediss://u:hush@h?ssl_cert_reqs=hush", "names no readable file"),
    ],
)
async def test_what_is_no_redis_url_is_refused_in_a_line_without_the_password(
    url: str, told: str
) -> None:
    with pytest.raises(InvalidRedisUrl) as refused:
        async with open_redis(url):
            pytest.fail("it was opened")

    line = str(refused.value)
    assert told in line
    assert "hush" not in line
    assert "\n" not in line


async def test_a_file_that_is_no_certificate_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("not a certificate")

    with pytest.raises(InvalidRedisUrl, match="names no readable file"):
        async with open_redis(f"rediss://h?ssl_ca_certs={tmp_path / 'ca.pem'}"):
            pytest.fail("it was opened")


def test_no_password_is_shown() -> None:
    address = read_address("redis+sentinel://user:hush@a/mail?sentinel_password=hush")

    assert "hush" not in repr(address)
