"""Random faults for a cluster, drawn from the seed: servers crash and come back, the network is cut and mended.

Whoever wants to know whether an election is safe lets it run under hundreds of such schedules (as Jepsen and Maelstrom
do).

Rules
1. A storm is a function of the seed, never of the run: all variants and all functions of learners meet the same one.
2. The first leader is chosen by the storm, so that half of the storms can let its log and those of the others *drift*
   apart: it writes on alone, the others elect another, and then it comes back and asks for votes.
3. At `CALM_US` everybody is back and the network is whole, so that afterwards something has to work again.
"""

from __future__ import annotations

from collections.abc import Iterator

from prayog_sdk.checks import Check, Verdict
from prayog_sim.actions import Fault, fault
from prayog_sim.clock import format_us
from prayog_sim.rng import Rng
from prayog_sim.trace import Trace

__all__ = ["CALM_US", "WORKS_AGAIN", "storm"]

CALM_US = 2_500_000
"""From here on there are no faults any more."""
_ALONE = 8  # entries that the first leader writes alone


def storm(servers: tuple[str, ...], everybody: tuple[str, ...], seed: int) -> tuple[Fault, ...]:
    """The faults of `seed`: `servers` crash, `everybody` (clients too) can be cut off."""
    rng = Rng.derive(seed, "storm")
    first = rng.choice(servers)
    faults = [fault(1_000, "campaign", node=first)]
    at = 400_000
    if rng.random() < 0.5:
        at = rng.randint(900_000, 1_100_000)
        faults += _drift(first, everybody, at)
        at += 250_000
    return (*faults, *_weather(servers, everybody, at, rng))


def _drift(first: str, everybody: tuple[str, ...], until: int) -> Iterator[Fault]:
    """Nobody hears the first leader, which writes on; it dies, and is back to ask for votes in a newer term."""
    others = ",".join(name for name in everybody if name != first)
    yield fault(250_000, "partition", groups=f"{first}|{others}")
    for number in range(_ALONE):
        yield fault(260_000 + 1_000 * number, "propose", node=first, value=f"alone {number}")
    yield fault(until - 100_000, "crash", node=first)
    yield fault(until, "heal")
    yield fault(until, "restart", node=first)
    for _ in range(3):  # each raises its term by one: beyond that of the others
        yield fault(until, "campaign", node=first)


def _weather(servers: tuple[str, ...], everybody: tuple[str, ...], at: int, rng: Rng) -> Iterator[Fault]:
    """Crashes, cuts and elections until all is calm."""
    down: list[str] = []
    cut = False
    while at < CALM_US:
        up = [name for name in servers if name not in down]
        kind = rng.choice(("crash", "crash", "restart", "restart", "partition", "heal", "campaign"))
        if kind == "crash" and len(up) > 1:
            down.append(rng.choice(up))
            yield fault(at, "crash", node=down[-1])
        elif kind == "restart" and down:
            yield fault(at, "restart", node=down.pop(rng.randint(0, len(down) - 1)))
        elif kind == "partition" and not cut:
            yield fault(at, "partition", groups=_groups(everybody, rng))
            cut = True
        elif kind == "heal" and cut:
            yield fault(at, "heal")
            cut = False
        elif kind == "campaign":
            for name in rng.sample(up, min(2, len(up))):
                yield fault(at, "campaign", node=name)
        at += rng.randint(60_000, 260_000)
    if cut:
        yield fault(CALM_US, "heal")
    for name in down:
        yield fault(CALM_US, "restart", node=name)


def _works_again(trace: Trace) -> Verdict:
    last = next((step for step in reversed(trace) if step.data.get("by") == "schedule"), None)
    if last is None:
        return Verdict(False, "there was no fault yet that came by itself")
    answered = next((s for s in trace[last.seq :] if any(e.kind == "ok" for e in s.effects)), None)
    when = format_us(last.at)
    if answered is None:
        return Verdict(False, f"no client was answered after the last fault, at {when}", trace[-1].seq)
    return Verdict(True, f"after the last fault, at {when}, a client was answered at {format_us(answered.at)}")


WORKS_AGAIN = Check(
    "works_again", "After the last fault of a storm the clients are served again", _works_again, "Liveness."
)


def _groups(everybody: tuple[str, ...], rng: Rng) -> str:
    """Everybody in one of two groups."""
    names = list(everybody)
    rng.shuffle(names)
    middle = rng.randint(1, len(names) - 1)
    return f"{','.join(names[:middle])}|{','.join(names[middle:])}"
