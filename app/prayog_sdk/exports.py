"""A trace as a file: JSON lines, CSV, text, ShiViz log or Jepsen history.

Each says which topic, scenario, seed and version it came from.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from prayog_sim.clock import format_us
from prayog_sim.lines import line
from prayog_sim.trace import Effect, Step, Trace, TraceError, canonical

__all__ = ["Label", "read_trace", "to_csv", "to_edn", "to_jsonl", "to_shiviz", "to_text"]


@dataclass(frozen=True, slots=True)
class Label:
    """Where something came from; it stands in every export and in the corner of every picture."""

    topic: str
    version: str
    scenario: str
    seed: int
    params: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.topic} {self.version} · {self.scenario or 'free play'} · seed {self.seed} · Prayog"


def to_jsonl(trace: Trace, label: Label) -> Iterator[str]:
    """A first line with the label, then one canonical JSON object per step; each with its line end."""
    head = {"topic": label.topic, "version": label.version, "scenario": label.scenario, "seed": label.seed}
    yield canonical({"prayog": {**head, "params": label.params, "trace_hash": trace.hash()}}) + "\n"
    yield from (f"{text}\n" for text in trace.jsonl())


def to_csv(trace: Trace, label: Label) -> Iterator[str]:
    """A comment with the label, a header, one row per step; data and effects are JSON in a cell.  Times are µs."""
    yield f"# {label}\r\n"
    yield _row(["seq", "at_us", "kind", "node", "cause", "data", "effects"])
    for step in trace:
        effects = canonical(step.effects) if step.effects else ""
        yield _row([step.seq, step.at, step.kind, step.node, step.cause, canonical(step.data), effects])


def to_text(trace: Trace, label: Label) -> Iterator[str]:
    """The label, then one readable line per step with its time."""
    yield f"{label}\n\n"
    for step in trace:
        yield f"{format_us(step.at):>12}  {line(step)}\n"


def to_edn(trace: Trace, label: Label, of: str = "op") -> Iterator[str]:
    """What the clients asked and were told, as a history for Jepsen's checkers: one map to a line, times in ns.

    Raises `HistoryError` when an operation is told wrongly (see `prayog_sim.history.operations`).
    """
    from prayog_sim.history.jepsen import write_history
    from prayog_sim.history.operations import from_trace

    yield f"; {label}\n"
    yield from write_history(from_trace(trace, of))


def to_shiviz(trace: Trace, label: Label) -> Iterator[str]:
    """A log for ShiViz: how it is to be parsed, the label, then two lines for each step: what, and where.

    Every step is an event of its node (steps of the run itself are events of ``run``) and has a vector clock.  A
    step knows what the step knew that caused it, so messages, and actions of the learner, are drawn as edges.
    """
    yield "(?<event>.*)\\n(?<host>\\S*) (?<clock>{.*})\n^=== (?<trace>.*) ===$\n"
    yield f"=== {label} ===\n"
    causes = {step.cause for step in trace}
    known: dict[str, dict[str, int]] = {}
    then: dict[int, dict[str, int]] = {}
    for step in trace:
        host = "_".join(step.node.split()) or "run"
        clock = known.setdefault(host, {})
        for other, count in then.get(step.cause, {}).items():
            clock[other] = max(count, clock.get(other, 0))
        clock[host] = clock.get(host, 0) + 1
        if step.seq in causes:
            then[step.seq] = clock.copy()
        what = " ".join(line(step).split())
        yield f"{what}\n{host} {json.dumps(clock, ensure_ascii=False)}\n"


def _row(cells: Iterable[Any]) -> str:
    out = io.StringIO()
    csv.writer(out).writerow(cells)
    return out.getvalue()


def read_trace(lines: Iterable[str]) -> Trace:
    """The trace in the lines of a JSON-lines export, with or without its label.

    Raises `TraceError` naming the line and what was expected.
    """
    trace = Trace()
    for number, text in enumerate(lines, 1):
        if not text.strip() or (number == 1 and text.startswith('{"prayog"')):
            continue
        try:
            body = json.loads(text)
            effects = tuple(Effect(str(e["kind"]), dict(e["data"])) for e in body["effects"])
            step = Step(
                int(body["seq"]), int(body["at"]), str(body["kind"]), str(body["node"]), dict(body["data"]),
                int(body["cause"]), effects,
            )  # fmt: skip
        except (json.JSONDecodeError, RecursionError) as error:
            raise TraceError(f"line {number} of the trace is not JSON ({error})") from None
        except (KeyError, TypeError, ValueError) as error:
            raise TraceError(f"line {number} of the trace is not a step: {error!r}") from None
        if step.seq != len(trace):
            raise TraceError(f"line {number} of the trace is step {step.seq}; expected step {len(trace)}")
        trace.append(step)
    return trace
