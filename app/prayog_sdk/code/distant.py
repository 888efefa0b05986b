"""A run whose engine calls the learner's code: it lives in a process behind the fence, and is a `Run` here.

Everything a `Run` can do is asked of the process, a question at a time; the trace is kept here too.  What waits never
waits long: after `follow` (the bench calls it) a step that is not ready within a frame is None while `busy` stays true,
and comes later.

Rules
1. The trace here is the trace there, step by step: a run with code is no second kind of run.
2. When the process had to be ended, a last step of kind ``code_error`` says why; the steps before it stay, and the
   run is made again in another process up to there, so that they can still be looked at.
"""

from __future__ import annotations

import pickle
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from prayog_sdk.code.fence import Door, Fenced, Stopped
from prayog_sdk.code.source import Mistake
from prayog_sdk.run import has_clock
from prayog_sim.run import Action, ActionError, TimedAction, View
from prayog_sim.trace import Step, Trace

if TYPE_CHECKING:
    from prayog_sdk.manifest import Manifest
    from prayog_sim.run import Run

__all__ = ["DistantRun", "portable"]

_LONGEST_S = 60.0
"""How long an answer is waited for at most, where somebody waits: the engine's own work is in it."""
_FRAME_S = 0.004
_LOOK_S = 0.05
_LATE = Mistake("time", 0, f"The process with your code gave no answer within {_LONGEST_S:g} s, so it was ended.")


class DistantRun:
    """The run of a topic with `values` for its knobs, one of which is code of the learner's."""

    kind: Literal["world", "session"] = "world"

    def __init__(
        self, manifest: Manifest, values: Mapping[str, Any], seed: int, progress: Callable[[int, int, str], None]
    ) -> None:
        self.trace = Trace()
        self.actions: list[TimedAction] = []
        self.busy = False
        self.next_at: int | None = None
        self.waiting = False
        """A step was asked for and has not come yet."""
        self.offers: tuple[str, ...] = ()
        """Names of the actions that every world knows, when it is one."""
        self.clocked = True
        self.stopped = ""
        """Why the process had to be ended, in a sentence; after that nothing more happens in this run."""
        self._origin = (manifest, dict(values), seed)
        self._patience = _LONGEST_S
        self._remaking = False
        self._shown: View | None = None
        self._process = self._start()
        try:
            while (found := self._process.take(_LOOK_S)) is None or found[0] == "progress":
                progress(*(found[1] if found else (0, 0, "")))
            self.offers, self.clocked = self._learn(found)
        except BaseException:
            self.close()
            raise

    def follow(self) -> None:
        """From now on `step` waits no longer than a part of a frame: whoever calls it has a window to draw."""
        self._patience = _FRAME_S

    def step(self) -> Step | None:
        if self.stopped or not (self.waiting or self.busy):
            return None
        first = len(self.trace)
        try:
            if not self.waiting:
                self._process.send(("step",))
                self.waiting = True
            found = self._process.take(self._patience)
        except Stopped as stopped:
            return self._end(stopped.mistake)
        if found is None:
            return None if self._patience < _LONGEST_S else self._end(_LATE)
        self.waiting = False
        try:
            self._learn(found)
        except Stopped as stopped:
            return self._end(stopped.mistake)
        return self.trace[first] if len(self.trace) > first else None

    def do(self, action: Action, at: int | None = None) -> Step:
        if self.stopped:
            raise ActionError(f"{self.stopped} Nothing more can be done in this run; change the code and run it again.")
        step: Step = self._ask("do", action, at)
        return step

    def view(self, at: int = -2) -> View:
        end = len(self.trace) - 1
        at = end if at == -2 else min(at, end)
        if not self.stopped:
            return self._view(at)
        if self._remaking and self._process.closed:
            self._process = self._start(tuple(self.actions), end)
        view = self._shown
        if not self._remaking or self._is_remade() or view is None:
            view = self._view(min(at, end - 1))  # the last step, which says why, happened here only
        return replace(view, seq=at, at=self.trace[at].at if at >= 0 else 0)

    def _view(self, at: int) -> View:
        view: View = self._ask("view", at)
        self._shown = view
        return view

    def close(self) -> None:
        self._process.close()

    # -- asking ------------------------------------------------------------------------------------------------

    def _start(self, actions: tuple[TimedAction, ...] = (), upto: int = 0) -> Fenced:
        process = Fenced(_serve, *self._origin, actions, upto)
        weakref.finalize(self, process.close)
        return process

    def _ask(self, *words: Any) -> Any:
        """An answer that is waited for; a step that is on its way comes first."""
        patience, self._patience = self._patience, _LONGEST_S
        while self.waiting:
            self.step()
        self._patience = patience
        self._process.send(words)
        found = self._process.take(_LONGEST_S)
        if found is None:
            self._process.close()
            raise Stopped(_LATE)
        return self._learn(found)

    def _learn(self, found: Any) -> Any:
        """Take over what the process told: an answer, and what is new in the run."""
        if found[0] == "raised":
            raise found[1]
        _, answer, steps, actions, busy, self.next_at = found
        self.busy = busy and not self.stopped
        for step in steps:
            self.trace.append(step)
        self.actions += actions
        return answer

    # -- after the end -----------------------------------------------------------------------------------------

    def _end(self, mistake: Mistake) -> Step:
        """The process is gone, or has to go: say why, and make the run again up to here."""
        self._process.close()
        last = self.trace[-1] if self.trace else None
        at = self.next_at if self.next_at is not None else last.at if last else 0
        data = {"line": mistake.line, "sentence": mistake.sentence, "what": mistake.kind}
        step = Step(len(self.trace), at, "code_error", "", data, last.seq if last else -1)
        if self._patience < _LONGEST_S:  # somebody looks on, and will want to look back
            self._process = self._start(tuple(self.actions), len(self.trace))
        self.trace.append(step)
        self.stopped, self._remaking = mistake.sentence, True
        self.busy, self.next_at, self.waiting = False, None, False
        return step

    def _is_remade(self) -> bool:
        """Whether the run was made again; it is waited for only when nothing else can be shown."""
        while self._remaking:
            found = self._process.take(0 if self._shown is not None else _LONGEST_S)
            if found is None:
                return False
            self._remaking = found[0] == "progress"
        return True


def _serve(
    door: Door, manifest: Manifest, values: Mapping[str, Any], seed: int, actions: Sequence[TimedAction], upto: int
) -> None:
    """Make the run, take it up to step `upto` with `actions`, then do and tell what is asked."""
    from prayog_sdk.topic import Topic

    try:
        topic = Topic.load(manifest)
        params = topic.params(values)
        door.limit_memory()
        run = topic.build(params, seed, lambda *report: door.send(("progress", report)))
        _take_up(run, actions, upto)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is raised again at the other end
        door.send(("raised", portable(error)))
        return
    told, done = (len(run.trace), len(run.actions)) if upto else (0, 0)
    answer: Any = (_offers(run), has_clock(run))
    while True:
        steps, acts = run.trace[told:], run.actions[done:]
        told, done = told + len(steps), done + len(acts)
        door.send(("told", answer, steps, acts, run.busy, run.next_at))
        answer = _answer(door, run)


def _answer(door: Door, run: Run) -> Any:
    """Do what is asked next, until something can be done."""
    while True:
        word, *rest = door.take()
        try:
            answer = getattr(run, word)(*rest)
        except Exception as error:  # noqa: BLE001 - as above
            door.send(("raised", portable(error)))
        else:
            return None if word == "step" else answer  # steps are told with everything


def _take_up(run: Run, actions: Sequence[TimedAction], upto: int) -> None:
    todo = list(actions)
    while len(run.trace) < upto:
        before = len(run.trace)
        if todo and todo[0].after <= before:
            timed = todo.pop(0)
            run.do(timed.action, timed.at if has_clock(run) else None)
        elif run.step() is None:
            return


def _offers(run: Run) -> tuple[str, ...]:
    from prayog_sim.faults import BUILTIN_ACTIONS
    from prayog_sim.world import World

    return tuple(info.name for info in BUILTIN_ACTIONS) if isinstance(run, World) else ()


def portable(error: Exception) -> Exception:
    """`error` as something that can be sent."""
    if isinstance(error, MemoryError):
        return Stopped(Mistake("memory", 0, "Your code keeps so much that the run ran out of its memory."))
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:  # noqa: BLE001 - exceptions are pickled by their arguments, which fits some of them only
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error
