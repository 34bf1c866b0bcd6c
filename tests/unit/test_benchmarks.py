"""What benchmarks/ makes of the figures that it measures."""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from benchmarks import journal, plan, report
from benchmarks.contestants import ALL as CONTESTANTS
from benchmarks.goals import Verdict, judge
from benchmarks.journal import Entry
from benchmarks.payload import (
    message_id,
    number_in,
    plain_job,
    stamp_in,
    traceparent,
)
from benchmarks.plot import draw
from benchmarks.postroom_payload import pointer_job
from benchmarks.probe import Assignment, Probe
from benchmarks.results import Measurement, Results
from benchmarks.scenarios import ALL as SCENARIOS
from benchmarks.scenarios.scenario import percentile
from benchmarks.tables import tables

RATE = "jobs_per_second"


def results(*measured: tuple[str, str, Sequence[float]], figure: str = RATE) -> Results:
    """The values of *figure* in run after run, by scenario and contestant."""
    return Results(
        date="2030-01-01",
        machine={
            "cpu": "a CPU",
            "cpus": 2,
            "memory_gib": 4,
            "system": "Linux",
            "python": "3.11.7",
            "server": "Valkey 9.1.2",
            "fdatasync_us": 200,
        },
        settings={"scale": "full", "runs": 3, "appendfsync": "always", "pinned": True},
        versions={name: {name: "1.0"} for _, name, _ in measured},
        left_out={},
        measurements=[
            Measurement(scenario=scenario, contestant=name, run=run, figures={figure: value})
            for scenario, name, values in measured
            for run, value in enumerate(values, 1)
        ],
    )


def verdict(what: str, of: Results) -> Verdict:
    [found] = [one for one in judge(of) if one.what == what]
    return found


# --- Medians and ratios


@pytest.mark.parametrize(
    ("values", "middle"), [([3.0, 9.0, 4.0], 4.0), ([1.0, 2.0, 3.0, 10.0], 2.5), ([7.0], 7.0)]
)
def test_a_figure_is_the_median_of_its_runs(values: list[float], middle: float) -> None:
    found = results(("drain", "saq", values))

    assert found.median("drain", "saq", RATE) == middle
    assert found.medians() == {"drain": {"saq": {RATE: middle}}}


def test_a_ratio_is_of_the_medians_and_to_the_best_rival() -> None:
    found = results(
        ("enqueue_64", "postroom", [50_000, 10_000, 40_000]),
        ("enqueue_64", "saq", [1_000, 8_000, 90_000]),
        ("enqueue_64", "taskiq", [5_000, 5_000, 5_000]),
        ("enqueue_64", "bullmq", [20_000, 20_000, 20_000]),
    )

    over_peers = verdict("Enqueue, 64 callers: over the best asyncio Python peer", found)
    over_bullmq = verdict("Enqueue, 64 callers: over BullMQ", found)

    assert (over_peers.value, over_peers.shown, over_peers.met) == (5, "5.00 times (saq)", True)
    assert (over_bullmq.value, over_bullmq.met) == (2, True)


def test_where_less_is_better_the_best_rival_is_the_lowest() -> None:
    found = results(
        ("latency", "postroom", [0.5]),
        ("latency", "arq", [6.0]),
        ("latency", "docket", [0.4]),
        figure="p50_ms",
    )

    over_peers = verdict("The same, over the best asyncio Python peer", found)

    assert over_peers.value == pytest.approx(1.25)
    assert over_peers.shown == "1.25 times (docket)"
    assert over_peers.met is False


def test_who_does_not_deliver_at_least_once_is_no_rival_in_that() -> None:
    found = results(("drain", "postroom", [8]), ("drain", "huey", [4]), ("drain", "arq", [1]))

    rival = verdict(
        "Drain of no-op jobs: over the best Python peer that delivers at least once", found
    )

    assert rival.value == 8


def test_a_goal_is_not_met_by_rounding() -> None:
    found = results(("latency", "postroom", [0.604]), figure="p50_ms")

    p50 = verdict("From enqueue to start at 200 jobs/s, p50", found)

    assert (p50.target, p50.shown, p50.met) == ("at most 0.6 ms", "0.60 ms", False)


def test_a_quiet_mailbox_is_compared_with_itself_in_the_same_run() -> None:
    found = results(("neighbour", "postroom", [1.0, 4.0, 2.0]), figure="noop_alone_p99_ms")
    beside = results(("neighbour", "postroom", [3.0, 4.0, 5.0]), figure="noop_beside_p99_ms")
    found.measurements += beside.measurements

    quiet = verdict("Quiet mailbox, p99 beside a backlog of no-op jobs: over p99 alone", found)

    assert quiet.value == 2.5  # the median of 3, 1 and 2.5


def test_the_webhook_is_compared_with_a_bare_handler_in_the_same_run() -> None:
    rate = "requests_per_second"
    found = results(("webhook", "postroom", [10, 90, 40]), ("webhook", "raw", [100, 100, 100]))
    found.measurements = [
        replace(one, figures={rate: one.figures[RATE]})
        for one in found.measurements
        if (one.contestant, one.run) != ("raw", 1)  # it failed
    ]

    webhook = verdict(
        "Webhook, 64 connections: requests over those of a bare handler with one XADD", found
    )

    assert webhook.value == pytest.approx(0.65)  # the median of 0.9 and 0.4
    assert webhook.met is False


def test_what_was_not_measured_is_neither_met_nor_missed() -> None:
    assert {(one.shown, one.met) for one in judge(results())} == {("not measured", None)}


def test_of_several_figures_the_worst_counts() -> None:
    found = results(("depth", "postroom", [1.1]), figure="enqueue_server_us_ratio")
    found.measurements += results(
        ("depth", "postroom", [1.4]), figure="work_off_server_us_ratio"
    ).measurements

    depth = verdict("Server CPU of an operation among 1,000,000 jobs: over that among 1,000", found)

    assert (depth.value, depth.met) == (1.4, False)


@pytest.mark.parametrize(
    ("share", "value"), [(0.5, 50), (0.99, 99), (0.991, 100), (1.0, 100), (0.0, 1)]
)
def test_a_percentile_is_a_value_that_was_seen(share: float, value: int) -> None:
    assert percentile(range(1, 101), share) == value


# --- The report


def test_a_cell_has_the_median_and_the_extremes_of_the_runs() -> None:
    text = tables(results(("drain", "saq", [2_000, 1_500, 2_400])))

    assert "| saq | Python, asyncio | - | - | - | 2,000 [1,500-2,400] | - |" in text


def test_results_are_read_as_they_were_written(tmp_path: Path) -> None:
    found = results(("drain", "postroom", [1.23456789, 2.0]), ("drain", "arq", [3.0]))
    found.measurements.append(
        Measurement(scenario="drain", contestant="celery", run=1, failure="it ended")
    )

    found.save(tmp_path / "results.json")
    read = Results.load(tmp_path / "results.json")

    assert read.values("drain", "postroom", RATE) == [1.23457, 2.0]  # six digits are enough
    assert read.failures == found.failures
    medians = json.loads((tmp_path / "results.json").read_text())["medians"]
    assert medians == {"drain": {"postroom": {RATE: 1.61728}, "arq": {RATE: 3.0}}}


def test_results_of_another_format_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    file.write_text('{"format": 0}')

    with pytest.raises(ValueError, match="has format 0, not 1"):
        Results.load(file)


def test_a_failure_is_told_of() -> None:
    found = results(("drain", "postroom", [1.0]))
    found.measurements.append(
        Measurement(scenario="drain", contestant="celery", run=2, failure="it ended")
    )

    assert "Failed: drain of celery, run 2 (`it ended`)." in tables(found)


def test_a_trial_says_that_it_is_no_measurement() -> None:
    found = results()

    found.settings = {**found.settings, "scale": "quick"}

    assert "these figures are no measurement" in tables(found)
    assert "these figures are no measurement" not in tables(results())


def test_tables_stand_where_the_page_has_a_place_for_them() -> None:
    page = f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n"

    text = report.with_tables(page, results(("drain", "saq", [2_000])))

    assert text.startswith(f"before\n{report.BEGIN}\n\n")
    assert text.endswith(f"\n\n{report.END}\nafter\n")
    assert "| saq |" in text
    assert "old" not in text


def test_a_page_with_no_place_for_the_tables_is_refused() -> None:
    with pytest.raises(ValueError, match="has no place"):
        report.with_tables("nothing here", results())


def test_the_longest_bar_is_of_the_best_and_ours_stands_out() -> None:
    picture = draw(results(("drain", "postroom", [200]), ("drain", "saq", [100])))["throughput.svg"]

    bars = [one for one in ET.fromstring(picture).iter() if one.tag.endswith("rect")]
    lengths = [float(bar.attrib["width"]) for bar in bars]
    assert [bar.attrib["class"] for bar in bars] == ["bar ours", "bar"]
    assert lengths[0] == pytest.approx(2 * lengths[1], abs=0.2)


# --- The plan


def test_contestants_take_turns_within_a_scenario_and_scenarios_within_a_run() -> None:
    scenarios = [one for one in SCENARIOS if one.name in {"drain", "latency", "memory"}]
    contestants = [one for one in CONTESTANTS if one.name in {"postroom", "saq", "raw"}]

    steps = plan.plan(scenarios, contestants, runs=2)

    assert [(step.run, step.name) for step in steps] == [
        (1, "drain of postroom"),
        (1, "drain of saq"),
        (1, "latency of postroom"),
        (1, "latency of saq"),
        (2, "drain of postroom"),
        (2, "drain of saq"),
        (2, "latency of postroom"),
        (2, "latency of saq"),
        (1, "memory of postroom"),
        (1, "memory of saq"),
    ]


def test_all_of_it_takes_less_than_45_minutes() -> None:
    steps = plan.plan(SCENARIOS, CONTESTANTS, runs=3)

    assert plan.Forecast().of(steps) < 45 * 60


def test_a_step_is_expected_to_take_what_it_took_before() -> None:
    first, _, again, *_ = plan.plan(
        [one for one in SCENARIOS if one.name == "drain"],
        [one for one in CONTESTANTS if one.name in {"postroom", "saq"}],
        runs=2,
    )
    forecast = plan.Forecast()
    assert forecast.of([again]) == first.scenario.seconds

    forecast.taken[first.name] = 3

    assert forecast.of([again]) == 3


# --- What is queued, and what is told of it


def test_all_queues_carry_the_same_and_ours_not_less() -> None:
    ours, theirs = pointer_job(42, 7), plain_job(42, 7)

    assert {name: theirs[name] for name in ("id", "tenant", "mailbox", "traceparent")} == {
        name: getattr(ours, name) for name in ("id", "tenant", "mailbox", "traceparent")
    }
    assert theirs["pointer"] == {"provider": "microsoft", **ours.pointer.as_dict()}
    assert len(message_id(42)) == 150


def test_a_job_names_itself_and_its_moment() -> None:
    trace = pointer_job(123_456, 987_654_321).traceparent

    assert len(trace) == 55  # W3C Trace Context
    assert (number_in(trace), stamp_in(trace)) == (123_456, 987_654_321)


def test_no_line_of_the_journal_goes_over_the_end_of_a_page(tmp_path: Path) -> None:
    told = tmp_path / "journal"
    worker = Probe(Assignment(tmp_path / "report", expected=1_000, journal=told))

    for number in (1, 999_999):
        worker.begin(traceparent(number, 0))

    ends = [place for place, byte in enumerate(told.read_bytes(), 1) if byte == ord("\n")]
    assert ends == [64, 128]
    assert [entry.number for entry in journal.read(told)] == [1, 999_999]


def test_the_journal_tells_what_was_in_hand_and_when_it_began_again(tmp_path: Path) -> None:
    told = tmp_path / "journal"
    told.write_text(
        "begun 1 100 7\nended 1 200 7\nsettled 1 210 7\n"  # done for good
        "begun 4 110 7\nended 4 220 7\n"  # done, and the queue does not know
        "begun 2 300 7\nbegun 3 400 7\n"  # in hand, when 7 is stopped at 500
        "begun 4 1500000500 8\n"
        "begun 2 2000000500 8\nended 2 2000000600 8\nsettled 2 2000000700 8\n"
        "ended 3 3000000000 7\nsettled 2 3000000001 7\n"  # 7 goes on, and settles what is not its
        "begun 3 40000"  # a line that is being written
    )

    entries = journal.read(told)

    assert entries[-1] == Entry("settled", 2, 3_000_000_001, 7)
    assert journal.ended(told) == 4
    assert journal.in_hand(entries, 7, 500) == {2, 3}
    assert journal.waits_for_redelivery(entries, 7, 500) == {4: 1.5, 2: 2.0}
    assert journal.more_than_once(entries, "settled") == 1
    assert journal.more_than_once(entries, "ended") == 0


def test_a_peer_in_an_environment_of_its_own_needs_none_of_our_dependencies() -> None:
    without = "import sys; sys.modules |= dict.fromkeys(('httpx', 'msal', 'redis', 'psycopg'))"
    imports = "import benchmarks.peer, benchmarks.program, benchmarks.producing"

    subprocess.run([sys.executable, "-c", f"{without}; {imports}"], check=True)
