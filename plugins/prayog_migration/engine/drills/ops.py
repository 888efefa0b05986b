"""Whoever runs the application: it tells all instances to stop, to go on, or to take the next version in turn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prayog_sim.node import Ctx, Node
from prayog_sim.run import Look

__all__ = ["Ops"]


class Ops(Node):
    """Speaks to ``apps``."""

    durable = ("apps", "said")
    actions = ("stop", "go", "deploy")

    def __init__(self, apps: tuple[str, ...]) -> None:
        self.apps = apps
        self.said = "go"

    def on_action(self, name: str, args: Mapping[str, Any], ctx: Ctx) -> None:
        self.said = name
        ctx.emit("told", what=name)
        for app in self.apps:
            ctx.send(app, name)

    def look(self) -> Look:
        words = {"go": "all instances work", "stop": "all instances were told to stop", "deploy": "version 2 rolls out"}
        return Look("observer", "O", -1, f"operations: {words[self.said]}")
