"""What survives a crash: synced bytes, torn writes, syncs that lied."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prayog_sim.disk import Disk
from prayog_sim.network import Fixed, Link, Network
from prayog_sim.node import Ctx, Node
from prayog_sim.rng import Rng
from prayog_sim.run import Action
from prayog_sim.world import World


def test_reads_see_every_write_and_a_crash_keeps_only_what_was_synced() -> None:
    disk = Disk()
    disk.append("log", b"one ")
    disk.fsync("log")
    disk.append("log", b"two ")
    disk.write("new", b"x")
    assert (disk.read("log"), disk.unsynced("log"), disk.files()) == (b"one two ", 4, ("log", "new"))
    disk.crash(Rng.derive(1))
    assert (disk.read("log"), disk.read("new"), disk.files()) == (b"one ", b"", ("log",))


def test_a_lost_fsync_says_nothing_to_the_node_and_loses_data_at_the_next_crash() -> None:
    disk = Disk()
    disk.losesync = True
    disk.append("log", b"one")
    disk.fsync("log")
    assert disk.read("log") == b"one"
    disk.crash(Rng.derive(1))
    assert disk.read("log") == b""
    assert disk.effects[-1] == ("disk", {"op": "fsync", "file": "log", "lost": True})


@given(st.integers(0, 10_000), st.lists(st.binary(min_size=1, max_size=6), min_size=1, max_size=5))
def test_a_torn_append_keeps_a_prefix_of_what_was_written(seed: int, writes: list[bytes]) -> None:
    disk = Disk()
    disk.append("log", b"safe")
    disk.fsync("log")
    for data in writes:
        disk.append("log", data)
    disk.torn = True
    disk.crash(Rng.derive(seed))
    assert (b"safe" + b"".join(writes)).startswith(disk.read("log"))
    assert disk.read("log").startswith(b"safe")
    assert not disk.torn


def test_a_torn_overwrite_mixes_the_new_front_with_the_old_rest() -> None:
    seen = set()
    for seed in range(60):
        disk = Disk()
        disk.write("page", b"aaaa")
        disk.fsync("page")
        disk.write("page", b"BBBB")
        disk.torn = True
        disk.crash(Rng.derive(seed))
        seen.add(disk.read("page"))
    assert seen == {b"aaaa", b"Baaa", b"BBaa", b"BBBa", b"BBBB"}


def test_a_disk_stores_bytes() -> None:
    with pytest.raises(TypeError, match="a disk stores bytes, not str"):
        Disk().append("log", "text")  # type: ignore[arg-type]


class Logger(Node):
    """Writes what it gets; syncs unless it is told not to."""

    def __init__(self, sync: bool = True) -> None:
        self.sync = sync
        self.found = b""

    def on_start(self, ctx: Ctx) -> None:
        self.found = ctx.disk.read("log")
        if ctx.me == "n1" and not self.found:
            ctx.broadcast(b"entry")

    def on_message(self, src: str, msg: Any, ctx: Ctx) -> None:
        ctx.disk.append("log", msg)
        if self.sync:
            ctx.disk.fsync("log")


@pytest.mark.parametrize(
    ("sync", "fault", "found"),
    [(True, "", b"entry"), (False, "", b""), (True, "losesync", b""), (False, "torn", b"ent")],
)
def test_a_world_takes_the_disk_through_a_crash(sync: bool, fault: str, found: bytes) -> None:
    run = World({"n1": Logger, "n2": lambda: Logger(sync)}, seed=5, network=Network(Link(Fixed(10))), strict=True)
    if fault:
        run.do(Action(fault, {"node": "n2"}))
    run.run()
    effects = [effect for step in run.trace for effect in step.effects if effect.kind == "disk"]
    assert [effect.data["op"] for effect in effects] == ["append", "fsync"][: 1 + sync]
    run.do(Action("crash", {"node": "n2"}))
    run.do(Action("restart", {"node": "n2"}))
    view = run.view().nodes["n2"]
    if fault == "torn":
        assert b"entry".startswith(view.volatile["found"])
    else:
        assert view.volatile["found"] == found
    assert view.durable.get("disk/log", b"") == view.volatile["found"]
