"""What is to go wrong: planned by a test, met by calls."""

from collections import Counter


class Faults:
    """Each is aimed at a method (`messages.get`, `token`, …) or a message's id."""

    def __init__(self) -> None:
        self.calls = Counter[str]()
        self._planned: list[tuple[str, Exception]] = []

    def plan(self, target: str, fault: Exception, times: int) -> None:
        self._planned.extend([(target, fault)] * times)

    def meet(self, *names: str) -> None:
        """Count the call, and raise the first fault that is aimed at any of *names*."""
        self.calls.update(names)
        for planned in self._planned:
            if planned[0] in names:
                self._planned.remove(planned)
                raise planned[1]
