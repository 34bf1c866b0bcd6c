"""The scenes at Gmail."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

from postroom.domain.folder_sync import Request
from postroom.entrypoints.demo.messages import compose, identity_of, with_files
from postroom.entrypoints.demo.scene import ADA, GRACE, Awaited, Scene, scene
from postroom.entrypoints.demo.stage import GMAIL_USER, TENANT, Stage
from postroom.entrypoints.emulators.gmail import SHORTEST_GAP


async def _reply_first(stage: Stage) -> Awaited:
    text = "Yes, both of them."
    mail = compose(stage.clock, "early", "Re: Two chairs", text, sender=GRACE, answers="late")
    await _gmail_mail(stage, mail.as_bytes())
    return Awaited(identity_of("early"))


async def _original_later(stage: Stage) -> Awaited:
    mail = compose(stage.clock, "late", "Two chairs", "Are they sold?", sender=ADA)
    await _gmail_mail(stage, mail.as_bytes())
    return Awaited(identity_of("late"))


async def _attachments(stage: Stage) -> Awaited:
    mail = compose(stage.clock, "files", "Our order", "As discussed.", sender=GRACE)
    await _gmail_mail(stage, with_files(mail).as_bytes())
    return Awaited(identity_of("files"))


async def _missed_push(stage: Stage) -> Awaited:
    mail = compose(stage.clock, "unheard", "Is this on?", "Nobody told you.", sender=ADA)
    await _second_over()
    stage.gmail.lose_notifications()
    stage.gmail.deliver(GMAIL_USER, mail.as_bytes())
    await stage.folder_syncs.request(TENANT, "help", Request.SYNC, stage.clock.now())
    return Awaited(identity_of("unheard"))


async def _rescued(stage: Stage) -> Awaited:
    mail = compose(stage.clock, "spam", "You have not won", "I only ask.", sender=GRACE)
    await _second_over()
    message_id = stage.gmail.deliver(GMAIL_USER, mail.as_bytes(), labels=["SPAM", "UNREAD"])
    await _second_over()
    rescued_at = stage.clock.now()
    stage.gmail.relabel(GMAIL_USER, message_id, add=["INBOX"], remove=["SPAM"])
    return Awaited(identity_of("spam"), since=rescued_at)


async def _forgotten(stage: Stage) -> Awaited:
    mail = compose(stage.clock, "forgotten", "Long ago", "Do you remember?", sender=ADA)
    await _second_over()
    async with stage.holding("help") as folder_sync:
        last_week = stage.clock.now() - timedelta(days=8)
        await stage.folder_syncs.move_position(folder_sync, folder_sync.position, last_week)
        stage.gmail.deliver(GMAIL_USER, mail.as_bytes())
        stage.gmail.expire_history(GMAIL_USER)
    return Awaited(identity_of("forgotten"))


async def _gmail_mail(stage: Stage, raw: bytes) -> None:
    await _second_over()
    stage.gmail.deliver(GMAIL_USER, raw)


async def _second_over() -> None:
    """Gmail sends one notification a second, and drops what is more."""
    await asyncio.sleep(SHORTEST_GAP.total_seconds())


GMAIL_SCENES: Sequence[Scene] = (
    scene("Google", "reply before original",
          "Gmail delivers an answer to something that we have not seen yet.",
          "completed: ticket", _reply_first),
    scene("Google", "the original",
          "Now what it answers arrives, and becomes the opening of that ticket.",
          "completed: comment", _original_later),
    scene("Google", "attachments",
          "An order comes with two files.",
          "completed: ticket", _attachments),
    scene("Google", "a missed push",
          "Pub/Sub loses a push. The next sync, which comes every 15 minutes and here at once,"
          " finds the message.",
          "completed: ticket", _missed_push),
    scene("Google", "rescued from spam",
          "A message is taken for spam, which we leave alone, until somebody moves it to the"
          " inbox.",
          "completed: ticket", _rescued),
    scene("Google", "history forgotten",
          "As if our last sync were a week ago: Gmail has forgotten what has happened since. We"
          " list by date instead.",
          "completed: ticket", _forgotten),
)  # fmt: skip
