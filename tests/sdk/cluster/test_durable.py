"""A node's durable half is in its file before anything leaves, and a kill leaves all of it or nothing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from prayog_sdk.cluster.durable import Store
from prayog_sim.disk import Disk
from sdk.cluster.members import Player


def test_what_was_saved_comes_back_and_what_was_not_synced_does_not(tmp_path: Path) -> None:
    node, disk = Player(), Disk()
    node.caught, node.seen, node.volatile = 3, {1: ("a",), 2: ()}, 9
    disk.write("log", b"safe")
    disk.fsync("log")
    disk.append("log", b" lost")
    store = Store(tmp_path / "x.durable", ("sdk",))
    assert store.save(node, disk)
    assert not store.save(node, disk)
    node.seen[3] = ("changed inside",)
    assert store.save(node, disk)
    again = Player()
    back = Store(tmp_path / "x.durable", ("sdk",)).load(again)
    assert (again.caught, again.seen, again.volatile) == (3, {1: ("a",), 2: (), 3: ("changed inside",)}, 0)
    assert back.read("log") == b"safe"


def test_the_file_is_synced_before_it_takes_the_old_ones_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda fd: (calls.append("fsync"), fsync(fd))[1])
    monkeypatch.setattr(os, "replace", lambda a, b: (calls.append("rename"), replace(a, b))[1])
    store, node = Store(tmp_path / "x.durable", ("sdk",)), Player()
    node.caught = 1
    store.save(node, Disk())
    assert calls == ["fsync", "rename", "fsync"] or os.name == "nt"
    monkeypatch.setattr(os, "replace", lambda a, b: (_ for _ in ()).throw(OSError("killed here")))
    node.caught = 2
    with pytest.raises(OSError, match="killed here"):
        store.save(node, Disk())
    again = Player()
    Store(tmp_path / "x.durable", ("sdk",)).load(again)
    assert again.caught == 1
