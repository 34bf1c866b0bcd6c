"""What befalls the release before: an hour of two tenants, and what is under way when it ends.

Nothing comes to be stored but by the release's own use cases and webhooks, with one exception: see
`_spoil`.
"""

from application.ports import Claim
from domain.dead_letter import DeadLetterFilter
from domain.mailbox import Pause, PausedBy
from domain.reception import Reception
from entrypoints.maintenance import HOLD
from mailboxes import add_all, add_microsoft, letter
from providers import MESSAGE_LIMIT
from release import LEASE, MINUTE, Release
from tests.emulators.gmail import GoogleError
from tests.samples import sample

LARGE = 2 * MESSAGE_LIMIT
ALWAYS = 10**6
BROKEN = {"status": 500, "code": "ErrorInternalServerError"}
DENIED = {"status": 403, "code": "ErrorAccessDenied", "times": ALWAYS}
OF_A_LATER_RELEASE = '[2,"microsoft","a record of a later release"]'


async def tell(release: Release) -> None:
    await add_all(release)
    await release.pass_minutes(1)
    await _handle(release)
    await _die(release)
    await _go_wrong(release)
    await _leave_jobs(release)
    await _leave_rounds(release)


async def _handle(release: Release) -> None:
    """Every outcome but `dead`, and all that the help desk can hold."""
    graph, imap = release.providers.graph, release.providers.imap
    await _told(release, "sales@acme.example", sample("plain"))
    imap.deliver("support", sample("early_reply"))
    await _pushed(release, sample("attachments"))
    await release.pass_minutes(1)
    await _told(release, "sales@acme.example", sample("reply"), "Inbox/Orders")
    imap.deliver("support", sample("late_original"))
    imap.deliver("support", sample("eight_bit_headers"), folder="Anfragen/M&APY-bel")
    imap.deliver("support", sample("no_message_id"))
    await _pushed(release, sample("inline_image"))
    await release.pass_minutes(1)
    for name in ("first", "second"):  # tickets of their own, until a third answers both
        await _told(release, "sales@globex.example", letter(name))
        await release.pass_minutes(1)
    await _told(release, "sales@globex.example", letter("third", "first", "second"))
    again = await _told(release, "sales@acme.example", sample("japanese"))
    await release.work()
    await graph.notify(again)
    gone = await _told(release, "sales@acme.example", letter("gone"))
    graph.delete(gone)
    await release.pass_minutes(1)


async def _die(release: Release) -> None:
    """Dead letters of every kind of pointer, and one whose record cannot be read."""
    graph, gmail, imap = release.providers.graph, release.providers.gmail, release.providers.imap
    await _told(release, "sales@acme.example", letter("large-told", size=LARGE))
    graph.deliver("team@acme.example", letter("large-listed", size=LARGE))
    imap.deliver("support", letter("large", size=LARGE), folder="Anfragen/M&APY-bel")
    await _pushed(release, letter("large-pushed", size=LARGE))
    await release.pass_minutes(2)
    imap.deliver("former", letter("late"))
    await release.listen()
    await release.remove("acme", "former")
    gmail.fail("history.list", GoogleError(500, "backendError", "Backend Error"), times=5)
    await _pushed(release, sample("html_only"))
    await release.pass_minutes(10)
    await _told(release, "hr@globex.example", letter("spoilt"))
    await _spoil(release, "globex/hr")
    await release.work()


async def _go_wrong(release: Release) -> None:
    """An hour in which notices are lost, a folder goes, and Graph refuses and breaks."""
    graph, gate = release.providers.graph, release.providers.gate
    graph.fail("office@globex.example", **DENIED)
    graph.remove_folder("sales@acme.example", "Inbox/Angebote Süd")
    paused = Pause(PausedBy.OPERATOR, "moves to another server", release.clock.now())
    await release.registry.pause("globex", "desk", paused)
    for number in range(3):  # looks, each of which finds what nobody has told of
        graph.deliver("invoices@acme.example", letter(f"silent-{number}"))
        if number:
            graph.deliver("sales@globex.example", letter(f"lost-{number}"))
        await release.pass_minutes(16)
    gate.is_open = False
    await add_microsoft(release, "acme", "events")
    graph.fail("hr@globex.example", **DENIED)
    await release.pass_minutes(16)
    gate.is_open = True
    graph.recover()


async def _leave_jobs(release: Release) -> None:
    """Jobs that wait, are in work, are to be tried again, or are held up with their mailbox."""
    graph, gmail, imap = release.providers.graph, release.providers.gmail, release.providers.imap
    for number in range(6):
        imap.deliver("support", letter(f"waiting-{number}"))
    await release.listen()
    assert len(await release.queue.claim(10, LEASE)) == 4  # as many of a mailbox as may be in work
    graph.fail(await _told(release, "sales@acme.example", letter("broken")), **BROKEN)
    await release.consume(await _claim(release))
    graph.throttle("sales@globex.example", retry_after="120")
    await _told(release, "sales@globex.example", letter("throttled"))
    await release.consume(await _claim(release))
    imap.deliver("desk", letter("paused"))
    await release.listen()
    await release.consume(await _claim(release))
    await _told(release, "sales@acme.example", letter("released"), "Inbox/Orders")
    released = await _claim(release)
    gmail.deliver("Info@acme.example", letter("pushed-1"))
    await _pushed(release, letter("pushed-2"))
    await release.consume(await _claim(release))
    await _pushed(release, letter("pushed-3"))
    await release.queue.release(released)
    await _told(release, "sales@acme.example", letter("told"))
    await _told(release, "hr@globex.example", letter("spoilt again"))
    await _spoil(release, "globex/hr")
    async for _ in release.redrive.redrive(DeadLetterFilter(provider="imap", reason="bytes")):
        pass


async def _leave_rounds(release: Release) -> None:
    """A list by date just done, and one owed; a round that goes on; requests that none has met."""
    graph, receptions = release.providers.graph, release.receptions
    await release.rounds()
    graph.deliver("invoices@acme.example", letter("listed"))
    await _resync(release, "acme", "invoices")
    await release.rounds()
    await _resync(release, "globex", "sales")
    [taken] = await receptions.take_due(release.clock.now(), 8, HOLD)
    await graph.require_reauthorization(taken.subscription.id)
    of_sales = await receptions.all(tenant="acme", mailbox="sales")
    by_folder: dict[str, Reception] = {each.folder: each for each in of_sales}
    graph.lose_notices()
    await _told(release, "sales@acme.example", letter("lost"))
    await graph.report_missed()
    await graph.remove_subscription(by_folder["Inbox/Orders"].subscription.id)
    await add_microsoft(release, "acme", "fresh")


# --- The hands of the story ---------------------------------------------------------------------


async def _told(release: Release, user: str, raw: bytes, folder: str = "inbox") -> str:
    """Deliver a message that Graph tells of; returns its id."""
    graph = release.providers.graph
    message_id = graph.deliver(user, raw, folder)
    await graph.notify(message_id)
    return message_id


async def _pushed(release: Release, raw: bytes) -> None:
    """Deliver a message that Gmail tells of."""
    gmail = release.providers.gmail
    gmail.deliver("Info@acme.example", raw)
    assert await gmail.push("Info@acme.example", release.providers.pushing) == (204,)


async def _claim(release: Release) -> Claim:
    """The one job that is due."""
    [claim] = await release.queue.claim(10, LEASE)
    return claim


async def _resync(release: Release, tenant: str, name: str) -> None:
    """As `postroom mailbox resync --since 30m`."""
    mailbox = await release.registry.get(tenant, name)
    await release.resync(mailbox, release.clock.now() - 30 * MINUTE)


async def _spoil(release: Release, lane: str) -> None:
    """Put what this release cannot read in place of the record of the next job of *lane*.

    That is what it finds after somebody went back to it from a later one, and it cannot write it.
    """
    redis, root = release.servers.holding(""), "{postroom:0}"
    job_id = await redis.lindex(f"{root}:arrived:{lane}", 0)
    await redis.hset(f"{root}:jobs", job_id, OF_A_LATER_RELEASE)
