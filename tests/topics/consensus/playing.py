"""For the tests of this topic: scenarios, formulas and broken variants of a family, and storms of random faults."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import prayog_consensus
from prayog_consensus.engine.families import family
from prayog_consensus.engine.setup import Setup, network
from prayog_sdk import manifest
from prayog_sdk.headless import RunResult, run_scenario
from prayog_sdk.topic import Topic
from prayog_sim.clock import ms
from prayog_sim.faults import Fault, fault
from prayog_sim.world import World


@cache
def topic() -> Topic:
    return Topic.load(manifest.read_folder(Path(prayog_consensus.__file__).parent, "built-in"))


def named(prefix: str) -> list[str]:
    """The scenarios whose name begins so."""
    return [s.id for s in topic().scenarios() if s.id.startswith(f"{prefix}_")]


def play(scenario: str, seed: int | None = None, **knobs: object) -> RunResult:
    return run_scenario(topic(), topic().scenario(scenario), seed, knobs)


def check_formulas(algorithm: str, sizes: Sequence[int]) -> Iterator[str]:
    """A sentence for every formula that is not met exactly."""
    for formula in family(algorithm).formulas:
        for n in sizes:
            found, expected = play(formula.scenario, nodes=n).metrics[formula.measure], formula.expect(n)
            low, high = expected if isinstance(expected, tuple) else (expected, expected)
            if not low <= found <= high:
                yield f"{formula.name} for {n} nodes: {formula.words} is {expected}, counted {found}"


def check_variants(algorithm: str) -> Iterator[str]:
    """A sentence for every broken variant that is not caught, or whose scenario the correct code fails."""
    for variant in family(algorithm).variants:
        caught = False
        checks = topic().checks(topic().params({"algorithm": algorithm}))
        own = topic().scenario(variant.scenario).seed
        for seed in range(own, own + variant.seeds):
            trace = play(variant.scenario, seed, **variant.params).trace
            caught = caught or not checks[variant.caught_by].judge(trace).ok
            clean = play(variant.scenario, seed)
            if not checks[variant.caught_by].judge(clean.trace).ok or not clean.ok:
                yield f"{variant.name}: the correct code fails on seed {seed} of {variant.scenario}"
        if not caught:
            yield f"{variant.name}: {variant.caught_by} does not catch it on {variant.scenario}"


def storm(
    seed: int, nodes: Sequence[str], others: Sequence[str] = (), until: int = 2_000, faults: int = 8
) -> list[Fault]:
    """Random crashes, restarts, partitions, cuts, pauses, slow and lossy links among `nodes`; all heals in the end."""
    rng = random.Random(seed)
    found: list[Fault] = []
    for _ in range(faults):
        at = ms(rng.randrange(until))
        node, other = rng.choice(nodes), rng.choice(nodes)
        end = at + ms(rng.randrange(10, until // 2))
        match rng.randrange(6):
            case 0 | 1:
                flight = rng.choice(["keep", "drop"])
                found += [fault(at, "crash", node=node, in_flight=flight), fault(end, "restart", node=node)]
            case 2:
                left = [name for name in (*nodes, *others) if rng.random() < 0.5]
                right = [name for name in (*nodes, *others) if name not in left]
                if left and right:
                    flight = rng.choice(["keep", "drop"])
                    groups = f"{','.join(left)}|{','.join(right)}"
                    found += [fault(at, "partition", groups=groups, in_flight=flight), fault(end, "heal")]
            case 3:
                if node != other:
                    found += [fault(at, "cut", src=node, dst=other), fault(end, "heal")]
            case 4:
                found += [fault(at, "pause", node=node), fault(end, "resume", node=node)]
            case _:
                slow = {"latency": f"1ms..{rng.randrange(20, 400)}ms", "loss": rng.random() / 2, "duplicate": 0.2}
                found += [fault(at, "link", src=node, dst="*", **slow)]
                found += [fault(end, "link", src=node, dst="*", latency="8ms..12ms", loss=0.0, duplicate=0.0)]
    found += [fault(ms(until), "heal"), fault(ms(until), "link", src="*", dst="*", loss=0.0, latency="8ms..12ms")]
    for name in nodes:
        found += [fault(ms(until), "resume", node=name), fault(ms(until), "restart", node=name)]
    return found


def world(setup: Setup, seed: int, schedule: Sequence[Fault] = ()) -> World:
    """A world that lets every exception of an engine through."""
    chosen = family(setup.algorithm)
    return World(
        chosen.nodes(setup), seed, network(setup), schedule, chosen.invariants(setup), strict=True,
        stop_at_violation=True,
    )  # fmt: skip


def violation(run: World) -> str:
    """What was violated, if anything."""
    return next((f"{s.data['name']}: {s.data['sentence']}" for s in run.trace if s.kind == "violation"), "")
