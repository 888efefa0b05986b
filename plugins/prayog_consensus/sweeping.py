"""Formulas against counts for several sizes: each formula's own scenario is run with other numbers of nodes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from prayog_consensus.engine.families import family
from prayog_consensus.own import own_topic
from prayog_sdk.headless import run_scenario

__all__ = ["SIZES", "Point", "sweep"]

SIZES = (3, 4, 5, 7, 9)


class Context(Protocol):
    def progress(self, done: int, total: int = 0, text: str = "") -> None: ...


@dataclass(frozen=True, slots=True)
class Point:
    """One formula at one size."""

    formula: str
    nodes: int
    measured: Any
    expected: Any
    same: bool

    @property
    def text(self) -> str:
        return f"{self.measured} {'✓' if self.same else '✗'}"


def sweep(context: Context, algorithm: str, sizes: Sequence[int]) -> list[Point]:
    """Run every formula of `algorithm` at all `sizes`; meant for a process of its own."""
    topic = own_topic()
    points = []
    formulas = family(algorithm).formulas
    for done, formula in enumerate(formulas):
        for number, nodes in enumerate(sizes):
            context.progress(done * len(sizes) + number, len(formulas) * len(sizes), f"{formula.name}, {nodes} nodes")
            result = run_scenario(topic, topic.scenario(formula.scenario), overrides={"nodes": nodes})
            measured, expected = result.metrics.get(formula.measure), formula.expect(nodes)
            low, high = expected if isinstance(expected, tuple) else (expected, expected)
            same = isinstance(measured, int | float) and low <= measured <= high
            points.append(Point(formula.name, nodes, measured, expected, same))
    return points
