"""What every algorithm of this topic offers: one value that the topic, the panels, the tests and the lessons read.

An algorithm is a package with a `FAMILY`; `families.ALL` lists them.  The node classes run under `World`, under the
explorer and as real processes alike, so a family only says how to make them.

Rules
1. A broken variant is one switch in the shared code: the node's constructor gets ``variant`` and asks for it by
   name at the one place where it errs.  The clean variant is ``correct``.
2. A node that leads says so with ``ctx.emit("leader", term=…)``; one that stops leading with
   ``ctx.emit("stepdown", term=…)``.  A decision that must never change is ``ctx.emit("commit", slot=…, value=…)``
   (every node emits it when it learns of it); an election's outcome is ``ctx.emit("elected", id=…)``.
   Client operations are ``invoke``, ``ok``, ``fail`` and ``unknown`` as in `prayog_sim.history`.
3. `Look.hue` is the term, view, epoch or ballot; `Look.letter` the role; the number is in the sentence too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from prayog_consensus.engine.setup import Factories, Setup
from prayog_sdk.checks import Check, Measure
from prayog_sdk.specs import ActionSpec, CodeSpec, SeriesSpec, Variant
from prayog_sim.table import Table
from prayog_sim.world import Invariant, World

__all__ = ["Family", "Formula"]


@dataclass(frozen=True, slots=True)
class Formula:
    """A count that theory gives: ``expect(n)`` for n nodes, and the measure that must equal it (or lie in its band).

    ``scenario`` is the script on which they are compared; ``source`` says where the formula is from.
    """

    name: str
    measure: str
    expect: Callable[[int], int | tuple[int, int]]
    words: str
    scenario: str
    source: str = ""


@dataclass(frozen=True, slots=True)
class Family:
    """One algorithm.

    ``nodes(setup)`` gives a factory per node (clients too); ``invariants`` must hold after every step of the
    correct variant.  ``build`` makes a world; leave it out when nodes, network and invariants say it all.
    ``code``: the part that a learner can write, which is used in the variant ``yours``.
    ``table`` is the role's state machine, from which the diagram is drawn.  Among ``actions``, those of target ``run``
    set up a famous situation (a split vote, duelling proposers, a stale leader); see `provoke`.
    """

    name: str
    title: str
    source: str
    nodes: Callable[[Setup], Factories]
    invariants: Callable[[Setup], tuple[Invariant, ...]] = lambda setup: ()
    build: Callable[[Setup, int], World] | None = None
    actions: tuple[ActionSpec, ...] = ()
    checks: tuple[Check, ...] = ()
    measures: Mapping[str, Measure] = field(default_factory=dict)
    series: tuple[SeriesSpec, ...] = ()
    variants: tuple[Variant, ...] = ()
    formulas: tuple[Formula, ...] = ()
    table: Table | None = None
    summary: str = ""
    code: CodeSpec | None = None
