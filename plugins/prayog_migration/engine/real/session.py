"""A real migration as a run of the lab: the conductor's events are its steps, the learner's actions its commands.

Actions return at once; what they lead to comes as it happens, in the worker's own words (`worker`), because nothing
here waits for a database.  Which events there are, and what they say, is told in `docs/migration-events.md`.

Rules
1. URLs may hold passwords, so no event has one: sides are called by their dialect and their masked address.
2. Closing the session ends the worker and the writers; the migration itself stays where it stands, in the target, and
   the next session of the same databases goes on there.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from typing import Any

from prayog_migration.engine.real.conductor import Conductor
from prayog_migration.engine.real.experiments import EXPERIMENTS, experiment
from prayog_migration.engine.real.faults import FAULTS, CannotBreak, Faults
from prayog_migration.engine.real.job import Order
from prayog_migration.engine.real.places import Places, find_places
from prayog_migration.engine.real.unfinished import Unfinished, under_way
from prayog_migration.engine.setup import SOURCES, Setup
from prayog_migration.engine.standing import START, fold
from prayog_sdk.hookspecs import Progress
from prayog_sdk.run import Emit
from prayog_sdk.services import Services, masked
from prayog_sdk.session import Session
from prayog_sim.run import Action, ActionError
from prayog_sim.trace import Step

__all__ = ["MigrationSession"]

_COMMANDS = (
    "probe", "assess", "preview", "schema", "copy", "validate", "sync", "switch", "back", "clean", "report", "audit",
    "replan",
)  # fmt: skip
_TRIALS = ("ask", "aside", "rules", "cast", "files", "shards", "change")
_BUTTONS = ("pause", "resume", "cancel", "unfence")
_GOES_ON = {"assess": "assess", "schema": "schema", "data": "copy", "validate": "validate", "cleanup": "clean"}
"""What is done again when it was under way as the lab was closed or killed: by step, the command."""
_RATE = 40.0
"""Transactions a second of one writer."""


class MigrationSession(Session):
    """One migration; see the module."""

    live = True

    def __init__(self, setup: Setup, seed: int, progress: Progress, services: Services) -> None:
        super().__init__()
        self._setup = setup
        self._seed = seed
        places: Places = find_places(setup, seed, services, progress)
        choices = json.loads(setup.choices) if setup.choices else {}
        order = Order(
            places.source,
            places.target,
            tag=places.tag,
            strategy=setup.strategy,
            live=setup.live,
            freeze_s=setup.freeze_s,
            choices=choices,
        )
        self._known = services.folder("migration") / "demo.json"
        self._last = Unfinished(services)
        self._conductor = Conductor(order, self._hear)
        self._faults = Faults(self._conductor, self.report, places.server)
        self.begin(
            source=places.source_dialect, target=places.target_dialect, source_at=masked(places.source),
            target_at=masked(places.target), strategy=setup.strategy, rows=setup.rows, demo=places.demo,
            resumed=places.resumed,
        )  # fmt: skip
        self._demo = places.demo
        self._zombie: threading.Thread | None = None
        self._writers = 0
        self._folder = services.folder("migration") / "report"
        self._beside = services.folder("migration") / "beside"
        self._last.note(setup)
        self._resumes = places.resumed or (setup.source not in SOURCES and under_way(places.target))
        if self._resumes:
            self._conductor.wake()

    def _hear(self, kind: str, node: str, data: Mapping[str, Any]) -> None:
        """A migration that was cleaned up is over: the same knobs begin a new one."""
        if kind == "clean" and not data["left"]:
            self._known.unlink(missing_ok=True)
            self._last.forget()
        self.report(kind, node, data)
        if kind == "ready" and self._resumes:
            self._resumes = False
            self._go_on(node, data)

    def _go_on(self, step: str, ready: Mapping[str, Any]) -> None:
        """Where the last session was closed or killed: what was under way is done again, and changes flow."""
        if ready["side"] == "target" or step in ("sync", "switch"):
            if ready["phase"] != "paused":
                self._conductor.do("sync")
        elif ready["phase"] == "running" and step in _GOES_ON:
            more = {"folder": str(self._beside)} if step == "cleanup" else {}
            self._conductor.do(_GOES_ON[step], **more)

    def start(self) -> Mapping[str, Any]:
        return START

    def fold(self, state: Mapping[str, Any], step: Step) -> Mapping[str, Any]:
        return fold(state, step)

    def check(self, action: Action) -> None:
        name, args = action.name, action.args
        known = (*_COMMANDS, *_TRIALS, *_BUTTONS, "look", "throttle", "undo", "traffic", "fault", "heal", "experiment")
        if name not in known:
            raise ActionError(f"A real migration knows no action {name!r}; there are: {', '.join(known)}.")
        if name == "fault" and args.get("what") not in FAULTS:
            raise ActionError(f"No fault is called {args.get('what')!r}; there are: {', '.join(FAULTS)}.")
        if name == "experiment" and args.get("what") not in EXPERIMENTS:
            raise ActionError(f"There are the experiments {', '.join(EXPERIMENTS)}; found {args.get('what')!r}.")
        if name == "shards" and self._writers:
            raise ActionError("Stop the writers first: shards are compared with the source, which must stand still.")
        if name == "traffic" and not self._demo:
            raise ActionError("Writers work on the demo shop only; your own database has writers of its own.")

    def perform(self, action: Action) -> Iterator[Emit]:
        name, args = action.name, action.args
        conductor = self._conductor
        if name == "probe":
            conductor.do("probe", writes_s=_RATE * (self._writers or self._setup.writers))
        elif name == "report":
            forecasts = self.state.get("forecasts", ())
            mine: Mapping[str, Any] = next((one for one in forecasts if one["strategy"] == self._setup.strategy), {})
            conductor.do("report", folder=str(self._folder), forecast=mine)
        elif name == "clean" or name in _TRIALS:
            conductor.do(name, **{**args, "folder": str(self._beside)})
        elif name in _COMMANDS or name in _BUTTONS:
            conductor.do(name)
        elif name == "look":
            conductor.wake()
        elif name == "throttle":
            conductor.do("throttle", rate=float(args.get("rate", 0)))
        elif name == "undo":
            conductor.do("undo", step=str(args.get("step", "data")))
        elif name == "traffic":
            self._traffic(int(args.get("writers", 2)), float(args.get("rate", _RATE)))
        elif name == "fault":
            if args["what"] == "zombie":  # it sleeps, and is waited for: nobody else should have to
                self._zombie = threading.Thread(target=self._break, args=("zombie",), name="zombie", daemon=True)
                self._zombie.start()
            else:
                self._break(str(args["what"]))
        elif name == "heal":
            if self._zombie is not None:
                self._zombie.join()  # it wakes by itself, when its successor is at work
            self._faults.heal()
        elif name == "experiment":
            yield from experiment(str(args["what"]), bool(args.get("right", False)), conductor.order.target)

    def _break(self, what: str) -> None:
        try:
            self._faults.make(what)
        except CannotBreak as no:
            self.report("refused", what, {"sentence": str(no)})

    def _traffic(self, writers: int, rate: float) -> None:
        if writers != self._writers:
            self._conductor.close_shop()
            self._writers = writers
            if writers:
                self._conductor.open_shop(writers=writers, rate=rate, seed=self._seed)
        elif writers:
            self._conductor.tell_shop("rate", rate=rate)

    def release(self) -> None:
        self._conductor.close()
