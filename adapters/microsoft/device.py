"""The device code flow: a person signs in in a browser, wherever that is (RFC 8628).

Source: learn.microsoft.com/entra/identity-platform/v2-oauth2-device-code.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from pydantic import BaseModel, Field, ValidationError

from postroom.adapters.microsoft.account import DelegatedAccess, MicrosoftAccount, as_microsoft
from postroom.adapters.microsoft.entra import EntraId, Grant
from postroom.adapters.microsoft.errors import SLOW_DOWN
from postroom.application.ports import Clock, OptionValue, PendingSignIn, SignIn, SignInPrompt
from postroom.domain.account import Account, Secret
from postroom.domain.failure import AccessFailed, Throttled, Unavailable
from postroom.domain.mailbox import Mailbox

BACK_OFF = timedelta(seconds=5)
"""What the interval grows by when the login asks for a slower pace (RFC 8628 section 3.5), or
does not answer."""


class _Flow(BaseModel):
    """RFC 8628 section 3.2."""

    device_code: str = Field(repr=False)
    user_code: str
    verification_uri: str
    expires_in: timedelta
    interval: timedelta = timedelta(seconds=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceCode:
    """What lets an application act for a person who signs in elsewhere (RFC 8628 section 3.2).

    They enter *user_code* at *verification_uri* before *expires_at*. Whether they have is polled
    with *device_code*, which is secret, and no more often than every *interval*.
    """

    verification_uri: str
    user_code: str
    device_code: Secret
    interval: timedelta
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class EntraDeviceSignIn(SignIn):
    entra: EntraId
    clock: Clock

    def is_needed(self, account: Account) -> bool:
        match account:
            case MicrosoftAccount(credentials=DelegatedAccess(refresh_token=token)):
                return not token.value
            case _:
                return False

    @asynccontextmanager
    async def open(
        self,
        mailbox: Mailbox,
        values: Mapping[str, OptionValue],  # noqa: ARG002 - a device code has no options
    ) -> AsyncIterator[PendingSignIn]:
        yield _Pending(self, mailbox.account, await self.begin(mailbox.account))

    async def begin(self, account: Account) -> DeviceCode:
        ours, now = as_microsoft(account), self.clock.now()
        try:
            flow = _Flow.model_validate(
                await self.entra.begin_device_flow(ours.directory, ours.client_id)
            )
        except ValidationError:
            raise Unavailable("sign-in answered something else than a device code") from None
        return DeviceCode(
            verification_uri=flow.verification_uri,
            user_code=flow.user_code,
            device_code=Secret(flow.device_code),
            interval=flow.interval,
            expires_at=now + flow.expires_in,
        )

    async def finish(self, account: Account, code: DeviceCode) -> MicrosoftAccount:
        ours = as_microsoft(account)
        return replace(ours, credentials=await self._access(ours, code))

    async def _access(self, account: MicrosoftAccount, code: DeviceCode) -> DelegatedAccess:
        interval = code.interval
        while True:
            match await self._poll(account, code):
                case Grant(refresh_token=token, person=person) if token:
                    return DelegatedAccess(Secret(token), person.object_id, person.principal_name)
                case Grant():
                    raise AccessFailed("sign-in gave no refresh token")
                case Throttled(retry_after=wait):
                    interval = max(interval, wait)
                case Unavailable():
                    interval += BACK_OFF
                case error if error == SLOW_DOWN:
                    interval += BACK_OFF
                case _:
                    pass
            if self.clock.now() + interval >= code.expires_at:
                raise AccessFailed("nobody has signed in with the code in time")
            await self.clock.sleep(interval)

    async def _poll(
        self, account: MicrosoftAccount, code: DeviceCode
    ) -> Grant | str | Throttled | Unavailable:
        """A login that is away ends nothing: the code stays good, and the person has patience."""
        try:
            return await self.entra.poll_device_flow(
                account.directory, account.client_id, code.device_code
            )
        except (Throttled, Unavailable) as failure:
            return failure


@dataclass(frozen=True, slots=True)
class _Pending(PendingSignIn):
    sign_in: EntraDeviceSignIn
    account: Account
    code: DeviceCode

    @property
    def prompt(self) -> SignInPrompt:
        return SignInPrompt(
            uri=self.code.verification_uri,
            expires_at=self.code.expires_at,
            user_code=self.code.user_code,
        )

    async def finish(self, pasted: str = "") -> Account:  # noqa: ARG002 - nothing is pasted here
        return await self.sign_in.finish(self.account, self.code)
