"""Raft in the small: the whole table is tried, every invariant can fire, situations on demand, the explorer."""

from __future__ import annotations

import pytest

from prayog_consensus.engine.raft.disk import DiskServer, decode, encode
from prayog_consensus.engine.raft.family import FAMILY, nodes
from prayog_consensus.engine.raft.invariants import invariants
from prayog_consensus.engine.raft.log import Log
from prayog_consensus.engine.raft.messages import Entry, Members, Put
from prayog_consensus.engine.raft.options import Options
from prayog_consensus.engine.raft.provoke import RaftWorld
from prayog_consensus.engine.raft.roles import ROLES
from prayog_consensus.engine.raft.server import Server
from prayog_consensus.engine.setup import Setup
from prayog_sim.clock import ms
from prayog_sim.explorer.bounds import Bounds
from prayog_sim.explorer.search import Explorer, Limits
from prayog_sim.explorer.system import System
from prayog_sim.run import Action, ActionError
from prayog_sim.world import World
from topics.consensus.playing import named, play


def _built(seed: int = 1, **knobs: object) -> World:
    assert FAMILY.build is not None
    return FAMILY.build(Setup(**knobs), seed)  # type: ignore[arg-type]


# -- the table ---------------------------------------------------------------------------------------------------


def test_every_row_of_the_table_is_crossed() -> None:
    busy = _built(options="prevote", jitter=0)
    busy.run(until_us=ms(1))
    busy.do(Action("campaign", {"node": "n1"}))
    busy.run(until_us=ms(15))  # all would vote for n1; but its requests for real votes are lost
    busy.do(Action("partition", {"groups": "n1|n2,n3,n4,n5", "in_flight": "keep"}))
    busy.run(until_us=ms(900))
    busy.do(Action("heal"))
    busy.run(until_us=ms(2_000))
    left = ROLES.untried([*(play(name).trace for name in named("raft")), busy.trace])
    rare = [row for row in left if row.event == "your turn" and row.state != "follower"]
    assert [row for row in left if row not in rare] == []


# -- invariants --------------------------------------------------------------------------------------------------


def _three(*terms: tuple[int, ...]) -> dict[str, Server]:
    members = Members(tuple(f"n{i}" for i in range(1, len(terms) + 1)))
    return {
        name: Server(name, members, Options(), Log(tuple(Entry(t, Put("", 0, "x", i)) for i, t in enumerate(row))), 9)
        for name, row in zip(members.voters, terms, strict=True)
    }


def _broken(servers: dict[str, Server]) -> list[str]:
    return [invariant.name for invariant in invariants() if invariant.test(servers) is not None]


def test_a_sound_cluster_breaks_no_invariant() -> None:
    servers = _three((1, 1, 2), (1, 1), (1, 1, 2, 3))
    servers["n1"].saw_commit(2, 1, 1)
    assert _broken(servers) == []


def test_two_leaders_of_one_term() -> None:
    servers = _three((1,), (1,), (1,))
    servers["n1"].saw_lead(3)
    servers["n2"].saw_lead(3)
    assert _broken(servers) == ["one leader per term"]


def test_a_leader_that_lost_an_entry_of_its_own() -> None:
    servers = _three((1, 1), (1,), (1,))
    servers["n1"].state = "leader"
    servers["n1"].saw_length(3)
    assert _broken(servers) == ["a leader only appends"]


def test_logs_that_agree_above_a_difference() -> None:
    assert _broken(_three((1, 1, 3), (1, 2, 3), (1,))) == ["logs match"]


def test_a_leader_without_a_committed_entry() -> None:
    servers = _three((1, 2), (1, 1), (1, 1))
    servers["n2"].saw_commit(2, 1, 1)
    servers["n1"].state = "leader"
    assert _broken(servers) == ["leaders have what is committed"]


def test_different_commands_at_one_index() -> None:
    servers = _three((1,), (1,), (1,))
    for name, text in (("n1", "x=1"), ("n2", "x=2")):
        servers[name]._digest = servers[name].saw_apply(1, text, 0)
        servers[name].applied = servers[name].commit = 1
    assert _broken(servers) == ["all apply the same"]


def test_a_vote_given_twice_and_a_term_that_goes_back() -> None:
    servers = _three((1,), (1,), (1,))
    servers["n1"].saw_vote(2, "n2")
    servers["n1"].saw_vote(2, "n3")
    assert _broken(servers) == ["terms and votes stay"]
    servers = _three((1,), (1,), (1,))
    servers["n3"].saw_term(4)
    servers["n3"].saw_term(3)
    assert _broken(servers) == ["terms and votes stay"]


def test_a_committed_entry_that_a_majority_lacks() -> None:
    servers = _three((1, 1), (1,), (1,))
    servers["n1"].saw_commit(2, 1, 1)
    assert _broken(servers) == ["committed is kept"]


# -- members, logs, disks ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("size", "need"), [(1, 1), (2, 2), (3, 2), (4, 3), (5, 3), (9, 5), (10, 6)])
def test_a_majority_is_more_than_half(size: int, need: int) -> None:
    members = Members(tuple(f"n{i}" for i in range(size)))
    assert not members.agree(members.voters[: need - 1])
    assert members.agree(members.voters[:need])


def test_a_joint_configuration_needs_both_majorities() -> None:
    joint = Members(("n4", "n5", "n6"), ("n1", "n2", "n3"))
    assert not joint.agree(("n4", "n5", "n6", "n1"))
    assert joint.agree(("n4", "n5", "n1", "n2"))


def test_half_a_record_is_no_record() -> None:
    whole = encode(["vote", 3, "n1"]) + encode(["entry", 3, "put", "c1", 1, "x", 7])
    assert decode(whole) == ([["vote", 3, "n1"], ["entry", 3, "put", "c1", 1, "x", 7]], len(whole))
    for cut in range(len(encode(["vote", 3, "n1"])), len(whole)):
        assert decode(whole[:cut]) == ([["vote", 3, "n1"]], len(encode(["vote", 3, "n1"])))


def test_a_disk_gives_back_what_was_kept_in_memory() -> None:
    run = _built(seed=4, nodes=3, writes=60, options="disk compact=6")
    run.run(until_us=ms(1_500))
    before = {name: view.volatile for name, view in run.view().nodes.items() if name.startswith("n")}
    for name in before:
        run.do(Action("crash", {"node": name}))
        run.do(Action("restart", {"node": name}))
    after = {name: view.volatile for name, view in run.view().nodes.items() if name in before}
    for name in before:
        for field in ("term", "voted", "snapshot", "members"):
            assert after[name][field] == before[name][field], (name, field)
        assert after[name]["log"].last >= before[name]["synced"]
    assert all(isinstance(node, DiskServer) for name, node in run.nodes.items() if name in before)


# -- on demand ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", RaftWorld.plans)
def test_every_situation_can_be_had_and_its_run_again(name: str) -> None:
    run = _built(seed=3, writes=20)
    run.run(until_us=ms(600))
    run.do(Action(name))
    run.run(until_us=ms(1_500))
    twin = run.fork(100)
    assert isinstance(twin, RaftWorld)  # it knows the same situations
    again = _built(seed=3, writes=20)
    for done in run.actions:
        again.run(until_us=done.at, max_steps=done.after - len(again.trace))
        again.do(done.action, done.at)
    again.run(until_us=ms(1_500))
    assert again.trace.hash() == run.trace.hash()
    assert not [step for step in run.trace if step.kind in ("violation", "error")]


def test_without_a_leader_nobody_can_be_killed() -> None:
    with pytest.raises(ActionError, match="nobody leads"):
        _built().do(Action("kill_leader"))


def test_who_has_no_majority_says_so() -> None:
    run = _built(seed=3)
    run.run(until_us=ms(600))
    for _ in range(3):
        run.do(Action("kill_leader"))
        run.run(until_us=run.now + ms(1_200))
    badges = {view.look.badge for view in run.view().nodes.values() if view.status == "up"}
    assert badges == {"no majority: 2 of 5"}


# -- the explorer ------------------------------------------------------------------------------------------------


def _explore(variant: str, states: int) -> list[str]:
    setup = Setup(nodes=3, variant=variant, options="nonoop")
    bounds = Bounds(timers=2, crashes=1, within=lambda found: all(getattr(n, "term", 0) <= 1 for n in found.values()))
    report = Explorer(System(nodes(setup), bounds, invariants())).run(Limits(states=states))
    return [verdict.name for verdict in report.verdicts if verdict.outcome == "fails"]


def test_the_explorer_finds_a_forgotten_vote_and_nothing_in_the_correct_code() -> None:
    assert _explore("forgets_vote", 4_000) == ["terms and votes stay"]
    assert _explore("correct", 4_000) == []
