"""The device code flow: a person signs in in a browser, wherever that is (RFC 8628).

Source: learn.microsoft.com/entra/identity-platform/v2-oauth2-device-code.
"""

from dataclasses import dataclass
from datetime import timedelta

from pydantic import BaseModel, Field, ValidationError

from postroom.adapters.microsoft.entra import EntraId, Grant
from postroom.adapters.microsoft.errors import SLOW_DOWN
from postroom.application.ports import Clock, DeviceCode, DeviceSignIn
from postroom.domain.failure import AccessFailed, Throttled, Unavailable
from postroom.domain.mailbox import DelegatedAccess, Secret

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

    async def begin(self, directory: str, client_id: str) -> DeviceCode:
        now = self.clock.now()
        try:
            flow = _Flow.model_validate(await self.entra.begin_device_flow(directory, client_id))
        except ValidationError:
            raise Unavailable("sign-in answered something else than a device code") from None
        return DeviceCode(
            directory=directory,
            client_id=client_id,
            verification_uri=flow.verification_uri,
            user_code=flow.user_code,
            device_code=Secret(flow.device_code),
            interval=flow.interval,
            expires_at=now + flow.expires_in,
        )

    async def finish(self, code: DeviceCode) -> DelegatedAccess:
        interval = code.interval
        while True:
            match await self._poll(code):
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

    async def _poll(self, code: DeviceCode) -> Grant | str | Throttled | Unavailable:
        """A login in trouble is no end: the code stays good, and so does the person's patience."""
        try:
            return await self.entra.poll_device_flow(
                code.directory, code.client_id, code.device_code
            )
        except (Throttled, Unavailable) as failure:
            return failure
