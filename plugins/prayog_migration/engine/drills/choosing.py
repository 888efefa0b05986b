"""Four companies, four strategies: each choice is answered with its forecast and with the limit that it breaks."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping
from typing import Any

from prayog_migration.engine.setup import STRATEGIES
from prayog_migration.engine.strategies import COMPANIES, Company, Forecast, fits, forecast
from prayog_sdk.run import Computation, Emit
from prayog_sim.run import Action, ActionError
from prayog_sim.trace import Step

__all__ = ["Choosing", "told"]


def told(found: Forecast) -> dict[str, Any]:
    """A forecast for the trace; None stands for never."""
    data = dataclasses.asdict(found)
    return {key: None if value == math.inf else value for key, value in data.items()}


class Choosing(Computation):
    """The learner gives each company a strategy."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        for company in COMPANIES:
            self.begin(company.name, story=company.story, facts=dataclasses.asdict(company.facts))

    def start(self) -> Mapping[str, Any]:
        return {"companies": {}}

    def fold(self, state: Mapping[str, Any], step: Step) -> Mapping[str, Any]:
        if step.kind not in ("start", "chosen"):
            return state
        companies = dict(state["companies"])
        companies[step.node] = {**companies.get(step.node, {}), **step.data}
        return {"companies": companies}

    def perform(self, action: Action) -> Iterator[Emit]:
        if action.name != "choose":
            raise ActionError(f"This drill knows the action choose only, not {action.name}.")
        name, strategy = str(action.args.get("company", "")), str(action.args.get("strategy", ""))
        company = next((one for one in COMPANIES if one.name == name), None)
        if company is None:
            raise ActionError(f"No company is called {name!r}; there are {', '.join(one.name for one in COMPANIES)}.")
        if strategy not in STRATEGIES:
            raise ActionError(f"No strategy is called {strategy!r}; there are {', '.join(STRATEGIES)}.")
        return self._answer(company, strategy)

    @staticmethod
    def _answer(company: Company, strategy: str) -> Iterator[Emit]:
        found = forecast(strategy, company.facts)
        problem = fits(found, company.limits)
        yield "chosen", company.name, {**told(found), "fits": not problem, "problem": problem}
