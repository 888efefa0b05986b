"""Plays a `.lab` script on any run, simulated or real, and compares what was told with what was expected.

Rules
1. In a world, ``run 2s`` ends at that time even if nothing happens then: the next action comes at that time.
2. A session takes the time it takes: ``run`` waits until it is not busy any more.  One that is ``live`` never comes
   to rest by itself (processes that go on talking): there ``run 2s`` means two real seconds, and ``run until=…`` gives
   up after `_LIVE_US`.
3. ``run`` and ``check`` tell little (see `lines.told`); ``step`` tells each step in full.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Protocol

from prayog_sim.clock import format_us
from prayog_sim.faults import BUILTIN_ACTIONS
from prayog_sim.labfile import Check, Do, Expect, RunFor, Script, ScriptError, StepBy
from prayog_sim.lines import line, told
from prayog_sim.run import Action, ActionError, Run
from prayog_sim.trace import Step, Trace

__all__ = ["Block", "Checked", "Judge", "ScriptResult", "play", "rewrite"]

_COMMANDS = ("run", "step", "check", "at")
_CAP = 100_000  # steps that one run command may take
_LIVE_US = 60_000_000  # how long something is waited for in a live session
_WAITS = 600  # seconds without a step after which a session is given up


class Verdict(Protocol):
    """What a check says (``prayog_sdk.checks.Verdict``)."""

    @property
    def ok(self) -> bool: ...
    @property
    def reason(self) -> str: ...
    @property
    def at(self) -> int | None: ...


Judge = Callable[[str, Trace], Verdict]
"""Decides ``check TEXT`` for a trace; it raises `ValueError` with a sentence when it cannot read the text."""


@dataclass(frozen=True, slots=True)
class Checked:
    """The verdict of the check at `line`.  ``foreseen``: it failed, and the script expects just that."""

    line: int
    text: str
    ok: bool
    reason: str
    at: int | None
    foreseen: bool = False


@dataclass(frozen=True, slots=True)
class Block:
    """Expected lines (their dashes are at `line`) and the lines that came."""

    line: int
    expected: tuple[str, ...]
    got: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ScriptResult:
    """What playing a script gave."""

    steps: int
    checks: tuple[Checked, ...]
    blocks: tuple[Block, ...]

    @property
    def ok(self) -> bool:
        """Every block came as expected, and every check holds or fails as expected."""
        return all(block.expected == block.got for block in self.blocks) and all(
            check.ok or check.foreseen for check in self.checks
        )


def play(
    script: Script,
    run: Run,
    checks: Judge,
    verbs: Mapping[str, Sequence[str]] | None = None,
    within: Callable[[], AbstractContextManager[object]] = nullcontext,
) -> ScriptResult:
    """Play `script` on `run`, a fresh run with the script's knobs and seed.

    ``verbs`` names the arguments of the topic's actions in order, for words without a name.  Each step of a simulated
    run is taken inside ``within()``, which may end one that never comes back.  Raises `ScriptError`,
    at the line that could not be done.
    """
    return _Player(script, run, checks, verbs or {}, within).play()


def rewrite(script: Script, result: ScriptResult) -> str:
    """The text of `script` with what came in the place of what was expected."""
    rows = script.text.splitlines()
    for block in sorted(result.blocks, key=lambda block: block.line, reverse=True):
        rows[block.line : block.line + len(block.expected)] = block.got
    return "\n".join(rows) + "\n"


class _Player:
    def __init__(
        self, script: Script, run: Run, judge: Judge, verbs: Mapping[str, Sequence[str]],
        within: Callable[[], AbstractContextManager[object]],
    ) -> None:  # fmt: skip
        self.script = script
        self.within = within
        self.run = run
        self.judge = judge
        self.verbs = {info.name: [arg.name for arg in info.args] for info in BUILTIN_ACTIONS} | dict(verbs)
        self.later: list[Do] = []
        self.horizon = 0
        self.said: list[str] = []
        self.heard = len(run.trace)
        self.checks: list[Checked] = []
        self.blocks: list[Block] = []

    def play(self) -> ScriptResult:
        for command in self.script.commands:
            match command:
                case RunFor():
                    self.run_for(command)
                case StepBy():
                    self.step_by(command)
                case Do(at=None):
                    self.do(command, self.now)
                case Do(at=int(at)) if self.run.kind == "world" and at < self.now:
                    raise self.fail(command, f"at {format_us(at)} is over: it is {format_us(self.now)} already")
                case Do():
                    self.later = sorted([*self.later, command], key=lambda do: do.at or 0)
                case Check():
                    self.check(command)
                case Expect():
                    self.expect(command)
        return ScriptResult(len(self.run.trace), tuple(self.checks), tuple(self.blocks))

    @property
    def now(self) -> int:
        trace = self.run.trace
        return max(self.horizon, trace[-1].at) if len(trace) else self.horizon

    def fail(self, command: RunFor | StepBy | Do | Check, sentence: str) -> ScriptError:
        return ScriptError(command.line, command.column, sentence, self.script.name)

    # -- commands ----------------------------------------------------------------------------------------------

    def run_for(self, command: RunFor) -> None:
        end = None if command.us is None else self.now + command.us
        if self.live:
            if command.us is None and not command.until:
                raise self.fail(command, "these processes never come to rest; write how long to run, such as run 2s")
            end = self.present + (_LIVE_US if command.us is None else command.us)
        seen = 0
        for _ in range(_CAP):
            first = len(self.run.trace)
            if not self.advance(command, end):
                break
            if command.until:
                steps = (self.run.trace[seq] for seq in range(first, len(self.run.trace)))
                seen += sum(_matches(step, command.until, command.node) for step in steps)
                if seen >= command.count:
                    break
                if not self.later and (sentence := _given_up(self.run, first)):
                    raise self.fail(command, sentence)
        else:
            so_far = f"{command.until} came {seen} times" if command.until else "the run is not at rest"
            hint = self.likely(command.until) or "write how long to run, such as run 2s"
            raise self.fail(command, f"after {_CAP:,} steps {so_far}; {hint}")
        if command.until and seen < command.count:
            where = f" at {command.node}" if command.node else ""
            wanted = (
                f"{command.until}{where} came {seen} times, not {command.count}" if seen
                else f"no {command.until} came{where}"
            )  # fmt: skip
            hint = self.likely(command.until) or f"nothing more happens after {format_us(self.now)}"
            raise self.fail(command, f"{wanted}: {hint}")
        if end is not None and self.run.kind == "world":
            self.horizon = max(self.horizon, end)
        self.hear(told)

    def likely(self, kind: str) -> str:
        """What `kind`, which never came, was probably meant to be."""
        kinds = self.run.trace.kinds()
        near = get_close_matches(kind, kinds, 1) if kind and kind not in kinds else ()
        return f"did you mean {near[0]}?" if near else ""

    def step_by(self, command: StepBy) -> None:
        self.hear(told)
        for _ in range(command.count):
            if not self.advance(command, None):
                raise self.fail(command, f"nothing more happens after {format_us(self.now)}")
        self.hear(line)

    def do(self, command: Do, at: int) -> None:
        args = dict(zip(self.verbs.get(command.action, ()), command.words, strict=False))
        if len(args) < len(command.words):
            if command.action not in self.verbs:
                near = get_close_matches(command.action, [*self.verbs, *_COMMANDS], 1)
                hint = f"did you mean {near[0]}?" if near else f"the actions are {', '.join(self.verbs)}"
                raise self.fail(command, f"{command.action} is no command, nor an action that takes bare words; {hint}")
            takes = ", ".join(f"{name}=" for name in self.verbs.get(command.action, ()))
            known = f"takes {takes}" if takes else "is no command, nor an action that takes bare words"
            raise self.fail(command, f"{command.action} {known}; found {' '.join(map(str, command.words))!r}")
        twice = sorted(args.keys() & command.args.keys())
        if twice:
            raise self.fail(command, f"{command.action} has {twice[0]} twice, once as a bare word")
        try:
            self.run.do(Action(command.action, args | dict(command.args)), max(at, self.now))
        except ActionError as error:
            raise self.fail(command, str(error)) from None

    def check(self, command: Check) -> None:
        self.hear(told)
        try:
            verdict = self.judge(command.text, self.run.trace)
        except ValueError as error:
            place = getattr(error, "column", 0)  # an expression knows where in it the mistake is
            if not place:
                raise self.fail(command, str(error)) from error
            column, sentence = command.at + place - 1, getattr(error, "sentence", str(error))
            raise ScriptError(command.line, column, sentence, self.script.name) from error
        self.checks.append(Checked(command.line, command.text, verdict.ok, verdict.reason, verdict.at))
        self.said.append("ok" if verdict.ok else f"failed: {verdict.reason}")

    def expect(self, command: Expect) -> None:
        self.hear(told)
        block = Block(command.line, command.lines, tuple(self.said))
        if block.expected == block.got:
            since = self.blocks[-1].line if self.blocks else 0
            self.checks = [
                Checked(c.line, c.text, c.ok, c.reason, c.at, foreseen=c.foreseen or (not c.ok and c.line > since))
                for c in self.checks
            ]
        self.blocks.append(block)
        self.said = []

    # -- steps -------------------------------------------------------------------------------------------------

    def hear(self, say: Callable[[Step], str]) -> None:
        """Keep what the new steps have to tell."""
        trace = self.run.trace
        lines = (say(trace[seq]) for seq in range(self.heard, len(trace)))
        self.said += [text for text in lines if text]
        self.heard = len(trace)

    def advance(self, command: RunFor | StepBy, end: int | None) -> bool:
        """One more step, due by `end`; a waiting action is one too.  False when there is none."""
        if self.run.kind == "session":
            return self.advance_live(end) if self.live else self.advance_session(command)
        due = self.run.next_at
        if self.later:
            at = self.later[0].at or 0
            if (due is None or at <= due) and (end is None or at <= end):
                self.do(self.later.pop(0), at)
                return True
        if due is None or (end is not None and due > end):
            return False
        with self.within():
            return self.run.step() is not None

    @property
    def live(self) -> bool:
        return bool(getattr(self.run, "live", False))

    @property
    def present(self) -> int:
        """The clock of a live session (µs)."""
        return int(getattr(self.run, "now", 0))

    def advance_live(self, end: int | None) -> bool:
        end = self.present + _LIVE_US if end is None else end
        while self.run.busy:
            if self.later and (self.later[0].at or 0) <= self.present:
                self.do(self.later.pop(0), 0)
                return True
            left = end - self.present
            if left <= 0:
                return False
            if self.run.step() is not None:
                return True
            soon = self.later[0].at or 0 if self.later else end
            if self.run.wait(max(0.0, min(left, soon - self.present)) / 1_000_000) is not None:  # type: ignore[attr-defined]
                return True
        return False

    def advance_session(self, command: RunFor | StepBy) -> bool:
        if self.later and (not self.run.busy or (self.later[0].at or 0) <= self.now):
            self.do(self.later.pop(0), 0)
            return True
        if self.run.step() is not None:
            return True
        wait = getattr(self.run, "wait", None)
        for _ in range(_WAITS):
            if not self.run.busy:
                return self.run.step() is not None
            if wait is None:
                raise self.fail(command, "the session is busy, gives no step and has no wait()")
            if wait(1.0) is not None:
                return True
        raise self.fail(command, f"the session gave no step for {_WAITS} seconds")


def _given_up(run: Run, first: int) -> str:
    """Why nothing more is to be waited for: what a session itself, not one of its nodes, said since step `first`."""
    if run.kind != "session":
        return ""
    steps = (run.trace[seq] for seq in range(first, len(run.trace)))
    told = [step.data.get("sentence") for step in steps if step.kind in ("error", "failed") and not step.node]
    return str(told[0] or "") if told else ""


def _matches(step: Step, kind: str, node: str) -> int:
    """How often `kind` happened in `step`, as the step itself or as an effect."""
    if node and step.node != node:
        return 0
    return (step.kind == kind) + sum(effect.kind == kind for effect in step.effects)
