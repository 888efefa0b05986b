"""A scenario's script as a plan: its commands are done one by one while the learner plays, steps and watches.

The same commands as in `prayog_sim.player`, which plays a script at one go and judges it; here nothing is judged
and nothing is expected, and every step can be looked at before the next.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence

from prayog_sim.faults import BUILTIN_ACTIONS
from prayog_sim.labfile import Do, RunFor, Script, StepBy
from prayog_sim.run import Action, Run
from prayog_sim.trace import Step

__all__ = ["ScriptPlan"]


class ScriptPlan:
    """Follows `script`; `verbs` names the arguments of the topic's actions, for words without a name."""

    def __init__(self, script: Script, verbs: Mapping[str, Sequence[str]]) -> None:
        self._verbs = {info.name: [arg.name for arg in info.args] for info in BUILTIN_ACTIONS} | dict(verbs)
        self._left = deque(each for each in script.commands if isinstance(each, Do | RunFor | StepBy))
        self._later: list[Do] = []
        self._current: RunFor | StepBy | None = None
        self._end: int | None = None
        self._count = 0
        self._horizon = 0
        self._heard = 0
        """Steps of a session that were counted, or came before the last action; others than this plan ask it too."""

    @property
    def done(self) -> bool:
        return not (self._left or self._later or self._current)

    def next_at(self, run: Run) -> int | None:
        """Looks ahead over commands that will be over without a step."""
        if run.kind == "session":
            return None
        now, current, end = self._now(run), self._current, self._end
        later = [do.at or 0 for do in self._later]
        ahead = iter(self._left)
        while True:
            if current is None:
                command = next(ahead, None)
                if isinstance(command, Do):
                    if command.at is None:
                        return now
                    later.append(command.at)
                    continue
                current = command
                end = now + command.us if isinstance(command, RunFor) and command.us is not None else None
            due = min([*later, *([run.next_at] if run.next_at is not None else [])], default=None)
            if current is None or (due is not None and (end is None or due <= end)):
                return due
            now, current = max(now, end or 0), None

    def step(self, run: Run) -> None:
        """Let one more thing happen: an action of the script, or a step of the run; nothing when it is at its end."""
        while not self.done:
            if self._current is None and self._take(run):
                return
            if self._current is None and not self._later:
                continue
            if self._over(run):
                self._current = None
                continue
            if self._go_on(run):
                return
            if run.kind == "session" and run.busy:
                return
            if self._current is None:  # nothing but later actions is left, and they cannot come any more
                self._later.clear()
            elif self._end is not None and run.kind == "world":
                self._horizon = max(self._horizon, self._end)
            self._current = None

    def _over(self, run: Run) -> bool:
        """Whether a live session, which never comes to rest by itself, has had the time that was asked for."""
        return self._current is not None and self._end is not None and 0 <= self._end <= _clock(run)

    def _take(self, run: Run) -> bool:
        """Begin the next command; True when it was an action that is done now."""
        if not self._left:
            return False
        command = self._left.popleft()
        if isinstance(command, Do):
            if command.at is None:
                self._do(run, command, self._now(run))
                return True
            self._later = sorted([*self._later, command], key=lambda do: do.at or 0)
            return False
        self._current = command
        self._count = command.count
        begin = max(self._now(run), _clock(run))
        self._end = begin + command.us if isinstance(command, RunFor) and command.us is not None else None
        return False

    def _go_on(self, run: Run) -> bool:
        """One more thing within the command that is on; False when it is over."""
        first = self._heard if run.kind == "session" else len(run.trace)
        due = run.next_at
        later = self._later[0].at or 0 if self._later else None
        if run.kind == "session":
            if later is not None and (not run.busy or later <= max(self._now(run), _clock(run))):
                self._do(run, self._later.pop(0), 0)
            elif run.step() is None and len(run.trace) == first:
                return False
        elif later is not None and (due is None or later <= due) and (self._end is None or later <= self._end):
            self._do(run, self._later.pop(0), later)
        elif due is None or (self._end is not None and due > self._end):
            return False
        elif run.step() is None:
            return bool(getattr(run, "waiting", False))  # of a run in another process: it comes later
        self._counted(run.trace[first:])
        self._heard = len(run.trace)
        return True

    def _counted(self, steps: Sequence[Step]) -> None:
        """Take the new steps into account: a command that waits for them may be over."""
        current = self._current
        if isinstance(current, StepBy):
            self._count -= 1
        elif isinstance(current, RunFor) and current.until:
            self._count -= sum(_matches(step, current) for step in steps)
        else:
            return
        if self._count <= 0:
            self._current = None

    def _do(self, run: Run, command: Do, at: int) -> None:
        args = dict(zip(self._verbs.get(command.action, ()), command.words, strict=False)) | dict(command.args)
        run.do(Action(command.action, args), max(at, self._now(run)) if run.kind == "world" else None)
        self._heard = len(run.trace)

    def _now(self, run: Run) -> int:
        return max(self._horizon, run.trace[-1].at) if len(run.trace) else self._horizon


def _clock(run: Run) -> int:
    """The present of a live session (µs); -1 for a run whose time is that of its last step."""
    return int(getattr(run, "now", 0)) if getattr(run, "live", False) else -1


def _matches(step: Step, command: RunFor) -> int:
    if command.node and step.node != command.node:
        return 0
    return (step.kind == command.until) + sum(effect.kind == command.until for effect in step.effects)
