"""What a real migration has told so far, gathered from its steps: the only thing that the wizard's pages read.  No Qt.

Every page draws from one `Course`; it is read again from the start when the learner goes back in time.
"""

from __future__ import annotations

import itertools
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from prayog_migration.panels.course_parts import Blow, Data, Lag, Load, Switch
from prayog_migration.panels.fault_words import FAULTS
from prayog_migration.panels.log_words import in_words
from prayog_sim.clock import format_us
from prayog_sim.trace import Step

__all__ = ["Course"]

_LOG = 200
_LAGS = 600
_QUIET = {
    "chunk", "lag", "traffic", "applied", "comparing", "profiled", "ddl", "step", "action", "building", "answer",
    "tried", "aside", "cast", "filed", "shard", "divided", "changed",
}  # fmt: skip
_NETWORK = {"cut", "stall", "lose_commit", "fill_disk", "stop_target"}
_COMES_OF_IT: Mapping[str, set[str]] = {
    "worker": {"kill", "zombie", *_NETWORK}, "fault": _NETWORK, "stalled": _NETWORK, "fenced_off": {"zombie"},
    "restarted": {"lose_log"}, "drift": {"add_column"}, "contradiction": {"poison", "lose_log"},
    "chunk": {"poison"}, "applied": {"poison"},
}  # fmt: skip
"""What the wizard says when something was broken, and which faults may be the reason."""
_BLOWS = 30
_WORK = {
    "probe", "assess", "preview", "schema", "copy", "validate", "audit", "sync", "switch", "back", "replan", "undo",
    "report", "clean", "ask", "aside", "rules", "cast", "files", "shards", "change",
}  # fmt: skip
"""Actions that the worker is busy with until it says how they ended."""


@dataclass(slots=True)
class Course:
    """Everything, as of the last step that was taken."""

    started: Data = field(default_factory=dict)
    step: str = "plan"
    phase: str = "waiting"
    sentence: str = ""
    phases: dict[str, str] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    side: str = "source"
    assessed: Data = field(default_factory=dict)
    profiles: dict[str, Data] = field(default_factory=dict)
    ddl: dict[str, Data] = field(default_factory=dict)
    dryrun: Data = field(default_factory=dict)
    probed: Data = field(default_factory=dict)
    loads: dict[str, Load] = field(default_factory=dict)
    part: Data = field(default_factory=dict)
    answered: Data = field(default_factory=dict)
    reconciled: Data = field(default_factory=dict)
    """Of strategies that go by parts, in parallel, or with two writes: the last that was told, with its ``number``."""
    verdicts: dict[str, Data] = field(default_factory=dict)
    comparing: Data = field(default_factory=dict)
    balance: Data = field(default_factory=dict)
    lags: deque[Lag] = field(default_factory=lambda: deque(maxlen=_LAGS))
    direction: str = ""
    """In which direction the lags are told: the two sides count in different units."""
    traffic: Data = field(default_factory=dict)
    writers: int = 0
    orders: Data = field(default_factory=dict)
    switches: list[Switch] = field(default_factory=list)
    answers: list[Data] = field(default_factory=list)
    tried: Data = field(default_factory=dict)
    aside: Data = field(default_factory=dict)
    cast: dict[str, Data] = field(default_factory=dict)
    filed: dict[str, Data] = field(default_factory=dict)
    divided: Data = field(default_factory=dict)
    changed: list[Data] = field(default_factory=list)
    """Stages of the column that changes, since its copy was made."""
    clean: Data = field(default_factory=dict)
    report: str = ""
    worker: Data = field(default_factory=dict)
    paused: bool = False
    refused: str = ""
    """Why the last action was not done."""
    held: str = ""
    held_for: str = ""
    """What somebody must decide before changes flow again: "drift" or "contradiction"."""
    broken: set[str] = field(default_factory=set)
    blows: list[Blow] = field(default_factory=list)
    took: dict[str, int] = field(default_factory=dict)
    """µs of each command that was done, and of catching up."""
    doing: str = ""
    log: deque[tuple[int, str, str]] = field(default_factory=lambda: deque(maxlen=_LOG))
    """(µs, kind, sentence)."""
    told: int = 0
    """Lines that were ever written into the log."""
    at_us: int = 0
    number: int = field(default_factory=itertools.count().__next__)
    counts: Counter[str] = field(default_factory=Counter)
    """Steps of each kind."""
    _asked_us: dict[str, int] = field(default_factory=dict)

    def take(self, step: Step) -> None:
        """The next step."""
        data, self.at_us = step.data, step.at
        self.counts[step.kind] += 1
        match step.kind:
            case "start":
                self.started = data
            case "action":
                name, self.refused = str(data.get("name", "")), ""
                self._asked_us[name] = step.at
                self.doing = name if name in _WORK else self.doing
                self.writers = int(data.get("writers", 2)) if name == "traffic" else self.writers
            case "done":
                self.doing = ""
                self.took[step.node] = int(data.get("us", 0))
                self.held = "" if step.node in ("replan", "undo") else self.held
            case "caught_up":
                if step.node == "forward" and "sync" in self._asked_us:
                    self.took.setdefault("catch up", step.at - self._asked_us["sync"])
            case "ready":
                self.step, self.phase, self.side = step.node or self.step, data["phase"], data["side"]
                self.facts = dict(data["facts"])
            case "step":
                self.step, self.phase, self.sentence = step.node, data["phase"], data.get("sentence", "")
                self.phases[step.node] = data["phase"]
                self.facts = dict(data["facts"])
            case "answer":
                self.answers = [*(self.answers if step.node != "0" else []), data]
            case "cast" | "filed":
                getattr(self, step.kind)[step.node] = data
            case "changed":
                self.changed = [] if step.node == "put away" else [
                    *(self.changed if step.node != "begin" else []), {**data, "step": step.node}
                ]  # fmt: skip
            case "part" | "answered" | "reconciled":
                setattr(self, step.kind, {**data, "number": step.node})
            case "divided":
                self.divided = {**data, "column": step.node}
            case "balance":
                self.balance = {**data, "direction": step.node}
            case "clean":
                self.clean = data
                if not data["left"]:  # what remembered the step is gone too
                    self.step, self.phase = "cleanup", "done"
            case "assessed" | "tried" | "aside" | "dryrun" | "probed" | "traffic" | "orders" | "worker":
                setattr(self, step.kind, data)
            case "profiled":
                self.profiles[step.node] = data
            case "ddl":
                self.ddl[step.node] = data
            case "chunk":
                self._chunk(step.node, data)
            case "comparing":
                self.comparing = {**data, "table": step.node}
            case "validated":
                self.verdicts[step.node] = data
                self.comparing = {}
            case "restarted":
                self.loads.pop(step.node, None) if step.node else self.loads.clear()
            case "lag":
                self._lag(step, data)
            case "switching" | "promoted" | "unfenced":
                self._switch(step.kind, step.node, step.at, data)
            case "drift" | "contradiction":
                self.held, self.held_for, self.doing = step.kind, str(data.get("sentence", "")), ""
            case "paused" | "resumed":
                self.paused = step.kind == "paused"
            case "injected":
                self.broken = set() if step.node == "heal" else self.broken | {step.node}
                self._blow(step, str(data["sentence"]))
            case "failed" | "error":
                self.doing = ""
                self.refused = f"The work stopped: {data['sentence']}"
            case "cancelled":
                self.doing = ""
            case "refused" if step.node not in FAULTS:
                self.doing = ""
                self.refused = str(data["sentence"])
            case "refused":
                self._blow(step, f"Not done: {data['sentence']}")
            case "report":
                self.report = str(data["path"])
        if step.kind in _COMES_OF_IT:
            self._follow(step)
        self._tell(step)

    def _chunk(self, table: str, data: Data) -> None:
        self.loads[table] = Load(
            data["rows"], data["bytes"], data["of"], data["rows_s"], data["quarantined"], data["done"]
        )

    def _follow(self, step: Step) -> None:
        """Something that the last fault of its sort has led to."""
        reasons = _COMES_OF_IT[step.kind]
        blow = next((one for one in reversed(self.blows) if one.what in reasons), None)
        if blow is None:
            return
        if step.kind not in ("chunk", "applied"):
            blow.follow(str(step.data.get("sentence", "")))
        elif step.data.get("quarantined"):
            blow.follow("The row was set aside, with the reason.")

    def _blow(self, step: Step, did: str) -> None:
        self.blows = [*self.blows[1 - _BLOWS :], Blow(step.node, step.at, did)]

    def _lag(self, step: Step, data: Data) -> None:
        if step.node != self.direction:
            self.direction = step.node
            self.lags.clear()
        self.lags.append(
            Lag(step.at, data["changes"], data["bytes"], data["behind_us"], data["applied_s"], data["kept_bytes"],
                data["cap_bytes"])
        )  # fmt: skip

    def _switch(self, kind: str, node: str, at: int, data: Data) -> None:
        if kind == "switching":
            if node == "fenced" or not self.switches or self.switches[-1].freeze_us is not None:
                self.switches.append(Switch(str(data["to"]), at - int(data["at_us"])))
            self.switches[-1].marks.append((node, int(data["at_us"])))
        elif kind == "promoted":
            self.side = node
            if not self.switches or self.switches[-1].to != node:
                self.switches.append(Switch(node, at - int(data["freeze_us"])))
            self.switches[-1].freeze_us = int(data["freeze_us"])
            self.switches[-1].marks = [(str(name), int(us)) for name, us in data["marks"]]
        elif self.switches and self.switches[-1].freeze_us is None:
            self.switches[-1].undone = str(data.get("sentence", ""))

    def _tell(self, step: Step) -> None:
        """One line of the log: the sentence that came with it, or its figures."""
        if step.kind in _QUIET:
            return
        words = step.data.get("sentence") or in_words(step)
        where = f"{step.node}: " if step.node and step.node not in str(words) else ""
        self.told += 1
        self.log.append((step.at, step.kind, f"{format_us(step.at)}  {step.kind.replace('_', ' ')}  {where}{words}"))

    # -- what pages ask ------------------------------------------------------------------------------------------

    @property
    def rows(self) -> tuple[int, int]:
        """Rows loaded, and rows in all as far as that is known."""
        return sum(one.rows for one in self.loads.values()), sum(max(one.of, one.rows) for one in self.loads.values())

    @property
    def quarantined(self) -> int:
        """Rows set aside so far."""
        if self.balance:
            return int(self.balance["quarantined"]) + int(self.balance.get("stayed", 0))
        return sum(one.quarantined for one in self.loads.values())

    @property
    def badge(self) -> str:
        """The promises in a line."""
        lost = self.balance.get("lost", "?")
        doubled = self.balance.get("duplicated", "?")
        return f"lost {lost} · duplicated {doubled} · quarantined {self.quarantined}"

    @property
    def kept(self) -> bool | None:
        """Whether the promises hold; None before anything was compared."""
        return None if not self.balance else not self.balance["lost"] and not self.balance["duplicated"]

    def stamp(self, *kinds: str) -> tuple[int, ...]:
        """Another value whenever a step of these kinds came, or the course was read anew: what is drawn is kept."""
        return (self.number, *(self.counts[kind] for kind in kinds))

    @property
    def tables(self) -> list[str]:
        """Titles of the source's tables that move, as far as they were assessed."""
        return [str(one[0]) for one in self.assessed.get("tables", ())]

    def columns(self, table: str) -> list[str]:
        """Names of a table's columns."""
        return [str(one[0]) for one in self.profiles.get(table, {}).get("columns", ())]

    def forecast(self, strategy: str) -> Data:
        """What the probe predicted for a strategy; empty when nobody probed."""
        found: Data = next((one for one in self.probed.get("forecasts", ()) if one["strategy"] == strategy), {})
        return found
