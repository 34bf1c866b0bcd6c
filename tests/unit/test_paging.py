"""How a list that was read as a whole is cut into pages."""

import pytest

from postroom.application.paging import pages


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ([], [([], True)]),
        ([1], [([1], True)]),
        ([1, 2], [([1, 2], True)]),
        ([1, 2, 3], [([1, 2], False), ([3], True)]),
        ([1, 2, 3, 4], [([1, 2], False), ([3, 4], True)]),
    ],
)
def test_a_list_has_one_page_at_least_and_the_last_one_is_marked(
    found: list[int], expected: list[tuple[list[int], bool]]
) -> None:
    assert list(pages(found, 2)) == expected
