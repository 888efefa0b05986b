"""A bench for tests and previews: a real `World` of a toy cluster, and the face that panels see."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from prayog_sdk.exports import Label
from prayog_sdk.qt.jobs import JobManager
from prayog_sdk.qt.panel import BenchSignals
from prayog_sdk.specs import ActionSpec, Arg, SeriesSpec
from prayog_sim.clock import ms
from prayog_sim.network import Link, Network, Uniform
from prayog_sim.node import Node
from prayog_sim.run import Action, ActionError, Look
from prayog_sim.world import BUILTIN_ACTIONS, Invariant, World


class Member(Node):
    """Keeps a log that the leader sends; tells the leader what it has."""

    durable = ("log", "term")
    actions = ("write",)

    def __init__(self, leader="n1", me="", client=False):
        self.leader, self.client = leader, client
        self.log, self.term = [], 3
        self.votes = 0
        self.heard = {}
        self.is_leader = False

    def on_start(self, ctx):
        self.is_leader = ctx.me == self.leader and self.votes == 0
        ctx.set_timer(
            "heartbeat" if self.is_leader else "election", ms(50) if self.is_leader else ms(ctx.rng.randint(150, 300))
        )

    def on_timer(self, name, ctx):
        if name == "heartbeat":
            self.log.append(len(self.log))
            for peer in ctx.peers:
                ctx.send(peer, ("append", self.term, len(self.log)))
            ctx.set_timer("heartbeat", ms(50))
            ctx.gauge("length", len(self.log))
            if len(self.log) % 8 == 0:
                ctx.note(f"{len(self.log)} entries")
        else:
            self.votes += 1
            ctx.note("heard nothing for too long")
            ctx.set_timer("election", ms(200))

    def on_message(self, src, msg, ctx):
        kind, _term, length = msg
        if kind == "append":
            self.log = list(range(length))
            self.heard = {**self.heard, src: length}
            ctx.send(src, ("ok", self.term, length))
            ctx.set_timer("election", ms(ctx.rng.randint(150, 300)))
            ctx.gauge("length", length)
        else:
            self.heard = {**self.heard, src: length}

    def on_action(self, name, args, ctx):
        self.log.append("x")
        ctx.note("written by hand")

    def look(self):
        if self.is_leader:
            return Look("leader", "L", self.term, f"leader in term {self.term}, {len(self.log)} entries")
        if self.client:
            return Look("client", "C", -1, "client, waiting for an answer")
        if self.votes:
            return Look(
                "candidate", "V", self.term + 1, f"candidate in term {self.term + 1}", f"no majority: {self.votes} of 3"
            )
        return Look("follower", "F", self.term, f"follower in term {self.term}, {len(self.log)} entries")

    def label(self, msg):
        kind, term, length = msg
        return f"AE t{term} i{length}" if kind == "append" else f"+ i{length}"


def world(nodes=5, seed=7, loss=0.05, duplicate=0.05, latency=(8_000, 25_000)):
    names = [f"n{i + 1}" for i in range(nodes)]
    return World(
        dict.fromkeys(names, Member),
        seed=seed,
        network=Network(Link(latency=Uniform(*latency), loss=loss, duplicate=duplicate)),
        invariants=[Invariant("short log", _short)],
    )


def _short(nodes):
    return "a log has 40 entries" if any(len(node.log) >= 40 for node in nodes.values()) else None


KEYS = {"crash": "K", "pause": "P", "link": "L", "drop": "X", "restart": "U", "resume": "Y", "partition": "N"}
ICONS = {"crash": "crash", "pause": "pause-node", "restart": "restart-node", "resume": "play", "partition": "partition",
         "heal": "heal", "drop": "drop", "delay": "delay", "link": "link"}  # fmt: skip


def specs():
    return [
        ActionSpec(
            info.name, info.title, info.help, info.target,
            tuple(Arg(**{f.name: getattr(arg, f.name) for f in dataclasses.fields(arg)}) for arg in info.args),
            KEYS.get(info.name, ""), ICONS.get(info.name, ""),
        )
        for info in BUILTIN_ACTIONS
    ]  # fmt: skip


class FakeBench:
    """The bench without a window: steps when told to, tells its panels."""

    def __init__(self, run, tmp: Path = Path("/tmp"), jobs=None):
        self.signals = BenchSignals()
        self.jobs = jobs or JobManager()
        self.services = None
        self.actions = specs()
        self.series = [SeriesSpec("length", "Entries in the log", "entries", per_node=True)]
        self.topic_id = "toy"
        self.code = None
        self.trial_seeds = ""
        self.draft = None
        self.ran: list[str] = []
        self.seeds: list[Any] = []
        self.run = run
        self.params = SimpleNamespace()
        self.seed = 7
        self.at = len(run.trace) - 1
        self._clock = None
        self.selection = ""
        self.reduced_motion = False
        self.panels = []
        self.said: list[str] = []
        self.sought: list[int] = []
        self.done: list[Action] = []
        self._tmp = tmp
        self._views: dict[int, Any] = {}

    @property
    def trace(self):
        return self.run.trace

    @property
    def clock_us(self):
        if self._clock is not None:
            return self._clock
        return float(self.trace[self.at].at) if self.at >= 0 else 0.0

    @clock_us.setter
    def clock_us(self, value):
        self._clock = value

    def view(self):
        key = (self.at, len(self.run.actions))
        if self._views.get("key") != key:
            self._views = {"key": key, "view": self.run.view(self.at)}
        return self._views["view"]

    def show(self, *panels):
        for panel in panels:
            panel.bind(self)
            self.panels.append(panel)

    def step(self, count=1):
        for _ in range(count):
            step = self.run.step()
            if step is None:
                break
            self.at = len(self.trace) - 1
            for panel in self.panels:
                panel.on_step(step)
        self.frame()

    def frame(self):
        for panel in self.panels:
            panel.on_frame()

    def do(self, action):
        self.done.append(action)
        before = len(self.trace)
        try:
            self.run.do(action)
        except ActionError as error:
            self.say(str(error))
            return
        self.at = len(self.trace) - 1
        for panel in self.panels:
            for step in self.trace[before:]:
                panel.on_step(step)
        self.frame()

    def seek(self, seq):
        self.sought.append(seq)
        self.at = seq
        self._clock = None
        view = self.view()
        for panel in self.panels:
            panel.on_seek(view)
        self.signals.view_changed.emit(view)

    def change_run(self, run):
        self.run = run
        self.at = len(run.trace) - 1
        self._views = {}
        self.signals.run_changed.emit()
        for panel in self.panels:
            panel.on_seek(self.view())

    def select(self, name):
        self.selection = name
        self.signals.selection_changed.emit(name)

    def set_params(self, values: Mapping[str, Any]):
        self.done.append(values)

    def run_code(self, text):
        self.ran.append(text)

    def show_seed(self, seed):
        self.seeds.append(seed)

    def say(self, sentence):
        self.said.append(sentence)

    def label(self):
        return Label("toy", "1.0", "first", self.seed)

    def data_dir(self):
        return self._tmp

    def measure(self, name):
        return None

    def close(self):
        for panel in self.panels:
            panel.unbind()
        self.jobs.shutdown()
