"""Does all work at once."""

from collections.abc import Callable

from postroom.application.ports import ArgumentT, Kind, Offload, ResultT


class AtOnce(Offload):
    async def __call__(
        self,
        kind: Kind,  # noqa: ARG002
        work: Callable[[ArgumentT], ResultT],
        argument: ArgumentT,
        *,
        size: int,  # noqa: ARG002
    ) -> ResultT:
        return work(argument)
