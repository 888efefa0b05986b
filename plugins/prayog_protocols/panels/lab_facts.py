"""What a lab's trace tells beside its packets: the program, the lines that sent each packet, and the facts.  No Qt."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from prayog_sim.trace import Step

__all__ = ["Told", "lines_of"]

_NO_FACT = {"packet", "kernel", "keys", "speaks", "conversation", "action", "start"}
_COSTS = ("packets", "wire_bytes", "app_bytes")
_LEFT_OUT = {*_COSTS, "hex", "sentence", "flows", "differences", "source", "type"}
_CALL = re.compile(r"(\w+/\w+\.py):(\d+) (.*)", re.S)
_LONG = 200


@dataclass(slots=True)
class Told:
    """Everything up to the shown moment."""

    program: Mapping[str, Any] | None = None  # data of the last ``conversation``
    rows: list[tuple[str, str, str, str, str]] = field(default_factory=list)  # what, facts, packets, on the wire, said
    kernel: int = 0  # packets that the kernel showed

    def take(self, steps: Iterable[Step]) -> None:
        """Some more steps."""
        for step in steps:
            if step.kind == "conversation":
                self.program = step.data
                self.rows.append((f"{step.data['title']}: {step.data['variant']}", str(step.data["about"]), "", "", ""))
            elif step.kind == "kernel":
                self.kernel += 1
            elif step.kind not in _NO_FACT:
                self._fact(step)

    def _fact(self, step: Step) -> None:
        facts = {name.replace("_", " "): _shown(value) for name, value in step.data.items() if name not in _LEFT_OUT}
        text = str(step.data.get("sentence", "")) or ", ".join(f"{name} {value}" for name, value in facts.items())
        costs = [f"{step.data[name]:,}" if name in step.data else "" for name in _COSTS]
        self.rows.append((step.kind.replace("_", " "), text, costs[0], costs[1], costs[2]))
        for one in step.data.get("differences", ()):
            what = f"tap {one['tap']:,}, kernel {one['kernel']:,}: {str(one['what']).replace('_', ' ')}"
            self.rows.append(("two truths", f"{what}. {one['why']}", "", "", ""))


def lines_of(packet: Mapping[str, Any]) -> tuple[str, int, str]:
    """File, line and words of the call that sent a packet; ``("", 0, "")`` where no program of the lab did."""
    found = _CALL.match(str(packet.get("call", "")))
    return (found[1], int(found[2]), found[3]) if found else ("", 0, "")


def _shown(value: Any) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    return text if len(text) <= _LONG else text[:_LONG] + "…"
