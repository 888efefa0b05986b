"""The knobs of this topic: what moves from where to where, and the drills.

``drill`` chooses a simulated run (a `World` or, for *strategies* and *your apply*, a `Computation`); on real databases
the knobs of the second half count.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from prayog_sdk.params import Choice, Code, Slider, Text, Toggle

__all__ = ["DIALECTS", "DOUBLE", "DRILLS", "SOURCES", "STRATEGIES", "YOURS", "Setup"]

YOURS = "your apply"
DRILLS = ("move", "dual write", "rename", "false alarm", "strategies", YOURS)
DOUBLE = ("two writes", "outbox")
SOURCES = ("shop", "nasty")
DIALECTS = ("sqlite", "postgresql", "mysql")
STRATEGIES = ("big bang", "incremental", "trickle", "parallel run", "phased", "dual write", "backfill + live sync")


@dataclass(frozen=True)
class Setup:
    """What is moved, and how; a drill ignores the knobs that mean nothing to it."""

    drill: Annotated[str, Choice(*DRILLS, title="Drill", help="What is simulated.")] = "move"
    keys: Annotated[int, Slider(2, 5_000, log=True, title="Rows", help="Of the simulated table.")] = 600
    rate: Annotated[int, Slider(0, 400, unit="/s", title="Writes", help="Of all instances together.")] = 40
    apps: Annotated[int, Slider(1, 8, title="Instances", help="Of the simulated application.")] = 2
    copy_rate: Annotated[int, Slider(10, 5_000, log=True, unit="rows/s", title="Copied")] = 200
    synced: Annotated[bool, Toggle("In sync", "It begins when the copy is over and the log is followed.")] = False
    lag_s: Annotated[float, Slider(0, 30, step=0.5, unit="s", title="Behind", help="At the beginning.")] = 0.0
    double: Annotated[str, Choice(*DOUBLE, title="Dual write", help="Two writes, or one and an outbox.")] = "two writes"
    source: Annotated[
        str,
        Text(title="Source", help="shop, nasty, the path of a SQLite file, or a URL.", longest=500),
    ] = "shop"
    source_on: Annotated[str, Choice(*DIALECTS, title="Demo source on")] = "sqlite"
    target: Annotated[
        str, Text(title="Target", help="postgresql, sqlite, mysql, the path of a SQLite file, or a URL.", longest=500)
    ] = "postgresql"
    rows: Annotated[int, Slider(1_000, 10_000_000, log=True, title="Rows of the shop", help="On the real source.")] = (
        10_000
    )
    writers: Annotated[int, Slider(0, 8, title="Live writers", help="They write to the demo source meanwhile.")] = 0
    strategy: Annotated[str, Choice(*STRATEGIES, title="Strategy")] = "backfill + live sync"
    freeze_s: Annotated[float, Slider(0.5, 60, step=0.5, unit="s", title="Longest freeze")] = 10.0
    choices: Annotated[
        str, Text(title="Decisions", help="Types, policies and left-out tables, as JSON.", longest=4_000)
    ] = ""
    code: Annotated[str, Code(title="Your function", help="It is called by the drill “your apply”.")] = ""

    @property
    def live(self) -> bool:
        """Changes are captured while the source goes on: all strategies but the big bang."""
        return self.strategy != "big bang"
