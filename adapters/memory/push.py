from dataclasses import dataclass, field

from postroom.application.ports import PushVerifier, Unauthenticated


@dataclass
class InMemoryPushVerifier(PushVerifier):
    """*tokens*: the address that each proves."""

    tokens: dict[str, str] = field(default_factory=dict, repr=False)

    async def __call__(self, token: str) -> str:
        if token not in self.tokens:
            raise Unauthenticated("the token is unknown")
        return self.tokens[token]
