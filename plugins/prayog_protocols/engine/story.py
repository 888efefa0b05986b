"""The base of the simulated experiments of this topic: packets and facts, made by what the learner asks for."""

from __future__ import annotations

from collections.abc import Iterator

from prayog_protocols.engine.wire import Frame
from prayog_sdk.run import Computation, Emit, Facts
from prayog_sim.run import Look, NodeView, View
from prayog_sim.trace import Step

__all__ = ["Story", "told"]


def told(frames: Iterator[Frame]) -> Iterator[Emit]:
    """Frames as steps."""
    return (frame.emit() for frame in frames)


class Story(Computation):
    """Counts packets; a subclass adds what it is about in `learn`."""

    about = "Nothing happened yet."

    def start(self) -> Facts:
        return {"packets": 0, "bytes": 0, "lost": 0, "last": self.about}

    def learn(self, state: Facts, step: Step) -> Facts:
        """The state after a step that is no packet."""
        return state

    def fold(self, state: Facts, step: Step) -> Facts:
        if step.kind != "packet":
            return self.learn(state, step)
        data = step.data
        words = f"{data['src']} → {data['dst']}: {data['words']}" + (" (lost)" if data["lost"] else "")
        return {**state, "packets": state["packets"] + 1, "bytes": state["bytes"] + len(data["hex"]) // 2,
                "lost": state["lost"] + bool(data["lost"]), "last": words}  # fmt: skip

    def show(self, state: Facts, step: Step | None) -> View:
        sentence = f"{state['packets']:,} packets, {state['bytes']:,} bytes. {state['last']}"
        node = NodeView("network", volatile=dict(state), look=Look("network", "N", -1, sentence))
        return View(step.seq if step else -1, step.at if step else 0, nodes={node.name: node}, facts=state)
