"""The same node class as real processes: steps as in a world, real kills, real stops, and nothing left behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Literal

import pytest

from prayog_sdk.cluster import Cluster
from prayog_sdk.cluster import recorded as recorded_module
from prayog_sim.network import Fixed, Link, Network, Uniform
from prayog_sim.node import Node
from prayog_sim.run import Action, ActionError, Run
from prayog_sim.trace import Step, Trace
from prayog_sim.world import World
from sdk.cluster.members import Ball, Player, Unprintable

pytestmark = pytest.mark.usefixtures("no_leaks")


@pytest.fixture
def start() -> Iterator[Callable[..., Cluster]]:
    clusters: list[Cluster] = []

    def made(count: int = 3, rounds: int = 0, **named: Any) -> Cluster:
        nodes = {f"n{i + 1}": partial(Player, rounds) for i in range(count)}
        clusters.append(Cluster(named.pop("nodes", nodes), 1, **named))
        return clusters[-1]

    yield made
    for cluster in clusters:
        cluster.close()


def until(cluster: Cluster, test: Callable[[Step], bool], seconds: float = 15.0) -> Step:
    """The first step (also of those already there) for which `test` holds."""
    end, seen = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        for step in cluster.trace[seen:]:
            if test(step):
                return step
        seen = len(cluster.trace)
        cluster.wait(0.05)
    raise AssertionError(f"it did not happen in {seconds} s: {[(s.kind, s.node, dict(s.data)) for s in cluster.trace]}")


def do(cluster: Cluster, name: str, **args: Any) -> Step:
    return cluster.do(Action(name, args))


def is_effect(kind: str, **data: Any) -> Callable[[Step], bool]:
    return lambda step: any(e.kind == kind and all(e.data.get(k) == v for k, v in data.items()) for e in step.effects)


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_a_real_run_has_the_steps_of_a_simulated_one(
    start: Callable[..., Cluster], transport: Literal["udp", "tcp"]
) -> None:
    cluster = start(3, 6, transport=transport, network=Network(Link(Uniform(1_000, 2_000))))
    assert isinstance(cluster, Run)
    until(cluster, is_effect("caught", number=6))
    world = World({f"n{i}": partial(Player, 6) for i in (1, 2, 3)}, 1)
    world.run()

    def caught(trace: Trace) -> list[tuple[str, Any, str]]:
        return [(step.node, step.data["msg"], step.data["label"]) for step in trace if step.kind == "deliver"]

    assert caught(cluster.trace) == caught(world.trace)
    assert isinstance(cluster.trace[-1].data["msg"], Ball)
    for step in cluster.trace:
        assert step.cause < step.seq
        if step.kind == "deliver":
            assert is_effect("send", ident=step.data["ident"])(cluster.trace[step.cause])
            assert step.at >= cluster.trace[step.cause].at + 1_000  # the proxy's delay
    assert [s.seq for s in cluster.trace] == list(range(len(cluster.trace)))
    assert all(a.at <= b.at for a, b in zip(cluster.trace[:-1], cluster.trace[1:], strict=True))
    node = cluster.view().nodes["n1"]
    assert node.durable["caught"] == 2
    assert node.look.sentence == "caught 2"
    first = next(step.seq for step in cluster.trace if is_effect("caught", number=3)(step))
    assert cluster.view(first).nodes["n1"].durable["caught"] == 1
    assert cluster.view(-1).nodes["n1"].status == "down"


def test_a_kill_takes_the_memory_and_leaves_what_was_synced(start: Callable[..., Cluster]) -> None:
    cluster = start(2, 0)
    do(cluster, "throw", node="n1", to="n2", number=7)
    until(cluster, is_effect("caught", number=7))
    pid = cluster._members["n2"].child.pid  # type: ignore[union-attr]
    crash = do(cluster, "crash", node="n2")
    assert (crash.kind, crash.node) == ("crash", "n2")
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    dead = cluster.view().nodes["n2"]
    assert (dead.status, dead.volatile, dead.durable["caught"], dead.look.letter) == ("down", {}, 1, "P")
    do(cluster, "throw", node="n1", to="n2", number=8)
    lost = until(cluster, lambda step: step.kind == "drop")
    assert (lost.node, lost.data["why"], lost.data["msg"]) == ("n2", "n2 is down", Ball(8))
    spawn = do(cluster, "restart", node="n2")
    assert spawn.kind == "spawn"
    again = until(cluster, lambda step: step.kind == "restart")
    assert is_effect("note", text="n2 starts with 1")(again)
    back = cluster.view().nodes["n2"]
    assert (back.status, back.durable["caught"], back.volatile["volatile"]) == ("up", 1, 0)
    assert back.durable["disk/log"] == b"synced, not synced"  # the first was lost
    assert [timed.action.name for timed in cluster.actions] == ["throw", "crash", "throw", "restart"]


def test_a_stopped_process_waits_and_then_goes_on_with_all_that_came(start: Callable[..., Cluster]) -> None:
    cluster = start(2, 0)
    assert do(cluster, "pause", node="n2").kind == "pause"
    for number in (1, 2):
        do(cluster, "throw", node="n1", to="n2", number=number)
    cluster.wait(0.2)
    while cluster.step() is not None:
        pass
    assert cluster.view().nodes["n2"].status == "paused"
    assert len(cluster.view().flights) == 2
    with pytest.raises(ActionError, match="n2 is paused"):
        do(cluster, "throw", node="n2", to="n1")
    do(cluster, "resume", node="n2")
    until(cluster, is_effect("caught", number=2))
    assert cluster.view().flights == ()
    do(cluster, "pause", node="n2")  # a stopped process can be killed, and `close` ends one too
    do(cluster, "crash", node="n2")
    do(cluster, "pause", node="n1")


def test_cuts_partitions_and_lossy_links_are_in_the_proxy(start: Callable[..., Cluster]) -> None:
    cluster = start(3, 0, network=Network(Link(Fixed(10_000_000))))  # still under way when it is cut
    do(cluster, "throw", node="n1", to="n2", number=1)
    cut = do(cluster, "cut", src="n1", dst="n2")
    assert is_effect("lost", src="n1", to="n2", why="cut")(cut)
    assert cluster.view().cuts == (("n1", "n2"),)
    sent = do(cluster, "throw", node="n1", to="n2", number=2)
    assert is_effect("send", arrives=None, fate="cut")(sent)
    do(cluster, "link", src="*", dst="*", latency="1ms")
    do(cluster, "throw", node="n2", to="n1", number=3)
    until(cluster, is_effect("caught", number=3))
    do(cluster, "partition", groups="n1|n2,n3")
    assert len(cluster.view().cuts) == 4
    do(cluster, "heal")
    do(cluster, "link", src="n1", dst="n3", loss=1.0)
    assert is_effect("send", arrives=None, fate="lost")(do(cluster, "throw", node="n1", to="n3", number=4))
    do(cluster, "link", src="n1", dst="n3", loss=0.0, duplicate=1.0)
    doubled = do(cluster, "throw", node="n1", to="n3", number=5)
    assert len(doubled.effects) == 2
    until(cluster, lambda step: step.kind == "deliver" and step.data["ident"] == doubled.effects[1].data["ident"])
    assert not [s for s in cluster.trace if s.kind == "deliver" and s.data["msg"].number in (1, 2, 4)]


def test_what_cannot_be_done_is_said_and_changes_nothing(start: Callable[..., Cluster]) -> None:
    cluster = start(2, 0)
    until(cluster, lambda step: step.node == "n1")
    before = cluster.view().nodes["n1"]
    for name, args, sentence in (
        ("throw", {"node": "n1"}, "throw needs to="),
        ("throw", {"node": "n9"}, "n9"),
        ("dance", {"node": "n1"}, "cannot be done to real processes"),
        ("skew", {"node": "n1"}, "cannot be done to real processes"),
        ("restart", {"node": "n1"}, "only a crashed node can restart"),
        ("resume", {"node": "n1"}, "only a stopped node can go on"),
        ("partition", {"groups": "n1,n2"}, "leaves all nodes in one group"),
        ("crash", {"node": "n1", "hard": True}, "does not take 'hard'"),
        ("link", {"src": "n1", "dst": "n2", "loss": 7}, "from 0 to 1"),
    ):
        with pytest.raises(ActionError, match=re.escape(sentence)):
            do(cluster, name, **args)
    assert cluster.actions == []
    assert cluster.view().nodes["n1"].volatile == before.volatile
    assert not [step for step in cluster.trace if step.kind not in ("start",)]
    do(cluster, "throw", node="n1", to="n2")
    assert cluster.view().nodes["n1"].volatile["volatile"] == 1_000  # the refused one had changed the field, in vain


def test_a_node_that_fails_prints_or_dies_is_a_step(start: Callable[..., Cluster]) -> None:
    cluster = start(3, 0)
    do(cluster, "print", node="n1")
    printed = until(cluster, lambda step: step.kind == "printed")
    assert printed.data["text"] == "this is what I wanted to see"
    do(cluster, "fail", node="n1")
    failed = until(cluster, lambda step: step.kind == "error" and step.node == "n1")
    assert re.search(r"n1 crashed in members.py, line \d+, at this action: KeyError", failed.data["sentence"])
    do(cluster, "exit", node="n2")
    ended = until(cluster, lambda step: step.kind == "error" and step.node == "n2")
    assert "ended with exit code 3" in ended.data["sentence"]
    assert ended.data["stderr"][-1] == "out of chairs"
    os.kill(cluster._members["n3"].child.pid, signal.SIGKILL)  # type: ignore[union-attr]
    killed = until(cluster, lambda step: step.kind == "crash")
    assert "was killed by SIGKILL, and not by this lab" in killed.data["sentence"]
    assert {node.status for node in cluster.view().nodes.values()} == {"down"}
    do(cluster, "restart", node="n1")
    until(cluster, lambda step: step.kind == "restart")


def test_a_node_that_hangs_is_a_step_and_stops_nobody(
    start: Callable[..., Cluster], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorded_module, "SILENCE", 300_000)
    cluster = start(2, 0)
    began = time.monotonic()
    assert do(cluster, "spin", node="n2").kind == "asked"
    assert time.monotonic() - began < 10  # it would spin for ever
    do(cluster, "throw", node="n1", to="n2")
    hung = until(cluster, lambda step: step.kind == "hung")
    assert hung.node == "n2"
    assert "n2 does nothing" in hung.data["sentence"]


def test_too_long_for_a_datagram_is_said_and_goes_by_tcp(start: Callable[..., Cluster]) -> None:
    udp = start(2, 0)
    assert is_effect("send", arrives=None, fate="too long for a datagram; use TCP")(do(udp, "big", node="n1", to="n2"))
    tcp = start(2, 0, transport="tcp")
    do(tcp, "big", node="n1", to="n2")
    until(tcp, is_effect("caught", number=1))


def test_what_is_no_message_crashes_its_sender_only(start: Callable[..., Cluster]) -> None:
    cluster = start(nodes={"n1": Unprintable, "n2": Player})
    error = until(cluster, lambda step: step.kind == "error")
    assert error.node == "n1"
    until(cluster, lambda step: step.kind == "start" and step.node == "n2")
    cluster.wait(0.2)
    assert cluster.view().nodes["n2"].status == "up"


def test_a_factory_that_no_process_can_find_is_refused() -> None:
    class Local(Node):
        pass

    with pytest.raises(TypeError, match="n1 cannot become a process"):
        Cluster({"n1": Local})


def test_close_leaves_no_process_port_or_file(start: Callable[..., Cluster]) -> None:
    cluster = start(2, 0)
    folder, pids = cluster._folder, [m.child.pid for m in cluster._members.values() if m.child is not None]
    assert folder.is_dir()
    cluster.close()
    cluster.close()
    assert not folder.exists()
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    assert not cluster.busy
    assert cluster.step() is None
    assert cluster.view().seq == len(cluster.trace) - 1
    with pytest.raises(ActionError, match="stopped"):
        do(cluster, "heal")


@pytest.mark.skipif(sys.platform == "win32", reason="stops a process with SIGSTOP")
def test_when_the_lab_is_killed_its_nodes_and_files_go_too(tmp_path: Path) -> None:
    script = (
        "import time, sys\n"
        f"sys.path.insert(0, {str(Path(__file__).parents[2])!r})\n"
        "from prayog_sdk.cluster import Cluster\n"
        "from prayog_sim.run import Action\n"
        "from sdk.cluster.members import Player\n"
        "c = Cluster({'n1': Player, 'n2': Player})\n"
        "c.do(Action('pause', {'node': 'n2'}))\n"
        "print(*[m.child.pid for m in c._members.values()], c._folder, flush=True)\n"
        "time.sleep(60)\n"
    )
    environ = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, env=environ) as lab:
        assert lab.stdout is not None
        *pids, folder = lab.stdout.readline().split()
        assert Path(folder).parent == Path(os.path.realpath(tmp_path)) or Path(folder).parent == tmp_path
        lab.kill()
    end = time.monotonic() + 10
    left = [int(pid) for pid in pids]
    while time.monotonic() < end and (left or Path(folder).exists()):
        left = [pid for pid in left if _alive(pid)]
        time.sleep(0.02)
    assert left == []
    assert not Path(folder).exists()


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
