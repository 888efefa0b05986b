"""A topic for the tests of the bench: sums as a computation, and the same sums in a real SQLite database."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from prayog_sdk.checks import Check, count, never
from prayog_sdk.compare import Comparison, Row
from prayog_sdk.hookspecs import hookimpl
from prayog_sdk.params import Slider, Toggle
from prayog_sdk.run import Computation, Emit
from prayog_sdk.services import ServiceMissing
from prayog_sdk.session import Session
from prayog_sdk.specs import ActionSpec, Arg, PanelSpec, Variant
from prayog_sim.run import Action, ActionError
from prayog_sim.trace import Step, Trace


@dataclass(frozen=True)
class Params:
    most: Annotated[int, Slider(1, 1_000_000, title="Largest step")] = 100
    doubled: Annotated[bool, Toggle(title="Add twice")] = False
    broken: Annotated[bool, Toggle(title="Raise in every step")] = False
    there: Annotated[bool, Toggle(title="The real component is there")] = True


def fold(state: Mapping[str, Any], step: Step) -> Mapping[str, Any]:
    return {"sum": state["sum"] + step.data["n"]} if step.kind == "add" else state


class Sums(Computation):
    def __init__(self, params: Params) -> None:
        self.params = params
        super().__init__()

    def start(self) -> Mapping[str, Any]:
        return {"sum": 0}

    def fold(self, state: Mapping[str, Any], step: Step) -> Mapping[str, Any]:
        return fold(state, step)

    def perform(self, action: Action) -> Iterator[Emit]:
        if action.name not in ("count", "insert"):
            raise ActionError(f"there is no action {action.name!r}; there are: count, insert")
        number = int(action.args.get("to", action.args.get("value", 0)))
        if number > self.params.most:
            raise ActionError(f"{number} is more than the largest step, {self.params.most}")
        return self._emit(action.name, number)

    def _emit(self, name: str, number: int) -> Iterator[Emit]:
        for n in range(number) if name == "count" else (number,):
            if self.params.broken:
                raise RuntimeError("this engine is broken on purpose")
            yield "add", "", {"n": n}
            if self.params.doubled:
                yield "add", "", {"n": n}
        yield "done", "", {"name": name}


class Table(Session):
    """The same sums as rows of a table in SQLite."""

    def __init__(self) -> None:
        super().__init__()
        self._db: sqlite3.Connection | None = None

    def start(self) -> Mapping[str, Any]:
        return {"sum": 0}

    def fold(self, state: Mapping[str, Any], step: Step) -> Mapping[str, Any]:
        return fold(state, step)

    def check(self, action: Action) -> None:
        if action.name != "insert":
            raise ActionError(f"SQLite has no {action.name!r}; it can: insert")

    def perform(self, action: Action) -> Iterator[Emit]:
        if self._db is None:
            self._db = sqlite3.connect(":memory:")
            self._db.execute("create table t (n integer)")
        self._db.execute("insert into t values (?)", (int(action.args["value"]),))
        yield "add", "", {"n": int(action.args["value"])}
        (total,) = self._db.execute("select sum(n) from t").fetchone()
        yield "total", "", {"total": total}

    def release(self) -> None:
        if self._db is not None:
            self._db.close()


def total(trace: Trace) -> int:
    return sum(step.data["n"] for step in trace if step.kind == "add")


@hookimpl
def prayog_params() -> type[Params]:
    return Params


@hookimpl
def prayog_build(params: Params) -> Sums:
    return Sums(params)


@hookimpl
def prayog_session(params: Params) -> Table:
    if not params.there:
        raise ServiceMissing("No SQLite was found.", "Install Python again.")
    return Table()


@hookimpl
def prayog_actions() -> list[ActionSpec]:
    return [
        ActionSpec(
            "insert", "Insert", "Add one number.", args=(Arg("value", "int", "Number", 3),), key="N", icon="plus"
        ),
        ActionSpec(
            "count", "Count", "Add the numbers up to one.", args=(Arg("to", "int", "Up to", 10),), icon="run-to"
        ),
    ]


@hookimpl
def prayog_checks() -> list[Check]:
    return [
        Check("small", "No number above 90", never("add", lambda event: event["n"] > 90)),
        Check("begun", "Something was added", count("add") >= 1),
    ]


@hookimpl
def prayog_measures() -> Mapping[str, Any]:
    return {"total": total, "adds": count("add")}


@hookimpl
def prayog_broken() -> list[Variant]:
    return [Variant("twice", "Adds twice", {"doubled": True}, "begun", "three", story="It cannot stop itself.")]


@hookimpl
def prayog_panels() -> list[PanelSpec]:
    here = "prayog_benchtopic.panels"
    return [
        PanelSpec("sum", "Sum", f"{here}:SumPanel"),
        PanelSpec("fragile", "Fragile", f"{here}:FragilePanel", area="right"),
        PanelSpec("paint", "Painter", f"{here}:PaintPanel", area="tab"),
        PanelSpec("nowhere", "Nowhere", f"{here}:Missing", area="tab"),
    ]


@hookimpl
def prayog_compare(simulated: Trace, real: Trace) -> Comparison:
    a, b = total(simulated), total(real)
    steps = len(simulated), len(real)
    return Comparison(
        (
            Row("Sum", None, a, b, a == b),
            Row(
                "Steps",
                None,
                *steps,
                steps[0] == steps[1],
                "SQLite reports the total after each row; the simulation says when it is done.",
            ),
        ),
        "The same sum, told differently.",
    )
