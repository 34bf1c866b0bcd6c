"""What every HtmlSanitiser promises."""

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroom.adapters.html.sanitiser import Nh3Sanitiser
from postroom.adapters.memory.sanitiser import PlainSanitiser
from postroom.application.ports import HtmlSanitiser

PORTS = {HtmlSanitiser}

SANITISERS = [Nh3Sanitiser(), PlainSanitiser()]

FORBIDDEN = {
    "base", "button", "embed", "form", "iframe", "input", "link", "math", "meta", "object",
    "script", "select", "style", "svg", "textarea", "video",
}  # fmt: skip

each = pytest.mark.parametrize("sanitise", SANITISERS, ids=lambda one: type(one).__name__)


class Reader(HTMLParser):
    """What somebody sees of HTML, and what their browser would meet in it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text = ""
        self.tags: set[str] = set()
        self.attributes: set[tuple[str, str]] = set()
        self.feed(html)
        self.close()

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {(name, value or "") for name, value in attrs}


def assert_harmless(html: str) -> None:
    reader = Reader(html)
    assert not reader.tags & FORBIDDEN
    for name, value in reader.attributes:
        assert not name.startswith("on")
        assert name not in {"style", "srcset", "background", "action", "formaction", "ping"}
        if name == "src":
            assert value.strip().lower().startswith(("cid:", "data:image/"))
        if name == "href":
            assert value.strip().lower().startswith(("https:", "http:", "mailto:", "tel:"))


@each
@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("", ""),
        ("Hello", "Hello"),
        ("<p>Hello <b>you</b></p>", "Hello you"),
        ("1 < 2 &amp; 3 > 2", "1 < 2 & 3 > 2"),
        ("&lt;script&gt;x()&lt;/script&gt;", "<script>x()</script>"),
        ("Zo&euml; Möbel 家具", "Zoë Möbel 家具"),
        ("a<script>x()</script>b<STYLE type=a>p {}</STYLE >c", "abc"),
        ('a<a href="javascript:x()">b</a><img src="https://x.test/?me">c', "abc"),
        ("<form action=//x.test>a<input name=b></form>", "a"),
    ],
)
def test_the_text_is_kept_and_nothing_else_is_shown(
    sanitise: HtmlSanitiser, html: str, text: str
) -> None:
    assert Reader(sanitise(html)).text == text


@each
def test_an_image_that_came_with_the_message_stays(sanitise: HtmlSanitiser) -> None:
    shown = Reader(sanitise('<p>Our logo: <img alt="" src="cid:logo&amp;1@x.test"></p>'))

    assert ("src", "cid:logo&1@x.test") in shown.attributes


@each
@pytest.mark.parametrize(
    "html",
    [
        "<script>x()</script><SCRIPT src=//x.test></SCRIPT>",
        "<scr<script>ipt>x()</script>",
        "<script>x()",
        "<p onclick=x() style='background:url(//x.test)'>a",
        "<svg/onload=x()><math><style><img src=x onerror=x()></style></math>",
        '<noscript><p title="</noscript><img src=x onerror=x()>">',
        "<!--><img src=x onerror=x()>-->",
        "<style>@import '//x.test'",
        "<form action=//x.test><input><button formaction=//x.test>a</button><textarea>",
        "<iframe src=//x.test></iframe><object data=//x.test></object><embed src=//x.test>",
        "<base href=//x.test><meta http-equiv=refresh content=0><link rel=icon href=//x.test>",
        '<img src="https://x.test/pixel.gif"><img src=//x.test><img srcset="//x.test 2x">',
        '<img src=" cid:a" onerror=x()><img src="cid:a" onerror=x()><img src=cid:a/onerror=x()>',
        '<img src="cid:&quot; onerror=&quot;x()">',
        '<a href="javascript:x()" ping=//x.test>a</a><a href="&#106;avascript:x()">a</a>',
        '<a href="cid:a">a</a><a href="data:text/html,x">a</a>',
        "<table background=//x.test><td background=//x.test>a",
    ],
)
def test_nothing_runs_and_nothing_calls_home(sanitise: HtmlSanitiser, html: str) -> None:
    assert_harmless(sanitise(html))


FRAGMENTS = st.sampled_from(
    ["<", ">", '"', "'", "&", "=", "/", "<!--", "-->", "<b>", "</b>", "<img src=", "cid:", "<p ",
     "<a href=", "<script>", "</script>", "<style>", "onerror=x()", "javascript:", "&lt;", "&#60;"]
)  # fmt: skip


@each
@given(html=st.lists(FRAGMENTS | st.text(max_size=3), max_size=25).map("".join))
def test_what_was_made_harmless_once_is_so_ever_after(sanitise: HtmlSanitiser, html: str) -> None:
    once = sanitise(html)

    assert_harmless(once)
    assert_harmless(sanitise(once))
