"""Single-decree Paxos: counts, famous situations, broken variants, and hundreds of storms."""

from __future__ import annotations

import random

import pytest

from prayog_consensus.engine.paxos.acceptor import Acceptor
from prayog_consensus.engine.paxos.messages import Accept, Prepare, Promise, Refuse
from prayog_consensus.engine.paxos.proposer import PROPOSER
from prayog_consensus.engine.paxos.single import FAMILY
from prayog_consensus.engine.setup import Setup, names
from prayog_sim.clock import ms, s
from prayog_sim.explorer.bounds import Bounds, Choice
from prayog_sim.explorer.search import Explorer, Limits, Report
from prayog_sim.explorer.system import System
from prayog_sim.faults import Fault, fault
from prayog_sim.node import Ctx
from prayog_sim.run import Action

from .playing import check_formulas, check_variants, named, play, storm, violation, world


@pytest.mark.parametrize("scenario", named("paxos"))
def test_scenarios_hold(scenario: str) -> None:
    result = play(scenario)
    assert result.ok, [check for check in result.checks if not check.ok]


def test_messages_are_as_many_as_the_formulas_say() -> None:
    assert not list(check_formulas("paxos", (1, 2, 3, 5, 8, 16)))


def test_every_broken_variant_is_caught_and_the_correct_code_is_not() -> None:
    assert not list(check_variants("paxos"))


def _proposals(seed: int, proposers: tuple[str, ...]) -> list[Fault]:
    rng = random.Random(f"proposals {seed}")
    return [
        fault(
            ms(rng.randrange(1_500)), "propose", node=rng.choice(proposers), value=rng.choice(["red", "blue", "green"])
        )
        for _ in range(5)
    ]


@pytest.mark.parametrize("options", ["learners=1", "backoff proposers=3", "colocated backoff", "manual proposers=3"])
def test_storms_break_nothing(options: str) -> None:
    decided = 0
    for seed in range(26):
        setup = Setup(algorithm="paxos", nodes=3 + seed % 3, options=options, loss=0.1 * (seed % 2), timeout_ms=100)
        nodes = names(setup.nodes)
        proposers = nodes if "colocated" in options else names(2, "p")
        schedule = storm(seed, (*nodes, *proposers) if proposers != nodes else nodes, faults=6)
        run = world(setup, seed, [*schedule, *_proposals(seed, proposers)])
        run.run(until_us=s(4), max_steps=4_000)
        assert not violation(run), (seed, violation(run))
        decided += any(effect.kind == "commit" for step in run.trace for effect in step.effects)
    assert decided > (8 if "manual" in options else 20)


def test_runs_are_deterministic_and_the_past_can_be_seen() -> None:
    setup = Setup(algorithm="paxos", options="backoff")
    runs = [world(setup, 3, [*storm(3, names(5)), *_proposals(3, ("p1", "p2"))]) for _ in range(2)]
    for run in runs:
        run.run(until_us=s(3))
    assert runs[0].trace.hash() == runs[1].trace.hash()
    assert runs[0].view(10).nodes["n1"] == runs[1].view(10).nodes["n1"]


def test_every_transition_of_the_proposer_is_taken_somewhere() -> None:
    traces = [play(scenario).trace for scenario in named("paxos")]
    for seed in range(26):
        options = "colocated backoff" if seed % 2 else "proposers=4"
        proposers = names(4, "n" if seed % 2 else "p")
        run = world(Setup(algorithm="paxos", options=options, loss=0.2, timeout_ms=50, jitter=0.9), seed)
        for value, proposer in zip(("red", "blue", "green", "black"), proposers, strict=True):
            run.do(Action("propose", {"node": proposer, "value": value}))
            run.run(until_us=run.now + ms(seed % 10))
        run.do(Action("propose", {"node": proposers[-1], "value": "black"}))
        run.run(until_us=s(1))
        run.do(Action("propose", {"node": proposers[0], "value": "white"}))
        traces.append(run.trace)
    assert not PROPOSER.untried(traces)


def test_an_acceptor_says_why_it_refuses() -> None:
    ctx, node = Ctx("n1"), Acceptor()
    node.on_message("p2", Prepare((2, "p2")), ctx)
    node.on_message("p1", Accept((1, "p1"), "red"), ctx)
    assert ("send", "p2", Promise((2, "p2"), None)) in ctx.effects
    assert ("send", "p1", Refuse((1, "p1"), (2, "p2"))) in ctx.effects
    assert ("note", "n1 does not vote for red: 1.p1 is below its promise 2.p2") in ctx.effects
    assert node.look().badge == ""


def _explore(variant: str, nodes: int = 3, third: bool = False, cap: int = 60_000) -> Report[Choice]:
    """Every order of messages of two proposers, with one ballot each (and a third ballot of the first)."""
    setup = Setup("paxos", nodes, variant, options="manual")
    asked = [("p1", "red"), ("p2", "blue"), *([("p1", "green")] if third else [])]
    actions = tuple(Action("propose", {"node": node, "value": value}) for node, value in asked)
    bounds = Bounds(actions=actions, alike=(names(nodes),))
    return Explorer(System(FAMILY.nodes(setup), bounds, FAMILY.invariants(setup))).run(Limits(states=cap))


@pytest.mark.parametrize(("variant", "nodes"), [("own-value", 3), ("no-promise-check", 3), ("half-quorum", 4)])
def test_the_explorer_finds_what_is_broken(variant: str, nodes: int) -> None:
    assert _explore(variant, nodes).progress.stopped == "violation"


def test_the_explorer_finds_nothing_in_the_correct_code() -> None:
    report = _explore("correct", cap=20_000)
    assert report.progress.stopped == "states"
    assert all(verdict.outcome != "violated" for verdict in report.verdicts)
