"""What was measured: figures by scenario, contestant and run, with all that they depend on."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, Self

FORMAT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """The figures of one contestant in one run of a scenario, or the *failure* to get them."""

    scenario: str
    contestant: str
    run: int
    figures: Mapping[str, float] = field(default_factory=dict)
    failure: str = ""


@dataclass(slots=True, kw_only=True)
class Results:
    """*settings* say how it was measured, and *left_out* who was not, and why."""

    date: str
    machine: Mapping[str, Any]
    settings: Mapping[str, Any]
    versions: Mapping[str, Mapping[str, str]]
    left_out: Mapping[str, str]
    measurements: list[Measurement] = field(default_factory=list)

    def values(self, scenario: str, contestant: str, figure: str) -> Sequence[float]:
        """The figure in every run that has it."""
        return list(self.by_run(scenario, contestant, figure).values())

    def by_run(self, scenario: str, contestant: str, figure: str) -> Mapping[int, float]:
        """The same, by the number of the run."""
        return {
            one.run: one.figures[figure]
            for one in self.measurements
            if (one.scenario, one.contestant) == (scenario, contestant) and figure in one.figures
        }

    def median(self, scenario: str, contestant: str, figure: str) -> float | None:
        """The figure's median over the runs; None if no run has it."""
        values = self.values(scenario, contestant, figure)
        return median(values) if values else None

    def medians(self) -> dict[str, dict[str, dict[str, float]]]:
        """All medians: by scenario, contestant and figure."""
        found: dict[str, dict[str, dict[str, float]]] = {}
        for one in self.measurements:
            for figure in one.figures:
                values = self.values(one.scenario, one.contestant, figure)
                of_scenario = found.setdefault(one.scenario, {})
                of_scenario.setdefault(one.contestant, {})[figure] = median(values)
        return found

    @property
    def failures(self) -> Sequence[Measurement]:
        return [one for one in self.measurements if one.failure]

    @property
    def contestants(self) -> Sequence[str]:
        """Who has been measured, in the order in which they are listed."""
        return [name for name in self.versions if name not in self.left_out]

    def save(self, file: Path, **derived: object) -> None:
        """Write all, and what was *derived* from it for the convenience of readers."""
        content = {"format": FORMAT, **asdict(self), "medians": self.medians(), **derived}
        unfinished = file.with_suffix(".unfinished")
        unfinished.write_text(json.dumps(rounded(content), indent=1) + "\n")
        unfinished.rename(file)

    @classmethod
    def load(cls, file: Path) -> Self:
        content = json.loads(file.read_text())
        if content["format"] != FORMAT:
            raise ValueError(f"{file} has format {content['format']}, not {FORMAT}")
        names = ("date", "machine", "settings", "versions", "left_out")
        measurements = [Measurement(**one) for one in content["measurements"]]
        return cls(**{name: content[name] for name in names}, measurements=measurements)


def rounded(content: Any) -> Any:  # noqa: ANN401 - it is JSON
    """To six significant digits, which is more than any measurement here is worth."""
    match content:
        case dict():
            return {key: rounded(value) for key, value in content.items()}
        case list():
            return [rounded(value) for value in content]
        case float():
            return float(f"{content:.6g}")
        case _:
            return content
