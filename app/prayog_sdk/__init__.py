"""All that a topic's author imports (no Qt; panels import `prayog_sdk.qt`).

Importing this package imports nothing else: each name is fetched from its module when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

API = (1, 0)
"""Version of this surface: a topic loads when its major is the same and its minor is not newer."""

if TYPE_CHECKING:
    from prayog_sdk.checks import Check as Check
    from prayog_sdk.checks import Measure as Measure
    from prayog_sdk.checks import Verdict as Verdict
    from prayog_sdk.checks import always as always
    from prayog_sdk.checks import answer as answer
    from prayog_sdk.checks import before as before
    from prayog_sdk.checks import count as count
    from prayog_sdk.checks import events as events
    from prayog_sdk.checks import eventually as eventually
    from prayog_sdk.checks import first as first
    from prayog_sdk.checks import gauge as gauge
    from prayog_sdk.checks import history as history
    from prayog_sdk.checks import last as last
    from prayog_sdk.checks import never as never
    from prayog_sdk.checks import on_seeds as on_seeds
    from prayog_sdk.checks import predicted as predicted
    from prayog_sdk.checks import used as used
    from prayog_sdk.compare import Comparison as Comparison
    from prayog_sdk.compare import Row as Row
    from prayog_sdk.hookspecs import Progress as Progress
    from prayog_sdk.hookspecs import hookimpl as hookimpl
    from prayog_sdk.params import Choice as Choice
    from prayog_sdk.params import Code as Code
    from prayog_sdk.params import FilePath as FilePath
    from prayog_sdk.params import Section as Section
    from prayog_sdk.params import Slider as Slider
    from prayog_sdk.params import Text as Text
    from prayog_sdk.params import Toggle as Toggle
    from prayog_sdk.run import Cancelled as Cancelled
    from prayog_sdk.run import Computation as Computation
    from prayog_sdk.run import Emit as Emit
    from prayog_sdk.services import ServiceMissing as ServiceMissing
    from prayog_sdk.services import Services as Services
    from prayog_sdk.session import Session as Session
    from prayog_sdk.specs import ActionSpec as ActionSpec
    from prayog_sdk.specs import Arg as Arg
    from prayog_sdk.specs import CodeSpec as CodeSpec
    from prayog_sdk.specs import PanelSpec as PanelSpec
    from prayog_sdk.specs import SeriesSpec as SeriesSpec
    from prayog_sdk.specs import Variant as Variant
    from prayog_sim.clock import ms as ms
    from prayog_sim.faults import Fault as Fault
    from prayog_sim.faults import fault as fault
    from prayog_sim.network import Exponential as Exponential
    from prayog_sim.network import Fixed as Fixed
    from prayog_sim.network import Link as Link
    from prayog_sim.network import LogNormal as LogNormal
    from prayog_sim.network import Network as Network
    from prayog_sim.network import Uniform as Uniform
    from prayog_sim.node import Ctx as Ctx
    from prayog_sim.node import Node as Node
    from prayog_sim.run import Action as Action
    from prayog_sim.run import ActionError as ActionError
    from prayog_sim.run import Look as Look
    from prayog_sim.run import NodeView as NodeView
    from prayog_sim.run import Run as Run
    from prayog_sim.run import View as View
    from prayog_sim.run import tally as tally
    from prayog_sim.trace import Effect as Effect
    from prayog_sim.trace import Step as Step
    from prayog_sim.trace import Trace as Trace
    from prayog_sim.world import Invariant as Invariant
    from prayog_sim.world import World as World

_NAMES = {
    "prayog_sdk.checks": "Check Measure Verdict always answer before count events eventually first gauge history last "
    "never on_seeds predicted used",
    "prayog_sdk.compare": "Comparison Row",
    "prayog_sdk.hookspecs": "Progress hookimpl",
    "prayog_sdk.params": "Choice Code FilePath Section Slider Text Toggle",
    "prayog_sdk.run": "Cancelled Computation Emit",
    "prayog_sdk.services": "ServiceMissing Services",
    "prayog_sdk.session": "Session",
    "prayog_sdk.specs": "ActionSpec Arg CodeSpec PanelSpec SeriesSpec Variant",
    "prayog_sim.clock": "ms",
    "prayog_sim.faults": "Fault fault",
    "prayog_sim.network": "Exponential Fixed Link LogNormal Network Uniform",
    "prayog_sim.node": "Ctx Node",
    "prayog_sim.run": "Action ActionError Look NodeView Run View tally",
    "prayog_sim.trace": "Effect Step Trace",
    "prayog_sim.world": "Invariant World",
}
_HOME = {name: module for module, names in _NAMES.items() for name in names.split()}


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(_HOME[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(["API", *_HOME])
