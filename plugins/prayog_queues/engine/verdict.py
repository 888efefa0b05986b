"""What is found wrong with a run: each finding names the message and the steps that prove it.

The steps of a finding are a minimal counter-example: those few that cannot be left out of the story, in their order.
`judging` finds them; panels, checks and reports read them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["KINDS", "Finding", "Kind", "Verdict", "tell"]


@dataclass(frozen=True, slots=True)
class Kind:
    """One sort of finding: its `title`, what it `means`, and how bad it is: ``bad``, ``warn`` or ``note``."""

    name: str
    title: str
    means: str
    tone: str


KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("lost", "Lost", "The broker confirmed it. No effect came, and it is nowhere any more.", "bad"),
        Kind("duplicate", "Duplicate effect", "The world was changed more than once for one message.", "bad"),
        Kind("unexpected", "Unexpected", "An effect of a message that nobody published, or that was refused.", "bad"),
        Kind("silent", "Dropped in silence", "The broker threw it away and told nobody.", "bad"),
        Kind("overlap", "Two at once", "Two handlers worked on one message at the same time.", "warn"),
        Kind("stale_effect", "Effect without a lease", "A handler acted although its lease was over.", "warn"),
        Kind("stale_ack", "Late ack accepted", "An acknowledgement counted although its lease was over.", "warn"),
        Kind("reordered", "Out of order", "For one key, a later message took effect before an earlier one.", "warn"),
        Kind("recovered", "Recovered", "The producer got no answer, and yet the message was there.", "note"),
    )
}
"""In the order in which they are shown."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong: `seqs` are the steps that prove it, in order; the last one is where it shows."""

    kind: str
    message: str
    queue: str
    key: str
    seqs: tuple[int, ...]
    sentence: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """All that was found, and the numbers around it.

    ``counts`` has every kind, zero too.  ``findings`` shows at most `Judge.most` of each kind.  ``finished``: the run
    said that all work is done; before that, what waits is not lost.
    """

    counts: Mapping[str, int]
    findings: tuple[Finding, ...]
    published: int = 0
    confirmed: int = 0
    effects: int = 0
    waiting: int = 0
    """Confirmed, without an effect, and still there: in a queue, or in the hands of a consumer."""
    dead: int = 0
    """In a dead-letter queue."""
    dropped: int = 0
    """Thrown away, told or not."""
    deliveries: int = 0
    redelivered: int = 0
    stale_rejected: int = 0
    """Late acknowledgements that the broker refused: fencing at work, not a fault."""
    most_attempts: int = 0
    finished: bool = False
    steps: Mapping[str, int] = field(default_factory=dict)
    """The step at which the first finding of a kind shows."""
    missing: int = 0
    """Never arrived, and nobody had promised it: no confirmation and no refusal, and the run is over."""

    @property
    def clean(self) -> bool:
        """Nothing is wrong (a recovered message is no fault)."""
        return not any(self.counts[kind] for kind in KINDS if kind != "recovered")

    def of(self, kind: str) -> tuple[Finding, ...]:
        """The findings of one kind that are shown."""
        return tuple(finding for finding in self.findings if finding.kind == kind)

    def sentence(self) -> str:
        """The whole in one line."""
        bad = [f"{KINDS[kind].title.lower()} {count:,}" for kind, count in self.counts.items() if count]
        told = ", ".join(bad) if bad else "nothing is wrong"
        where = "" if self.finished else " so far"
        if self.missing:
            told += f"; {self.missing:,} never arrived, and nobody had promised that they would"
        return f"{self.published:,} published, {self.effects:,} effects{where}: {told}."


def tell(kind: str, message: str, queue: str, key: str, number: int, who: tuple[str, ...], why: str) -> str:
    """What happened to `message`, in a sentence; `who` are the others in it, `why` is a word of the run."""
    of = f" of {queue}" if queue else ""
    if kind == "lost":
        return f"{message}{of} was confirmed and never took effect: {why}."
    if kind == "duplicate":
        return f"{message}{of} took effect again{f' ({why})' if why else ''}."
    if kind == "unexpected":
        return f"{message} took effect although {'it was refused' if why else 'nobody published it'}."
    if kind == "silent":
        return f"{message} was dropped from {queue or 'the broker'}{f' ({why})' if why else ''}, and nobody was told."
    if kind == "overlap":
        return f"{who[1]} began to work on {message}{of} while {who[0]} was still at it."
    if kind == "stale_effect":
        return f"{message}{of} took effect by a handler whose lease was over."
    if kind == "stale_ack":
        return f"The broker accepted an acknowledgement of {message}{of} after the lease was over."
    if kind == "reordered":
        return f"{message}, number {number} of {key or 'its key'}, took effect after {who[0]}, which came later."
    return f"The producer was never told, and yet {message} arrived."
