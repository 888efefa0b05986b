"""The real counterpart of a simulated experiment: each of its deeds becomes a conversation of the lab.

For the reality check.  The lab's own words for a deed differ, and one of its conversations may hold several deeds: such
a conversation is held once.
"""

from __future__ import annotations

from collections.abc import Iterator

from prayog_protocols.engine.real.session import LabSession
from prayog_sdk.hookspecs import Progress
from prayog_sdk.run import Emit
from prayog_sim.run import Action, ActionError

__all__ = ["MIRRORED", "Mirrored"]

MIRRORED = ("retry", "ftp", "updates")
_WAYS = {"polling": "polling", "long polling": "long poll", "server-sent events": "events", "WebSocket": "websocket"}


class Mirrored(LabSession):
    """`study` is one of `MIRRORED`; `nat`: the client of FTP sits behind a gateway."""

    def __init__(self, study: str, nat: bool, seed: int, mss: int, progress: Progress) -> None:
        self._study, self._nat = study, nat
        self._held: set[tuple[str, str]] = set()
        super().__init__(seed, mss, False, progress)

    def check(self, action: Action) -> None:
        super().check(self._real(action))

    def perform(self, action: Action) -> Iterator[Emit]:
        real = self._real(action)
        place = real.name, str(real.args["variant"])
        if place not in self._held:
            self._held.add(place)
            yield from super().perform(real)

    def _real(self, action: Action) -> Action:
        """The conversation that holds a deed of the simulation.  Raises `ActionError`."""
        match self._study, action.name:
            case "retry", "request" if action.args.get("lose", True):
                return Action("http", {"variant": "retry"})
            case "ftp", "fetch":
                mode = str(action.args.get("mode", "active"))
                return Action("ftp", {"variant": "active behind nat" if mode == "active" and self._nat else mode})
            case "updates", "watch":
                return Action("updates", {"variant": _WAYS[str(action.args.get("way", "polling"))]})
        raise ActionError(f"The lab has no conversation for {action.name}.")
