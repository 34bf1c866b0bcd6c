"""Each provider has a page; what its table of options must be, test_documents.py knows."""

from postroom.entrypoints.container.providers import provider_options
from tests.documents import DOCS


def test_each_provider_has_a_page_and_each_page_a_provider() -> None:
    assert {page.stem for page in DOCS.glob("providers/*.md")} == set(provider_options())
