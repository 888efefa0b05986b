"""The smallest topic with code of the learner's: `double(n)`, called by an algorithm, or by nodes that pass it on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any

from prayog_sdk.checks import Check, always, count, never
from prayog_sdk.code.function import Function, events
from prayog_sdk.hookspecs import hookimpl
from prayog_sdk.params import Code, Slider, Toggle
from prayog_sdk.run import Computation, Emit
from prayog_sdk.specs import ActionSpec, Arg, CodeSpec
from prayog_sim.node import Ctx, Node
from prayog_sim.run import Action, ActionError, Look, Run
from prayog_sim.trace import Step
from prayog_sim.world import World

STARTER = '''\
def double(n):
    """Return n twice over."""
    return n + 2
'''
SPEC = CodeSpec(
    "double", "code", "Double it", "Return twice the number that you are given.", STARTER, steps=1_000
)


@dataclass(frozen=True)
class Params:
    most: Annotated[int, Slider(1, 100, title="Calls")] = 5
    nodes: Annotated[bool, Toggle(title="As nodes")] = False
    plain: Annotated[bool, Toggle(title="Without code")] = False
    code: Annotated[str, Code(title="Your function")] = ""


def number(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return ""
    return f"must return a whole number; it returned {value!r}. Is there a return at its end?"


class Calls(Computation):
    def __init__(self, params: Params, seed: int) -> None:
        self.function = SPEC.function(params.code)
        self.params, self.seed = params, seed
        super().__init__()
        self.begin(seed=seed)

    def start(self) -> Mapping[str, Any]:
        return {"sum": 0}

    def fold(self, state: Mapping[str, Any], step: Step) -> Mapping[str, Any]:
        return {"sum": state["sum"] + step.data["value"]} if step.kind == "called" else state

    def perform(self, action: Action) -> Iterator[Emit]:
        if action.name != "call":
            raise ActionError(f"there is no action {action.name!r}; there is: call")
        return self._calls(int(action.args.get("count", self.params.most)))

    def _calls(self, times: int) -> Iterator[Emit]:
        for n in range(times):
            outcome = self.function(n + self.seed, expect=number)
            for kind, data in events(outcome):
                yield kind, "", data
            if outcome.mistake is None:
                yield "called", "", {"n": n + self.seed, "value": outcome.value}


class Caller(Node):
    def __init__(self, function: Function, first: bool) -> None:
        self._function = function
        self.first = first
        self.last = 0

    def on_start(self, ctx: Ctx) -> None:
        if self.first:
            ctx.set_timer("go", 1_000)

    def on_timer(self, name: str, ctx: Ctx) -> None:
        ctx.send(ctx.peers[0], 1)

    def on_message(self, src: str, msg: Any, ctx: Ctx) -> None:
        outcome = self._function(msg, expect=number)
        for kind, data in events(outcome):
            ctx.emit(kind, **data)
        if outcome.mistake is None:
            self.last = outcome.value
            ctx.emit("called", n=msg, value=outcome.value)
            if outcome.value < 1_000:
                ctx.send(src, outcome.value)

    def look(self) -> Look:
        return Look("store", "C", sentence=f"last {self.last}")


@hookimpl
def prayog_params() -> type[Params]:
    return Params


@hookimpl
def prayog_build(params: Params, seed: int) -> Run:
    if params.nodes:
        function = SPEC.function(params.code)
        return World({name: partial(Caller, function, name == "a") for name in ("a", "b")}, seed)
    return Calls(params, seed)


@hookimpl
def prayog_code(params: Params) -> CodeSpec | None:
    return None if params.plain else SPEC


@hookimpl
def prayog_actions() -> list[ActionSpec]:
    return [ActionSpec("call", "Call", args=(Arg("count", "int", "How often", 5),))]


@hookimpl
def prayog_checks() -> list[Check]:
    return [
        Check("doubled", "Every result is twice its number", always("called", lambda e: e["value"] == 2 * e["n"])),
        Check("ran", "No call failed", never("code_error") & (count("called") > 0)),
    ]
