"""Numbers and verdicts of this topic, each a pure function of the trace."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from prayog_migration.engine.drills.tables import Tables
from prayog_migration.engine.strategies import COMPANIES
from prayog_sdk.checks import Event, Measure, Verdict, events
from prayog_sim.trace import Trace

__all__ = ["MEASURES", "all_fit", "at_most", "balanced", "equal", "four_ways", "steady", "went_back"]


def of(trace: Trace, *kinds: str) -> Iterator[Event]:
    """Steps and effects of these kinds."""
    return (event for event in events(trace) if event.kind in kinds)


def latest(trace: Trace, kind: str, **fields: Any) -> Event | None:
    """The last event of the kind whose fields are as given."""
    found = None
    for event in of(trace, kind):
        if all(event[name] == value for name, value in fields.items()):
            found = event
    return found


def _tables(trace: Trace) -> Tables | None:
    found = Tables()
    for step in trace:
        found.take(step)
    return found if any(found.sides.values()) else None


def _differing(trace: Trace) -> int | None:
    found = _tables(trace)
    return None if found is None else found.difference.count


def _last(kind: str, field: str, scale: float = 1.0, /, **fields: Any) -> Measure:
    def measure(trace: Trace) -> Any:
        event = latest(trace, kind, **fields)
        value = None if event is None else event[field]
        return round(value * scale, 3) if scale != 1.0 and value is not None else value

    return measure


def _set_aside(trace: Trace) -> Any:
    """Rows in quarantine; after a switch-over they are those that stayed on the old side."""
    event = latest(trace, "balance")
    return None if event is None else event["quarantined"] + event["stayed"]


def _count(*kinds: str, **fields: Any) -> Measure:
    def measure(trace: Trace) -> int:
        return sum(all(event[name] == value for name, value in fields.items()) for event in of(trace, *kinds))

    return measure


def late_writes(trace: Trace) -> int | None:
    """Writes that a side took although the other one was in charge; None before any switch-over."""
    late, cut, side = 0, False, "old"
    for event in of(trace, "cut", "set"):
        if event.kind == "cut":
            cut, side = True, event["to"]
        elif cut and event["node"] != side:
            late += 1
    return late if cut else None


def _lost_acknowledged(trace: Trace) -> int | None:
    """Rows whose last acknowledged write is not on the side in charge."""
    found = _tables(trace)
    if found is None:
        return None
    cut = latest(trace, "cut")
    return len(found.lost("old" if cut is None else str(cut["to"])))


def _lost(trace: Trace) -> int | None:
    """Real databases: as the last comparison at a position found it; drills: acknowledged, and not there."""
    balance = latest(trace, "balance")
    return int(balance["lost"]) if balance is not None else _lost_acknowledged(trace)


def _rate(trace: Trace) -> float | None:
    """Rows a second of the last copy, from its beginning until the stream has passed what it saw."""
    done = latest(trace, "done", node="copy")
    if done is None or not done["us"]:
        return None
    rows = {event["node"]: int(event["rows"]) for event in of(trace, "chunk")}
    return round(1e6 * sum(rows.values()) / float(done["us"]))


def _ratio(trace: Trace) -> float | None:
    """Rows a second of the copy in parts of the raw limit that the probe of the same run measured."""
    probed, rate = latest(trace, "probed"), _rate(trace)
    if probed is None or not rate or not probed["raw_rows_s"]:
        return None
    return round(rate / float(probed["raw_rows_s"]), 2)


def _behind(trace: Trace) -> int | None:
    lag = latest(trace, "lag")
    if lag is not None:
        return max(0, int(lag["changes"]))
    last = None
    for event in of(trace, "gauge"):
        if event["name"] == "lag":
            last = int(event["value"])
    return last


def _wrong_steps(trace: Trace) -> int | None:
    played = latest(trace, "played")
    return None if played is None else int(played["wrong"])


def _fitting(trace: Trace) -> int:
    """Companies whose last choice keeps its limits."""
    found = {event["node"]: bool(event["fits"]) for event in of(trace, "chosen")}
    return sum(found.values())


def _false_alarms(trace: Trace, how: str = "") -> int:
    """How often a comparison (in one way, or in any) said “different” before anybody had planted a bad row."""
    alarms, planted = 0, False
    for event in of(trace, "compared", "planted"):
        planted = planted or event.kind == "planted"
        alarms += event.kind == "compared" and how in ("", event["how"]) and not planted and not event["equal"]
    return alarms


MEASURES: Mapping[str, Measure] = {
    "differing": _differing,
    "lost": _lost,
    "duplicated": _last("balance", "duplicated"),
    "quarantined": _set_aside,
    "source_rows": _last("balance", "source_rows"),
    "target_rows": _last("balance", "target_rows"),
    "freeze_ms": _last("promoted", "freeze_us", 0.001),
    "pause_ms": _last("cut", "pause_ms"),
    "lag_at_cut": _last("cut", "lag"),
    "late_writes": late_writes,
    "failed_requests": _count("failed", "request_failed"),
    "behind": _behind,
    "rows_s": _rate,
    "copy_ratio": _ratio,
    "raw_rows_s": _last("probed", "raw_rows_s"),
    "applied_s": _last("probed", "apply_s"),
    "kills": _count("worker", what="died"),
    "false_alarms": _false_alarms,
    "mark_alarms": lambda trace: _false_alarms(trace, "at a mark"),
    "wrong_steps": _wrong_steps,
    "fitting": _fitting,
    "experiment_lost": _last("experiment", "lost"),
    "experiment_failed": _last("experiment", "failed"),
}


def _verdict(ok: bool, reason: str, at: int | None = None) -> Verdict:
    return Verdict(ok, reason, at)


def equal(trace: Trace) -> Verdict:
    """Both sides hold the same rows now."""
    found = _tables(trace)
    if found is None:
        return _verdict(False, "No side holds any rows yet.")
    differ = found.difference
    if not differ.count:
        return _verdict(True, f"{len(found.sides['old'])} rows are the same on both sides.")
    return _verdict(
        False,
        f"{len(differ.missing)} rows are missing on the new side, {len(differ.extra)} are there and should not be, "
        f"{len(differ.other)} have another value.",
    )


def at_most(name: str, limit: float) -> Callable[[Trace], Verdict]:
    """The measure is known and not above `limit`."""

    def test(trace: Trace) -> Verdict:
        value = MEASURES[name](trace)
        if value is None:
            return _verdict(False, f"{name.replace('_', ' ')} is not known yet.")
        return _verdict(value <= limit, f"{name.replace('_', ' ')} is {value:g}, the limit is {limit:g}.")

    return test


def steady(trace: Trace) -> Verdict:
    """One way of comparing said “equal” five times running while nothing was wrong, and then found the planted row."""
    running: dict[str, int] = {}
    calm: set[str] = set()
    planted = False
    for event in of(trace, "compared", "planted"):
        how = str(event["how"])
        if event.kind == "planted":
            planted = True
        elif planted and not event["equal"] and how in calm:
            return _verdict(True, f"Comparing {how} was steady, and it found the planted row.", event.step.seq)
        elif not planted:
            running[how] = running.get(how, 0) + 1 if event["equal"] else 0
            if running[how] >= 5:
                calm.add(how)
    if not calm:
        return _verdict(False, "No way of comparing has said “equal” five times running yet.")
    words = " and ".join(sorted(calm))
    return _verdict(False, f"Comparing {words} was steady; plant a bad row now, and compare again in the same way.")


def went_back(trace: Trace) -> Verdict:
    """The old side took over again at least 60 s after the new one had, with nothing waiting."""
    cut = None
    for event in of(trace, "cut"):
        if event["to"] == "new":
            cut = event["at"]
        elif cut is not None:
            waited = (event["at"] - cut) / 1e6
            ok = waited >= 60 and not event["lag"]
            return _verdict(ok, f"Went back after {waited:.0f} s with {event['lag']} changes waiting.", event.step.seq)
    return _verdict(False, "Nobody has gone back yet.")


def all_fit(trace: Trace) -> Verdict:
    """Each company's last choice keeps its limits."""
    last = {event["node"]: event for event in of(trace, "chosen")}
    wrong = next((event for event in last.values() if not event["fits"]), None)
    if wrong is not None:
        return _verdict(False, f"{wrong['node']}: {wrong['strategy']} {wrong['problem']}.", wrong.step.seq)
    return _verdict(len(last) == len(COMPANIES), f"{len(last)} of {len(COMPANIES)} strategies fit.")


def four_ways(trace: Trace) -> Verdict:
    """No two companies have the same strategy."""
    chosen = {event["node"]: event["strategy"] for event in of(trace, "chosen")}
    ok = len(chosen) == len(COMPANIES) == len(set(chosen.values()))
    return _verdict(ok, f"{len(chosen)} companies have {len(set(chosen.values()))} different strategies.")


def balanced(trace: Trace) -> Verdict:
    """The accounting identity at the last comparison."""
    event = latest(trace, "balance")
    if event is None:
        return _verdict(False, "Nothing was compared yet.")
    source, target, aside = event["source_rows"], event["target_rows"], event["quarantined"]
    return _verdict(
        source == target + aside,
        f"{source} rows at the source, {target} on the target, {aside} in quarantine.",
        event.step.seq,
    )
