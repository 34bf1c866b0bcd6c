from dataclasses import dataclass
from datetime import datetime, timedelta

from postroom.application.ports import PullState, PullStates


@dataclass(frozen=True, slots=True)
class _Row:
    token: int
    state: PullState


class InMemoryPullStates(PullStates):
    def __init__(self) -> None:
        self._rows: dict[tuple[str, str], _Row] = {}

    async def claim(
        self, provider: str, subscription: str, now: datetime, lease: timedelta
    ) -> int | None:
        row = self._rows.get((provider, subscription))
        if row and row.state.leased_until > now:
            return None
        token = row.token + 1 if row else 1
        self._rows[provider, subscription] = _Row(token, PullState(now + lease))
        return token

    async def save(
        self, provider: str, subscription: str, token: int, leased_until: datetime, last_error: str
    ) -> bool:
        row = self._rows.get((provider, subscription))
        if row is None or row.token != token:
            return False
        self._rows[provider, subscription] = _Row(token, PullState(leased_until, last_error))
        return True

    async def release(self, provider: str, subscription: str, token: int, now: datetime) -> None:
        await self.save(provider, subscription, token, now, "")

    async def find(self, provider: str, subscription: str) -> PullState | None:
        row = self._rows.get((provider, subscription))
        return row.state if row else None
