"""The lab as a run: conversations between real programs on this machine, recorded as packets.

Steps
    conversation   what begins: its title, its program (file, source, first and last line of the variant)
    speaks         a server listens: port, protocol
    packet         one packet (`recording.packet_data`), with ``call`` (file, line, text), ``sender``, ``payload``
    kernel         the same session as the kernel sent it: hex, time_ns, link; not among the packets
    keys           secrets of TLS and DTLS
    truths         both views compared (`truths.compared`)
    done           the conversation is over: packets, wire_bytes, app_bytes, ms
and whatever programs tell (``answer``, ``retried``, ``transfer``, ``way``, ``load``, …), each with what it cost since
the last: ``packets``, ``wire_bytes``, ``app_bytes``.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Any

from prayog_protocols.engine.conversations import CONVERSATIONS, SERVERS
from prayog_protocols.engine.real.headers import Headers, Made
from prayog_protocols.engine.real.process import LabGone, LabProcess
from prayog_protocols.engine.real.truths import compared
from prayog_protocols.engine.recording import packet_data
from prayog_sdk.hookspecs import Progress
from prayog_sdk.run import Emit, Facts
from prayog_sdk.session import Session
from prayog_sim.run import Action, ActionError, Look, NodeView, View
from prayog_sim.trace import Step

__all__ = ["LabSession"]

DEADLINE_S = 20.0
_SCTP = 248  # LINKTYPE_SCTP
_BY_HAND = ("request", "command", "say", "hang_up", "send")
_MOST = 1 << 20  # bytes that a learner may send at once


class LabSession(Session):
    """Servers and clients in a process of their own.  `kernel`: watch the kernel too, where the system allows it."""

    def __init__(self, seed: int, mss: int, kernel: bool, progress: Progress) -> None:
        self._seed, self._kernel = seed, kernel
        self._headers = Headers(seed, mss)
        self._progress = progress
        self._lab: LabProcess | None = None
        self._sources: dict[str, list[str]] = {}
        self._ports: dict[str, int] = {}  # where each server listens
        self._cost = [0, 0, 0]
        self._tapped: list[tuple[int, bytes]] = []
        super().__init__()

    def start(self) -> Facts:
        return {"conversation": "", "variant": "", "packets": 0, "bytes": 0, "servers": {}, "told": "",
                "ways": {}, "loads": []}

    def fold(self, state: Facts, step: Step) -> Facts:
        data = step.data
        if step.kind == "conversation":
            return {**state, "conversation": data["title"], "variant": data["variant"], "told": "", "ways": {},
                    "loads": []}  # fmt: skip
        if step.kind == "packet":
            return {**state, "packets": state["packets"] + 1, "bytes": state["bytes"] + len(data["hex"]) // 2}
        if step.kind == "speaks":
            return {**state, "servers": {**state["servers"], data["server"]: data["port"]}}
        if step.kind == "way":
            measured = {"bytes": data["wire_bytes"], "packets": data["packets"], "requests": data["requests"],
                        "mean_delay_ms": data["late_ms"]}  # fmt: skip
            return {**state, "ways": {**state["ways"], data["way"]: measured}}
        if step.kind == "load":
            load = {key: data[key] for key in ("form", "name", "sent", "received")}
            return {**state, "loads": [*state["loads"], load]}
        if "sentence" in data:
            return {**state, "told": data["sentence"]}
        return state

    def show(self, state: Facts, step: Step | None) -> View:
        servers = ", ".join(f"{name} on port {port}" for name, port in state["servers"].items())
        talk = f"{state['conversation']}: {state['variant']}" if state["conversation"] else "nothing was said yet"
        nodes = {
            "client": NodeView("client", volatile={"talks": talk}, look=Look("client", "C", 0, f"Client: {talk}")),
            "server": NodeView("server", volatile={"listens": servers},
                               look=Look("store", "S", 1, f"Servers: {servers or 'none yet'}")),
        }  # fmt: skip
        return View(step.seq if step else -1, step.at if step else 0, nodes=nodes, facts=state)

    def check(self, action: Action) -> None:
        args = action.args
        if action.name in CONVERSATIONS:
            known = CONVERSATIONS[action.name].variants
            if args.get("variant", next(iter(known))) not in known:
                raise ActionError(f"{action.name} has the variants {', '.join(known)}; found {args.get('variant')!r}")
        elif action.name not in _BY_HAND:
            raise ActionError(
                f"The lab can hold: {', '.join(CONVERSATIONS)}; and {', '.join(_BY_HAND)}; not {action.name}"
            )
        if action.name == "say" and (
            args.get("server") not in SERVERS or SERVERS[str(args["server"])].transport == "udp"
        ):
            talkative = ", ".join(name for name, one in SERVERS.items() if one.transport == "tcp")
            raise ActionError(f"server is one of {talkative}; found {args.get('server')!r}")
        if action.name == "send":
            _payload(args)
        if action.name == "request" and not re.fullmatch(r"[A-Z]{1,20}", str(args.get("method", ""))):
            raise ActionError("A method is a word in capitals, such as GET")
        if action.name == "request" and re.search(r"[\s\x00-\x1f]", str(args.get("path", ""))):
            raise ActionError("A path holds no blanks; write %20")
        if action.name == "command" and re.search(r"[\r\n]", str(args.get("line", ""))):
            raise ActionError("A command is one line")

    def perform(self, action: Action) -> Iterator[Emit]:
        began = time.perf_counter()
        totals = [0, 0, 0]
        self._cost, self._tapped = [0, 0, 0], []
        if self._lab is None:
            self._progress(0, 0, "starting the lab")
            self._lab = LabProcess(self._kernel)
            if self._kernel and not self._lab.private:
                yield "no_kernel", "", {"sentence": f"Only the socket tap watches: {self._lab.why_not_private}."}
        what, words = self._question(action)
        if what == "talk":
            yield "conversation", "", self._program(str(words["conversation"]), str(words["variant"]))
        outcome: Mapping[str, Any] = {}
        kernel: list[tuple[int, bytes]] = []
        try:
            for kind, value in self._lab.ask(what, words, DEADLINE_S):
                if self.cancelled:
                    return
                if kind == "outcome":
                    outcome = value
                elif kind == "kernel":
                    kernel = list(value)
                for emit in self._happened(kind, value):
                    if emit[0] == "packet":
                        size = len(emit[2]["hex"]) // 2
                        for counter in (totals, self._cost):
                            counter[0] += 1
                            counter[1] += size
                            counter[2] += emit[2]["payload"]
                    yield emit
        except LabGone as gone:
            self._lab.close()
            self._lab = None
            self._headers = Headers(self._seed, self._headers.mss)
            yield (
                "failed",
                "",
                {"sentence": f"{str(gone)[0].upper()}{str(gone)[1:]}.  The next action starts a new lab."},
            )
            return
        if kernel:
            for time_ns, frame in kernel:
                yield "kernel", "", {"hex": frame.hex(), "time_ns": time_ns, "link": 1}
            found = compared(self._tapped, kernel)
            equal = f"{found['same']} of {len(found['flows'])} flows hold the same bytes in both views"
            yield "truths", "", {**found, "sentence": f"{equal}."}
        if outcome:
            yield "failed", "", dict(outcome)
        cost = dict(zip(("packets", "wire_bytes", "app_bytes"), totals, strict=True))
        ms = round(1000 * (time.perf_counter() - began), 1)
        yield "done", "", {"what": action.name, "variant": _variant(action), **cost, "ms": ms}

    def release(self) -> None:
        if self._lab is not None:
            self._lab.close()
            self._lab = None

    # -- questions -------------------------------------------------------------------------------------------------

    def _question(self, action: Action) -> tuple[str, dict[str, Any]]:
        args = action.args
        if action.name in CONVERSATIONS:
            return "talk", {"conversation": action.name, "variant": _variant(action)}
        if action.name == "send":
            frame, payload, before = _payload(args)
            server = self._addressed(str(args.get("server") or ""), frame)
            return "send", {"server": server, "payload": payload, "before": before}
        names = {
            "request": ("method", "path", "body", "header"),
            "command": ("line",),
            "say": ("server", "line"),
            "hang_up": (),
        }
        return action.name, {name: str(args.get(name) or "") for name in names[action.name]}

    def _addressed(self, named: str, frame: bytes) -> str:
        """The server that is meant: by name, by the frame's destination port, by the official port; or the web one."""
        if named in SERVERS:
            return named
        port = 0
        if len(frame) >= 38 and frame[12:14] == b"\x08\x00":
            at = 14 + 4 * (frame[14] & 15)
            port = int.from_bytes(frame[at + 2 : at + 4], "big")
        by_port = [name for name in SERVERS if port in (self._ports.get(name), SERVERS[name].port)]
        return by_port[0] if by_port else "http"

    # -- what happens ----------------------------------------------------------------------------------------------

    def _happened(self, kind: str, value: Any) -> Iterator[Emit]:
        if kind == "records":
            for record in value:
                if record[1] == "inside":
                    comment = "inside DTLS: the SCTP packet before it was encrypted"
                    data = packet_data(record[3], record[0], "observed", _SCTP, comment, payload=0, sender="")
                    yield "packet", "", data
                for made in self._headers.take(record):
                    if made.origin != "simulated":
                        self._tapped.append((made.time_ns, made.frame))
                    yield "packet", made.sender, self._packet(made)
        elif kind == "keys":
            yield "keys", "", {"log": value}
        elif kind == "listens":
            name, port, protocol, transport = value
            self._headers.servers.add(port)
            self._ports[name] = port
            title = SERVERS[name].title
            yield "speaks", "server", {"server": name, "port": port, "protocol": protocol, "transport": transport,
                                       "sentence": f"The {title} listens on port {port}."}  # fmt: skip
        elif kind == "fact":
            told, facts = value
            cost = dict(zip(("packets", "wire_bytes", "app_bytes"), self._cost, strict=True))
            self._cost = [0, 0, 0]
            yield str(told).replace(" ", "_"), "", {**cost, **facts}

    def _packet(self, made: Made) -> dict[str, Any]:
        call = self._call(made.caller)
        comment = "; ".join(part for part in (call, made.comment) if part)
        return packet_data(made.frame, made.time_ns, made.origin, 1, comment, call=call, sender=made.sender,
                           payload=made.payload, line=made.caller[1] if made.caller else 0)  # fmt: skip

    def _call(self, caller: tuple[str, int, str] | None) -> str:
        """``clients/smtp.py:33 server.sendmail(…) → SMTP.putcmd``"""
        if caller is None:
            return ""
        path, line, called = caller
        place = "/".join(path.replace("\\", "/").split("/")[-2:])
        lines = self._source(place)
        text = lines[line - 1].strip() if 0 < line <= len(lines) else ""
        return f"{place}:{line} {text}" + (f" → {called}" if called else "")

    def _source(self, place: str) -> list[str]:
        """The lines of a program of the lab; none where the source was not shipped."""
        if place not in self._sources:
            folder, _, name = place.partition("/")
            file = files(__package__).joinpath(folder, name)
            self._sources[place] = file.read_text("utf-8").splitlines() if file.is_file() else []
        return self._sources[place]

    def _program(self, name: str, variant: str) -> dict[str, Any]:
        conversation = CONVERSATIONS[name]
        lines = self._source(f"clients/{name}.py")
        head = f"def {variant.replace(' ', '_').replace('.', '_')}("
        first = next((n for n, line in enumerate(lines, 1) if line.startswith(head)), 0)
        last = first
        while first and last < len(lines) and (not lines[last].strip() or lines[last].startswith(" ")):
            last += 1
        about = conversation.variants[variant]
        return {
            "conversation": name, "title": conversation.title, "variant": variant, "about": about,
            "file": f"clients/{name}.py", "source": "\n".join(lines), "first": first, "last": last,
            "sentence": f"{conversation.title}: {about}",
        }  # fmt: skip


def _variant(action: Action) -> str:
    """The variant that is asked for, or the first; empty when something was said by hand."""
    known = CONVERSATIONS[action.name].variants if action.name in CONVERSATIONS else ("",)
    return str(action.args.get("variant", next(iter(known))))


def _payload(args: Mapping[str, Any]) -> tuple[bytes, bytes, bytes]:
    """The frame, what is to be sent of it, and what is to be sent before it.  Raises `ActionError`."""
    try:
        frame, payload, before = (bytes.fromhex(str(args.get(name) or "")) for name in ("hex", "payload", "before"))
    except ValueError:
        raise ActionError("hex, payload and before are bytes in hexadecimal, two digits each") from None
    if not payload:
        raise ActionError("There is nothing to send: the packet has no application bytes")
    if max(len(payload), len(before)) > _MOST:
        raise ActionError(f"At most {_MOST:,} bytes are sent at once; these are {max(len(payload), len(before)):,}")
    return frame, payload, before
