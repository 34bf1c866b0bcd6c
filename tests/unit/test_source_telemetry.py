"""What is logged and counted of a source that answers nobody."""

from datetime import timedelta

from postroom.adapters.memory.clock import ManualClock
from postroom.entrypoints.telemetry.sdk import open_telemetry
from postroom.entrypoints.telemetry.sources import ObservedSources
from tests.consuming import track_sources
from tests.unit.captured_log import captured_log, lines

SOURCE = "graph.example"
MAILBOXES = ["acme/desk", "acme/info", "other/desk", "other/info"]


async def test_an_outage_is_two_events_and_a_level_in_between(clock: ManualClock) -> None:
    with open_telemetry() as telemetry, captured_log() as out:
        sources = ObservedSources(track_sources(clock), telemetry)
        for mailbox in MAILBOXES:
            await sources.failed(SOURCE, mailbox)
        assert "postroom_sources_away 1.0" in telemetry.exposition().decode()

        clock.advance(timedelta(minutes=2))
        assert await sources.wait([SOURCE]) is None
        await sources.answered([SOURCE])
        await sources.answered([SOURCE])
        assert "postroom_sources_away 0.0" in telemetry.exposition().decode()

    away, back = lines(out)
    assert (away["event"], away["source"], away["mailboxes"]) == ("source.away", SOURCE, 3)
    assert (back["event"], back["source"], back["seconds"]) == ("source.back", SOURCE, 120)
    assert (away["level"], back["level"]) == ("error", "info")
