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
LOCKS = ("requirements.txt", "requirements-dev.txt", "requirements-uv.txt")
SECTIONS = (
    "## Context and Problem Statement",
    "## Considered Options",
    "## Decision Outcome",
    "### Consequences",
    "### Confirmation",
)
RECORDS = sorted((ROOT / "docs/adr").glob("*.md"))
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]

# Paths that exist on one machine only. Written apart, so that this file does not find itself.
OF_ONE_MACHINE = re.compile(
    "|".join(("/wor" + "k/", r"\.\./sha" + "red", "/roo" + "t/", "/Use" + "rs/"))
)


@cache
def tracked_files() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    return [ROOT / name for name in listed.stdout.decode().split("\0") if name]


@cache
def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def pinned(lock: str) -> dict[str, str]:
    """The version of each package in *lock*."""
    pins = re.findall(
        r"^([a-z0-9._-]+)(?:\[[^]]*\])?==([^\s;]+)", (ROOT / lock).read_text(), re.MULTILINE
    )
    return dict(pins)


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_index_and_proves_each_package_by_hash(lock: str) -> None:
    entries = re.split(r"\n(?=\S)", (ROOT / lock).read_text().strip())

    assert all(re.match(r"[a-z0-9._-]+(\[[^]]*\])?==", entry) for entry in entries)
    assert all(" --hash=sha256:" in entry for entry in entries)
    assert "://" not in "".join(entries)


@pytest.mark.parametrize(
    ("lock", "extras"),
    [
        ("requirements.txt", ("embedded", "checkout")),
        ("requirements-dev.txt", ("embedded", "checkout", "dev")),
    ],
)
def test_a_lock_pins_what_the_project_asks_for(lock: str, extras: tuple[str, ...]) -> None:
    metadata = project()["project"]
    optional = metadata["optional-dependencies"]
    wanted = metadata["dependencies"] + [each for extra in extras for each in optional[extra]]
    pins = pinned(lock)

    for requirement in map(Requirement, wanted):
        assert requirement.specifier.contains(pins[requirement.name], prereleases=True)


def test_what_is_tested_is_what_runs() -> None:
    run, tested = pinned("requirements.txt"), pinned("requirements-dev.txt")

    assert run.items() <= tested.items()


def test_no_file_names_a_path_of_one_machine() -> None:
    texts = {path: path.read_bytes().decode(errors="replace") for path in tracked_files()}

    assert [path.name for path, text in texts.items() if OF_ONE_MACHINE.search(text)] == []


def test_decisions_are_numbered_without_gaps() -> None:
    numbers = [int(path.name[:4]) for path in RECORDS]

    assert numbers == list(range(1, len(RECORDS) + 1))


@pytest.mark.parametrize("record", RECORDS, ids=lambda path: path.stem)
def test_a_decision_has_every_section_in_order(record: Path) -> None:
    text = record.read_text()
    places = [text.find(f"\n{section}\n") for section in SECTIONS]

    assert -1 not in places
    assert places == sorted(places)


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_a_page_points_at_is_there(page: Path) -> None:
    text = page.read_text()
    links = {page.parent / link for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text)}
    named = {
        ROOT / name
        for name in re.findall(r"`([a-z_]+/[\w./-]+)`", text)
        if name.startswith(FOLDERS)
    }

    assert {str(path) for path in links | named if not path.exists()} == set()


def test_the_licence_is_the_one_that_aioimaplib_asks_for() -> None:
    text = (ROOT / "LICENSE").read_text()

    assert project()["project"]["license"] == "GPL-3.0-only"
    assert re.match(r"\s+GNU GENERAL PUBLIC LICENSE\s+Version 3, 29 June 2007", text)
