"""The same seed and the same blows for two algorithms, counted and told side by side.

The shown run is done again, and so is the other one: with the same seed, every action at the same virtual time.
Servers are matched by place (the second of the one is the second of the other), but whoever led here when it was hit is
matched with whoever leads there.  An action that the other algorithm does not know is left out, and that is said.

Rules
1. Both sides are replayed by the same code; what cannot be replayed (a counter-example of the explorer) is refused.
2. A difference is explained by what was counted, and by what the algorithm says of itself; nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from prayog_consensus.columns import Row, rows
from prayog_consensus.engine.families import family
from prayog_consensus.engine.setup import CORRECT, Setup
from prayog_consensus.hunting import MASK
from prayog_consensus.own import own_topic
from prayog_sdk.topic import Topic
from prayog_sim.actions import BUILTIN_ACTIONS
from prayog_sim.run import Action, ActionError, NodeView, Run, TimedAction
from prayog_sim.trace import Trace

__all__ = ["Asked", "Pair", "Side", "alongside", "other_params"]

MOST_ROWS = 20_000
"""Lines of text kept of one side."""
MOST_STEPS = 100_000
MOST_US = 600_000_000
"""Where a run is given up: steps, and virtual time."""
_BUILTIN = {info.name for info in BUILTIN_ACTIONS}
_OWN_KNOBS = ("topology", "ids", "options", "variant")
"""Knobs that mean something else to another algorithm, and are put back."""
_NAMED = ("node", "src", "dst", "to", "server", "groups", "members", "at")
"""Arguments that hold names of nodes."""


class Context(Protocol):
    def progress(self, done: int, total: int = 0, text: str = "") -> None: ...


@dataclass(frozen=True, slots=True)
class Asked:
    """Two set-ups under one seed; ``steps`` is how long the shown run is, so that a replay can be compared."""

    shown: Setup
    other: Setup
    seed: int
    actions: tuple[TimedAction, ...]
    until_us: int
    steps: int


@dataclass(frozen=True, slots=True)
class Side:
    """One run: its counters by name, its text, and what it did not understand."""

    title: str
    nodes: tuple[str, ...]
    counters: Mapping[str, Any]
    rows: tuple[Row, ...]
    left_out: tuple[str, ...]
    summary: str
    cut: bool = False
    """There were more lines than are kept."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Both sides, and what differs in sentences."""

    shown: Side
    other: Side
    differences: tuple[str, ...]


def other_params(shown: Setup, algorithm: str, variant: str = CORRECT) -> Setup:
    """The knobs of `shown` for another algorithm or variant; knobs that only the first understands are put back."""
    fresh = Setup()
    if algorithm == shown.algorithm:
        return replace(shown, variant=variant)
    return replace(shown, algorithm=algorithm, **{name: getattr(fresh, name) for name in _OWN_KNOBS} | {
        "variant": variant, "options": _common_options(shown, algorithm),
    })  # fmt: skip


def _common_options(shown: Setup, algorithm: str) -> str:
    """Clients are asked for in the same words by every algorithm with a log."""
    logs = ("raft", "multipaxos", "vsr", "zab")
    if shown.algorithm in logs and algorithm in logs:
        return " ".join(word for word in shown.words if word.startswith("clients=") or word == "mixed")
    return ""


def alongside(context: Context, asked: Asked) -> Pair:
    """Run both; meant for a process of its own.  Raises `ValueError` (and `ParamError`) with a sentence."""
    topic = own_topic()
    context.progress(0, 2, _title(asked.shown))
    run = topic.build(asked.shown, asked.seed)
    led = []
    for timed in asked.actions:
        _go(run, timed.at)
        led.append(_leader(run))
        run.do(timed.action, timed.at)
    _go(run, asked.until_us)
    if len(run.trace) != asked.steps:
        raise ValueError(
            "The run on the bench cannot be done again from its seed: it is a counter-example of the explorer, or a "
            "recording. Open a scenario first."
        )
    shown = _side(topic, asked.shown, run, ())
    context.progress(1, 2, _title(asked.other))
    twin = topic.build(asked.other, asked.seed)
    names = Names(shown.nodes, tuple(twin.view().nodes))
    own = {spec.name for spec in topic.actions(asked.other)}
    left_out = []
    for timed, leader in zip(asked.actions, led, strict=True):
        _go(twin, timed.at)
        try:
            twin.do(_translated(timed.action, names, own, leader, _leader(twin)), timed.at)
        except ActionError as error:
            left_out.append(f"{_said(timed)}: {error}")
    if run.next_at is None:
        _go(twin, MOST_US)  # the one came to rest, so the other may too
    else:
        _go(twin, asked.until_us)
    other = _side(topic, asked.other, twin, left_out)
    run.close()
    twin.close()
    return Pair(shown, other, tuple(_differences(shown, other, asked.actions[0].at if asked.actions else 1)))


def _side(topic: Topic, params: Setup, run: Run, left_out: Sequence[str]) -> Side:
    nodes, trace = tuple(run.view().nodes), Trace(run.trace)
    return Side(
        _title(params), nodes, _counters(topic, params, trace), tuple(rows(nodes, trace[:MOST_ROWS])),
        tuple(left_out), family(params.algorithm).summary, len(trace) > MOST_ROWS,
    )  # fmt: skip


def _go(run: Run, until: int) -> None:
    while run.next_at is not None and run.next_at <= until and len(run.trace) < MOST_STEPS and run.step() is not None:
        pass


def _leader(run: Run) -> str:
    """Who leads now, of several the one of the newest term; empty when nobody does."""
    found = [(node.look.hue, name) for name, node in run.view().nodes.items() if _leads(node)]
    return max(found)[1] if found else ""


def _leads(node: NodeView) -> bool:
    return node.status == "up" and node.look.role == "leader"


def _title(params: Setup) -> str:
    title = family(params.algorithm).title
    if params.variant == CORRECT:
        return title
    if params.variant.startswith(MASK):
        return f"{title}, {params.variant}"
    known = {str(v.params.get("variant")): v.title for v in family(params.algorithm).variants}
    return f"{title}: {known.get(params.variant, params.variant)}"


# -- the same action for other nodes -----------------------------------------------------------------------------


class Names:
    """What the nodes of one run are called in the other."""

    def __init__(self, here: Sequence[str], there: Sequence[str]) -> None:
        self._here, self._there = here, there
        self._pinned: dict[str, str] = {}

    def pin(self, name: str, other: str) -> None:
        """From now on `name` is `other`, unless one of them has its match already."""
        if name and other and name not in self._pinned and other not in self._pinned.values():
            self._pinned[name] = other

    def of(self, name: str) -> str:
        """The match; empty when the other run has fewer nodes, and `name` itself when it is no node."""
        if name not in self._here:
            return name
        if name not in self._pinned:
            taken = self._pinned.values()
            here = [n for n in self._here if n not in self._pinned and _is_client(n) == _is_client(name)]
            there = [n for n in self._there if n not in taken and _is_client(n) == _is_client(name)]
            place = here.index(name)
            return there[place] if place < len(there) else ""
        return self._pinned[name]

    def text(self, text: str) -> str:
        """Every name in `text` (a name, or groups of names) put into the other's words."""
        groups = ([self.of(word.strip()) for word in group.split(",")] for group in text.split("|"))
        return "|".join(",".join(name for name in group if name) for group in groups)


def _is_client(name: str) -> bool:
    return name.startswith("c") and name[1:].isdigit()


def _translated(action: Action, names: Names, own: set[str], led: str, leads: str) -> Action:
    """`action` in the other run's words.  Raises `ActionError` with a sentence."""
    if action.name not in _BUILTIN and action.name not in own:
        raise ActionError("this algorithm does not know it")
    told = {key: value for key, value in action.args.items() if key in _NAMED and isinstance(value, str)}
    if any(led in value.replace("|", ",").split(",") for value in told.values()):
        names.pin(led, leads)
    for value in told.values():
        if "," not in value and "|" not in value:
            names.pin(value, names.of(value))  # who was crashed is who restarts
    return Action(action.name, {**action.args, **{key: names.text(value) for key, value in told.items()}})


def _said(timed: TimedAction) -> str:
    words = " ".join(f"{key}={value}" for key, value in timed.action.args.items())
    return f"{timed.action.name} {words}".strip()


# -- counting and comparing --------------------------------------------------------------------------------------

_COUNTED = {
    "Messages": "send", "Messages lost": "lost", "Times somebody began to lead": "leader", "Stepped down": "stepdown",
    "Client was told “done”": "ok", "Client was told “failed”": "fail", "Client does not know": "unknown",
}  # fmt: skip


def _counters(topic: Topic, params: Setup, trace: Trace) -> dict[str, Any]:
    kinds: dict[str, int] = {}
    slots: set[Any] = set()
    leading: set[str] = set()
    most = violations = 0
    leaderless, since = 0, 0
    for step in trace:
        if not leading:
            leaderless += step.at - since
        since = step.at
        violations += step.kind == "violation"
        if step.kind == "crash":
            leading.discard(step.node)
        for effect in step.effects:
            kinds[effect.kind] = kinds.get(effect.kind, 0) + 1
            if effect.kind == "commit":
                slots.add((effect.data.get("range"), effect.data.get("slot")))
            elif effect.kind == "leader":
                leading.add(step.node)
            elif effect.kind == "stepdown":
                leading.discard(step.node)
        most = max(most, len(leading))
    found: dict[str, Any] = {title: kinds.get(kind, 0) for title, kind in _COUNTED.items()}
    found["Most leaders at once"] = most
    found["Without a leader"] = f"{leaderless / 1000:,.0f} ms"
    found["Decided places"] = len(slots)
    found["Promises broken"] = violations
    rounds = topic.measures(params).get("rounds")
    if rounds is not None:
        found["Rounds"] = rounds(trace)
    for check in topic.checks(params).values():
        found[check.title] = "✓" if check.judge(trace).ok else "✗"
    return found


def _differences(shown: Side, other: Side, since: int) -> list[str]:
    said = []
    for name, value in shown.counters.items():
        there = other.counters.get(name)
        if there is not None and there != value:
            said.append(f"{name}: {_number(value)} here, {_number(there)} there.")
    if not other.counters["Messages"]:
        said.append("Nothing was sent there: it begins only when it is asked, and none of these actions asks it.")
    first = _parting(shown, other, since)
    if first:
        said.append(first)
    if shown.summary != other.summary:
        said.append(f"{shown.title}: {shown.summary}")
        said.append(f"{other.title}: {other.summary}")
    if other.left_out:
        said.append(f"{len(other.left_out)} actions have no meaning there and were left out.")
    return said or ["Nothing that is counted here differs."]


def _number(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def _parting(shown: Side, other: Side, since: int) -> str:
    """When, from the first action on, the two first did not have the same number of leaders."""
    here, there = _leaders(shown), _leaders(other)
    for at in sorted({*here, *there}):
        one, two = _at(here, at), _at(there, at)
        if one != two and at >= since:
            return f"At {at / 1000:,.0f} ms they part: {one} leading here, {two} there."
    return ""


def _leaders(side: Side) -> dict[int, int]:
    """Time → how many lead from then on."""
    return {row.at: sum(cell.startswith("L") for cell in row.cells) for row in side.rows}


def _at(known: Mapping[int, int], at: int) -> int:
    return next((known[time] for time in sorted(known, reverse=True) if time <= at), 0)
