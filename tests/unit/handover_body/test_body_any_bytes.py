"""Bodies of mail that nobody has thought of."""

import json
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from tests.samples import NAMES, sample
from tests.unit.handover_body.rig import OPTIONS, assert_valid, data, rendered
from tests.unit.test_read_any_bytes import MAIL

SIZES = st.sampled_from([16_384, 20_000, OPTIONS.max_body])
FIELDS = [
    b"Auto-Submitted: auto-replied\n", b"List-Id: <\n", b"List-Unsubscribe: <https:\n",
    b"Return-Path: <>\n", b"X-Failed-Recipients: a@x\n", b"Authentication-Results: a; dkim=pass\n",
    b"Content-Type: message/delivery-status\n\n", b"Final-Recipient: rfc822; a@x\n\n",
    b"References: <a@x>\n", b"Received: x\n", b"Delivered-To: a@x\n", b"On 4 Feb 2030 wrote:\n",
    b"> a\n", b"-- \n", b"\xed\xa0\x80", b"\xf0\x9f\x98\x80", b'"', b"\\",
]  # fmt: skip
ANY = st.lists(st.sampled_from(FIELDS) | MAIL, max_size=15).map(b"".join) | st.binary(max_size=200)


@given(ANY.filter(bytes.strip), SIZES, st.booleans())
def test_any_bytes_are_a_body_that_is_valid_and_fits(raw: bytes, size: int, thin: bool) -> None:  # noqa: FBT001
    options = replace(OPTIONS, max_body=size, thin=thin, inline_below=100)

    body = rendered(raw, options=options)

    assert len(body) <= size
    assert b"\\u0000" not in body.replace(b"\\\\", b"")
    assert_valid(json.loads(body))


@given(st.sampled_from(NAMES), st.data())
def test_any_damage_to_a_message_leaves_a_body(name: str, drawn: st.DataObject) -> None:
    raw = sample(name)
    start = drawn.draw(st.integers(0, len(raw)))
    end = drawn.draw(st.integers(start, min(start + 50, len(raw))))

    data(raw[:start] + drawn.draw(ANY) + raw[end:])
