"""What makes a message one of a kind."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.domain.identity import MessageIdentity, content_digest, identify, normalise_message_id


@pytest.mark.parametrize(
    ("text", "normalised"),
    [
        ("<Abc@Example.ORG>", "Abc@example.org"),
        ("Abc@Example.ORG", "Abc@example.org"),
        ("  <a@x.test>\r\n", "a@x.test"),
        ("<a\r\n @x.\ttest>", "a@x.test"),
        ("(comment) <a@x.test> tail", "a@x.test"),
        ("<<a@x.test>>", "a@x.test"),
        ("<a@x.test", "a@x.test"),
        ("<A@b@C.test>", "A@b@c.test"),
        ("<NoDomain>", "NoDomain"),
        ("<>", ""),
        ("", ""),
        (" \t\r\n", ""),
    ],
)
def test_a_message_id_has_one_normal_form(text: str, normalised: str) -> None:
    assert normalise_message_id(text) == normalised


@given(st.text(st.sampled_from("aB@<> \r\n\t.\u0130\u03a3\u2028")) | st.text())
def test_a_normalised_message_id_stays_as_it_is(text: str) -> None:
    once = normalise_message_id(text)

    assert normalise_message_id(once) == once


def test_a_message_is_known_by_its_message_id() -> None:
    identity = identify("<A@X.test>", source="imap:INBOX:1:7", digest="d")

    assert identity == MessageIdentity("rfc5322:A@x.test", "imap:INBOX:1:7", "d")


@pytest.mark.parametrize("message_id", ["", "<>", "  "])
def test_a_message_without_an_id_is_known_by_its_source(message_id: str) -> None:
    identity = identify(message_id, source="imap:INBOX:1:7", digest="d")

    assert identity == MessageIdentity("imap:INBOX:1:7", "imap:INBOX:1:7", "d")


def test_a_sender_cannot_choose_an_id_that_is_taken_for_a_source() -> None:
    assert identify("imap:INBOX:1:7", source="other", digest="d").name == "rfc5322:imap:INBOX:1:7"


def test_the_digest_is_sha_256_over_lengths_and_contents() -> None:
    """The value is fixed: a digest that is stored must be found again by a later release."""
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

    assert content_digest([]) == empty
    assert content_digest([b"ab", b""]) == (
        "5275cd81a7ab85c7219cbe049231f08aab0913631cfd098890af6791862ef41e"
    )


PARTS = st.lists(st.binary(max_size=3), max_size=4)


@given(PARTS, PARTS)
def test_different_parts_have_different_digests(one: list[bytes], other: list[bytes]) -> None:
    assert (content_digest(one) == content_digest(other)) == (one == other)


def test_the_same_bytes_in_other_parts_have_another_digest() -> None:
    digests = {
        content_digest(parts) for parts in ([b"ab"], [b"a", b"b"], [b"ab", b""], [b"b", b"a"])
    }

    assert len(digests) == 4
