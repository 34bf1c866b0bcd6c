"""What is generated in the documents is up to date; if not, `make docs` mends it."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.documents import DOCS, GENERATORS


def texts(docs: Path) -> dict[Path, str]:
    return {path.relative_to(docs): path.read_text() for path in docs.rglob("*") if path.is_file()}


@pytest.mark.parametrize("generate", GENERATORS, ids=lambda generate: generate.__name__)
def test_what_is_generated_is_up_to_date(generate: Callable[[Path], None], tmp_path: Path) -> None:
    docs = shutil.copytree(DOCS, tmp_path / "docs")

    generate(docs)

    assert texts(docs) == texts(DOCS)
