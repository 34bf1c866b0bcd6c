"""Whose failure it is."""

import inspect
from datetime import timedelta

import pytest

from postroom.domain import failure as failures
from postroom.domain.blame import Scope, needs_evidence, scope_of
from postroom.domain.failure import (
    AccessFailed,
    Contended,
    Failure,
    FolderMissing,
    SourceGone,
    StoreUnavailable,
    Throttled,
    Unavailable,
    Unprocessable,
)

THROTTLED = Throttled("429", retry_after=timedelta(seconds=1))


@pytest.mark.parametrize(
    ("failure", "without", "with_evidence"),
    [
        (Unavailable("500"), Scope.SOURCE, Scope.MESSAGE),
        (AccessFailed("403"), Scope.MAILBOX, Scope.MESSAGE),
        (Unavailable("no connection", answered=False), Scope.SOURCE, Scope.SOURCE),
        (Unavailable("sign-in", source="login.example.org"), Scope.SOURCE, Scope.SOURCE),
        (StoreUnavailable("database"), Scope.STORE, Scope.STORE),
        (Contended("deadlock"), Scope.STORE, Scope.STORE),
        (THROTTLED, Scope.MAILBOX, Scope.MAILBOX),
        (FolderMissing(), Scope.MESSAGE, Scope.MESSAGE),
        (SourceGone("404"), Scope.MESSAGE, Scope.MESSAGE),
        (Unprocessable("too large"), Scope.MESSAGE, Scope.MESSAGE),
    ],
)
def test_each_failure_has_an_owner(failure: Failure, without: Scope, with_evidence: Scope) -> None:
    assert scope_of(failure, mailbox_answers=False) is without
    assert scope_of(failure, mailbox_answers=True) is with_evidence


def test_evidence_is_asked_for_only_where_it_decides() -> None:
    assert all(map(needs_evidence, (Unavailable("500"), AccessFailed("403"))))
    clear = THROTTLED, SourceGone("404"), StoreUnavailable("database"), FolderMissing()
    assert not any(map(needs_evidence, clear))


def test_no_kind_of_failure_is_left_out() -> None:
    kinds = {
        kind
        for _, kind in inspect.getmembers(failures, inspect.isclass)
        if issubclass(kind, Failure) and kind is not Failure
    }
    for kind in kinds:
        failure = kind.__new__(kind)
        for name, value in (("answered", True), ("source", "")):
            setattr(failure, name, value)
        assert scope_of(failure, mailbox_answers=False) in Scope


def test_a_failure_that_nobody_owns_is_a_bug() -> None:
    with pytest.raises(TypeError, match="Failure has no owner"):
        scope_of(Failure("?"), mailbox_answers=False)
