"""The device code flow: a person signs in in a browser, wherever that is (RFC 8628).

Source: learn.microsoft.com/entra/identity-platform/v2-oauth2-device-code.
"""

from dataclasses import dataclass, replace
from datetime import timedelta

from pydantic import BaseModel, Field, ValidationError

from postroom.adapters.microsoft.account import DelegatedAccess, MicrosoftAccount, as_microsoft
from postroom.adapters.microsoft.entra import EntraId, Grant
from postroom.adapters.microsoft.errors import SLOW_DOWN
from postroom.application.ports import Clock, DeviceCode, DeviceSignIn
from postroom.domain.account import Account, Secret
from postroom.domain.failure import AccessFailed, Throttled, Unavailable

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


@dataclass(frozen=True, slots=True)
class EntraDeviceSignIn(DeviceSignIn):
    entra: EntraId
    clock: Clock

    def is_needed(self, account: Account) -> bool:
        match account:
            case MicrosoftAccount(credentials=DelegatedAccess(refresh_token=token)):
                return not token.value
            case _:
                return False

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
