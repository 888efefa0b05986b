"""Numbers and verdicts of this topic, each a pure function of the trace."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

from prayog_sdk.checks import Measure, Verdict
from prayog_sim.trace import Step, Trace

__all__ = ["MEASURES", "at_most", "damage_named", "levels_sorted", "settled", "syncs_tried"]


def newest(trace: Trace, *kinds: str, **fields: Any) -> Step | None:
    """The last step of one of `kinds` whose data has `fields`."""
    for index in range(len(trace) - 1, -1, -1):
        step = trace[index]
        if step.kind in kinds and all(step.data.get(name) == value for name, value in fields.items()):
            return step
    return None


def _status(trace: Trace) -> Mapping[str, Any] | None:
    """The last status of an open database."""
    step = newest(trace, "status", "start", open=True)
    return None if step is None else step.data


def _meter(name: str) -> Measure:
    def measure(trace: Trace) -> float | None:
        """The meter at its last moment when there was something to divide by."""
        for index in range(len(trace) - 1, -1, -1):
            step = trace[index]
            if step.kind == "status" and step.data.get("open"):
                value = step.data["amplification"][name]["value"]
                if value is not None:
                    return float(value)
        return None

    return measure


def _counter(name: str) -> Measure:
    def measure(trace: Trace) -> int | None:
        status = _status(trace)
        return None if status is None else int(status["counters"][name])

    return measure


def _data(kind: str, field: str, /, **fields: Any) -> Measure:
    def measure(trace: Trace) -> Any:
        step = newest(trace, kind, **fields)
        return None if step is None else step.data.get(field)

    return measure


def _count(kind: str) -> Measure:
    return lambda trace: sum(step.kind == kind for step in trace)


def _ops_per_fsync(trace: Trace) -> float | None:
    group = newest(trace, "group")
    if group is not None:
        return float(group.data["per_fsync"])
    timed = newest(trace, "timed")
    if timed is not None:
        return round(int(timed.data["count"]) / max(int(timed.data["fsyncs"]), 1), 1)
    status = _status(trace)
    if status is None or not status["counters"]["syncs"]:
        return None
    return round(int(status["counters"]["writes"]) / int(status["counters"]["syncs"]), 2)


def _writes_per_second(trace: Trace) -> float | None:
    """Acknowledged writes a second of the last workload, by the run's own clock."""
    end = newest(trace, "worked")
    if end is None:
        timed = newest(trace, "timed")
        rate: float | None = None if timed is None else timed.data.get("per_second")
        return rate
    begin = next((s for s in reversed(trace[: end.seq]) if s.kind in ("status", "start")), None)
    took = int(end.data["now"]) - (int(begin.data["now"]) if begin else 0)
    return round(1e6 * int(end.data["count"]) / took, 1) if took > 0 else None


def _answers(field: str) -> Measure:
    """The mean of a field over the answers since the last compaction, flush or reopening, or over all."""

    def measure(trace: Trace) -> float | None:
        values = [step.data[field] for step in trace if step.kind == "answer" and field in step.data]
        return round(sum(values) / len(values), 2) if values else None

    return measure


def _longest_stall_ms(trace: Trace) -> float:
    return round(max((step.data["us"] for step in trace if step.kind == "stall"), default=0) / 1_000, 1)


def _peers_lost(trace: Trace) -> int | None:
    """Acknowledged rows that all other engines together lost when only their processes died."""
    lost = [int(s.data["lost"]) for s in trace if s.kind == "peer_crash" and s.data["damage"] == "none"]
    return sum(lost) if lost else None


def _levels(trace: Trace) -> list[list[Mapping[str, Any]]]:
    """The tables by level, from the edits."""
    levels: list[list[Mapping[str, Any]]] = [[] for _ in range(7)]
    for step in trace:
        if step.kind == "edit":
            for level, number in step.data["deleted"]:
                levels[level] = [f for f in levels[level] if f["number"] != number]
            for level, meta in step.data["added"]:
                levels[level].append(meta)
    return levels


def _in_use(trace: Trace) -> int:
    """How many levels hold tables."""
    return sum(bool(files) for files in _levels(trace))


def levels_sorted(trace: Trace) -> Verdict:
    """No two tables of a level from 1 on overlap, after any edit."""
    levels: list[list[Mapping[str, Any]]] = [[] for _ in range(7)]
    for step in trace:
        if step.kind != "edit":
            continue
        for level, number in step.data["deleted"]:
            levels[level] = [f for f in levels[level] if f["number"] != number]
        for level, meta in step.data["added"]:
            levels[level].append(meta)
        for level in {level for level, _ in step.data["added"]} - {0}:
            files = sorted(levels[level], key=lambda f: str(f["low"]))
            for a, b in pairwise(files):
                if a["high"] >= b["low"]:
                    return Verdict(False, f"tables {a['number']} and {b['number']} of L{level} overlap", step.seq)
    return Verdict(True, "no two tables of a level overlap")


def settled(trace: Trace) -> Verdict:
    """Every score is below 1 at the end."""
    status = _status(trace)
    if status is None:
        return Verdict(False, "the database is down")
    worst = max(status["debt"])
    return Verdict(worst < 1, f"the highest score is {worst:.2f}; a compaction is due from 1 on")


def damage_named(trace: Trace) -> Verdict:
    """Damage on the disk was found, and its place told."""
    for step in trace:
        if (step.kind == "problem" and step.data.get("file")) or step.kind == "refused":
            return Verdict(True, str(step.data["sentence"]), step.seq)
        if step.kind == "replayed" and step.data["damage"]:
            return Verdict(True, f"{step.data['log']}: {step.data['damage'][0][2]}", step.seq)
    return Verdict(False, "nobody noticed any damage")


def syncs_tried(trace: Trace) -> Verdict:
    """There was a power failure and a reopening in this run: one of the three that the lesson asks for."""
    seen = newest(trace, "survival")
    return Verdict(seen is not None, "tried" if seen else "pull the plug and reopen", seen.seq if seen else None)


def at_most(measure: str, most: float) -> Callable[[Trace], Verdict]:
    """A verdict that holds while `measure` is at most `most`."""

    def judge(trace: Trace) -> Verdict:
        value = MEASURES[measure](trace)
        if value is None:
            return Verdict(False, "nothing was measured yet: run a workload with writes and reads")
        return Verdict(value <= most, f"{measure.replace('_', ' ')} is {value:g}, at most {most:g} is allowed")

    return judge


MEASURES: Mapping[str, Measure] = {
    "write_amplification": _meter("write"),
    "write_amplification_with_log": _meter("write_with_log"),
    "read_amplification": _meter("read"),
    "space_amplification": _meter("space"),
    "fsyncs": _counter("syncs"),
    "writes": _counter("writes"),
    "ops_per_fsync": _ops_per_fsync,
    "writes_per_second": _writes_per_second,
    "flushes": _counter("flushes"),
    "compactions": _counter("compactions"),
    "moves": _counter("moves"),
    "runs": _counter("runs"),
    "levels_in_use": _in_use,
    "l0_tables": lambda trace: len(_levels(trace)[0]),
    "tables": lambda trace: sum(map(len, _levels(trace))),
    "tombstones": lambda trace: sum(f["tombstones"] for files in _levels(trace) for f in files),
    "stalls": _count("stall"),
    "longest_stall_ms": _longest_stall_ms,
    "acknowledged": _data("survival", "acknowledged"),
    "survived": _data("survival", "survived"),
    "lost": _data("survival", "lost"),
    "tables_per_get": _answers("tables"),
    "tables_last_get": _data("answer", "tables"),
    "filters_no": _data("answer", "filters_no"),
    "log_bytes": _data("log", "bytes"),
    "log_records": _data("log", "total"),
    "survive_tolerant": _data("mode", "survived", mode="tolerate corrupted tail"),
    "survive_absolute": _data("mode", "survived", mode="absolute consistency"),
    "survive_point_in_time": _data("mode", "survived", mode="point in time"),
    "survive_skipping": _data("mode", "survived", mode="skip any corrupted record"),
    "gain": _data("experiment", "gain"),
    "peers_lost": _peers_lost,
}
