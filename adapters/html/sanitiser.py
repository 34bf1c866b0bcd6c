"""An allow-list: what is not named here is not shown."""

import re

import nh3

from postroom.adapters.html.balance import balance
from postroom.application.ports import HtmlSanitiser

_TAGS = {
    "a", "abbr", "address", "article", "b", "bdi", "bdo", "big", "blockquote", "br", "caption",
    "center", "cite", "code", "col", "colgroup", "dd", "del", "details", "dfn", "div", "dl", "dt",
    "em", "figcaption", "figure", "font", "footer", "h1", "h2", "h3", "h4", "h5", "h6", "header",
    "hr", "i", "img", "ins", "kbd", "li", "mark", "ol", "p", "pre", "q", "s", "samp", "section",
    "small", "span", "strike", "strong", "sub", "summary", "sup", "table", "tbody", "td", "tfoot",
    "th", "thead", "time", "tr", "tt", "u", "ul", "var", "wbr",
}  # fmt: skip

# The text within these is not for reading either.
_DROPPED_WITH_CONTENT = {
    "applet", "audio", "canvas", "embed", "frameset", "iframe", "math", "noembed",
    "noframes", "noscript", "object", "option", "script", "select", "style", "svg", "template",
    "textarea", "title", "video", "xmp",
}  # fmt: skip

_ATTRIBUTES = {
    "*": {"dir", "lang", "title"},
    "a": {"href"},
    "col": {"span"},
    "colgroup": {"span"},
    "img": {"alt", "height", "src", "width"},
    "ol": {"start", "type"},
    "table": {"border", "cellpadding", "cellspacing"},
    "td": {"align", "colspan", "rowspan", "valign"},
    "th": {"align", "colspan", "rowspan", "scope", "valign"},
    "time": {"datetime"},
}

_LINK = re.compile(r"(?:https?|mailto|tel):", re.IGNORECASE)
# An image that came with the message. Any other one tells its server who reads the mail, and when.
_OWN_IMAGE = re.compile(r"cid:|data:image/(?:gif|jpeg|png|webp);base64,", re.IGNORECASE)


class Nh3Sanitiser(HtmlSanitiser):
    def __call__(self, html: str) -> str:
        return _CLEANER.clean(balance(html, tags=_TAGS, dropped=_DROPPED_WITH_CONTENT))


def _keep(tag: str, attribute: str, value: str) -> str | None:
    """The *value*, or None to drop the attribute. The schemes allowed depend on the tag."""
    match tag, attribute:
        case "a", "href":
            return value if _LINK.match(value.strip()) else None
        case "img", "src":
            return value if _OWN_IMAGE.match(value.strip()) else None
        case _:
            return value


_CLEANER = nh3.Cleaner(
    tags=_TAGS,
    clean_content_tags=_DROPPED_WITH_CONTENT,
    attributes=_ATTRIBUTES,
    attribute_filter=_keep,
    link_rel="noopener noreferrer nofollow",
    url_schemes={"cid", "data", "http", "https", "mailto", "tel"},
    url_relative="deny",
)
