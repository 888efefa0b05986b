"""Replication: what each mode keeps and loses, conflicts, quorums, fencing; scenarios, variants, storms."""

from __future__ import annotations

import random
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prayog_consensus.engine.families import family
from prayog_consensus.engine.replication.reader import QUORUM
from prayog_consensus.engine.replication.versions import Version, covers, drops, join, merge, vector
from prayog_consensus.engine.setup import Setup, names
from prayog_sdk.checks import Verdict
from prayog_sim.clock import ms, s
from prayog_sim.explorer import Bounds, Explorer, Limits, System
from prayog_sim.faults import Fault, fault
from prayog_sim.run import Action, ActionError, Run
from prayog_sim.trace import Trace
from prayog_sim.world import World

from .playing import check_formulas, check_variants, named, play, storm, topic, violation, world

ALGORITHMS = {"primary-backup": "primary_backup", "multi-master": "multi_master", "quorum register": "quorum",
              "fencing": "fencing"}  # fmt: skip


def _check(algorithm: str, name: str, trace: Trace) -> Verdict:
    return topic().checks(topic().params({"algorithm": algorithm}))[name].judge(trace)


@pytest.mark.parametrize("scenario", [name for prefix in ALGORITHMS.values() for name in named(prefix)])
def test_scenarios_hold(scenario: str) -> None:
    result = play(scenario)
    assert result.ok, [check for check in result.checks if not check.ok]
    assert not [step for step in result.trace if step.kind == "error"]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_messages_are_as_many_as_the_formulas_say(algorithm: str) -> None:
    assert not list(check_formulas(algorithm, (2, 3, 8)))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_broken_variant_is_caught_and_the_correct_code_is_not(algorithm: str) -> None:
    assert not list(check_variants(algorithm))


def _ask(seed: int, clients: tuple[str, ...], until: int, servers: tuple[str, ...] = ()) -> list[Fault]:
    """Writes and reads of clients, some of them at a server of their choice."""
    rng = random.Random(f"ask {seed}")
    found = []
    for _ in range(14):
        args = {"at": rng.choice(servers)} if servers and rng.random() < 0.4 else {}
        asked = Action(rng.choice(("write", "read")), {"node": rng.choice(clients), **args})
        found.append(Fault(ms(rng.randrange(until)), asked))
    return found


def _storm(seed: int, setup: Setup, nodes: tuple[str, ...], clients: tuple[str, ...], more: list[Fault]) -> World:
    run = world(setup, seed, [*storm(seed, nodes, clients, until=1_500, faults=6), *more])
    run.run(until_us=s(4), max_steps=15_000)
    assert not violation(run), (seed, violation(run))
    return run


# -- a primary and its backups -----------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["async", "semi", "majority", "sync"])
def test_what_is_acknowledged_is_copied_through_storms_and_promotions(mode: str) -> None:
    lost = 0
    for seed in range(25):
        setup = Setup(
            algorithm="primary-backup", nodes=3, options=mode, loss=0.05 * (seed % 2), writes=15, timeout_ms=80
        )
        servers = names(3, "s")
        rng = random.Random(f"promote {seed}")
        more = [fault(ms(rng.randrange(1_400)), "promote", node=rng.choice(servers)) for _ in range(2)]
        run = _storm(seed, setup, servers, ("c1",), more)
        lost += not _check("primary-backup", "no_loss", run.trace).ok
        final = [run.view().nodes[name].durable["log"] for name in servers]
        assert final[0] == final[1] == final[2], seed
    assert lost > 0 or mode != "async"
    assert lost == 0 or mode != "sync"


# -- many masters ------------------------------------------------------------------------------------------------


def test_version_vectors_lose_nothing_and_all_masters_converge() -> None:
    conflicts = 0
    for seed in range(40):
        setup = Setup(algorithm="multi-master", nodes=2 + seed % 3, options="vv", loss=0.1 * (seed % 2), timeout_ms=60)
        masters, clients = names(setup.nodes, "m"), names(setup.nodes, "c")
        skew = [fault(ms(10), "skew", node="m1", offset=f"{seed - 30}s")]
        run = _storm(seed, setup, masters, clients, [*_ask(seed, clients, 1_500, masters), *skew])
        for name in ("converged", "nothing_lost"):
            verdict = _check("multi-master", name, run.trace)
            assert verdict.ok, (seed, verdict.reason)
        conflicts += any(e.kind == "conflict" for step in run.trace for e in step.effects)
    assert conflicts > 12


def test_the_last_writer_wins_converges_and_drops() -> None:
    dropped = older = 0
    for seed in range(30):
        setup = Setup(algorithm="multi-master", nodes=3, options="lww", timeout_ms=60)
        masters, clients = names(3, "m"), names(3, "c")
        skew = [fault(ms(10), "skew", node="m1", offset="-5s")] if seed % 2 else []
        run = _storm(seed, setup, masters, clients, [*_ask(seed, clients, 1_500, masters), *skew])
        assert _check("multi-master", "converged", run.trace).ok, seed
        dropped += not _check("multi-master", "nothing_lost", run.trace).ok
        wrong = not _check("multi-master", "no_old_value_back", run.trace).ok
        assert not wrong or skew, seed
        older += wrong
    assert dropped > 10
    assert older > 0


_DOTS = [("a", 1), ("a", 2), ("b", 1), ("b", 2)]


@given(st.lists(st.tuples(st.sampled_from(_DOTS), st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=4))
@settings(max_examples=60, deadline=None)
def test_merging_is_the_same_in_any_order_and_twice(raw: list[tuple[tuple[str, int], int, int]]) -> None:
    made: dict[tuple[str, int], Version] = {}
    for dot, a, b in raw:
        seen = tuple((name, count) for name, count in (("a", a), ("b", b)) if count)
        if not covers(seen, dot):
            made.setdefault(dot, Version("v", dot, seen, a + b, (dot,)))
    versions = tuple(made.values())
    for policy in ("vv", "lww"):
        whole = merge(versions, policy)
        assert merge(versions[::-1], policy) == whole
        assert merge((*whole, *whole), policy) == whole
    assert join(*(vector(v) for v in versions)) == join(*(vector(v) for v in versions[::-1]))


def test_drops_tells_a_newer_from_a_concurrent_write() -> None:
    old = Version(1, ("a", 1), (), 9, (("a", 1),))
    new = Version(2, ("b", 1), (("a", 1),), 5, (("a", 1), ("b", 1)))
    other = Version(3, ("c", 1), (), 7, (("c", 1),))
    assert drops((old, new), (new,)) == []
    assert [how for *_, how in drops((old, new), (old,))] == ["newer"]
    assert [how for *_, how in drops((new, other), (other,))] == ["concurrent"]


# -- quorums -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", ["writeback", "writeback r=2 w=4", "writeback r=4 w=2", "writeback r=1 w=5"])
def test_abd_is_linearizable_through_storms(options: str) -> None:
    answered = 0
    traces: list[Trace] = []
    for seed in range(12):
        setup = Setup(algorithm="quorum register", nodes=5, options=options, loss=0.1 * (seed % 2), timeout_ms=60)
        run = _storm(seed, setup, names(5, "r"), names(3, "c"), _ask(seed, names(3, "c"), 1_500))
        verdict = _check("quorum register", "linearizable", run.trace)
        assert verdict.ok, (seed, verdict.reason)
        answered += sum(e.kind == "ok" for step in run.trace for e in step.effects)
        traces.append(run.trace)
    assert answered > 90
    if options == "writeback":
        traces += [play(name).trace for name in named("quorum")]
        traces += [play(name, options="single writeback").trace for name in ("quorum_majority_down", "quorum_one_read")]
        assert not QUORUM.untried(traces)


def test_too_small_quorums_are_found_out() -> None:
    found = 0
    for seed in range(25):
        setup = Setup(algorithm="quorum register", nodes=5, options="r=2 w=2", timeout_ms=2_000)
        slow = fault(0, "link", src="*", dst="*", latency="exponential 50ms")
        run = world(setup, seed, [slow, *_ask(seed, names(3, "c"), 500)])
        run.run()
        found += not _check("quorum register", "linearizable", run.trace).ok
    assert found > 0


@pytest.mark.parametrize(
    ("options", "safe"), [("writeback single clients=2", True), ("r=1 w=1 writeback single clients=2", False)]
)
def test_all_interleavings_of_a_write_and_a_read(options: str, safe: bool) -> None:
    setup = Setup(algorithm="quorum register", nodes=3, options=options)
    chosen = family("quorum register")
    actions = (Action("write", {"node": "c1"}), Action("read", {"node": "c2"}))
    system = System(chosen.nodes(setup), Bounds(timers=0, actions=actions), chosen.invariants(setup))
    report = Explorer(system).run(Limits(states=12_000))
    broken = [verdict.name for verdict in report.verdicts if verdict.outcome == "fails"]
    assert broken == ([] if safe else ["later_reads_see_it"])


# -- fencing -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", ["", "nofence", "noquorum", "nofence noquorum"])
def test_tokens_never_fall_and_epochs_have_one_leader(options: str) -> None:
    overwritten = fenced = 0
    for seed in range(10):
        setup = Setup(algorithm="fencing", nodes=3 + seed % 3, options=options, timeout_ms=100, writes=30)
        run = _storm(seed, setup, names(setup.nodes), ("store",), [])
        overwritten += any(e.kind == "overwritten" for step in run.trace for e in step.effects)
        fenced += any(e.kind == "fenced" for step in run.trace for e in step.effects)
    assert (overwritten > 0) == ("nofence" in options)
    assert (fenced > 0) == ("nofence" not in options)


def test_runs_are_deterministic() -> None:
    for algorithm, options in product(ALGORITHMS, ("", "auto lww noquorum shards")):
        setup = Setup(algorithm=algorithm, nodes=3, options=options, writes=20, loss=0.1)
        nodes = tuple(family(algorithm).nodes(setup))
        runs = [world(setup, 3, storm(3, nodes[:3], nodes[3:])) for _ in range(2)]
        for run in runs:
            run.run(until_us=s(2), max_steps=3_000)
        assert runs[0].trace.hash() == runs[1].trace.hash()
        assert repr(runs[0].view(10)) == repr(runs[1].view(10))


# -- on demand, and at all sizes ---------------------------------------------------------------------------------


def _built(algorithm: str, seed: int = 2, **knobs: object) -> Run:
    return topic().build(topic().params({"algorithm": algorithm, **knobs}), seed)


def _until(run: Run, us: int) -> None:
    while run.next_at is not None and run.next_at <= us and len(run.trace) < 3_000:
        run.step()


def test_famous_situations_on_demand() -> None:
    run = _built("bully")
    _until(run, ms(300))
    run.do(Action("three_two"))
    _until(run, s(1))
    assert not _check("bully", "one_at_a_time", run.trace).ok

    run = _built("fencing", nodes=3)
    _until(run, ms(330))
    run.do(Action("sleeping_leader"))
    asleep = run.trace[-1].node
    _until(run, s(1))
    run.do(Action("resume", {"node": asleep}))
    _until(run, s(2))
    assert any(effect.kind == "fenced" for step in run.trace for effect in step.effects)

    run = _built("fencing", nodes=3, options="noquorum")
    _until(run, ms(300))
    run.do(Action("split_brain"))
    _until(run, s(1))
    assert not _check("fencing", "one_at_a_time", run.trace).ok

    run = _built("two-phase commit")
    with pytest.raises(ActionError, match="begin a transaction"):
        run.do(Action("crash_in_window"))
    run.do(Action("begin", {"node": "c"}))
    _until(run, ms(13))
    run.do(Action("crash_in_window"))
    _until(run, s(1))
    assert not _check("two-phase commit", "nobody_blocked", run.trace).ok


@pytest.mark.parametrize("algorithm", ["bully", "chang-roberts", "lcr", "floodmax", "hirschberg-sinclair",
                                       "two-phase commit", *ALGORITHMS])  # fmt: skip
@pytest.mark.parametrize("nodes", [1, 2, 12])
def test_any_number_of_nodes_runs_and_has_something_to_say(algorithm: str, nodes: int) -> None:
    run = _built(algorithm, nodes=nodes, writes=5)
    _until(run, ms(350))
    assert not [step for step in run.trace if step.kind in ("error", "halted", "violation")]
    assert all(node.look.sentence for node in run.view().nodes.values())
