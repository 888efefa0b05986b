"""Network protocols: what the lab asks of this topic, hook by hook.

Everything is about packets.  They come from a file that was opened (`engine.reading`), from real conversations on this
machine (`labs_part`), from a simulated TCP (`tcp_part`) or from small simulated experiments (`engine.trips` and its
neighbours).  Whatever made them, the panels show them in the same way: as a capture.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from prayog_protocols import labs_part, reading_part, tcp_part
from prayog_protocols.measures import (
    MEASURES,
    five_times,
    four_ways,
    retries_told,
    right_protocols,
    seven_of_eight,
    three_ways,
)
from prayog_sdk.checks import Check, Measure, always, count, never
from prayog_sdk.hookspecs import Progress, hookimpl
from prayog_sdk.params import Choice, Code, ParamError, Section, Slider, Toggle
from prayog_sdk.specs import ActionSpec, Arg, CodeSpec, PanelSpec, SeriesSpec, Variant

if TYPE_CHECKING:
    from prayog_sdk.compare import Comparison
    from prayog_sdk.run import Run
    from prayog_sdk.services import Services
    from prayog_sdk.session import Session
    from prayog_sim.trace import Trace

YOURS = "your sender"
STUDIES = (
    "capture", "round trips", "retry", "ftp", "updates", "status", "right protocol", tcp_part.STUDY, YOURS, "lab",
)  # fmt: skip


@dataclass(frozen=True)
class _Experiment:
    """The first question."""

    study: Annotated[
        str,
        Choice(*STUDIES, title="Experiment", help="“capture” opens a file; the others make their packets themselves."),
    ] = "capture"


@dataclass(frozen=True)
class _Small:
    """Of the small experiments."""

    round_trip_ms: Annotated[
        float,
        Slider(1, 1_000, step=1, log=True, unit="ms", title="Round trip", help="Of the experiment “round trips”."),
        Section("Small experiments"),
    ] = 100
    nat: Annotated[
        bool, Toggle("The client sits behind a router that translates addresses (NAT)", help="Of the experiment “ftp”.")
    ] = True
    loss: Annotated[
        float, Slider(0, 0.5, step=0.01, unit="share", title="Loss", help="Of the experiment “your sender”.")
    ] = 0.1
    code: Annotated[str, Code(title="Your function", help="The sender of the experiment “your sender”.")] = ""


@dataclass(frozen=True)
class Params(tcp_part.Knobs, _Small, labs_part.Knobs, reading_part.Knobs, _Experiment):
    """What is looked at.  A form shows the knobs of the last base first."""


@hookimpl
def prayog_params() -> type[Params]:
    return Params


@hookimpl
def prayog_build(params: Params, seed: int, progress: Progress) -> Run:
    match params.study:
        case "round trips":
            from prayog_protocols.engine.trips import Trips

            return Trips(params.round_trip_ms)
        case "retry":
            from prayog_protocols.engine.retrying import Retrying

            return Retrying()
        case "ftp":
            from prayog_protocols.engine.calling import Calling

            return Calling(params.nat)
        case "updates":
            from prayog_protocols.engine.updates import Updates

            return Updates(seed)
        case "status":
            from prayog_protocols.engine.detective import Detective

            return Detective()
        case "right protocol":
            from prayog_protocols.engine.carrying import Carrying

            return Carrying(seed)
        case tcp_part.STUDY:
            return tcp_part.build(params, seed)
        case "your sender":
            from prayog_protocols.engine.window import Window

            return Window(params.loss, params.code, seed)
        case "lab":
            raise ParamError("The conversations of the lab are real, and no simulation stands beside them. “May I "
                             "retry?”, “Who calls whom?” and “Are we there yet?” have both.", "study")  # fmt: skip
    return reading_part.build(params, progress)


@hookimpl
def prayog_session(params: Params, seed: int, services: Services, progress: Progress) -> Session:
    return labs_part.session(params, seed, services, progress)


@hookimpl
def prayog_compare(simulated: Trace, real: Trace) -> Comparison:
    from prayog_protocols.comparing import compare

    return compare(simulated, real)


@hookimpl
def prayog_code(params: Params) -> CodeSpec | None:
    if params.study != YOURS:
        return None
    from prayog_protocols.engine.window import WINDOW

    return WINDOW


_ACTIONS: Mapping[str, tuple[ActionSpec, ...]] = {
    "capture": reading_part.ACTIONS,
    "round trips": (
        ActionSpec("connect", "Connect", "Open a connection and send one request.",
                   args=(Arg("way", "choice", "How", "TCP",
                             ("TCP", "TCP + TLS 1.2", "TCP + TLS 1.3", "QUIC", "QUIC 0-RTT")),),
                   key="c", icon="link"),
    ),
    "retry": (
        ActionSpec("request", "Request", "Send a request; when its reply is lost, the client sends it again.",
                   args=(Arg("method", "choice", "Method", "POST", ("GET", "POST", "PUT", "DELETE")),
                         Arg("key", "bool", "With an idempotency key", False),
                         Arg("lose", "bool", "Lose the first reply", True)),
                   key="r", icon="restart"),
    ),
    "ftp": (
        ActionSpec("fetch", "Fetch", "Fetch one file.",
                   args=(Arg("mode", "choice", "Mode", "active", ("active", "passive")),), key="f", icon="open"),
    ),
    "updates": (
        ActionSpec("watch", "Watch", "One minute of prices, in one way.",
                   args=(Arg("way", "choice", "Way", "polling",
                             ("polling", "long polling", "server-sent events", "WebSocket")),), key="w", icon="clock"),
    ),
    "status": (
        ActionSpec("collect", "Collect", "Eight exchanges whose code is blanked.", icon="table"),
        ActionSpec("name_code", "Name the code", "Your first answer to each case counts.",
                   args=(Arg("case", "int", "Case", 1), Arg("code", "int", "Code", 200)), key="n", icon="search"),
    ),
    "right protocol": (
        ActionSpec("carry", "Carry", "Give a card a protocol and send its messages.",
                   args=(Arg("card", "choice", "Card", "bank", ("bank", "call", "page", "name", "game", "find")),
                         Arg("way", "choice", "Protocol", "TCP", ("TCP", "UDP", "QUIC, a stream each"))), key="c",
                   icon="plan"),
    ),
    tcp_part.STUDY: tcp_part.ACTIONS,
    "lab": labs_part.ACTIONS,
    YOURS: (ActionSpec("transfer", "Transfer", "Your sender sends 200 packets.", key="t", icon="play"),),
}  # fmt: skip


@hookimpl
def prayog_actions(params: Params) -> list[ActionSpec]:
    return list(_ACTIONS[params.study])


@hookimpl
def prayog_checks(params: Params) -> list[Check]:
    if params.study == tcp_part.STUDY:
        return tcp_part.checks(params)
    return [
        *reading_part.CHECKS,
        *labs_part.CHECKS,
        Check("three_ways", "TCP, TCP + TLS 1.3 and QUIC were connected", three_ways),
        Check("retries_told", "POST created 2 orders, PUT 1, POST with a key 1", retries_told),
        Check("blocked", "Active mode ended at the router, passive mode brought the file",
              (count("ended", mode="active", reason="blocked_inbound") >= 1)
              & (count("ended", mode="passive", reason="transferred") >= 1)),
        Check("called_back", "Without NAT the server called the client",
              count("connected", what="data", opened_by="server") >= 1),
        Check("four_ways", "All four ways were watched", four_ways),
        Check("seven_of_eight", "At least 7 of 8 codes are right", seven_of_eight),
        Check("right_protocols", "Each of the six choices keeps the limits of its card", right_protocols),
        Check("all_delivered", "Every packet arrived", always("finished", delivered=200) & (count("finished") >= 1)),
        Check("five_times", "At least five times as fast as stop-and-wait", five_times),
        Check("no_mistake", "Your function answered every call", never("code_error")),
    ]  # fmt: skip


@hookimpl
def prayog_measures(params: Params) -> Mapping[str, Measure]:
    return tcp_part.MEASURES if params.study == tcp_part.STUDY else {**MEASURES, **labs_part.MEASURES}


@hookimpl
def prayog_series(params: Params) -> list[SeriesSpec]:
    return list(tcp_part.SERIES) if params.study == tcp_part.STUDY else []


@hookimpl
def prayog_broken() -> list[Variant]:
    return list(tcp_part.BROKEN)


@hookimpl
def prayog_panels() -> list[PanelSpec]:
    here = "prayog_protocols.panels"
    return [
        PanelSpec("packets", "Packets", f"{here}.packets_panel:PacketsPanel", "centre", "table"),
        PanelSpec("ladder", "Ladder", f"{here}.ladder_panel:LadderPanel", "tab", "sequence"),
        *tcp_part.PANELS,
        PanelSpec("header", "Header", f"{here}.header_panel:HeaderPanel", "tab", "cells"),
        PanelSpec("stream", "Stream", f"{here}.stream_panel:StreamPanel", "tab", "lesson"),
        PanelSpec("talkers", "Who talks", f"{here}.talkers_panel:TalkersPanel", "tab", "topics"),
        PanelSpec("editor", "Editor", f"{here}.editor_panel:EditorPanel", "tab", "rulers"),
        PanelSpec("exercises", "Exercises", f"{here}.exercises_panel:ExercisesPanel", "tab", "help"),
        PanelSpec("program", "Program", f"{here}.lab_panel:LabPanel", "tab", "lesson", kinds=("session",)),
        PanelSpec("words", "Words", f"{here}.words_panel:WordsPanel", "tab", "help"),
        PanelSpec("task", "Task", f"{here}.task_panel:TaskPanel", "tab", "check", kinds=("world",)),
        PanelSpec("events", "Events", "events", "tab", "table"),
    ]
