"""The state that views show, as a fold over the trace; and the status that the run reports for it.

Facts: ``open``, ``now`` (µs), ``levels`` (per level the tables: number, size, low, high, entries, tombstones, born),
``memtable``, ``log``, ``amplification`` (per meter value, numerator, denominator, what they are), ``formulas``,
``limits`` (stall lines), ``counters``, ``edits``, ``survival``, ``modes``, ``looks`` (the last get's path), ``job``,
``viewed`` (somebody else's database: what was found in it), ``wal`` (the log of a database that is down) and
``wal_left`` (as the crash left it, before anybody cut or flipped).
"""

from __future__ import annotations

from typing import Any

from prayog_sdk.run import Facts
from prayog_sim.run import Look, NodeView, View
from prayog_sim.trace import Step
from prayog_writes.engine.database import Database
from prayog_writes.engine.device import Device
from prayog_writes.engine.formulas import formulas
from prayog_writes.engine.meters import amplification, parts
from prayog_writes.engine.options import Options
from prayog_writes.engine.survival import Memory
from prayog_writes.engine.version import LEVELS

__all__ = ["answer", "fold", "pulse", "short", "show", "start", "status"]


def start(options: Options) -> Facts:
    """Before the first step."""
    return {
        "open": False, "now": 0, "levels": [[] for _ in range(LEVELS)], "memtable": {"rows": 0, "bytes": 0},
        "log": {"number": 0, "bytes": 0}, "amplification": {}, "formulas": {}, "counters": {}, "edits": 0, "reason": "",
        "survival": None, "modes": {}, "looks": [], "answer": None, "job": None, "stalls": 0, "error": "", "wal": None,
        "wal_left": None, "viewed": None, "progress": None,
        "policy": options.policy, "sync": options.sync,
        "limits": {"trigger": options.trigger, "slowdown": options.slowdown, "stop": options.stop,
                   "memtable": options.memtable},
    }  # fmt: skip


def fold(state: Facts, step: Step) -> Facts:
    """The state after `step`."""
    data = step.data
    match step.kind:
        case "status" | "start":
            return {**state, **data, "progress": None}
        case "progress":
            return {**state, "progress": data}
        case "edit":
            levels = _edited(state["levels"], data)
            return {**state, "levels": levels, "edits": data["edit"], "reason": data["reason"], "job": None}
        case "table":
            return {**state, "levels": _counted(state["levels"], data)}
        case "memtable":
            return {**state, "memtable": {**state["memtable"], "rows": data["rows"], "bytes": data["bytes"]}}
        case "wal":
            return {**state, "log": {"number": data["log"], "bytes": data["end"]}}
        case "rotate":
            return {**state, "log": {"number": data["next"], "bytes": 0}, "memtable": {"rows": 0, "bytes": 0}}
        case "flush_begin" | "compaction_begin":
            return {**state, "job": {"kind": step.kind.removesuffix("_begin"), **data}}
        case "merge":
            return {**state, "job": {**(state["job"] or {}), "progress": data}}
        case "flush_end" | "compaction_end":
            return {**state, "job": None}
        case "stall":
            return {**state, "stalls": state["stalls"] + 1, "now": data["now"]}
        case "work":
            told = {name: data[name] for name in ("now", "memtable", "log", "formulas")}
            return {**state, **told, "amplification": amplification(data["parts"])}
        case "action":
            looking: dict[str, Any] = {"looks": [], "answer": None} if data["name"] == "get" else {}
            return {**state, **looking, "error": "", **({"modes": {}} if data["name"] == "try_modes" else {})}
        case "look":
            return {**state, "looks": [*state["looks"], data]}
        case "answer" | "survival" | "viewed":
            return {**state, step.kind: data}
        case "mode":
            return {**state, "modes": {**state["modes"], data["mode"]: data}}
        case "down":
            empty = {"rows": 0, "bytes": 0}
            return {**state, "open": False, "memtable": empty, "job": None, "survival": None, "modes": {},
                    "wal_left": None}  # fmt: skip
        case "log":
            return {**state, "wal": data, "wal_left": state["wal_left"] or data}
        case "cut" | "flipped":  # what the modes would bring back is another question now
            return {**state, "modes": {}}
        case "problem" | "error" | "refused":
            return {**state, "error": data["sentence"]}
        case _:
            return state


def _edited(levels: list[list[dict[str, Any]]], data: Any) -> list[list[dict[str, Any]]]:
    """The levels after an edit; those that it leaves alone are the very same lists."""
    after = list(levels)
    gone: dict[int, set[int]] = {}
    for level, number in data["deleted"]:
        gone.setdefault(level, set()).add(number)
    came: dict[int, list[dict[str, Any]]] = {}
    for level, meta in data["added"]:
        came.setdefault(level, []).append(dict(meta))
    for level in {*gone, *came}:
        numbers = gone.get(level, ())
        files = [f for f in levels[level] if f["number"] not in numbers] + came.get(level, [])
        after[level] = sorted(files, key=(lambda f: str(f["low"])) if level else (lambda f: -int(f["number"])))
    return after


def _counted(levels: list[list[dict[str, Any]]], data: Any) -> list[list[dict[str, Any]]]:
    """A table of somebody else was read through: now its rows are known."""
    known = {name: data[name] for name in ("entries", "tombstones", "damage")}
    return [
        [{**f, **known} if level == data["level"] and f["number"] == data["number"] else f for f in files]
        for level, files in enumerate(levels)
    ]


def status(db: Database | None, memory: Memory, device: Device) -> dict[str, Any]:
    """What `fold` takes over: meters with numerator and denominator, clocks, counters."""
    if db is None:
        return {"open": False, "now": round(device.now)}
    stats = db.stats
    return {
        "open": True, "now": round(device.now), **pulse(db, memory),
        "amplification": amplification(parts(db, memory)),
        "counters": {**stats.as_dict(), "writes": db.writes, "wal": db.wal_bytes(), "runs": db.version.runs(),
                     "live": memory.live, "stalled_us": round(device.waited), "longest_stall_us": round(device.longest),
                     "delayed": device.delayed},
        "edits": db.edits, "read_only": db.read_only,
        "debt": [int(1_000 * score) / 1_000 for score in db.policy.scores(db.version)],  # down: 0.9999 is not due
    }  # fmt: skip


def pulse(db: Database, memory: Memory) -> dict[str, Any]:
    """How it stands while a workload runs.  ``parts``: those of the meters (`amplification` makes the fractions)."""
    return {
        "l0": len(db.version.levels[0]), "memtable": {"rows": len(db.memtable), "bytes": db.memtable.size},
        "log": {"number": db.memtable.log, "bytes": db.log.size}, "syncs": db.stats.syncs, "writes": db.writes,
        "parts": parts(db, memory), "formulas": formulas(db.options, max(db.stats.user, 1), db.version.runs()),
    }  # fmt: skip


def answer(key: bytes, value: bytes | None, seen: list[dict[str, Any]], expected: bytes | None) -> dict[str, Any]:
    """What a get gave, what an honest witness remembers, and how many places were looked at (`seen`)."""
    tables = {look["table"] for look in seen if look["where"] in ("block", "cached")}
    return {
        "key": key.decode("utf-8", "backslashreplace"), "value": short(value), "right": value == expected,
        "expected": short(expected), "tables": len(tables),
        "filters_no": sum(look["where"] == "filter" and not look["found"] for look in seen),
        "blocks": sum(look["where"] in ("block", "cached") for look in seen),
    }  # fmt: skip


def short(value: bytes | None) -> str | None:
    """The beginning of a value, readable."""
    return None if value is None else value[:40].decode("utf-8", "backslashreplace")


def show(state: Facts, step: Step | None) -> View:
    """The parts of the database as nodes, in words."""
    up = "up" if state["open"] else "down"
    memtable, log = state["memtable"], state["log"]
    nodes = {
        "memtable": NodeView(
            "memtable", up, volatile=memtable,  # type: ignore[arg-type] # one of two words
            look=Look("store", "M", -1, f"{memtable['rows']:,} rows, {memtable['bytes']:,} bytes in memory"),
        ),
        "log": NodeView(
            "log", up, durable=log,  # type: ignore[arg-type] # one of two words
            look=Look("store", "W", -1, f"write-ahead log {log['number']}: {log['bytes']:,} bytes"),
        ),
    }  # fmt: skip
    for level, files in enumerate(state["levels"]):
        if files or level < 2:
            size = sum(f["size"] for f in files)
            sentence = f"level {level}: {len(files)} tables, {size:,} bytes"
            nodes[f"L{level}"] = NodeView(
                f"L{level}", up, durable={"tables": len(files), "bytes": size},  # type: ignore[arg-type] # as above
                look=Look("level", str(level), level, sentence),
            )  # fmt: skip
    return View(step.seq if step else -1, step.at if step else 0, nodes=nodes, facts=state)
