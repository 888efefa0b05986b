"""A table as a queue under the microscope: its rows, who holds them, and what was asked of the database for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from prayog_queues.engine.measured import STOPPED
from prayog_queues.engine.queueing import percentile
from prayog_sim.trace import Step

__all__ = ["Experiment", "Rows", "TableRow"]

Data = Mapping[str, Any]
_ASKS = ("SELECT", "UPDATE … RETURNING")
"""What a worker says when it asks for work begins with one of these."""


@dataclass(slots=True)
class Experiment:
    """One experiment on a real database: what was asked, each row that was measured, and what follows."""

    title: str
    question: str
    measured: list[tuple[str, str]] = field(default_factory=list)
    """(label, sentence)."""
    conclusion: str = ""
    holds: bool | None = None


class TableRow:
    """One row of the table."""

    __slots__ = ("attempts", "holders", "key", "message", "seq", "state", "stored_us", "taken_us", "until_us")

    def __init__(self, message: str, key: str, stored_us: int, seq: int) -> None:
        self.message, self.key, self.stored_us, self.seq = message, key, stored_us, seq
        self.state = "pending"
        self.holders: dict[str, str] = {}
        """Receipt → who has it: two are a double take."""
        self.attempts = 0
        self.taken_us = self.until_us = 0


class Rows:
    """Reads a run on a table."""

    def __init__(self) -> None:
        self.rows: dict[str, TableRow] = {}
        self.statements: dict[str, int] = {}
        """Kind of statement → how often."""
        self.by: dict[str, int] = {}
        """Who said them."""
        self.deliveries = 0
        self.doubled = 0
        """Rows that were taken while another held them."""
        self.doubled_seq = -1
        self.pickups: list[int] = []
        """From the commit of a row to its first hand-out, in µs."""
        self.experiments: dict[str, Experiment] = {}
        self.measuring = ""
        """The experiment that is being done; empty: none."""

    def take(self, step: Step) -> None:
        """Read one more step."""
        self._one(step.kind, step.node, step.data, step)
        for effect in step.effects:
            self._one(effect.kind, step.node, effect.data, step)

    def _experiment(self, kind: str, data: Data) -> None:
        known = self.experiments.setdefault(data["what"], Experiment(data["what"], ""))
        if kind == "experiment":
            self.experiments[data["what"]] = Experiment(data["title"], data["question"])
        elif kind == "measured":
            known.measured.append((str(data.get("label", "")), str(data.get("sentence", ""))))
        else:
            known.conclusion, known.holds = data.get("sentence", ""), data.get("holds")
        self.measuring = "" if kind == "concluded" else data["what"]

    def _one(self, kind: str, node: str, data: Data, step: Step) -> None:
        match kind:
            case "statement":
                sql, who = data["sql"], data.get("consumer") or node
                self.statements[sql] = self.statements.get(sql, 0) + data.get("count", 1)
                self.by[who] = self.by.get(who, 0) + data.get("count", 1)
            case "experiment" | "measured" | "concluded":
                self._experiment(kind, data)
            case "interrupted" | "error" if self.measuring:
                self.experiments[self.measuring].conclusion, self.measuring = STOPPED, ""
            case "stored":
                known = self.rows.setdefault(
                    data["message"], TableRow(data["message"], data.get("key", ""), step.at, step.seq)
                )
                known.seq = step.seq
            case "delivered":
                self._taken(data, data.get("consumer") or node, step)
            case "acked" | "returned" | "lease_expired" | "failed" | "dropped" | "dead":
                row = self.rows.get(data["message"])
                if row is None:
                    return
                row.holders.pop(data.get("receipt", ""), None)
                row.seq = step.seq
                if kind in ("acked", "dropped", "dead"):
                    row.state = "done" if kind == "acked" else kind
                    row.holders.clear()  # whoever else works on it holds nothing in the table any more
                elif not row.holders and row.state == "taken":
                    row.state = "pending"

    def _taken(self, data: Data, who: str, step: Step) -> None:
        self.deliveries += 1
        row = self.rows.get(data["message"])
        if row is None:
            row = self.rows[data["message"]] = TableRow(data["message"], data.get("key", ""), step.at, step.seq)
        if not row.attempts:
            self.pickups.append(step.at - row.stored_us)
        if row.holders:
            self.doubled += 1
            self.doubled_seq = step.seq if self.doubled_seq < 0 else self.doubled_seq
        row.holders[data["receipt"]] = who
        row.state, row.seq, row.taken_us = "taken", step.seq, step.at
        row.attempts = max(row.attempts + 1, data.get("attempt", 1))
        row.until_us = step.at + data["lease_us"] if data.get("lease_us") else 0

    # -- asking ------------------------------------------------------------------------------------------------

    @property
    def asks(self) -> int:
        """How often workers asked for work."""
        return sum(count for sql, count in self.statements.items() if sql.startswith(_ASKS))

    @property
    def for_nothing(self) -> int:
        """Asks that brought no row (a look that is followed by a second statement counts once)."""
        return max(0, self.asks - self.deliveries)

    @property
    def per_message(self) -> float:
        """Statements for each hand-out."""
        return sum(self.statements.values()) / self.deliveries if self.deliveries else 0.0

    def pickup(self, percent: int) -> int:
        """A percentile of the time from commit to hand-out, in µs; −1: none yet."""
        return percentile(sorted(self.pickups), percent)

    def open_rows(self) -> list[TableRow]:
        """Rows that are not done, oldest first."""
        return [row for row in self.rows.values() if row.state in ("pending", "taken")]

    def locks(self) -> dict[str, list[str]]:
        """Who holds which rows."""
        found: dict[str, list[str]] = {}
        for row in self.rows.values():
            for who in row.holders.values():
                found.setdefault(who, []).append(row.message)
        return found
