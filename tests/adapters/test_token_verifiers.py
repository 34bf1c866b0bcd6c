"""What every provider's verifier makes of the token of a notification."""

import traceback
from abc import abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Protocol

import httpx
import pytest

from postroom.adapters.memory.clock import ManualClock
from postroom.application.ports import Unauthenticated
from postroom.domain.failure import Unavailable
from postroom.entrypoints.emulators.gmail.keys import SigningKey, signing_key
from tests.adapters.notification_token_rig import APPLICATION, Entra
from tests.adapters.push_rig import PUSHER, SUBSCRIPTION, Google, google_rig


class Stage(Protocol):
    """A verifier under test, and tokens for it; those that are genuine prove *proven*."""

    verify: Callable[[str], Awaitable[str]]
    proven: str

    @abstractmethod
    def genuine(self) -> str: ...

    @abstractmethod
    def forged(self) -> str:
        """As a genuine one, but signed by another."""

    @abstractmethod
    def expired(self) -> str: ...

    @abstractmethod
    def for_another(self) -> str:
        """Made for another receiver, or by another of the provider's services."""

    @abstractmethod
    def hide_keys(self) -> None: ...

    @abstractmethod
    def show_keys(self) -> None: ...


class Push(Stage):
    proven = PUSHER

    def __init__(self, google: Google) -> None:
        self.verify = google.verify
        self._google = google

    def genuine(self) -> str:
        return self._google.token()

    def forged(self) -> str:
        pubsub, other = self._google.emulator.pubsub, signing_key("a forger's")
        named_alike = SigningKey(pubsub.key.id, other.private, other.certificate)
        return pubsub.token(SUBSCRIPTION, key=named_alike)

    def expired(self) -> str:
        return self._google.token(exp=1)

    def for_another(self) -> str:
        return self._google.token(aud="https://elsewhere.test/webhooks/google")

    def hide_keys(self) -> None:
        self._google.away()

    def show_keys(self) -> None:
        """They are away for one request."""


class Notification(Stage):
    proven = APPLICATION

    def __init__(self, entra: Entra) -> None:
        self.verify = entra.verify
        self._entra = entra

    def genuine(self) -> str:
        return self._entra.token()

    def forged(self) -> str:
        return self._entra.token(key="a forger's")

    def expired(self) -> str:
        return self._entra.token(exp=1)

    def for_another(self) -> str:
        return self._entra.token(appid=APPLICATION)

    def hide_keys(self) -> None:
        self._entra.responses.append(httpx.Response(503))

    def show_keys(self) -> None:
        """They are away for one request."""


@pytest.fixture(params=["push", "notification"])
async def stage(request: pytest.FixtureRequest, clock: ManualClock) -> AsyncIterator[Stage]:
    if request.param == "push":
        async with google_rig(clock) as google:
            yield Push(google)
        return
    entra = Entra(clock)
    async with entra.http:
        yield Notification(entra)


async def assert_refused(stage: Stage, token: str) -> None:
    """No log of the refusal, not even one with a traceback, shows the token."""
    with pytest.raises(Unauthenticated) as refused:
        await stage.verify(token)
    if len(token) > 3:  # there are dots in any text
        assert token not in "".join(traceback.format_exception(refused.value))


async def test_a_genuine_token_proves_the_same_as_often_as_it_is_shown(stage: Stage) -> None:
    token = stage.genuine()

    assert [await stage.verify(token) for _ in range(2)] == [stage.proven, stage.proven]


async def test_a_token_that_is_not_genuine_proves_nothing(stage: Stage) -> None:
    for token in (stage.forged(), stage.expired(), stage.for_another()):
        await assert_refused(stage, token)


@pytest.mark.parametrize("token", ["", ".", "..", "a.b.c", "\ud800.a.b", "a" * 100_000])
async def test_what_is_no_token_proves_nothing(stage: Stage, token: str) -> None:
    await assert_refused(stage, token)


async def test_half_a_token_proves_nothing(stage: Stage) -> None:
    token = stage.genuine()

    await assert_refused(stage, token[: len(token) // 2])
    await assert_refused(stage, token[:-2])


async def test_a_refusal_does_not_touch_the_next_token(stage: Stage) -> None:
    await assert_refused(stage, stage.forged())

    assert await stage.verify(stage.genuine()) == stage.proven


async def test_without_keys_it_is_not_known_who_has_sent_it(
    stage: Stage, clock: ManualClock
) -> None:
    stage.hide_keys()
    for token in (stage.genuine(), stage.forged()):
        with pytest.raises(Unavailable):
            await stage.verify(token)

    stage.show_keys()
    clock.advance(timedelta(minutes=1))
    assert await stage.verify(stage.genuine()) == stage.proven
