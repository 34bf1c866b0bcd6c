"""What is answered, apart from what is quoted."""

from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.domain.mail.reader import read_message
from postroom.domain.mail.reply import Reply, answers, split_reply
from tests.mail import message
from tests.samples import sample

OWN = "Thank you.\n\nIt has arrived."
QUOTED = "> Has it arrived?\n>\n> Jo"


@pytest.mark.parametrize(
    "above",
    [
        "On Mon, 4 Feb 2030 at 08:12, Jo <jo@x.test> wrote:\n",
        "On Mon, 4 Feb 2030 at 08:12, Jo Somebody-With-A-Long-Name <\njo@x.test> wrote:\n\n",
        "Am 04.02.2030 um 08:12 schrieb Jo:\n",
        "Am 04.02.2030 um 08:12 schrieb Jo <jo@x.test\n>:\n",
        "Le lun. 4 févr. 2030 à 08:12, Jo <jo@x.test> a écrit :\n",
        "2030-02-04 8:12 GMT+01:00 Jo <jo@x.test>:\n\n",
        "Op ma 4 feb. 2030 om 08:12 schreef Jo <jo@x.test>:\n",
        "4 февр. 2030 8:12 пользователь Jo <jo@x.test> написал:\n",
        "2030年2月4日(月) 8:12 Jo <jo@x.test>:\n",
        "",
    ],
)
def test_what_is_marked_as_quoted_is_surely_so(above: str) -> None:
    reply = split_reply(f"{OWN}\n\n{above}{QUOTED}\n")

    assert reply == Reply(OWN, above.replace("\n\n", "\n") + QUOTED, "", is_sure=True)


def test_an_answer_may_stand_below_what_it_answers() -> None:
    reply = split_reply(f"On 4 Feb 2030 Jo wrote:\n{QUOTED}\n\n{OWN}")

    assert (reply.text, reply.is_sure) == (OWN, True)


def test_answers_between_the_lines_are_never_surely_apart() -> None:
    reply = split_reply("> Has it arrived?\nYes.\n> All of it?\nNo.")

    assert reply == Reply("Yes.\nNo.", "> Has it arrived?\n> All of it?", "", is_sure=False)


@pytest.mark.parametrize(
    "header",
    [
        "From: Jo <jo@x.test>\nSent: Monday, 4 February 2030 08:12\nTo: Help\nSubject: Hello",
        "*Von:* Jo\n*Gesendet:* Montag\n*An:* Hilfe\n*Betreff:* Hallo",
        "________________________________\nDe : Jo\nEnvoyé : lundi\nÀ : Aide\nObjet : Bonjour",
        "-----Original Message-----\nFrom: Jo\nSent: Monday\nTo: Help",
        "-------- Ursprüngliche Nachricht --------",
    ],
)
def test_what_follows_a_copied_header_is_quoted(header: str) -> None:
    quoted = f"{header}\n\nHas it arrived?"

    assert split_reply(f"{OWN}\n\n{quoted}") == Reply(OWN, quoted, "", is_sure=True)


@pytest.mark.parametrize(
    "text",
    [
        "From: here on I write by hand.\nSent: nothing.\nAs he said.",
        "I wrote:\nnothing",
        "In 2030 we met. Please note:\n- one\n- two",
        "Dates\n-----\nFrom: Monday to Friday",
        "a\n---\nb",
    ],
)
def test_ordinary_text_is_not_quoted(text: str) -> None:
    assert split_reply(text) == Reply(text, "", "", is_sure=True)


def test_what_is_quoted_without_a_mark_may_hold_an_answer() -> None:
    reply = split_reply(f"{OWN}\n\nOn 4 Feb 2030 at 08:12 Jo wrote:\n\nHas it arrived?\nYes!")

    assert (reply.text, reply.is_sure) == (OWN, False)


@pytest.mark.parametrize("hint", ["See below.", "My answers are in red", "Siehe unten", "Hi Ann,"])
def test_a_text_that_goes_on_in_what_is_quoted_is_not_the_whole_answer(hint: str) -> None:
    header = "From: Jo\nSent: Monday\nTo: Help\nSubject: Hello"

    assert not split_reply(f"{hint}\n\n{header}\n\nHas it arrived? Yes").is_sure
    assert split_reply(hint).is_sure


def test_a_forwarded_message_is_what_is_to_be_read() -> None:
    forwarded = f"FYI\n\n---------- Forwarded message ---------\n{OWN}"

    assert not split_reply(forwarded).is_sure
    assert not split_reply(f"{OWN}\n{QUOTED}", subject="Fwd: Hello").is_sure


@pytest.mark.parametrize(
    ("text", "signature"),
    [
        (f"{OWN}\n\n-- \nJo Field\nExample Ltd", "-- \nJo Field\nExample Ltd"),
        (f"{OWN}\n\n--\nJo", "--\nJo"),
        (f"{OWN}\n\nSent from my iPhone", "Sent from my iPhone"),
        (f"{OWN}\n\nVon meinem iPhone gesendet\n", "Von meinem iPhone gesendet"),
        (f"{OWN}\n\n-- \nJo\n\n{QUOTED}", "-- \nJo"),
        (f"{OWN}\n\n{QUOTED}\n\n-- \nJo", "-- \nJo"),
    ],
)
def test_a_signature_is_neither(text: str, signature: str) -> None:
    reply = split_reply(text)

    assert (reply.text, reply.signature, reply.is_sure) == (OWN, signature, True)


def test_much_text_below_dashes_is_no_signature() -> None:
    text = "\n".join([OWN, "-- ", *["line"] * 16])

    assert split_reply(text).text == text


def test_only_a_quotation_leaves_no_answer_to_be_sure_of() -> None:
    assert split_reply(QUOTED) == Reply("", QUOTED, "", is_sure=False)


def test_a_reply_of_html_alone_is_split_by_its_blockquote() -> None:
    read = message(
        "Content-Type: text/html",
        body="<div>Thank you.</div><div>On Mon, 4 Feb 2030 at 08:12, Jo wrote:<br></div>"
        "<blockquote><p>Has it arrived?</p><blockquote>Order 1</blockquote></blockquote>",
    )

    reply = split_reply(read.text)

    assert (reply.text, reply.is_sure) == ("Thank you.", True)
    assert reply.quoted.endswith("wrote:\n> Has it arrived?\n>> Order 1")


def test_a_sample_is_split() -> None:
    reply = split_reply(read_message(sample("reply")).text)

    assert reply.text.startswith("It is the paper guide")
    assert reply.text.endswith("Jonas")
    assert reply.is_sure


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("References: <a@x>", True),
        ("In-Reply-To: <a@x>", True),
        ("Subject: Re: Order", True),
        ("Subject: AW[2]: Order", True),
        ("Subject: Order", False),
        ("Subject: Request", False),
    ],
)
def test_a_message_says_whether_it_answers(*, line: str, expected: bool) -> None:
    assert answers(message(line)) is expected


# --- Whatever the text ---

LINES = st.sampled_from(
    [
        "", " ", "text", "> quoted", ">", "-- ", "--", "Sent from my iPhone",
        "On 4 Feb 2030 at 8:12", "Jo <jo@x.test> wrote:", "wrote:", "> wrote:", "From: Jo",
        "Sent: Monday",
        "To: Help", "Subject: x", "_____", "-----Original Message-----",
        "Begin forwarded message:", "see below",
    ]
)  # fmt: skip
TEXTS = st.lists(LINES | st.text(max_size=20), max_size=30).map("\n".join)


def filled(text: str) -> list[str]:
    return [line for line in text.split("\n") if line.strip()]


@given(TEXTS)
def test_no_line_is_lost_or_doubled(text: str) -> None:
    reply = split_reply(text)

    parts = [filled(part) for part in (reply.text, reply.quoted, reply.signature)]
    assert sorted(line for part in parts for line in part) == sorted(filled(text))
    for part in parts:
        remaining = iter(filled(text))
        assert all(line in remaining for line in part)  # in order


@pytest.mark.parametrize(
    "line",
    ["", ">", "-- ", "x:", "From: a", "____", "On 1.1.2030 a@x", "Sent from my x", ":" * 500],
)
def test_time_grows_with_the_text_and_no_faster(line: str) -> None:
    text = f"{line}\n" * (500_000 // (len(line) + 1))
    began = process_time()

    split_reply(text)

    assert process_time() - began < 5
