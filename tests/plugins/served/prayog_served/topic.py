"""An outside topic of the third size: a session on a real component, started and stopped by the lab's services."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import psycopg

from prayog_sdk import ActionSpec, Check, Choice, Services, Slider, hookimpl, last
from prayog_sdk.run import Emit
from prayog_sdk.session import Session
from prayog_sim.run import Action
from prayog_sim.trace import Step

TABLE = "prayog_served_counter"


@dataclass(frozen=True)
class Params:
    how: Annotated[str, Choice("careless", "careful", title="Adding", help="careless: read, add, write.")] = "careless"
    times: Annotated[int, Slider(1, 100, title="Rounds")] = 10


class Counter(Session):
    """Both clients read before either writes, so a careless one overwrites the other's addition (lost update)."""

    def __init__(self, params: Params, url: str) -> None:
        self.params = params
        self.url = url
        super().__init__()

    def start(self) -> Mapping[str, Any]:
        return {"value": 0, "added": 0}

    def fold(self, state: Mapping[str, Any], step: Step) -> Mapping[str, Any]:
        return {**state, **step.data} if step.kind == "added" else state

    def perform(self, action: Action) -> Iterator[Emit]:
        with (
            psycopg.connect(self.url, autocommit=True) as one,
            psycopg.connect(self.url, autocommit=True) as other,
        ):
            one.execute(f"CREATE TABLE {TABLE} (n int)")
            try:
                one.execute(f"INSERT INTO {TABLE} VALUES (0)")
                for times in range(1, self.params.times + 1):
                    if self.params.how == "careful":
                        for client in (one, other):
                            client.execute(f"UPDATE {TABLE} SET n = n + 1")
                    else:
                        read = [client.execute(f"SELECT n FROM {TABLE}").fetchone() for client in (one, other)]
                        for client, row in zip((one, other), read, strict=True):
                            client.execute(f"UPDATE {TABLE} SET n = %s", ((row or (0,))[0] + 1,))
                    now = one.execute(f"SELECT n FROM {TABLE}").fetchone()
                    yield "added", "", {"value": (now or (0,))[0], "added": 2 * times}
            finally:
                one.execute(f"DROP TABLE {TABLE}")


@hookimpl
def prayog_params() -> type[Params]:
    return Params


@hookimpl
def prayog_session(params: Params, seed: int, services: Services) -> Session:
    return Counter(params, services.url("postgres"))


@hookimpl
def prayog_actions() -> list[ActionSpec]:
    return [ActionSpec("add", "Add", "Both clients add one, again and again.", icon="plus")]


@hookimpl
def prayog_checks() -> list[Check]:
    return [Check("all_counted", "No addition was lost", last("added").value == last("added").added)]
