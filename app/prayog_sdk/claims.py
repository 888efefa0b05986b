"""Claims and quantities about a trace, each able to say why: what every word of a check is made of.

A `Quantity` compared with a value is a `Claim`; claims are combined with ``&``, ``|`` and ``~``.  The words
themselves (``count``, ``never``, …) are in `prayog_sdk.vocabulary`.

Rules
1. A claim is a pure function of the trace (and of the learner's predictions); it never looks at a live node.
2. A claim that fails says what was found, and at which step it was first violated.
3. A field that no event of that kind has is a mistake in the check, never a silent pass.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from prayog_sim.trace import Step, Trace, canonical

__all__ = [
    "CheckError",
    "Claim",
    "Event",
    "Fact",
    "Given",
    "Quantity",
    "Scope",
    "Test",
    "Verdict",
    "both",
    "compare",
    "constant",
    "either",
    "events",
    "found",
    "of_kind",
    "part",
]


class CheckError(ValueError):
    """A check is written wrongly; the message is a sentence for its author."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether something holds, why (a sentence), and the ``seq`` of the step to look at (None: no single step).

    ``final``: it failed, and nothing that may still happen can mend it (a "never" that happened).  Otherwise a
    failure of a run that goes on reads "not yet".
    """

    ok: bool
    reason: str
    at: int | None = None
    final: bool = False


class Given(Protocol):
    """A recorded answer to a prediction (`prayog_sdk.lessons.Answer`)."""

    @property
    def value(self) -> Any: ...
    @property
    def at_step(self) -> int: ...


class Event:
    """A step or an effect of one; ``event["name"]`` is a field, None where it has none."""

    __slots__ = ("data", "kind", "step")  # a plain class: a check makes one for each event of a long trace

    def __init__(self, step: Step, kind: str, data: Mapping[str, Any]) -> None:
        self.step = step
        self.kind = kind
        self.data = data

    def __getitem__(self, name: str) -> Any:
        if name == "kind":
            return self.kind
        if name in ("at", "seq"):
            return getattr(self.step, name)
        if name == "node":
            return self.step.node or self.data.get("node", "")
        return self.data.get(name)

    def has(self, name: str) -> bool:
        """The event has a field of that name."""
        return name in ("kind", "at", "seq", "node") or name in self.data

    def __str__(self) -> str:
        text = self.data.get("text") or self.data.get("sentence")
        told = text or " ".join(f"{k}={short(v)}" for k, v in self.data.items() if k != "msg")
        step = self.step
        when = "" if step.at == step.seq else f", {step.at / 1000:g} ms"  # an algorithm's clock only counts its steps
        place = f"step {step.seq}{when}" + (f", {self['node']}" if self["node"] else "")
        return f"{self.kind}{f': {told}' if told else ''} ({place})"


Where = Callable[[Event], bool]


@dataclass(frozen=True, slots=True)
class Scope:
    """What a claim may look at.  ``rerun`` runs the same actions on another seed, where that is possible."""

    trace: Trace
    answers: Mapping[str, Given] = field(default_factory=dict)
    rerun: Callable[[int], Trace] | None = None
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Fact:
    """A value with its grounds.

    ``why`` tells the value in words, ``at`` is a step to look at.  ``path`` holds (seq, value so far) where a
    quantity only rises (``count``, ``max``) or only `falls` (``min``): the first step beyond a bound is read from it.
    """

    value: Any
    why: str = ""
    at: int | None = None
    path: Sequence[tuple[int, Any]] = ()
    falls: bool = False


class Claim:
    """Something that holds or not.  Calling it with a trace gives the `Verdict`; ``&``, ``|``, ``~`` combine."""

    def __init__(self, text: str, look: Callable[[Scope], Verdict]) -> None:
        self.text = text
        self.look = look

    def __call__(self, trace: Trace) -> Verdict:
        return self.look(Scope(trace))

    def __repr__(self) -> str:
        return self.text

    def __and__(self, other: Claim) -> Claim:
        return both([self, other])

    def __or__(self, other: Claim) -> Claim:
        return either([self, other])

    def __invert__(self) -> Claim:
        def look(scope: Scope) -> Verdict:
            verdict = self.look(scope)
            return Verdict(not verdict.ok, f"expected otherwise: {verdict.reason}", verdict.at)

        return Claim(f"not {self.text}", look)


Test = Callable[[Trace], Verdict]
"""What a `Check` tests with: a claim, or any function of a trace that returns a `Verdict`."""


def both(claims: Sequence[Claim]) -> Claim:
    """Every claim holds; the verdict is that of the first which does not."""

    def look(scope: Scope) -> Verdict:
        verdicts = []
        for claim in claims:
            verdicts.append(claim.look(scope))
            if not verdicts[-1].ok:
                return verdicts[-1]
        return Verdict(True, "; ".join(v.reason for v in verdicts), verdicts[-1].at)

    return Claim(" and ".join(c.text for c in claims), look)


def either(claims: Sequence[Claim]) -> Claim:
    """At least one claim holds."""

    def look(scope: Scope) -> Verdict:
        verdicts = []
        for claim in claims:
            verdicts.append(claim.look(scope))
            if verdicts[-1].ok:
                return verdicts[-1]
        return Verdict(False, "neither holds: " + "; ".join(v.reason for v in verdicts), verdicts[0].at)

    return Claim(" or ".join(c.text for c in claims), look)


_WORDS = {"<": "less than ", "<=": "at most ", ">": "more than ", ">=": "at least ", "==": "", "!=": "anything but "}
OPERATORS: Mapping[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq, "!=": operator.ne,
}  # fmt: skip


class Quantity:
    """A value computed from a trace.  Calling it gives the value (so it is a `Measure`); comparing it, a `Claim`."""

    def __init__(self, text: str, find: Callable[[Scope], Fact]) -> None:
        self.text = text
        self.find = find

    def __call__(self, trace: Trace) -> Any:
        return self.find(Scope(trace)).value

    def __repr__(self) -> str:
        return self.text

    __hash__ = object.__hash__

    def __lt__(self, other: Any) -> Claim:
        return compare(self, "<", other)

    def __le__(self, other: Any) -> Claim:
        return compare(self, "<=", other)

    def __gt__(self, other: Any) -> Claim:
        return compare(self, ">", other)

    def __ge__(self, other: Any) -> Claim:
        return compare(self, ">=", other)

    def __eq__(self, other: object) -> Claim:  # type: ignore[override]  # comparing makes a claim
        return compare(self, "==", other)

    def __ne__(self, other: object) -> Claim:  # type: ignore[override]
        return compare(self, "!=", other)

    def __getattr__(self, name: str) -> Quantity:
        """A field of the event that `first` or `last` found: ``first("leader").node``."""
        if name.startswith("_"):
            raise AttributeError(name)
        return part(self, name)


def part(event: Quantity, name: str) -> Quantity:
    """Field `name` of the event that a quantity found."""

    def find(scope: Scope) -> Fact:
        fact = event.find(scope)
        if fact.value is None:
            return fact
        if not isinstance(fact.value, Event) or not fact.value.has(name):
            raise CheckError(f"{fact.why or event.text} has no field {name!r}")
        value = fact.value[name]
        return Fact(value, f"{event.text}.{name} is {short(value)}", fact.at)

    return Quantity(f"{event.text}.{name}", find)


def compare(left: Quantity, sign: str, right: Any) -> Claim:
    """``left sign right``; a failing bound points at the first step beyond it."""
    other = right if isinstance(right, Quantity) else constant(right)
    holds = OPERATORS[sign]

    def look(scope: Scope) -> Verdict:
        a, b = left.find(scope), other.find(scope)
        neither = a.value is None and b.value is None and bool(a.why and b.why)  # not a literal None on one side
        if neither or (sign not in ("==", "!=") and (a.value is None or b.value is None)):
            nothing = a if a.value is None else b
            return Verdict(False, nothing.why or f"{left.text} has no value", nothing.at)
        try:
            ok = bool(holds(plain(a.value), plain(b.value)))
        except TypeError:
            raise CheckError(
                f"{left.text} is {short(a.value)}, which cannot be compared with {short(b.value)}"
            ) from None
        told = a.why or f"{left.text} is {short(a.value)}"
        if ok:
            return Verdict(True, told, a.at)
        named = f"{other.text} ({b.why})" if b.why else short(b.value)
        return Verdict(False, f"{told}; expected {_WORDS[sign]}{named}", _beyond(a, sign, b.value))

    return Claim(f"{left.text} {sign} {other.text}", look)


def _beyond(fact: Fact, sign: str, bound: Any) -> int | None:
    """The first step at which a quantity was beyond its bound: above an upper one, or below a lower one if it falls."""
    if sign in ((">", ">=") if fact.falls else ("<", "<=", "==")):
        within = OPERATORS["<=" if sign == "==" else sign]
        for seq, value in fact.path:
            if not within(value, bound):
                return seq
    return fact.at


def constant(value: Any) -> Quantity:
    """A literal as a quantity."""
    return Quantity(short(value), lambda _scope: Fact(value))


def events(trace: Iterable[Step]) -> Iterator[Event]:
    """Steps and effects alike, in order."""
    for step in trace:
        yield Event(step, step.kind, step.data)
        for effect in step.effects:
            yield Event(step, effect.kind, effect.data)


def of_kind(trace: Iterable[Step], kind: str) -> Iterator[Event]:
    """Steps and effects of one kind, in order."""
    for step in trace:
        if step.kind == kind:
            yield Event(step, kind, step.data)
        for effect in step.effects:
            if effect.kind == kind:
                yield Event(step, kind, effect.data)


def found(trace: Iterable[Step], kind: str, where: Where | None, fields: Mapping[str, Any]) -> Iterator[Event]:
    """The events of `kind` that fit; raises `CheckError` when no event of the kind has a field that is asked for."""
    unseen = set(fields) | getattr(where, "names", frozenset())
    sample: Event | None = None
    for event in of_kind(trace, kind):
        sample = event
        if unseen:
            unseen = {name for name in unseen if not event.has(name)}
        if fits(event, where, fields):
            yield event
    if sample is not None and unseen:
        raise CheckError(no_field(sample, min(unseen)))


def fits(event: Event, where: Where | None, fields: Mapping[str, Any]) -> bool:
    """The event has these field values and passes the test."""
    if fields and not all(plain(event[name]) == plain(value) for name, value in fields.items()):
        return False
    return where is None or where(event)


def no_field(sample: Event, name: str) -> str:
    """The sentence for a field that events of a kind do not have."""
    return f"no {sample.kind!r} event has a field {name!r}; they have: {', '.join(['node', 'at', 'seq', *sample.data])}"


def plain(value: Any) -> Any:
    """`value` with tuples as lists, as they are after a trace was written and read."""
    return list(value) if isinstance(value, tuple) else value


def short(value: Any) -> str:
    """`value` for a sentence."""
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, Event):
        return str(value)
    text = value if isinstance(value, str) and value else repr(value)
    if not isinstance(value, str | int | bool | None):
        try:
            text = canonical(value)
        except (TypeError, ValueError):
            text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}…"


def call(name: str, kind: str, where: Where | None, fields: Mapping[str, Any]) -> str:
    """The word as its author would write it."""
    named = [f"{key}={value!r}" for key, value in fields.items()]
    test = [getattr(where, "text", "…")] if where else []
    inside = ", ".join([repr(kind), *test, *named])
    return f"{name}({inside})" if name else inside
