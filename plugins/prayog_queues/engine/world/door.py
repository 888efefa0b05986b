"""Who is known at the broker's door, with which password and key, and what they may do."""

from __future__ import annotations

from prayog_queues.engine.model.admission import Account, Admission
from prayog_queues.engine.setup import Setup, topology_of
from prayog_queues.engine.world.producer import key_of, password_of

__all__ = ["admission_of"]

REPLAY_US = 60_000_000
"""Ids are remembered for so long; what was made longer ago is refused."""


def admission_of(setup: Setup, producers: tuple[str, ...], consumers: tuple[str, ...]) -> Admission | None:
    """The broker's door as the knobs say; None: it stands open."""
    if setup.door == "open" and not setup.limit:
        return None
    to = topology_of(setup)[1]
    accounts = [Account(name, password_of(name), (to,), (), key_of(name)) for name in producers]
    accounts += [Account(name, password_of(name), ()) for name in consumers]
    accounts.append(Account("guest", password_of("guest"), ("chat.#",), ("chat.#",)))
    signed = setup.door.startswith("signatures")
    return Admission(
        tuple(accounts), passwords=setup.door == "passwords", signed=signed,
        replay_us=REPLAY_US if setup.door == "signatures and ids" else 0, rate=setup.limit,
        burst=max(10.0, setup.limit / 5),
    )  # fmt: skip
