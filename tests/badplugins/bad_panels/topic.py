"""A topic that works, with panels that do not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from prayog_sdk.hookspecs import hookimpl
from prayog_sdk.params import Slider
from prayog_sdk.run import Computation, Emit
from prayog_sdk.specs import PanelSpec
from prayog_sim.run import Action
from prayog_sim.trace import Step


@dataclass(frozen=True)
class Params:
    top: Annotated[int, Slider(1, 9, title="Count to")] = 3


class Counting(Computation):
    def __init__(self, top: int) -> None:
        self.top = top
        super().__init__()

    def start(self) -> Mapping[str, Any]:
        return {"count": 0}

    def fold(self, state: Mapping[str, Any], step: Step) -> Mapping[str, Any]:
        return {"count": step.data["count"]} if step.kind == "count" else state

    def perform(self, action: Action) -> Iterator[Emit]:
        return (("count", "", {"count": number}) for number in range(1, self.top + 1))


@hookimpl
def prayog_params() -> type[Params]:
    return Params


@hookimpl
def prayog_build(params: Params, seed: int) -> Counting:
    return Counting(params.top)


@hookimpl
def prayog_panels() -> list[PanelSpec]:
    return [
        PanelSpec("constructor", "Raises in its constructor", "bad_panels.panels:InConstructor"),
        PanelSpec("missing", "Is not in its module", "bad_panels.panels:NoSuchPanel"),
        PanelSpec("slot", "Raises in a slot", "bad_panels.panels:InSlot", area="right"),
        PanelSpec("timer", "Raises in a timer", "bad_panels.panels:InTimer", area="bottom"),
        PanelSpec("step", "Raises at a step", "bad_panels.panels:InStep", area="tab"),
        PanelSpec("frame", "Raises while it draws", "bad_panels.panels:InFrame", area="tab"),
    ]
