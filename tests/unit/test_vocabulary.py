"""The words that the field does not use for it stay retired: see docs/glossary.md."""

import io
import re
import subprocess
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("domain", "application", "adapters", "entrypoints")

RETIRED = frozenset(
    {
        # what is now a notification, a folder sync, a sync run
        *("notice", "notices", "reception", "receptions", "unannounced", "owed", "owe", "owes"),
        *("silence", "silenced", "silent"),
        # classification of what comes in
        *(
            "verdict",
            "verdicts",
            "judging",
            "attested",
            "intake",
        ),
        *("addressee", "addressees", "inspected", "inspector"),
        # verbs of several senses
        *("tell", "tells", "told", "kept", "asked", "heed", "mend", "mended", "anew"),
        # queues
        *("funnel", "carry", "carrier", "bell", "bells", "whereabouts", "shift"),
        *("trouble", "troubles", "endured", "spacing", "pace", "news", "whoever", "lately"),
    }
)
"""No part of an identifier, of an event, a metric, an option or a field is one of these."""

ALLOWED = {
    "keep_alive",
    "shift_jis",  # a charset
    "verdict",  # of the authentication of mail, in the body of a handover
}

COINED = re.compile(
    r"silent looks?|\btold of\b|\btells? of\b|\bowed by date\b|\bin trouble\b"
    r"|\blooks? at (?:a|the|each) folders?\b"
    r"|\breceptions?\b|\bnotices?\b(?!,)|\bend points?\b|\btime-outs?\b|\bre-driv\w+"
    r"|\blife-cycle|\bfail-overs?\b"
    r"|\bback-off\b|\bwork(?:s|ed)? off\b",
    re.IGNORECASE,
)
"""Phrases of ours that the field has words for. Ordinary English stays English."""

LINK = re.compile(r"\]\([^)\s]*\)")


@cache
def tracked(*patterns: str) -> tuple[Path, ...]:
    git = ("git", "-c", f"safe.directory={ROOT}", "ls-files", "-z", *patterns)
    listed = subprocess.run(git, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return tuple(path for name in listed.split("\0") if name and (path := ROOT / name).is_file())


SOURCES = tracked(*(f"{package}/*.py" for package in PACKAGES))
PROSE = tracked("*.md", "features/*.feature", *(f"{package}/*.py" for package in PACKAGES))
HISTORY = ("docs/adr/", "CHANGELOG.md", "docs/glossary.md")
"""Where an old word may stand for what there was."""


def words_of(identifier: str) -> set[str]:
    parts = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", identifier)
    return {part.lower() for part in parts}


def names_in(path: Path) -> Iterator[str]:
    """Identifiers, and texts that are written like one: events, metrics, options, fields."""
    for token in tokenize.generate_tokens(io.StringIO(path.read_text()).readline):
        if token.type == tokenize.NAME:
            yield token.string
        elif token.type == tokenize.STRING:
            text = token.string.strip("bfru\"'")
            if re.fullmatch(r"-{0,2}[\w.-]+", text):
                yield text


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_name_is_a_retired_word(path: Path) -> None:
    found = {name for name in names_in(path) if words_of(name) & RETIRED} - ALLOWED

    assert found == set()


@pytest.mark.parametrize("path", PROSE, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_sentence_has_a_coined_phrase(path: Path) -> None:
    name = str(path.relative_to(ROOT))
    if name.startswith(HISTORY):
        return
    text = LINK.sub("]", path.read_text())  # a record of a decision keeps its file's name
    found = {match[0].lower() for match in COINED.finditer(text)}

    assert found == set()


@pytest.mark.parametrize(
    "name", ["take_reception", "NoticeReader", "--verdict", "mailbox.trouble", "TOLD", "was_told"]
)
def test_a_retired_word_is_found_wherever_it_hides(name: str) -> None:
    assert words_of(name) & RETIRED


@pytest.mark.parametrize(
    "text", ["three silent looks", "a lost notice.", "the end point", "told of"]
)
def test_a_coined_phrase_is_found(text: str) -> None:
    assert COINED.search(text)
