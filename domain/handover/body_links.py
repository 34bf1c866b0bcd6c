"""Where an application fetches what is not in the body."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Links:
    """*base_url* is that of the API as the application reaches it, *key* that of the handover."""

    base_url: str
    key: str

    @property
    def raw(self) -> str:
        return self._of("raw")

    @property
    def text(self) -> str:
        return self._of("text")

    @property
    def html(self) -> str:
        return self._of("html")

    def part(self, number: str) -> str:
        return self._of(f"parts/{number}")

    def _of(self, what: str) -> str:
        return f"{self.base_url.rstrip('/')}/api/v1/handovers/{self.key}/{what}"
