"""Writes down what was measured: as JSON, as tables in docs/benchmarks.md, and as pictures."""

from dataclasses import asdict
from pathlib import Path

from benchmarks.goals import judge
from benchmarks.plot import draw
from benchmarks.results import Results
from benchmarks.tables import tables

PAGE = "benchmarks.md"
RESULTS = "benchmarks/results.json"
BEGIN, END = "<!-- results: written by `make bench` -->", "<!-- end of results -->"


def write(results: Results, docs: Path) -> None:
    """Bring what is in *docs* up to date with *results*."""
    file = docs / RESULTS
    file.parent.mkdir(parents=True, exist_ok=True)
    results.save(file, goals=[asdict(verdict) for verdict in judge(results)])
    for name, picture in draw(results).items():
        (file.parent / name).write_text(picture)
    page = docs / PAGE
    page.write_text(with_tables(page.read_text(), results))


def with_tables(page: str, results: Results) -> str:
    """The text of *page* with the tables of *results* in their place."""
    before, found, rest = page.partition(BEGIN)
    _, ends, after = rest.partition(END)
    if not (found and ends):
        raise ValueError(f"{PAGE} has no place for the results: {BEGIN} … {END}")
    return f"{before}{BEGIN}\n\n{tables(results)}\n\n{END}{after}"
