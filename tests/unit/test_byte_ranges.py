"""RFC 9110 sections 13 and 14, by table."""

import pytest

from postroom.entrypoints.api.byte_ranges import Answer, answer

ETAG = '"5e"'
SIZE = 10


def answered(size: int = SIZE, **headers: str) -> Answer:
    return answer({name.replace("_", "-"): value for name, value in headers.items()}, ETAG, size)


@pytest.mark.parametrize(
    ("wanted", "start", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=2-4", 2, 5),
        ("bytes=2-", 2, 10),
        ("bytes=0-99", 0, 10),
        ("bytes=9-9", 9, 10),
        ("bytes=-3", 7, 10),
        ("bytes=-99", 0, 10),
        ("Bytes= 2-4 ", 2, 5),
        ("bytes=002-4", 2, 5),
    ],
)
def test_one_range_is_sent(wanted: str, start: int, end: int) -> None:
    found = answered(range=wanted)

    assert (found.status, found.start, found.end) == (206, start, end)
    assert found.headers == {
        "ETag": ETAG,
        "Accept-Ranges": "bytes",
        "Content-Range": f"bytes {start}-{end - 1}/10",
    }


@pytest.mark.parametrize(
    "wanted",
    [
        "",
        "bytes",
        "bytes=",
        "bytes=-",
        "bytes=4-2",
        "bytes=a-b",
        "bytes=1-2-3",
        "bytes=+1-2",
        "bytes=0x1-2",
        "bytes=\uff11-\uff12",
        "bytes=0-1,3-4",
        "lines=0-1",
        f"bytes={'9' * 5000}-",
        "bytes=0-1\r\nX: y",
    ],
)
def test_what_is_no_single_range_is_passed_over(wanted: str) -> None:
    found = answered(range=wanted)

    assert (found.status, found.start, found.end) == (200, 0, SIZE)
    assert "Content-Range" not in found.headers


@pytest.mark.parametrize("wanted", ["bytes=10-", "bytes=10-12", "bytes=99-", "bytes=-0"])
def test_what_holds_no_byte_cannot_be_sent(wanted: str) -> None:
    found = answered(range=wanted)

    assert (found.status, found.headers["Content-Range"]) == (416, "bytes */10")
    assert found.start == found.end


def test_of_nothing_there_is_no_range() -> None:
    assert answered(0, range="bytes=-3").status == 200
    assert answered(0, range="bytes=0-").status == 416
    assert answered(0).status == 200


@pytest.mark.parametrize(
    ("if_range", "status"),
    [(ETAG, 206), ('"other"', 200), (f"W/{ETAG}", 200), ("Tue, 01 Jan 2030 12:00:00 GMT", 200)],
)
def test_a_range_is_only_of_what_the_client_has_begun_with(if_range: str, status: int) -> None:
    assert answered(range="bytes=2-4", if_range=if_range).status == status


@pytest.mark.parametrize(
    ("known", "status"),
    [
        (ETAG, 304),
        (f"W/{ETAG}", 304),
        (f'"a", {ETAG}', 304),
        ("*", 304),
        ('"a"', 200),
        ("5e", 200),
        ("", 200),
    ],
)
def test_what_the_client_has_is_not_sent_again(known: str, status: int) -> None:
    assert answered(if_none_match=known).status == status


def test_that_goes_before_a_range() -> None:
    assert answered(if_none_match=ETAG, range="bytes=99-").status == 304
