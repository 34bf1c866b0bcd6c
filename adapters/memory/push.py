from dataclasses import dataclass, field

from postroom.application.ports import PushVerifier, Unauthenticated
from postroom.domain.failure import Failure


@dataclass
class InMemoryPushVerifier(PushVerifier):
    """*tokens*: the address that each proves. A *failure*, if there is one, is raised."""

    tokens: dict[str, str] = field(default_factory=dict, repr=False)
    failure: Failure | None = None

    async def __call__(self, token: str) -> str:
        if self.failure:
            raise self.failure
        if token not in self.tokens:
            raise Unauthenticated("the token is unknown")
        return self.tokens[token]
