"""The run of this topic: a database on a disk in memory, with the plug in the learner's hand.

Each action becomes steps: what the engine did (`Database.tell`), in the order in which it did it, then a ``status``
that sums up levels, meters and clocks.  What the actions do is in `working` and `plug`.

Rules
1. No wall clock: time is that of `device.Device`, in the field ``now`` (µs).
2. After every crash the contents are compared with all that was acknowledged (`survival.Memory`).
3. The plug must be pulled before anybody touches the files.
4. No step takes longer than some milliseconds, however large the database is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from prayog_sdk.run import Computation, Emit, Facts
from prayog_sim.run import Action, ActionError, View
from prayog_sim.trace import Step
from prayog_writes.engine import plug, state, working
from prayog_writes.engine.apparatus import Apparatus
from prayog_writes.engine.arguments import number, one_of, text
from prayog_writes.engine.database import Database
from prayog_writes.engine.errors import Corruption, DatabaseError
from prayog_writes.engine.options import MODES
from prayog_writes.engine.progress import finished
from prayog_writes.engine.setup import Setup
from prayog_writes.engine.survival import Memory
from prayog_writes.engine.workload import WORKLOADS

__all__ = ["ACTIONS", "Study"]

ACTIONS = (
    "put", "get", "delete", "scan", "run_workload", "flush", "compact", "verify", "crash", "power_fail", "cut_wal",
    "flip_byte", "reopen", "try_modes", "fill_disk",
)  # fmt: skip
DOWN = {"cut_wal", "flip_byte", "try_modes", "reopen"}
"""Actions for which the database must be down; for all others it must run."""
AFTER = {"crash": False, "power_fail": False, "reopen": True}
"""How an action leaves it, where it changes that."""


class Study(Computation):
    """A database with the options of `setup`, empty at first."""

    def __init__(self, setup: Setup, seed: int) -> None:
        self.lab = Apparatus(setup, seed)
        self._will_be_up = True
        super().__init__()
        self.lab.db = finished(self.lab.opening(setup.options.mode))
        self.lab.forget_news()
        self.begin("database", policy=setup.options.policy, sync=setup.options.sync, **self.lab.status())

    @property
    def db(self) -> Database | None:
        """The database; None while it is down."""
        return self.lab.db

    @property
    def memory(self) -> Memory:
        """What an honest witness remembers."""
        return self.lab.memory

    @property
    def disk(self) -> Mapping[str, bytes]:
        """The files while the database is down."""
        return self.lab.disk

    def start(self) -> Facts:
        return state.start(self.lab.setup.options)

    def fold(self, state_: Facts, step: Step) -> Facts:
        return state.fold(state_, step)

    def show(self, state_: Facts, step: Step | None) -> View:
        return state.show(state_, step)

    def perform(self, action: Action) -> Iterator[Emit]:
        args, lab, setup = action.args, self.lab, self.lab.setup
        match action.name:
            case "put":
                work = working.write(lab, [(text(args, "key"), text(args, "value", "1"))])
            case "delete":
                work = working.write(lab, [(text(args, "key"), None)])
            case "get":
                work = working.get(lab, text(args, "key"))
            case "scan":
                reverse = bool(args.get("reverse"))
                start = str(args.get("start") or "").encode() if reverse else text(args, "start")
                work = working.scan(lab, start, number(args, "count", 10, low=1), reverse)
            case "run_workload":
                name = one_of(args, "workload", WORKLOADS, setup.workload)
                work = working.workload(lab, name, number(args, "count", setup.operations, low=1))
            case "flush":
                work = working.flush(lab)
            case "compact":
                level = number(args, "level", -1, low=-1)
                if level > 5:
                    raise ActionError(
                        f"Levels 0 to 5 can be compacted into the next, −1 means everything; found {level}."
                    )
                work = working.compact(lab, level)
            case "verify":
                work = working.verify(lab)
            case "crash":
                work = plug.pull(lab, "the process died", None)
            case "power_fail":
                work = plug.pull(lab, "the power failed", min(number(args, "torn", 0, low=0), 100) / 100)
            case "cut_wal":
                work = plug.cut(lab, number(args, "at", -3))
            case "flip_byte":
                file = str(args.get("file") or "log")
                work = plug.flip(lab, file, number(args, "at", 100), number(args, "bit", 6, low=0))
            case "reopen":
                work = self._reopened(one_of(args, "mode", MODES, setup.options.mode))
            case "try_modes":
                work = plug.try_modes(lab)
            case "fill_disk":
                work = plug.fill(lab, number(args, "room", 0, low=0))
            case _:
                raise ActionError(f"There is no action {action.name!r} here; there are: {', '.join(ACTIONS)}.")
        self._ask(action.name)
        return self._guarded(work)

    def _ask(self, action: str) -> None:
        """Refuse an action for which the database is not up (or down), as it will be when all that waits is done."""
        up = action not in DOWN
        if self._will_be_up != up:
            raise ActionError(
                "The database is down. Reopen it first." if up
                else "The database is running. Pull the plug first: crash or power_fail."
            )  # fmt: skip
        self._will_be_up = AFTER.get(action, up)

    def _guarded(self, work: Iterator[Emit]) -> Iterator[Emit]:
        """`work`, then the status; an error of the database becomes a step with its sentence."""
        lab = self.lab
        try:
            yield from work
        except DatabaseError as error:
            yield from lab.told()
            where = {"file": error.file, "offset": error.offset} if isinstance(error, Corruption) else {}
            yield "problem", "database", {"sentence": str(error), "type": type(error).__name__, **where}
        lab.quiet = False
        status = lab.status()
        yield "status", "database", status
        if lab.db is not None:
            for name in ("write", "read", "space"):
                value = status["amplification"][name]["value"]
                if value is not None:
                    yield "gauge", "database", {"name": f"{name}_amplification", "value": value}
            yield "gauge", "database", {"name": "l0_tables", "value": len(lab.db.version.levels[0])}

    def _reopened(self, mode: str) -> Iterator[Emit]:
        yield from plug.reopen(self.lab, mode)
        if self.lab.db is None:  # it refused
            self._will_be_up = False
