"""How fast the explorer is, against plain searches.  Run it: ``python tests/bench/bench_explorer.py``.

* Two-phase commit with six resource managers (50,816 states), as a specification.  Peer: a breadth-first search as
  one would write it down, with a state of a dictionary and frozen sets, and a dictionary of what was seen.
* Raft's election, and Raft's log on top of it, as nodes: 3 nodes, 4 terms, a client, a crash; up to 200,000 states.
  Peer: the same nodes and the same choices, with the whole system deep-copied for every step.
* The Raft server of the topic, complete, with its seven invariants: the same configuration, and the same peer.

The repetitions are interleaved and a ratio is taken within each, so that a busy machine slows both alike; the median
ratio counts.  CPU time.
"""

from __future__ import annotations

import copy
import sys
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from statistics import median
from time import process_time
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from prayog_consensus.engine.raft.family import FAMILY
from prayog_consensus.engine.setup import Setup
from prayog_sim.explorer import Bounds, Explorer, Limits, System
from prayog_sim.explorer.frozen import freeze_fields, thaw_fields
from prayog_sim.node import Ctx, Node
from prayog_sim.run import Action
from sim.explorer import models, protocols

ROUNDS = 5
MANAGERS = 6
PEER_STATES = 3_000


# -- two-phase commit ------------------------------------------------------------------------------------------

Plain = tuple[frozenset[tuple[int, str]], str, frozenset[int], frozenset[Any]]


def next_plain(state: Plain) -> Iterator[Plain]:
    """The next states of two-phase commit, written for the reader and not for the machine."""
    rms, manager, prepared, sent = state
    known = dict(rms)

    def become(rm: int, to: str) -> frozenset[tuple[int, str]]:
        return frozenset({**known, rm: to}.items())

    if manager == "init":
        if len(prepared) == MANAGERS:
            yield rms, "committed", prepared, sent | {"commit"}
        yield rms, "aborted", prepared, sent | {"abort"}
    for rm, own in known.items():
        if manager == "init" and ("prepared", rm) in sent:
            yield rms, manager, prepared | {rm}, sent
        if own == "working":
            yield become(rm, "prepared"), manager, prepared, sent | {("prepared", rm)}
            yield become(rm, "aborted"), manager, prepared, sent
        if "commit" in sent:
            yield become(rm, "committed"), manager, prepared, sent
        if "abort" in sent:
            yield become(rm, "aborted"), manager, prepared, sent


def plain_search() -> int:
    start: Plain = (frozenset((rm, "working") for rm in range(MANAGERS)), "init", frozenset(), frozenset())
    seen: dict[Plain, Plain | None] = {start: None}
    queue = deque([start])
    while queue:
        state = queue.popleft()
        for new in next_plain(state):
            if new not in seen:
                states = {own for _, own in new[0]}
                assert not ("aborted" in states and "committed" in states)
                seen[new] = state
                queue.append(new)
    return len(seen)


# -- Raft ------------------------------------------------------------------------------------------------------


NAMES = ("n1", "n2", "n3")


def whole_raft(alike: tuple[tuple[str, ...], ...] = ()) -> System:
    """Three servers as on the bench, one of which may crash, asked to append; its nodes know their names, so they
    are not alike."""
    assert not alike
    setup = Setup(algorithm="raft", nodes=3)
    propose = tuple(Action("propose", {"node": name, "value": "x"}) for name in NAMES)
    bounds = Bounds(within=protocols.terms(4), crashes=1, actions=propose)
    return System(FAMILY.nodes(setup), bounds, FAMILY.invariants(setup))


SYSTEMS: dict[str, Callable[..., System]] = {
    "election": lambda alike=(): System(
        protocols.voters(3), Bounds(within=protocols.terms(4), alike=alike), [protocols.ONE_LEADER]
    ),
    "log": lambda alike=(): System(
        dict.fromkeys(NAMES, protocols.Raft),
        Bounds(
            within=protocols.terms(4),
            crashes=1,
            actions=tuple(Action("append", {"node": name, "value": "x"}) for name in NAMES),
            alike=alike,
        ),
        [protocols.ONE_LEADER, protocols.SAME_COMMITS],
    ),
    "complete server": whole_raft,
}


def copying_search(factories: Mapping[str, Callable[[], Node]], most: int) -> int:
    """All orders of deliveries and timers among nodes, with the whole system copied for every step."""
    names = list(factories)

    def run(system: Any, name: str, call: Callable[[Node, Ctx], None]) -> Any:
        nodes, net, timers = copy.deepcopy(system)
        ctx = Ctx(name, tuple(peer for peer in names if peer != name))
        call(nodes[name], ctx)
        for effect in ctx.effects:
            match effect:
                case ("send", dst, msg):
                    net.append((name, dst, msg))
                case ("timer", timer, _):
                    timers.add((name, timer))
                case ("cancel", timer):
                    timers.discard((name, timer))
        return nodes, net, timers

    def key(system: Any) -> str:
        nodes, net, timers = system
        return repr(([sorted(vars(n).items()) for n in nodes.values()], sorted(map(repr, net)), sorted(timers)))

    start: Any = ({name: factory() for name, factory in factories.items()}, [], set())
    for name in names:
        start = run(start, name, lambda node, ctx: node.on_start(ctx))
    seen = {key(start)}
    queue = deque([start])
    while queue and len(seen) < most:
        system = queue.popleft()
        news = []
        for place, (src, dst, msg) in enumerate(system[1]):
            rest = (system[0], system[1][:place] + system[1][place + 1 :], system[2])
            news.append(
                run(rest, dst, partial(lambda node, ctx, src, msg: node.on_message(src, msg, ctx), src=src, msg=msg))
            )
        for name, timer in sorted(system[2]):
            rest = (system[0], system[1], system[2] - {(name, timer)})
            news.append(run(rest, name, partial(lambda node, ctx, timer: node.on_timer(timer, ctx), timer=timer)))
        for new in news:
            if key(new) not in seen and all(node.term <= 4 for node in new[0].values()):
                seen.add(key(new))
                queue.append(new)
    return len(seen)


# -- measuring -------------------------------------------------------------------------------------------------


def timed(work: Callable[[], int]) -> float:
    """States per second of CPU time."""
    began = process_time()
    count = work()
    return count / (process_time() - began)


def explored(model: Any, states: int = 200_000) -> int:
    return Explorer(model).run(Limits(states=states)).progress.states


def verdict(what: str, rate: float, bound: float) -> None:
    print(
        f"  {rate:9,.0f} states/s {what}"
        + (f"  (>= {bound:,.0f}: {'ok' if rate >= bound else 'TOO SLOW'})" if bound else "")
    )


def main() -> None:
    rounds = [
        (
            timed(lambda: explored(models.TwoPhaseFast(MANAGERS))),
            timed(lambda: explored(models.TwoPhase(MANAGERS))),
            timed(plain_search),
        )
        for _ in range(ROUNDS)
    ]
    print(f"two-phase commit, {MANAGERS} resource managers, as a specification")
    verdict("with its successors written out", median(fast for fast, _, _ in rounds), 100_000)
    verdict("through actions and next_state", median(slow for _, slow, _ in rounds), 0)
    verdict("of a plain search", median(plain for _, _, plain in rounds), 0)
    print(f"  {median(fast / plain for fast, _, plain in rounds):9.2f} times the plain search")

    for name, make in SYSTEMS.items():
        factories = make().nodes
        ours, theirs = partial(searched, make), partial(copying_search, factories, PEER_STATES)
        pairs = [(timed(ours), timed(theirs)) for _ in range(3)]
        print(f"Raft's {name} as nodes, 3 nodes, 4 terms")
        verdict("", median(rate for rate, _ in pairs), 20_000)
        if make is not whole_raft:
            alike = timed(partial(searched, make, (NAMES,), 50_000))
            verdict("with the nodes declared alike (each counts for up to six)", alike, 0)
        print(f"  {median(rate / peer for rate, peer in pairs):9.0f} times a search that copies the system")
        anatomy(make())


def searched(make: Callable[..., System], alike: tuple[tuple[str, ...], ...] = (), states: int = 200_000) -> int:
    return explored(make(alike), states)


def anatomy(system: System) -> None:
    """Where the time goes: how often a handler has to run, and what freezing a node costs."""
    explorer = Explorer(system)
    progress = explorer.run().progress
    ran = system.interleaving.known
    records = system.actors.locals
    began = process_time()
    for record in records:
        thaw_fields(record[1])
    thawing = (process_time() - began) / len(records)
    thawed = [thaw_fields(record[1]) for record in records]
    began = process_time()
    for fields in thawed:
        freeze_fields(fields, "n1")
    freezing = (process_time() - began) / len(records)
    print(
        f"  {progress.generated:,} steps to {progress.states:,} states needed {ran:,} runs of a handler "
        f"({progress.generated / ran:,.0f} steps each): {len(records):,} states of a node, "
        f"thaw {1e6 * thawing:.1f} µs, freeze {1e6 * freezing:.1f} µs; {progress.megabytes:.0f} MB"
    )


if __name__ == "__main__":
    main()
