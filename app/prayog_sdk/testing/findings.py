"""What `prayog check` finds, and the topic under test with what was learned about it so far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from prayog_sdk import headless
from prayog_sdk.headless import RunResult
from prayog_sdk.scenario import Scenario
from prayog_sdk.topic import Topic
from prayog_sdk.watchdog import Watchdog
from prayog_sim.run import Run

__all__ = ["Case", "Finding"]

PATIENCE_S = 30.0
"""A scenario that is still at it after this long has a loop without an end, or is of no use to anybody."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to mend: ``about`` is the promise, ``where`` the file or hook."""

    level: Literal["error", "warn"]
    about: str
    sentence: str
    where: str = ""

    def __str__(self) -> str:
        return f"{self.level}: {f'{self.where}: ' if self.where else ''}{self.sentence}"


@dataclass(slots=True)
class Case:
    """One topic.  ``scenarios`` can be opened, ``results`` are of those that could be run to their end."""

    topic: Topic
    scenarios: list[Scenario] = field(default_factory=list)
    spoilt: set[str] = field(default_factory=set)
    """Ids of scenarios that cannot be opened, which was said once."""
    results: dict[str, RunResult] = field(default_factory=dict)
    _watchdog: Watchdog = field(default_factory=Watchdog)

    @property
    def params(self) -> Any:
        return self.topic.params()

    def scenario(self, id: str) -> Scenario | None:
        """The scenario that something names."""
        return next((scenario for scenario in self.scenarios if scenario.id == id), None)

    def kinds(self) -> set[str]:
        """The kinds of events that came in any scenario."""
        return {kind for result in self.results.values() for kind in result.trace.kinds()}

    def ran(self) -> list[tuple[Scenario, RunResult]]:
        """The simulated scenarios that could be run."""
        return [(each, self.results[each.id]) for each in self.scenarios if each.id in self.results]

    def run(self, scenario: Scenario) -> RunResult:
        """Run and judge `scenario`; raises `RunError`, and `TookTooLong`."""
        with self._watchdog.limit(PATIENCE_S):
            return headless.run_scenario(self.topic, scenario)

    def played(self, scenario: Scenario, seed: int | None = None, values: Mapping[str, Any] | None = None) -> Run:
        """The run after its script; the caller closes it.  Raises `RunError`, and `TookTooLong`."""
        with self._watchdog.limit(PATIENCE_S):
            return headless.played(self.topic, scenario, seed, values)

    def told(self, error: Exception) -> tuple[str, str]:
        """What the topic's code raised as a sentence, and the innermost line of the topic in its traceback."""
        place, trace = "", error.__traceback__
        package = self.topic.manifest.module.split(".")[0]
        while trace is not None:
            if str(trace.tb_frame.f_globals.get("__name__", "")).split(".")[0] == package:
                place = f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"
            trace = trace.tb_next
        ours = type(error).__module__.startswith("prayog_s")  # its class would only be noise
        return f"{error}" if ours else f"{type(error).__name__}: {error}", place

    def close(self) -> None:
        self._watchdog.close()
        self.topic.close()
