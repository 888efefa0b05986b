"""Renaming a column while two versions of an application run: in one step, and by expand, backfill, contract.

Version 1 reads and writes `phone`, version 2 `mobile`.  Source: curriculum 5.10; “parallel change” (D. Sato, 2014), and
PostgreSQL's manual, ALTER TABLE (adding a nullable column rewrites nothing).

Rules
1. After *expand* both columns are there and a trigger keeps them equal; nothing that worked stops working.
2. *Backfill* fills old rows in small batches; until it is done the new column is empty there.
3. *Contract* takes the old column away: the only step that cannot be taken back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from prayog_sim.node import Ctx, Node
from prayog_sim.run import ActionError, Look

__all__ = ["Caller", "Users"]

COLUMN = {1: "phone", 2: "mobile"}
_BATCH, _BATCH_US = 25, 100_000
_DEPLOY_US = 300_000


@dataclass(frozen=True, slots=True)
class Ask:
    """INSERT (``value`` is given) or SELECT of a row by one column."""

    request: int
    row: int
    column: str
    value: int | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """``problem`` is "" when it worked."""

    request: int
    problem: str


class Users(Node):
    """The table `users`, with the columns that it has now."""

    durable = ("columns", "rows", "trigger", "done")
    actions = ("rename", "expand", "backfill", "contract")

    def __init__(self, rows: int) -> None:
        self.columns = ["phone"]
        self.rows: dict[int, dict[str, int]] = {row: {"phone": 9_000_000 + row} for row in range(rows)}
        self.trigger = False
        self.done = -1

    def on_start(self, ctx: Ctx) -> None:
        ctx.emit("columns", columns=list(self.columns))

    def on_action(self, name: str, args: Mapping[str, Any], ctx: Ctx) -> None:
        match name:
            case "rename":
                self._need("phone" in self.columns and "mobile" not in self.columns, "There is nothing to rename now.")
                self.columns = ["mobile"]
                self.rows = {row: {"mobile": cells["phone"]} for row, cells in self.rows.items()}
            case "expand":
                self._need("mobile" not in self.columns, "The new column is there already.")
                self.columns, self.trigger = ["phone", "mobile"], True
            case "backfill":
                self._need(self.trigger, "There is no new column to fill. Expand first.")
                ctx.set_timer("backfill", 0)
                return
            case "contract":
                self._need("mobile" in self.columns and "phone" in self.columns, "Both columns must be there.")
                self.columns, self.trigger = ["mobile"], False
                for cells in self.rows.values():
                    cells.pop("phone", None)
        ctx.emit("columns", columns=list(self.columns))

    @staticmethod
    def _need(holds: bool, sentence: str) -> None:
        if not holds:
            raise ActionError(sentence)

    def on_timer(self, name: str, ctx: Ctx) -> None:
        if "phone" not in self.columns:
            return
        left = sorted(row for row, cells in self.rows.items() if "mobile" not in cells)
        for row in left[:_BATCH]:
            self.rows[row]["mobile"] = self.rows[row]["phone"]
        ctx.emit("filled", rows=len(left[:_BATCH]), left=max(0, len(left) - _BATCH))
        if len(left) > _BATCH:
            ctx.set_timer("backfill", _BATCH_US)

    def on_message(self, src: str, msg: Any, ctx: Ctx) -> None:
        assert isinstance(msg, Ask)
        problem = ""
        if msg.column not in self.columns:
            problem = f"column {msg.column} does not exist"
        elif msg.value is not None:
            cells = self.rows.setdefault(msg.row, {})
            for column in self.columns if self.trigger else [msg.column]:
                cells[column] = msg.value
        elif msg.row in self.rows and msg.column not in self.rows[msg.row]:
            problem = f"{msg.column} is empty in row {msg.row}"
        ctx.send(src, Answer(msg.request, problem))

    def look(self) -> Look:
        empty = sum("mobile" not in cells for cells in self.rows.values()) if "mobile" in self.columns else 0
        waits = f", {empty} rows without mobile" if empty else ""
        return Look("store", "U", 0, f"users with {' and '.join(self.columns)}, {len(self.rows)} rows{waits}")


class Caller(Node):
    """One instance of the application; `deploy` brings version 2 after its turn."""

    durable = ("number", "rate", "rows", "version", "made")

    def __init__(self, number: int, rate: float, rows: int, version: int = 1) -> None:
        self.number, self.rate, self.rows, self.version = number, rate, rows, version
        self.made = 0
        self.stopped = False

    def on_start(self, ctx: Ctx) -> None:
        self._next(ctx)
        ctx.emit("version", version=self.version)

    def _next(self, ctx: Ctx) -> None:
        if not self.stopped:
            ctx.set_timer("call", int(1e6 / self.rate * (0.5 + ctx.rng.random())))

    def on_timer(self, name: str, ctx: Ctx) -> None:
        if name == "deploy":
            self.version = 2
            ctx.emit("version", version=2)
            return
        self.made += 1
        value = None if ctx.rng.random() < 0.6 else 1_000 * self.made + self.number
        row = ctx.rng.randint(0, self.rows - 1)
        ctx.send("users", Ask(self.made, row, COLUMN[self.version], value))
        self._next(ctx)

    def on_message(self, src: str, msg: Any, ctx: Ctx) -> None:
        if msg == "deploy":
            ctx.set_timer("deploy", self.number * _DEPLOY_US)
        elif isinstance(msg, str):
            self.stopped = msg == "stop"
            ctx.cancel_timer("call")
            self._next(ctx)
        elif msg.problem:
            ctx.emit("failed", version=self.version, reason=msg.problem)
        else:
            ctx.emit("ok", version=self.version)

    def look(self) -> Look:
        return Look("client", f"v{self.version}", self.version - 1, f"instance {self.number}, version {self.version}")
