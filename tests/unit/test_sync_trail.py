"""Whether the lists of a folder get anywhere."""

import pytest

from postroom.application.ports import NoProgress
from postroom.application.sync_trail import MAX_BARREN, MAX_FOLDERS, Trail, Trails

KEY = ("acme", "support", "inbox")


def test_a_list_that_goes_on_gets_somewhere() -> None:
    trail = Trail()

    for number in range(3 * MAX_BARREN):
        trail.follow([f"m{number}"], f"p{number}")


def test_a_list_that_leads_back_is_a_circle() -> None:
    trail = Trail()
    for position in ("p1", "p2", "p3"):
        trail.follow([position], position)

    with pytest.raises(NoProgress, match="leads in a circle"):
        trail.follow(["m4"], "p1")


def test_pages_without_mail_may_stay_where_they_are() -> None:
    trail = Trail()

    for _ in range(MAX_BARREN - 1):
        trail.follow([], "p1")


@pytest.mark.parametrize("ids", [[], ["m1", "m2"], ["m1"]])
def test_a_list_of_the_same_or_of_nothing_ends(ids: list[str]) -> None:
    trail = Trail()
    trail.follow(["m1", "m2"])
    for number in range(MAX_BARREN - 1):
        trail.follow(ids, f"p{number}")

    with pytest.raises(NoProgress, match="nothing new for 200 pages"):
        trail.follow(ids, "the last")


def test_a_trail_goes_on_until_it_ends() -> None:
    trails = Trails()
    trails.of(KEY).follow([], "p1")
    trails.of(KEY).follow([], "p2")
    with pytest.raises(NoProgress):
        trails.of(KEY).follow([], "p1")

    trails.end(KEY)

    trails.of(KEY).follow([], "p1")


def test_a_trail_that_is_long_past_is_forgotten() -> None:
    trails = Trails()
    first = trails.of(KEY)

    for number in range(MAX_FOLDERS):
        trails.of(("acme", "support", f"folder{number}"))

    assert trails.of(KEY) is not first
