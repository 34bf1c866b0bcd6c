"""The benchmarks, with this queue alone and few jobs, so that they do not rot."""

import json
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import report
from benchmarks.command import main
from benchmarks.contestants import POSTROOM
from benchmarks.scenarios.scenario import QUICK, Bench
from benchmarks.scenarios.worker_crash import crash


def test_a_trial_measures_judges_and_reports(tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / report.PAGE).write_text(f"{report.BEGIN}\n{report.END}\n")

    status = main(
        [
            *("--quick", "--runs", "1", "--data", str(tmp_path / "data"), "--docs", str(docs)),
            *("--only", "postroom", "enqueue_64", "drain", "latency"),
        ]
    )

    assert status == 0
    found = json.loads((docs / report.RESULTS).read_text())
    assert found["medians"].keys() == {"enqueue_64", "drain", "latency"}
    figures = found["medians"]["drain"]["postroom"]
    assert figures["jobs"] == QUICK.drained
    assert figures["jobs_per_second"] > 0
    assert figures["commands_per_job"] > 1
    assert "| **postroom** | Postroom |" in (docs / report.PAGE).read_text()
    assert not list((tmp_path / "data").glob("server-*"))


def test_the_webhook_is_measured_beside_a_bare_handler(tmp_path: Path) -> None:
    status = main(
        ["--quick", "--runs", "1", "--data", str(tmp_path), "--only", "postroom", "raw", "webhook"]
    )

    assert status == 0
    found = json.loads((tmp_path / "results.json").read_text())["medians"]["webhook"]
    assert found.keys() == {"postroom", "raw"}
    for figures in found.values():
        assert figures["requests"] == QUICK.notified
        assert figures["requests_per_second"] > 0
        assert figures["web_server_us_per_request"] > 0


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_the_jobs_of_a_worker_that_stops_are_done_by_another(
    how: signal.Signals, tmp_path: Path
) -> None:
    bench = Bench(data=tmp_path, scale=replace(QUICK, crashed=2_000, patience=60))

    seen = crash(bench, POSTROOM, how)

    assert seen.missing == 0
    assert seen.settled_twice == 0
    assert len(seen.waits) >= seen.in_hand
    assert seen.done_after > 4  # seconds: some were held until their lease ran out
