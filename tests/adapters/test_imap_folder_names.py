"""Names of IMAP folders: on the wire, and in the server's lists."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.adapters.imap.client import ImapClient
from postroom.adapters.imap.folder_names import decode_folder_name, encode_folder_name
from tests.adapters.imap_rig import account
from tests.emulators.scripted_imap import scripted_imap
from tests.served_mailbox import ServedMailbox

NAMES = [
    ("INBOX", "INBOX"),
    ("a & b", "a &- b"),
    ("~peter/mail/台北/日本語", "~peter/mail/&U,BTFw-/&ZeVnLIqe-"),  # RFC 3501 section 5.1.3
    ("Hi Mom ☺!", "Hi Mom &Jjo-!"),
    ("Entwürfe", "Entw&APw-rfe"),
    ("😀", "&2D3eAA-"),
    ("a\r\nb", "a&AA0ACg-b"),
]


@pytest.mark.parametrize(("name", "wire"), NAMES)
def test_a_folder_name_goes_over_the_wire_in_modified_utf_7(name: str, wire: str) -> None:
    assert encode_folder_name(name) == wire
    assert decode_folder_name(wire) == name


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_folder_name_is_printable_on_the_wire_and_loses_nothing(name: str) -> None:
    wire = encode_folder_name(name)

    assert wire.isascii()
    assert wire.isprintable()
    assert decode_folder_name(wire) == name


@pytest.mark.parametrize("name", ["&", "&Jjo", "&!!!-", "&2D0-", "&A-", "Entwürfe"])
def test_what_is_no_modified_utf_7_stands_for_itself(name: str) -> None:
    assert decode_folder_name(name) == name


@given(st.text())
def test_no_name_of_a_server_makes_a_crash(wire: str) -> None:
    decode_folder_name(wire)


async def test_the_folders_of_a_server_are_listed_by_their_names(served: ServedMailbox) -> None:
    for name in ("Entw&APw-rfe &- Co", "Anfragen"):
        served.create(name)
    connection = await ImapClient().connect(served.account)

    assert set(await connection.folders()) == {"INBOX", "Entwürfe & Co", "Anfragen"}
    await connection.aclose()


async def test_names_come_in_every_form_that_a_server_may_choose() -> None:
    listed = [
        '* LIST () "/" INBOX',
        r'* LIST (\HasNoChildren) "/" "a \"b\" \\ c"',
        '* LIST () NIL {4}\r\n"d"e',
        r'* LIST (\Noselect \HasChildren) "\\" "only a parent"',
        r'* LIST (\NonExistent) "." gone',
        "* LIST nonsense",
        "TAG OK done",
    ]
    async with scripted_imap({"LIST": ["\r\n".join([*listed, ""])]}) as script:
        connection = await ImapClient().connect(account(script.port))

        assert await connection.folders() == ["INBOX", r'a "b" \ c', '"d"e']
        await connection.aclose()
