"""The real conversations, as the topic sees them: knobs, session, actions, checks, measures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from prayog_protocols.engine.conversations import CONVERSATIONS, SERVERS
from prayog_sdk.checks import Check, Measure, Verdict, count, never
from prayog_sdk.params import Section, Slider, Toggle
from prayog_sdk.services import ServiceMissing
from prayog_sdk.specs import ActionSpec, Arg

if TYPE_CHECKING:
    from prayog_sdk.hookspecs import Progress
    from prayog_sdk.services import Services
    from prayog_sdk.session import Session
    from prayog_sim.trace import Trace

__all__ = ["ACTIONS", "CHECKS", "MEASURES", "Knobs", "session"]


@dataclass(frozen=True)
class Knobs:
    """How the conversations are recorded."""

    lab_mss: Annotated[
        int,
        Slider(88, 65_495, log=True, unit="bytes", title="Segment size",
               help="Of the packets made around observed bytes. 1460 fits Ethernet, 65,495 is Linux’s loopback."),
        Section("Real conversations"),
    ] = 1_460  # fmt: skip
    lab_kernel: Annotated[
        bool,
        Toggle("Watch the kernel too", help="Linux only: the labs run in a network of their own, and the kernel’s own "
               "packets are recorded beside those of the socket tap."),
    ] = True  # fmt: skip


def session(params: Any, seed: int, services: Services, progress: Progress) -> Session:
    """A lab that waits for its first conversation."""
    from prayog_protocols.engine.real.mirrored import MIRRORED, Mirrored
    from prayog_protocols.engine.real.session import LabSession

    if params.study in MIRRORED:
        return Mirrored(params.study, params.nat, seed, params.lab_mss, progress)
    if params.study != "lab":
        raise ServiceMissing(
            f"The experiment “{params.study}” has no counterpart in the lab.",
            "Those about retries, FTP and hearing of news have one.",
        )
    return LabSession(seed, params.lab_mss, params.lab_kernel, progress)


def _talk(name: str) -> ActionSpec:
    conversation = CONVERSATIONS[name]
    variants = tuple(conversation.variants)
    about = "; ".join(f"{variant}: {sentence}" for variant, sentence in conversation.variants.items())
    choice = Arg("variant", "choice", "Variant", variants[0], variants)
    return ActionSpec(name, conversation.title, about, args=(choice,), icon="play", group="Conversations")


_TCP = tuple(name for name, one in SERVERS.items() if one.transport == "tcp")
ACTIONS: tuple[ActionSpec, ...] = (
    *(_talk(name) for name in CONVERSATIONS),
    ActionSpec("request", "HTTP request", "One request to the web server of the lab.", args=(
        Arg("method", "text", "Method", "GET"), Arg("path", "text", "Path", "/catalogue"),
        Arg("body", "text", "Body", ""), Arg("header", "text", "Fields", "Accept: */*"),
    ), key="r", icon="external", group="By hand"),
    ActionSpec("command", "FTP command", "One command to the file server, after a login.", args=(
        Arg("line", "text", "Command", "PWD"),
    ), icon="external", group="By hand"),
    ActionSpec("say", "Say a line", "A line on a connection that stays open; \\r\\n inside it begins another.", args=(
        Arg("server", "choice", "Server", "smtp", _TCP), Arg("line", "text", "Line", "EHLO laptop.test"),
    ), key="s", icon="external", group="By hand"),
    ActionSpec("hang_up", "Hang up", "Close the connections on which lines were said.", icon="stop", group="By hand"),
    ActionSpec("send", "Send bytes", "Application bytes as they are, to a server of the lab.", args=(
        Arg("payload", "text", "Bytes (hex)", "474554202f20485454502f312e310d0a0d0a"),
        Arg("hex", "text", "Packet (hex)", ""), Arg("before", "text", "Before them, for comparison (hex)", ""),
        Arg("server", "choice", "Server", "", ("", *SERVERS)),
    ), icon="external", group="By hand"),
)  # fmt: skip


def _ways(trace: Trace) -> dict[str, dict[str, Any]]:
    return {str(step.data["way"]): dict(step.data) for step in trace if step.kind == "way"}


def _four_ways(trace: Trace) -> Verdict:
    ways = _ways(trace)
    missing = [way for way in ("polling", "long poll", "events", "websocket") if way not in ways]
    if missing:
        return Verdict(False, f"not measured yet: {', '.join(missing)}")
    most = max(ways, key=lambda way: int(ways[way]["wire_bytes"]))
    deaf = [way for way, data in ways.items() if not data["changes"]]
    told = ", ".join(f"{way} {data['wire_bytes']:,} bytes" for way, data in ways.items())
    return Verdict(most == "polling" and not deaf, told, len(trace) - 1)


def _sent(trace: Trace, form: str) -> int:
    return sum(int(step.data["sent"]) for step in trace
               if step.kind == "load" and step.data["form"] == form and step.data["name"] == "server")  # fmt: skip


def _shared(trace: Trace) -> Verdict:
    alone, shared = _sent(trace, "server"), _sent(trace, "swarm")
    if not alone or not shared:
        return Verdict(False, "play both: one server, and the swarm")
    told = f"the server sent {alone:,} bytes alone and {shared:,} in the swarm"
    return Verdict(2 * shared < alone, told, len(trace) - 1)


def _same_bytes(trace: Trace) -> Verdict:
    found = [step for step in trace if step.kind == "truths"]
    for step in found:
        if step.data["same"] != len(step.data["flows"]):
            return Verdict(False, str(step.data["sentence"]), step.seq)
    if not found:
        blind = [str(step.data["sentence"]) for step in trace if step.kind == "no_kernel"]
        return Verdict(bool(blind), blind[0] if blind else "nothing was recorded yet")
    return Verdict(True, f"{len(found)} sessions, each with the same bytes in both views", found[-1].seq)


def _way(way: str, field: str) -> Measure:
    return lambda trace: _ways(trace).get(way, {}).get(field)


MEASURES: dict[str, Measure] = {
    "lab_polling_bytes": _way("polling", "wire_bytes"),
    "lab_long_poll_bytes": _way("long poll", "wire_bytes"),
    "lab_events_bytes": _way("events", "wire_bytes"),
    "lab_websocket_bytes": _way("websocket", "wire_bytes"),
    "lab_polling_late_ms": _way("polling", "late_ms"),
    "lab_websocket_late_ms": _way("websocket", "late_ms"),
    "lab_server_sent": lambda trace: _sent(trace, "server") or None,
    "lab_swarm_sent": lambda trace: _sent(trace, "swarm") or None,
    "lab_packets": lambda trace: sum(step.kind == "packet" for step in trace),
}
CHECKS: tuple[Check, ...] = (
    Check("lab_whole", "Nothing failed in the lab", never("failed") & (count("done") >= 1)),
    Check("lab_retried", "POST sent twice made two orders; PUT, and POST with a key, changed one",
          (count("retried", method="POST", key=False, changed=2) >= 1)
          & (count("retried", method="PUT", changed=1) >= 1)
          & (count("retried", method="POST", key=True, changed=1) >= 1)),
    Check("lab_blocked", "Active mode was blocked, passive mode brought the file",
          (count("transfer", mode="active", reason="blocked_inbound") >= 1)
          & (count("transfer", mode="passive", ok=True) >= 1)),
    Check("lab_four_ways", "All four ways heard of every change, and polling cost most", _four_ways),
    Check("lab_shared", "In the swarm the server sent less than half of what it sent alone", _shared),
    Check("lab_same_bytes", "Tap and kernel saw the same bytes (where the kernel can be watched)", _same_bytes),
)  # fmt: skip
