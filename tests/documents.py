"""The parts of the documents that are written by a program: `make docs` runs this module."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks import report
from benchmarks.results import Results
from postroom.entrypoints.api.event_schema import event_schema
from postroom.entrypoints.api.handover_schema import handover_schema
from tests.option_tables import option_tables

DOCS = Path(__file__).parents[1] / "docs"


def benchmarks(docs: Path) -> None:
    report.write(Results.load(docs / report.RESULTS), docs)


def handover(docs: Path) -> None:
    schema = json.dumps(handover_schema(), indent=2, ensure_ascii=False)
    (docs / "handover.schema.json").write_text(f"{schema}\n")


def events(docs: Path) -> None:
    schema = json.dumps(event_schema(), indent=2, ensure_ascii=False)
    (docs / "events.schema.json").write_text(f"{schema}\n")


GENERATORS: Sequence[Callable[[Path], None]] = (benchmarks, option_tables, handover, events)
"""Each brings what it writes in a directory of documents up to date, from sources in the
repository alone, so that tests/unit/test_documents.py can compare a copy with what is there."""


if __name__ == "__main__":
    for generate in GENERATORS:
        generate(DOCS)
