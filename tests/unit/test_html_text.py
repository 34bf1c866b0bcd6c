"""The text of HTML that is too large to be shown as HTML."""

from time import process_time

import pytest

from postroom.domain.mail.html_text import text_of


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("", ""),
        ("Hello", "Hello"),
        ("<p>Hello <b>you</b></p><p>Bye</p>", "Hello you\nBye"),
        ("one<br>two<BR/>three", "one\ntwo\nthree"),
        ("<div>\n  <p>one\n two</p>\n\n\n</div>three", "one two\nthree"),
        ("<title>t</title><style>p {}</style><script>x()</script>a<!-- b -->c", "ac"),
        ("&lt;b&gt; &amp; Zo&euml;", "<b> & Zoë"),
        ("1 < 2 and 3 > 2", "1 < 2 and 3 > 2"),
        ("a<script>x()", "a"),
        ("a<!-- b", "a"),
    ],
)
def test_it_is_what_somebody_would_read(html: str, text: str) -> None:
    assert text_of(html) == text


@pytest.mark.parametrize(
    "unit",
    [
        "<",
        "<p",
        "<!--",
        "<script>",
        "</",
        "<style ",
        "&amp;",
        "&nbsp;",
        "<br>",
        " ",
        "\n",
        " \n",
        "<br ",
        "x ",
    ],
)
def test_time_grows_with_the_html_and_no_faster(unit: str) -> None:
    began = process_time()

    text_of(unit * (4_000_000 // len(unit)))

    assert process_time() - began < 5
