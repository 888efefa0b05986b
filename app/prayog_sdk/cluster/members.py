"""The members of a cluster: how each is started, what it says, and what the lab knows of it."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import pickle
import sys
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from prayog_sdk.child import command
from prayog_sdk.cluster.journal import Line, Tail
from prayog_sdk.cluster.processes import Child
from prayog_sim.node import Node
from prayog_sim.run import Look

__all__ = ["Factory", "Member", "NodeMember", "Surroundings"]

Factory = Callable[[], Node]
_PRINTED = 100  # lines that a node may print in one life and see in the trace


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What every member is started with."""

    folder: Path
    names: tuple[str, ...]
    seed: int
    transport: str
    port: int
    word: str
    packages: tuple[str, ...]
    now: Callable[[], int]
    submit: Callable[[Mapping[str, Any]], None]
    watched: bool = False
    """There are invariants to judge, so nodes tell all of their attributes."""


class Member(Protocol):
    """A node and its process."""

    name: str
    status: str
    """``down``, ``starting``, ``up`` or ``paused``."""
    life: int
    child: Child | None
    actions: tuple[str, ...]
    last_at: int
    """When it last wrote in its journal (µs)."""
    fresh: Look
    """How one that has just begun looks."""

    def spawn(self) -> None:
        """Start the process; raises `OSError`."""
        ...

    def go(self, epoch: int) -> None:
        """Time 0 is `epoch` (ns): the node may begin."""
        ...

    def lines(self) -> list[Line]:
        """What is new in its journal."""
        ...

    def act(self, ask: int, name: str, args: Mapping[str, Any]) -> None:
        """Ask the node to do something."""
        ...

    def waits_since(self, now: int) -> int | None:
        """Since when (µs) it has done nothing about something that waits for it, if it knows so itself."""
        ...

    def close(self) -> None:
        """Give back files."""
        ...


class NodeMember:
    """A `prayog_sim.node.Node` in a Python process of its own."""

    def __init__(self, name: str, index: int, factory: Factory, around: Surroundings) -> None:
        self.name = name
        self.status = "down"
        self.life = -1
        self.child: Child | None = None
        self.last_at = 0
        self.fresh = Look()
        self._index = index
        self._around = around
        try:
            self._pickled = base64.b64encode(pickle.dumps(factory)).decode()
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            raise TypeError(
                f"{name} cannot become a process: its factory must be a class of a module, or a functools.partial of "
                f"one ({error})"
            ) from error
        node = factory()
        self.actions = node.actions
        with contextlib.suppress(Exception):  # a look that fails is told when the node runs
            self.fresh = node.look()
        self._tail: Tail | None = None
        self._printed: deque[Line] = deque()
        self._count = 0

    def spawn(self) -> None:
        around = self._around
        self.life += 1
        self._count = 0
        self.close()
        self._tail = Tail(self.name, around.folder / f"{self._index}.{self.life}.jsonl")
        self.child = Child(
            command("prayog_sdk.cluster.node"),
            around.folder,
            self._on_line,
            mixed=True,
            environ={"PYTHONPATH": os.pathsep.join(place for place in map(os.path.abspath, sys.path) if place)},
        )
        self.status = "starting"
        self.child.write(
            json.dumps(
                {
                    "name": self.name, "index": self._index, "life": self.life, "factory": self._pickled,
                    "peers": [name for name in around.names if name != self.name], "seed": around.seed,
                    "folder": str(around.folder), "transport": around.transport, "port": around.port,
                    "word": around.word, "packages": around.packages, "watched": around.watched,
                }
            )
        )  # fmt: skip

    def go(self, epoch: int) -> None:
        self._tell({"epoch": epoch})

    def act(self, ask: int, name: str, args: Mapping[str, Any]) -> None:
        self._tell({"ask": ask, "name": name, "args": dict(args)})

    def lines(self) -> list[Line]:
        found = self._tail.read() if self._tail is not None else []
        if found:
            self.last_at = found[-1].at
        return [*found, *_taken(self._printed)]

    def waits_since(self, now: int) -> int | None:
        return None  # its journal shows what it took from the network

    def close(self) -> None:
        if self._tail is not None:
            self._tail.close()
            self._tail = None

    def _tell(self, command: Mapping[str, Any]) -> None:
        if self.child is not None:
            self.child.write(json.dumps(command))

    def _on_line(self, text: str) -> None:
        """(A thread.)  The node printed something."""
        self._count += 1
        if self._count <= _PRINTED:
            self._printed.append(Line(self.name, self._around.now(), "printed", {"text": text[:500]}))
        elif self._count == _PRINTED + 1:
            said = f"{self.name} printed {_PRINTED} lines; more are not shown in this life"
            self._printed.append(Line(self.name, self._around.now(), "printed", {"text": said}))


def _taken(lines: deque[Line]) -> Iterable[Line]:
    """Takes out what is in a deque that other threads fill."""
    while lines:
        yield lines.popleft()
