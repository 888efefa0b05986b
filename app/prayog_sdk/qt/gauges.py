"""The gauges of a trace as columns: what the series plot draws, its table shows and its export writes; no Qt."""

from __future__ import annotations

import csv
from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from prayog_sdk.specs import SeriesSpec
from prayog_sim.trace import Step

__all__ = ["Curve", "Gauges"]


@dataclass(slots=True)
class Curve:
    """One gauge, at one node when the spec asks for that.  A value holds until the next one."""

    spec: SeriesSpec
    node: str
    index: int
    seqs: array[int] = field(default_factory=lambda: array("q"))
    times: array[float] = field(default_factory=lambda: array("d"))
    values: array[float] = field(default_factory=lambda: array("d"))

    @property
    def name(self) -> str:
        return self.node or self.spec.title

    def at(self, clock_us: float) -> float | None:
        """The value that holds at `clock_us`; None before the first."""
        index = bisect_right(self.times, clock_us) - 1
        return self.values[index] if index >= 0 else None


class Gauges:
    """All curves of the given specs, as far as the trace was read."""

    def __init__(self, specs: Sequence[SeriesSpec]) -> None:
        self._specs = {spec.gauge: spec for spec in specs}
        self.curves: dict[tuple[str, str], Curve] = {}
        self.rows: list[tuple[Curve, int]] = []
        """Every value in the order of the trace: the curve, and the place in it."""

    def add(self, step: Step) -> None:
        """Note the gauges of the next step: its effects in a simulated run, the step itself in a session."""
        for kind, data in ((step.kind, step.data), *((effect.kind, effect.data) for effect in step.effects)):
            if kind != "gauge":
                continue
            spec, value = self._specs.get(str(data["name"])), data["value"]
            if spec is None or not isinstance(value, int | float):
                continue
            curve = self._curve(spec, step.node if spec.per_node else "")
            curve.seqs.append(step.seq)
            curve.times.append(step.at)
            curve.values.append(value)
            self.rows.append((curve, len(curve.values) - 1))

    def of(self, spec: SeriesSpec) -> list[Curve]:
        """The curves of one spec, in the order in which they appeared."""
        return [curve for (gauge, _), curve in self.curves.items() if gauge == spec.gauge]

    def write(self, to: Path, head: str) -> None:
        """All values as CSV; times in µs."""
        with to.open("w", encoding="utf-8", newline="") as file:
            self._write(file, head)

    def _write(self, file: TextIO, head: str) -> None:
        file.write(f"# {head}\r\n")
        rows = csv.writer(file)
        rows.writerow(["seq", "at_us", "gauge", "node", "value", "unit"])
        rows.writerows(self._cells())

    def _cells(self) -> Iterator[tuple[object, ...]]:
        for curve, place in self.rows:
            value = curve.values[place]
            yield curve.seqs[place], round(curve.times[place]), curve.spec.gauge, curve.node, value, curve.spec.unit

    def _curve(self, spec: SeriesSpec, node: str) -> Curve:
        key = (spec.gauge, node)
        if key not in self.curves:
            self.curves[key] = Curve(spec, node, len(self.of(spec)))
        return self.curves[key]
