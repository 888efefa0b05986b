"""Any algorithm of this topic as a small system for the explorer, and a counter-example as a run for the bench.

Everything here is picklable by name, so that the search can run in a process of its own.

Rules
1. Most algorithms promise safety whatever messages and timers do: they are explored without a clock.
2. Those that measure time would be blamed there for what no clock can do.  They get one clock that all read, and
   timeouts that all are equal (their order is a choice): see `timing`.
3. LCR and FloodMax work in rounds.  The clock goes on by a round at a time, and a round is a barrier: it ends when
   every message of it was delivered, lost, or waits for a paused node.  What is chosen is the order within a round,
   and what fails.  (``late`` takes the barrier away, and with it what the two algorithms rest on.)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from prayog_consensus.engine.answers import TOLD, judged
from prayog_consensus.engine.elections.rounds import round_us
from prayog_consensus.engine.families import family
from prayog_consensus.engine.setup import CORRECT, Setup
from prayog_sim.clock import format_us
from prayog_sim.explorer import Bounds, Choice, Clock, Path, Refused, System, minimise, replay, walk
from prayog_sim.node import Node
from prayog_sim.run import Action
from prayog_sim.world import Invariant, World

__all__ = ["ASKED", "CLOCKED", "ROUNDS", "Small", "counter_example", "system", "timing"]


@dataclass(frozen=True, slots=True)
class Small:
    """A configuration small enough to be explored.

    ``crashes``, ``drops``, ``duplicates``, ``torn``, ``pauses``: how many of each in one run.  ``timers``: how many
    fire, where there is no clock.  Where there is one, ``steps`` is how far it goes, and ``late`` lets messages take
    longer than a step of it.  ``epochs``: states in which a node's term, view or ballot is beyond this are left out.
    ``actions``: lines such as ``propose node=n1 value=1``, each done at most once.
    """

    algorithm: str
    nodes: int = 3
    variant: str = CORRECT
    options: str = ""
    crashes: int = 0
    drops: int = 0
    timers: int = 3
    epochs: int = 2
    messages: int = 12
    actions: tuple[str, ...] = ()
    duplicates: int = 0
    torn: int = 0
    pauses: int = 0
    steps: int = 12
    late: bool = False
    topology: str = "complete"
    ids: str = "ascending"


ROUNDS = ("lcr", "floodmax")
"""Algorithms in the synchronous model."""
_LEASES = ("prevote", "checkquorum", "leasereads")
CLOCKED: Mapping[str, tuple[str, ...]] = {
    "raft": _LEASES,
    "multiraft": _LEASES,
    "bully": ("majority",),
    "multi-master": ("lww",),
}
"""Algorithm → the options with which its nodes read the clock."""


ASKED: Mapping[str, tuple[str, ...]] = {
    "paxos": ("propose node=p1 value=1", "propose node=p2 value=2"),
    "two-phase commit": ("begin node=c", "refuse node=p1"),
    "primary-backup": ("write node=c1 value=1", "read node=c1"),
    "multi-master": ("write node=c1 value=1", "write node=c2 value=2"),
    "quorum register": ("write node=c1 value=1", "read node=c2", "read node=c3"),
}
"""Algorithm → what to ask for where nothing happens unless somebody asks."""


def timing(small: Small) -> tuple[Clock | None, str]:
    """The clock that `small` needs, if any, and what time is in its exploration, in a sentence."""
    setup = _setup(small)
    prompt = "messages may take any number of them" if small.late else "messages arrive within one"
    if small.algorithm in ROUNDS:
        step, why = round_us(setup), "It works in rounds"
    else:
        words = [word for word in CLOCKED.get(small.algorithm, ()) if word in setup.words]
        if not words:
            return None, "There is no clock: a message takes any time, and a timer that runs may fire at any time."
        step, why = setup.timeout_us // 3, f"{words[0]} reads the clock"
    end = step * small.steps
    said = f"{why}: so one clock goes on in steps of {format_us(step)}, to {format_us(end)}; {prompt}."
    return Clock(step, end, prompt=not small.late), said


def system(small: Small) -> System:
    """The system to explore: the same nodes and invariants as on the bench.

    Raises `Refused` with a sentence.
    """
    chosen, setup = family(small.algorithm), _setup(small)
    clock, _ = timing(small)
    bounds = Bounds(
        drops=small.drops, duplicates=small.duplicates, crashes=small.crashes, torn=small.torn, pauses=small.pauses,
        timers=small.timers if clock is None else None, clock=clock, messages=small.messages,
        actions=tuple(_action(line) for line in small.actions), within=lambda nodes: _early(nodes, small.epochs),
    )  # fmt: skip
    invariants = chosen.invariants(setup)
    if small.algorithm == "bully" and clock is not None:
        invariants = (*invariants, _ONE_LEADS)
    asked = any(action.name in ("read", "write") for action in bounds.actions)
    checks = [judged(check) for check in chosen.checks if asked and check.name == "linearizable"]
    return System(chosen.nodes(setup), bounds, invariants, checks, TOLD if checks else None)


def counter_example(small: Small, path: Path[Choice], name: str) -> tuple[World, int, int]:
    """A world that goes along the minimised `path` to the violation of `name`, with its length before and after.

    Raises `prayog_sim.explorer.NotReplayed` with a sentence.
    """
    explored = system(small)
    test = next(prop.test for prop in explored.properties if prop.name == name)
    walk(explored, path)
    short = minimise(explored, path, lambda state: not test(state))
    return replay(explored, short), len(path.actions), len(short.actions)


def _setup(small: Small) -> Setup:
    return Setup(
        algorithm=small.algorithm, nodes=small.nodes, variant=small.variant, options=small.options,
        topology=small.topology, ids=small.ids, jitter=0.0, spread=0.0,
    )  # fmt: skip


def _one_leads(nodes: Mapping[str, Node]) -> str | None:
    lead = [name for name, node in nodes.items() if getattr(node, "state", "") == "leader"]
    return f"{' and '.join(lead)} lead at the same time" if len(lead) > 1 else None


_ONE_LEADS = Invariant("one leads at a time", _one_leads)
"""What Bully's majority and lease are for; on a bench, whose clocks and pauses may break it, it is a check."""


def _early(nodes: Mapping[str, Node], epochs: int) -> bool:
    for node in nodes.values():
        for name in ("term", "view", "epoch", "ballot", "promised"):
            value = getattr(node, name, 0)
            number = getattr(value, "number", value)
            if isinstance(number, int) and number > epochs:
                return False
    return True


def _action(line: str) -> Action:
    name, *words = line.split()
    for word in words:
        if not all(word.partition("=")):
            raise Refused(f"what is asked for reads name key=value …, such as propose node=n1 value=1; found {line!r}")
    args: dict[str, Any] = dict(word.split("=", 1) for word in words)
    return Action(name, {key: int(value) if value.isdecimal() else value for key, value in args.items()})
