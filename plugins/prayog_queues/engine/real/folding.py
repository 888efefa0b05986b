"""The state of a real run as a fold over its steps: who is up, and how far the job has come."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prayog_queues.engine.setup import Setup
from prayog_sdk.run import Facts
from prayog_sim.run import Look, NodeView, View
from prayog_sim.trace import Step

__all__ = ["fold", "show", "start"]

_COUNTED = ("publish", "confirmed", "delivered", "effect", "acked", "dead", "known", "failed", "stale_ack", "crashed")


def start(setup: Setup) -> Facts:
    """Nothing runs yet."""
    nodes = [f"p{i + 1}" for i in range(setup.producers)] + ["broker"]
    nodes += [f"w{i + 1}" for i in range(setup.consumers)] + ["bank"]
    up = {"broker": "up", "bank": "up"}
    return {
        "backend": setup.backend, "status": {name: up.get(name, "down") for name in nodes}, "finished": False,
        "done": dict.fromkeys(nodes, 0), "depth": 0, **dict.fromkeys(_COUNTED, 0),
    }  # fmt: skip


def fold(state: Facts, step: Step) -> Facts:
    """The state after `step`."""
    kind, node = step.kind, step.node
    if kind == "gauge":
        return {**state, "depth": step.data["value"]} if step.data["name"] == "depth" else state
    changed: dict[str, Any] = {}
    if kind in _COUNTED:
        changed[kind] = state[kind] + 1
    if kind in ("crashed", "started") and node:
        changed["status"] = {**state["status"], node: "up" if kind == "started" else "down"}
    if kind in ("effect", "publish") and node:
        changed["done"] = {**state["done"], node: state["done"].get(node, 0) + 1}
    if kind == "finished":
        changed["finished"] = True
    return {**state, **changed} if changed else state


def show(state: Facts, step: Step | None) -> View:
    """Nodes for the canvas and the table."""
    nodes = {name: _node(name, status, state) for name, status in state["status"].items()}
    facts = {name: state[name] for name in ("backend", "finished", *_COUNTED)}
    return View(step.seq if step else -1, step.at if step else 0, nodes, facts=facts)


def _node(name: str, status: str, state: Mapping[str, Any]) -> NodeView:
    done = state["done"].get(name, 0)
    if name == "broker":
        look = Look("leader", "B", 1, f"{state['backend']}: {state['depth']:g} messages wait")
    elif name == "bank":
        look = Look("store", "₹", 4, f"{state['effect']} charges in the ledger")
    elif name.startswith("p"):
        look = Look("client", "P", 0, f"sent {done} messages")
    else:
        look = Look("follower", "C", 2, f"charged {done} times" if status == "up" else "its process is gone")
    return NodeView(name, "up" if status == "up" else "down", look=look)
