"""The network between the nodes: how long messages take, and what may happen to them on the way.

`Network` and `Link` are values that a topic builds from its knobs; `Wires` is the network of one run, with its
cuts and its random streams.

Rules
1. A message's fate is settled when it is sent: it arrives at a known time, twice, or never.  Later faults may
   still touch it (see `faults`).
2. Messages on one link may overtake each other, as datagrams do, unless the link is `ordered`, as TCP is.
3. Each link has one stream for delays and one for loss, duplication and detours, named after the link.  So
   changing the loss of a link leaves its delays as they were, and adding a node shifts nobody's numbers.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from prayog_sim.clock import format_us, parse_duration
from prayog_sim.rng import Rng, short_words, stream_key
from prayog_sim.values import require_value

__all__ = ["Exponential", "Fixed", "Latency", "Link", "LogNormal", "Network", "Uniform", "Wires", "parse_latency"]

_WORD = 65_536  # numbers of 16 bits: a distribution has that many levels, its rarest value 1 in 65,536


class Latency(Protocol):
    """A distribution of delays: it turns random numbers of 16 bits into as many delays in µs."""

    def delays(self, words: Sequence[int]) -> list[int]: ...


@dataclass(frozen=True, slots=True)
class Fixed:
    """Always `delay` µs."""

    delay: int

    def delays(self, words: Sequence[int]) -> list[int]:
        return [self.delay] * len(words)

    def __str__(self) -> str:
        return format_us(self.delay)


@dataclass(frozen=True, slots=True)
class Uniform:
    """Any delay from `low` to `high` µs, each as likely."""

    low: int
    high: int

    def delays(self, words: Sequence[int]) -> list[int]:
        low, span = self.low, self.high - self.low + 1
        return [low + (word * span >> 16) for word in words]

    def __str__(self) -> str:
        return f"{format_us(self.low)} to {format_us(self.high)}"


@dataclass(frozen=True, slots=True)
class Exponential:
    """Memoryless delays of `mean` µs on average: most are short, some are very long (at most 12 means)."""

    mean: int

    def delays(self, words: Sequence[int]) -> list[int]:
        mean, log = self.mean, math.log
        return [int(-mean * log((word + 0.5) / _WORD)) for word in words]

    def __str__(self) -> str:
        return f"exponential, mean {format_us(self.mean)}"


@dataclass(frozen=True, slots=True)
class LogNormal:
    """A long-tailed delay as measured on real networks: half are below `median` µs; `sigma` spreads the tail."""

    median: int
    sigma: float = 0.5

    def delays(self, words: Sequence[int]) -> list[int]:
        found = []
        for first, second in zip(words[::2], words[1::2], strict=True):  # Box and Muller: two from two
            radius = self.sigma * math.sqrt(-2.0 * math.log((first + 0.5) / _WORD))
            angle = math.tau * second / _WORD
            found += [int(self.median * math.exp(radius * f(angle))) for f in (math.cos, math.sin)]
        return found

    def __str__(self) -> str:
        return f"log-normal, median {format_us(self.median)}, sigma {self.sigma}"


def parse_latency(text: str) -> Latency:
    """``2ms``, ``1ms..5ms``, ``exponential 3ms`` or ``lognormal 3ms 0.5``; `ValueError` with a sentence."""
    words = text.replace("..", " .. ").split()
    match words:
        case [low, "..", high]:
            bounds = parse_duration(low), parse_duration(high)
            if not 0 <= bounds[0] <= bounds[1]:
                raise ValueError(f"{text!r} must go from a smaller to a larger delay, and not below zero")
            return Uniform(*bounds)
        case ["exponential", mean]:
            return Exponential(parse_duration(mean))
        case ["lognormal", median]:
            return LogNormal(parse_duration(median))
        case ["lognormal", median, sigma]:
            return LogNormal(parse_duration(median), float(sigma))
        case [delay] if (amount := parse_duration(delay)) >= 0:
            return Fixed(amount)
    raise ValueError(f"{text!r} is not a delay: write 2ms, 1ms..5ms, 'exponential 3ms' or 'lognormal 3ms 0.5'")


@dataclass(frozen=True, slots=True)
class Link:
    """One direction between two nodes.  `loss`, `duplicate` and `reorder` are probabilities from 0 to 1.

    A message that is hit by `reorder` takes a detour: a second delay on top of the first, so that later messages
    overtake it.  An `ordered` link delivers in the order of sending: a slow message holds up those behind it.
    """

    latency: Latency = Uniform(1_000, 5_000)
    loss: float = 0.0
    duplicate: float = 0.0
    reorder: float = 0.0
    ordered: bool = False

    def __post_init__(self) -> None:
        for name in ("loss", "duplicate", "reorder"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ValueError(f"{name} is a probability from 0 to 1, not {getattr(self, name)}")

    @property
    def plain(self) -> bool:
        """Each message arrives exactly once, after its own delay."""
        return not (self.loss or self.duplicate or self.reorder or self.ordered)


LOOPBACK = Link(Fixed(1))


@dataclass(frozen=True, slots=True)
class Network:
    """`link` between any two nodes, except where `links` names another for ``(src, dst)``."""

    link: Link = Link()
    links: Mapping[tuple[str, str], Link] = field(default_factory=dict)


class _Lane:
    """One link in use: delays drawn ahead, and how far its two streams were used."""

    __slots__ = ("block", "cut", "delays", "fate", "key", "last", "link", "plain")

    def __init__(self, key: bytes, link: Link, cut: bool, past: LaneState) -> None:
        self.key = key
        self.link = link
        self.plain = link.plain
        self.cut = cut
        self.block, left, self.last, fate = past
        self.fate = fate.copy() if fate is not None else None
        self.delays: list[int] = []
        if left:
            self.refill(self.block - 1)
            del self.delays[left:]

    def refill(self, block: int) -> None:
        self.delays[:] = self.link.latency.delays(short_words(self.key, block))
        self.block = block + 1

    def draw(self) -> int:
        if not self.delays:
            self.refill(self.block)
        return self.delays.pop()


LaneState = tuple[int, int, int, Rng | None]
WiresState = tuple[dict[tuple[str, str], Link], frozenset[tuple[str, str]], dict[tuple[str, str], LaneState]]


class Wires:
    """The network of one run.

    ``fast[src][dst]`` are the delays drawn ahead for a plain, uncut link: the driver takes them from there
    without a call.  Everything else goes through `send`.
    """

    def __init__(self, seed: int, network: Network, names: Sequence[str]) -> None:
        self._seed = seed
        self._usual = network.link
        self._links = dict(network.links)
        self._lanes: dict[tuple[str, str], _Lane] = {}
        self._past: dict[tuple[str, str], LaneState] = {}
        self.cuts: frozenset[tuple[str, str]] = frozenset()
        self.fast: dict[str, dict[str, list[int]]] = {name: {} for name in names}

    def refill(self, src: str, dst: str, msg: Any) -> list[int] | None:
        """Delays for a plain link, also in `fast` from now on; None when `send` has to decide."""
        lane = self._lanes.get((src, dst)) or self._lane(src, dst)
        if lane.cut or not lane.plain:
            return None
        if not lane.delays:
            require_value(msg)  # the first on a link, and every 64th
            lane.refill(lane.block)
        self.fast[src][dst] = lane.delays
        return lane.delays

    def send(self, src: str, dst: str, msg: Any, at: int) -> tuple[Sequence[int], str]:
        """When copies of `msg`, sent now, arrive (none, one or two times, µs), and what befell it in a word."""
        require_value(msg)
        lane = self._lane(src, dst)
        if lane.cut:
            return [], "cut"
        link = lane.link
        if lane.plain:
            return [at + lane.draw()], ""
        lane.fate = lane.fate or Rng.derive(self._seed, "link", src, dst, "fate")
        lost, doubled, detour = (lane.fate.random() for _ in range(3))  # always three: a rate shifts no stream
        arrives = at + lane.draw()
        copies = [at + lane.draw()] if doubled < link.duplicate else []
        if detour < link.reorder:
            arrives += lane.draw()
        elif link.ordered:
            arrives = max(arrives, lane.last)
        if lost < link.loss:
            return [], "lost"
        lane.last = max(arrives, lane.last) if not detour < link.reorder else lane.last
        return [arrives, *copies], "doubled" if copies else "detour" if detour < link.reorder else ""

    def cut(self, pairs: Iterable[tuple[str, str]]) -> None:
        """From now on exactly these directed links deliver nothing."""
        self.cuts = frozenset(pairs)
        for (src, dst), lane in self._lanes.items():
            lane.cut = (src, dst) in self.cuts
            if lane.cut:
                self.fast[src].pop(dst, None)

    def link(self, src: str, dst: str) -> Link:
        """The link from `src` to `dst` as it is now; what a node sends to itself is never lost."""
        return LOOPBACK if src == dst else self._links.get((src, dst), self._usual)

    def change(self, src: str, dst: str, link: Link) -> None:
        """Replace the link from `src` to `dst`; messages on their way keep their times."""
        self._links[src, dst] = link
        lane = self._lanes.pop((src, dst), None)
        if lane is not None:  # the new link goes on with the random numbers that would have come anyway
            self._past[src, dst] = _used(lane)
        self.fast[src].pop(dst, None)

    def state(self) -> WiresState:
        """All that a checkpoint needs; the streams themselves are found again by name."""
        return dict(self._links), self.cuts, self._past | {pair: _used(lane) for pair, lane in self._lanes.items()}

    def restore(self, state: WiresState) -> None:
        """Put back what `state` gave; links come into use again one by one."""
        self._links, self.cuts, self._past = dict(state[0]), state[1], dict(state[2])
        self._lanes.clear()
        for delays in self.fast.values():
            delays.clear()

    @property
    def size(self) -> int:
        """How many links have been used."""
        return len(self._past.keys() | self._lanes.keys()) if self._past else len(self._lanes)

    def _lane(self, src: str, dst: str) -> _Lane:
        lane = self._lanes.get((src, dst))
        if lane is None:
            if dst not in self.fast:
                raise ValueError(f"{src} sent to {dst!r}, which is not a node; the nodes are {', '.join(self.fast)}")
            key = stream_key(self._seed, "link", src, dst)
            past = self._past.get((src, dst), (0, 0, 0, None))
            lane = _Lane(key, self.link(src, dst), (src, dst) in self.cuts, past)
            self._lanes[src, dst] = lane
        return lane


def _used(lane: _Lane) -> LaneState:
    return lane.block, len(lane.delays), lane.last, lane.fate.copy() if lane.fate is not None else None
