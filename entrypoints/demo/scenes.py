"""The scenes: what happens in each, in words, and how it is expected to end."""

from collections.abc import Sequence
from datetime import timedelta

from postroom.domain.pointer import job_id
from postroom.entrypoints.demo.gmail_scenes import GMAIL_SCENES
from postroom.entrypoints.demo.messages import broken, compose, identity_of, with_inline_image
from postroom.entrypoints.demo.own_application import NAMES
from postroom.entrypoints.demo.own_application import play as play_own_application
from postroom.entrypoints.demo.scene import ADA, ANY, GRACE, Awaited, Scene, scene
from postroom.entrypoints.demo.stage import IMAP_USER, MICROSOFT_USER, TENANT, Stage


async def _plain(stage: Stage) -> Awaited:
    mail = compose(stage.clock, "plain", "Printer on fire", "It is the big one.", sender=ADA)
    await _graph_mail(stage, mail.as_bytes())
    return Awaited(identity_of("plain"))


async def _inline_image(stage: Stage) -> Awaited:
    mail = compose(stage.clock, "html", "Our new logo", "See the picture.", sender=GRACE)
    html = '<p onclick="steal()">Here it is: <img src="cid:logo"><script>alert(1)</script></p>'
    await _graph_mail(stage, with_inline_image(mail, html).as_bytes())
    return Awaited(identity_of("html"))


async def _reply(stage: Stage) -> Awaited:
    text = "The fire brigade is here."
    mail = compose(stage.clock, "reply", "Re: Printer on fire", text, sender=ADA, answers="plain")
    await _graph_mail(stage, mail.as_bytes())
    return Awaited(identity_of("reply"))


async def _second_notification(stage: Stage) -> Awaited:
    mail = compose(stage.clock, "twice", "Told twice", "Once would do.", sender=GRACE)
    started = stage.clock.now()
    message_id = stage.graph.deliver(MICROSOFT_USER, mail.as_bytes())
    await stage.graph.notify(message_id)
    first = await stage.outcome(started, message=identity_of("twice"))
    await stage.graph.notify(message_id)
    return Awaited(identity_of("twice"), since=first.at + timedelta(microseconds=1))


async def _not_there_yet(stage: Stage) -> Awaited:
    mail = compose(stage.clock, "early", "Am I early?", "It seems so.", sender=GRACE)
    message_id = stage.graph.deliver(MICROSOFT_USER, mail.as_bytes())
    stage.graph.fail(message_id, status=404, code="ErrorItemNotFound")
    await stage.graph.notify(message_id)
    return Awaited(identity_of("early"))


async def _fails_once(stage: Stage) -> Awaited:
    mail = compose(stage.clock, "second", "Second time lucky", "Hello?", sender=ADA)
    message_id = stage.graph.deliver(MICROSOFT_USER, mail.as_bytes())
    stage.graph.fail(message_id, status=500, code="InternalServerError")
    await stage.graph.notify(message_id)
    return Awaited(identity_of("second"))


async def _throttled(stage: Stage) -> Awaited:
    mail = compose(stage.clock, "slow", "No hurry", "Whenever you like.", sender=ADA)
    message_id = stage.graph.deliver(MICROSOFT_USER, mail.as_bytes())
    stage.graph.throttle(message_id, retry_after="1")
    await stage.graph.notify(message_id)
    return Awaited(identity_of("slow"))


async def _killed(stage: Stage) -> Awaited:
    mail = compose(stage.clock, "killed", "In the middle of it", "Bang.", sender=ADA)
    message_id = stage.graph.deliver(MICROSOFT_USER, mail.as_bytes())
    stage.graph.stall(message_id)
    await stage.graph.notify(message_id)
    await stage.graph.stalled()
    stage.supervisor.children["worker"].kill()
    stage.graph.release()
    return Awaited(identity_of("killed"))


async def _never(stage: Stage) -> Awaited:
    message_id = stage.graph.deliver(MICROSOFT_USER, b"\r\n")
    await stage.graph.notify(message_id)
    return Awaited(job_id=_microsoft_job(stage, message_id))


async def _moved(stage: Stage) -> Awaited:
    mail = compose(stage.clock, "moved", "Please move me", "To another folder.", sender=GRACE)
    message_id = stage.graph.deliver(MICROSOFT_USER, mail.as_bytes())
    notification = stage.graph.notification(stage.microsoft_subscription, message_id)
    stage.graph.move(message_id, "archive")
    await stage.http.post(f"{stage.url}/webhooks/microsoft", json={"value": [notification]})
    return Awaited(identity_of("moved"))


async def _missed(stage: Stage) -> Awaited:
    mail = compose(stage.clock, "missed", "Did you hear me?", "Nobody told you.", sender=ADA)
    stage.graph.lose_notifications()
    await stage.graph.notify(stage.graph.deliver(MICROSOFT_USER, mail.as_bytes()))
    await stage.graph.report_missed()
    return Awaited(identity_of("missed"))


async def _unsubscribed(stage: Stage) -> Awaited:
    mail = compose(stage.clock, "gap", "Into the gap", "Between two subscriptions.", sender=GRACE)
    await stage.graph.remove_subscription(stage.microsoft_subscription)
    stage.graph.deliver(MICROSOFT_USER, mail.as_bytes())
    return Awaited(identity_of("gap"))


async def _forged(stage: Stage) -> Awaited | None:
    mail = compose(stage.clock, "forged", "Trust me", "I am Graph.", sender=ADA)
    message_id = stage.graph.deliver(MICROSOFT_USER, mail.as_bytes())
    notification = stage.graph.notification(stage.microsoft_subscription, message_id)
    forged = {**notification, "clientState": "a guess"}
    await stage.http.post(f"{stage.url}/webhooks/microsoft", json={"value": [forged]})
    stage.graph.delete(message_id)
    lanes = await stage.queue.statistics()
    queued = any(lane.ready or lane.in_flight or lane.delayed for lane in lanes)
    return Awaited(identity_of("forged")) if queued else None


async def _by_imap(stage: Stage) -> Awaited:
    mail = compose(stage.clock, "idle", "Opening hours", "When are you open?", sender=ADA)
    stage.imap.deliver(IMAP_USER, mail.as_bytes())
    return Awaited(identity_of("idle"))


async def _broken(stage: Stage) -> Awaited:
    stage.imap.deliver(IMAP_USER, broken())
    return Awaited(identity_of("broken"))


async def _own_application(stage: Stage) -> Awaited:
    accepted_at = await play_own_application(stage, sender=GRACE)
    if accepted_at is None:
        return Awaited(identity_of("lost, or come twice"))  # which nobody has sent
    return Awaited(identity_of(NAMES[-1]), since=accepted_at + timedelta.resolution)


async def _graph_mail(stage: Stage, raw: bytes) -> None:
    await stage.graph.notify(stage.graph.deliver(MICROSOFT_USER, raw))


def _microsoft_job(stage: Stage, message_id: str) -> str:
    pointer_type = stage.providers["microsoft"].pointer
    pointer = pointer_type.unpacked([stage.microsoft_subscription, message_id, ""])
    return job_id(TENANT, "support", pointer)


SCENES: Sequence[Scene] = (
    scene("Microsoft", "plain text",
          "A customer writes to a Microsoft 365 mailbox; Graph tells us.",
          "completed: ticket", _plain),
    scene("Microsoft", "HTML, inline image",
          "A designer sends HTML with a picture in it, and a script that we do not want.",
          "completed: ticket", _inline_image),
    scene("Microsoft", "a reply",
          "The customer answers their own message.",
          "completed: comment", _reply),
    scene("Microsoft", "a second notification",
          "Graph tells us of a message that has been handled already.",
          "duplicate", _second_notification),
    scene("Microsoft", "not there yet",
          "Graph does not find a message that it has just announced. We ask again, at no cost.",
          "completed: ticket", _not_there_yet),
    scene("Microsoft", "fails once",
          "Graph answers 500 to one message, and the mailbox is well: that costs an attempt.",
          "completed: ticket", _fails_once, attempts=2),
    scene("Microsoft", "throttled",
          "Graph asks us to come back in a second. That costs no attempt.",
          "completed: ticket", _throttled),
    scene("Microsoft", "worker is killed",
          "The worker gets kill -9 while it reads the message; it is started again, and the"
          " message's lease runs out. That costs no attempt.",
          "completed: ticket", _killed),
    scene("Microsoft", "unprocessable",
          "The message has no content at all. It goes to the dead letters.",
          "dead: empty", _never),
    scene("Microsoft", "a forged notification",
          "Somebody pretends to be Graph. Nothing may come of it.",
          "refused", _forged),
    scene("Microsoft", "moved by a rule",
          "A rule moves the message to another folder before we come to fetch it.",
          "completed: ticket", _moved),
    scene("Microsoft", "a missed notification",
          "Graph loses a notification, and owns up to it: we sync the folder.",
          "completed: ticket", _missed),
    scene("Microsoft", "no subscription any more",
          "Graph ends our subscription. We make another, and sync what came meanwhile.",
          "completed: ticket", _unsubscribed),
    *GMAIL_SCENES,
    scene("IMAP", "by IDLE",
          "A message arrives on a plain IMAP server, while we listen.",
          "completed: ticket", _by_imap),
    scene("IMAP", "broken MIME",
          "A message with broken headers and raw 8-bit text is read as well as can be.",
          "completed: ticket", _broken),
    scene("IMAP", "an application of one's own",
          "The mailbox's mail now goes to another program, which is down while three messages"
          " come. When it is up again, each arrives once.",
          "completed: handed over", _own_application, attempts=ANY),
)  # fmt: skip
