"""What a consumer does with one message, as a function that is asked for the next step: built in, or the learner's.

Which step comes before which decides what a crash between two of them does.  The steps:

* ``work``: think, render, compute; takes the time that work takes
* ``ask``: look into the inbox whether this message was done before; afterwards `seen` is True or False
* ``charge``: the effect, at the bank, in a transaction of its own
* ``record``: write into the inbox that it was done, in a transaction of its own
* ``charge and record``: both in one transaction: both happen or none; if it was recorded before, neither happens again
* ``ack``: tell the broker that it is done
* ``done``: nothing is left to do; ``retry``: give it back; ``park``: put it aside
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from prayog_sdk.specs import CodeSpec

__all__ = ["CODE", "HANDLERS", "POINTS", "STEPS", "YOURS", "Next", "wrong"]

YOURS = "yours"
STEPS = ("work", "ask", "charge", "record", "charge and record", "ack", "done", "retry", "park")
POINTS = (
    "before_receive", "after_receive", "before_work", "after_work", "after_effect", "after_record", "before_ack",
    "after_ack",
)  # fmt: skip
"""Where a handler can be struck, in the order in which ack-last meets them."""

Next = Callable[[str, int, Sequence[str], bool | None], str]
"""``(message id, attempt, steps done, seen) -> next step``"""


def ack_first(message: str, attempt: int, did: Sequence[str], seen: bool | None) -> str:
    """At most once: nothing comes back, whatever happens to the handler."""
    return _in_order(("ack", "work", "charge"), did)


def ack_last(message: str, attempt: int, did: Sequence[str], seen: bool | None) -> str:
    """At least once: whoever dies before the acknowledgement is followed by another who does it all again."""
    return _in_order(("work", "charge", "ack"), did)


def separate_key(message: str, attempt: int, did: Sequence[str], seen: bool | None) -> str:
    """A key, but in two transactions: between charge and record is a gap through which a crash fits."""
    if "ask" not in did:
        return "ask"
    return _in_order(("ask", "ack") if seen else ("ask", "work", "charge", "record", "ack"), did)


def inbox(message: str, attempt: int, did: Sequence[str], seen: bool | None) -> str:
    """Effect and key in one transaction, acknowledged last: effectively once."""
    return _in_order(("work", "charge and record", "ack"), did)


def _in_order(steps: Sequence[str], did: Sequence[str]) -> str:
    return next((step for step in steps if step not in did), "done")


HANDLERS: dict[str, Next | None] = {
    "ack first": ack_first,
    "ack last": ack_last,
    "separate key": separate_key,
    "inbox": inbox,
    YOURS: None,
}
"""By name; “yours” is compiled from the learner's text."""

STARTER = '''\
def next_step(message, attempt, did, seen):
    """What the consumer does next with one message: one of the words below.

    message    its id; attempt: 1 at the first hand-out, 2 at the second, ...
    did        the steps that this hand-out has behind it, oldest first
    seen       after "ask": True when the inbox has this message, else False

    "work"                do what takes time
    "ask"                 look into the inbox
    "charge"              take the money, in a transaction of its own
    "record"              write the id into the inbox, in a transaction of its own
    "charge and record"   both in one transaction, or neither if it is there already
    "ack"                 tell the broker that it is done
    "retry", "park"       give it back; put it aside
    "done"                nothing is left to do

    A consumer may crash between any two steps. Then another is handed the message.
    """
    if "work" not in did:
        return "work"
    if "charge" not in did:
        return "charge"
    if "ack" not in did:
        return "ack"
    return "done"
'''
CODE = CodeSpec(
    "next_step", "code", "Write the handler",
    "Say which step comes next, so that a crash between any two of them neither loses a payment nor takes it twice.",
    STARTER, steps=500,
)  # fmt: skip


def wrong(value: object) -> str:
    """What is wrong with a value that the learner's function returned; nothing, if it is a step."""
    return "" if value in STEPS else f"must return one of {', '.join(STEPS)}; it returned {value!r}"
