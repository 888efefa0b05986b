"""Find the bug: one rule of an algorithm is taken away, and the learner has to say which.

The seed of a hunt picks the broken variant.  On the bench it is called ``bug-7``, so that neither the set-up nor a
saved run tells its name; `unmasked` puts the real one in when the run is built.  Hints come in three steps: the promise
that breaks, a situation in which it does, and the shortest run that shows it.

Rules
1. Everything here follows from algorithm and seed, so a hunt can be given to a friend.
2. What is shown as proof is replayed: the promise fails on it, with this variant and these actions.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from prayog_consensus.engine.families import every, family
from prayog_consensus.engine.setup import CORRECT, Setup
from prayog_consensus.own import own_topic
from prayog_sdk.checks import Check, Verdict
from prayog_sdk.headless import played
from prayog_sdk.params import ParamError
from prayog_sdk.specs import Variant
from prayog_sdk.topic import Topic
from prayog_sim.rng import Rng
from prayog_sim.run import ActionError, Run, TimedAction

__all__ = [
    "HINT", "LATER", "MASK", "Hunt", "NotFound", "Proof", "Score", "begin", "best", "hidden", "huntable", "hunted",
    "mask", "note", "proof", "scores", "unmasked",
]  # fmt: skip

MASK = "bug-"
CHOICES = 5
START, HINT, WRONG, FREE_ACTIONS = 100, 20, 25, 12
"""Points: at the start, for a hint, for a wrong guess; actions that cost nothing (each further one costs a point)."""
LATER = frozenset({"leader_in_time", "decided", "agreed", "converged", "nobody_blocked"})
"""Checks that may come true later: until then they are open, not broken."""


class NotFound(RuntimeError):
    """No run shows the fault; a sentence."""


@dataclass(frozen=True, slots=True)
class Hunt:
    """What the learner may know.  ``choices`` are (name, title, story); ``knobs`` make the run.

    ``promise``, ``situation`` are the first two hints.
    """

    algorithm: str
    seed: int
    knobs: Mapping[str, Any]
    choices: tuple[tuple[str, str, str], ...]
    promise: str
    situation: str

    def right(self, name: str) -> bool:
        return hidden(self.algorithm, self.seed).name == name

    @property
    def answer(self) -> tuple[str, str]:
        """Title and story of the rule that is missing."""
        found = hidden(self.algorithm, self.seed)
        return found.title, found.story


@dataclass(frozen=True, slots=True)
class Proof:
    """A run at whose end the promise is broken, with how many actions there were before and after minimising."""

    run: Run
    reason: str
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Score:
    """How a hunt went.  Time is told and costs nothing: nobody should have to hurry."""

    algorithm: str
    seed: int
    seconds: int
    actions: int
    hints: int
    wrong: int
    found: bool

    @property
    def points(self) -> int:
        if not self.found:
            return 0
        spent = HINT * self.hints + WRONG * self.wrong + max(0, self.actions - FREE_ACTIONS)
        return max(1, START - spent)


# -- the hunt ----------------------------------------------------------------------------------------------------


def mask(seed: int) -> str:
    """The name of the hidden variant on the bench."""
    return f"{MASK}{seed}"


def huntable(algorithm: str) -> bool:
    """At least two rules can be taken away, so that there is something to choose from."""
    return len(family(algorithm).variants) >= 2


def hidden(algorithm: str, seed: int) -> Variant:
    """The variant of this hunt."""
    return Rng.derive(seed, "hunt", algorithm).choice(family(algorithm).variants)


def unmasked(params: Setup) -> Setup:
    """`params` with the broken variant in the place of its mask.  Raises `ParamError` with a sentence."""
    if not params.variant.startswith(MASK):
        return params
    number = params.variant.removeprefix(MASK)
    title = family(params.algorithm).title
    if not number.isdigit():
        raise ParamError(f"a hunt is called {MASK} and a number, such as {MASK}7; found {params.variant!r}")
    if not huntable(params.algorithm):
        raise ParamError(f"{title} has fewer than two rules that can be taken away, so there is no bug to find")
    found = hidden(params.algorithm, int(number))
    return replace(params, **{"variant": CORRECT, **found.params, "algorithm": params.algorithm})


def begin(algorithm: str, seed: int) -> Hunt:
    """The hunt of this seed.  Raises `ParamError` when the algorithm has nothing to hunt."""
    unmasked(Setup(algorithm=algorithm, variant=mask(seed)))
    topic, chosen = own_topic(), family(algorithm)
    found = hidden(algorithm, seed)
    others = [variant for variant in chosen.variants if variant.name != found.name]
    rng = Rng.derive(seed, "hunt", algorithm, "choices")
    rng.shuffle(others)
    shown = [found, *others[: CHOICES - 1]]
    rng.shuffle(shown)
    scenario = topic.scenario(found.scenario)
    return Hunt(
        algorithm,
        seed,
        {**scenario.params, "algorithm": algorithm, "variant": mask(seed)},
        tuple((variant.name, variant.title, variant.story) for variant in shown),
        _promise(topic, found),
        f"{scenario.title}. {scenario.about}",
    )


def _promise(topic: Topic, variant: Variant) -> str:
    """The promise that breaks, in words; of “safe”, the invariant that is violated first."""
    run, check, verdict, _ = _failing(topic, variant)
    try:
        return (variant.caught_by == "safe" and _violated(run, verdict)) or check.title
    finally:
        run.close()


def _violated(run: Run, verdict: Verdict) -> str:
    """The invariant that the verdict points at, and what is wrong; empty when it points at something else."""
    step = run.trace[verdict.at] if verdict.at is not None else None
    if step is None or step.kind != "violation":
        return ""
    return f"{step.data['name'].replace('_', ' ')}: {step.data['sentence']}"


# -- the proof ---------------------------------------------------------------------------------------------------


def proof(algorithm: str, seed: int, progress: Callable[[int, int, str], None] = lambda *_: None) -> Proof:
    """The shortest run that shows the fault: no action of it can be left out.

    Raises `NotFound`.
    """
    topic, variant = own_topic(), hidden(algorithm, seed)
    full, check, _, own_seed = _failing(topic, variant)
    actions, end = list(full.actions), full.trace[-1].at
    full.close()
    params = _params(topic, variant)

    def fails(some: list[TimedAction]) -> Verdict | None:
        run = _again(topic, params, own_seed, some, end)
        if run is None:
            return None
        verdict = check.judge(run.trace)
        run.close()
        return None if verdict.ok else verdict

    if fails(actions) is None:
        raise NotFound("The fault does not show when the actions are done again; this hunt has no shortest run.")
    before = len(actions)
    for done, action in enumerate(reversed(list(actions)), 1):
        progress(done, before, "")
        fewer = [other for other in actions if other is not action]
        if fails(fewer) is not None:
            actions = fewer
    verdict = fails(actions)
    assert verdict is not None
    run = _again(topic, params, own_seed, actions, end, verdict.at)
    assert run is not None
    return Proof(run, _violated(run, verdict) or verdict.reason, before, len(actions))


def _failing(topic: Topic, variant: Variant) -> tuple[Run, Check, Verdict, int]:
    """The variant on its scenario, on the first seed on which its check fails."""
    scenario, params = topic.scenario(variant.scenario), _params(topic, variant)
    check = topic.checks(params)[variant.caught_by]
    for seed in range(scenario.seed, scenario.seed + variant.seeds):
        run = played(topic, scenario, seed, variant.params)
        verdict = check.judge(run.trace)
        if not verdict.ok:
            return run, check, verdict, seed
        run.close()
    raise NotFound(f"{check.title}: no seed of {scenario.title} shows the fault.")


def _params(topic: Topic, variant: Variant) -> Any:
    return topic.params({**topic.scenario(variant.scenario).params, **variant.params})


def _again(
    topic: Topic, params: Any, seed: int, actions: list[TimedAction], end: int, last: int | None = None
) -> Run | None:
    """The run with just these actions at their times, up to `end` or step `last`; None when one cannot be done."""
    run = topic.build(params, seed)

    def over() -> bool:
        return last is not None and len(run.trace) > last

    def go(until: int) -> None:
        while not over() and run.next_at is not None and run.next_at <= until and run.step() is not None:
            pass

    try:
        for timed in actions:
            go(timed.at)
            if over():
                return run
            run.do(timed.action, timed.at)
    except ActionError:
        run.close()
        return None
    go(end)
    return run


# -- the score ---------------------------------------------------------------------------------------------------


def note(file: Path, score: Score) -> None:
    """Add a line to the list of hunts.  Raises `OSError`."""
    with file.open("a", encoding="utf-8") as out:
        out.write(json.dumps(asdict(score)) + "\n")


def scores(file: Path) -> list[Score]:
    """All hunts so far, the oldest first; a line that cannot be read is left out."""
    return list(_lines(file))


def best(known: list[Score], algorithm: str) -> int:
    """The most points of a hunt on this algorithm; 0 when there was none."""
    return max((score.points for score in known if score.algorithm == algorithm), default=0)


def _lines(file: Path) -> Iterator[Score]:
    try:
        rows = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return
    for row in rows:
        try:
            yield Score(**json.loads(row))
        except (ValueError, TypeError):
            continue


def hunted() -> list[str]:
    """The titles of the algorithms that can be hunted."""
    return [chosen.title for chosen in every() if huntable(chosen.name)]
