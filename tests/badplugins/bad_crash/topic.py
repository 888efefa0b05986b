"""A topic that kills the process, as a fault in a C library would, when its run is built."""

from __future__ import annotations

import faulthandler
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from prayog_sdk.hookspecs import hookimpl
from prayog_sdk.params import Slider
from prayog_sdk.run import Computation, Emit
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
    faulthandler._sigsegv()  # type: ignore[attr-defined]
    return Counting(params.top)
