"""The text and the HTML of a message in a body, and what of the text is the answer."""

from postroom.domain.handover import body_limits as limits
from postroom.domain.handover.body_input import BodyOptions
from postroom.domain.handover.body_json import clipped
from postroom.domain.handover.body_links import Links
from postroom.domain.handover.body_types import Content, Reply
from postroom.domain.mail.message import Message
from postroom.domain.mail.reply import answers, split_reply


def body_content(
    message: Message, html: str | None, links: Links, options: BodyOptions, cuts: list[str]
) -> Content:
    """*html* is sanitised; None if there is none, or none that could be. It is never cut in two."""
    original = len(message.html.encode())
    return {
        "text": _text(message.text, options, cuts),
        "textFrom": message.text_from,
        "html": _html(message, html, options, cuts),
        "originalHtml": {"url": links.html, "size": original} if original else None,
        "truncated": cuts,
        "textUrl": links.text,
    }


def body_reply(message: Message, text: str, options: BodyOptions, cuts: list[str]) -> Reply | None:
    """Of the *text* that is in the body; None if *message* answers nothing."""
    if not answers(message):
        return None
    if options.thin:
        cuts.append("reply")
        return None
    reply = split_reply(text, subject=message.subject)
    return {
        "text": reply.text,
        "quoted": reply.quoted,
        "signature": reply.signature or None,
        "sure": reply.is_sure,
    }


def _text(text: str, options: BodyOptions, cuts: list[str]) -> str:
    chosen = "" if options.thin else clipped(text, limits.MAX_TEXT)
    if len(chosen) < len(text):
        cuts.append("content.text")
    return chosen


def _html(message: Message, html: str | None, options: BodyOptions, cuts: list[str]) -> str | None:
    if html is not None and not options.thin and len(html.encode()) <= limits.MAX_HTML:
        return html
    if message.html:
        cuts.append("content.html")
    return None
