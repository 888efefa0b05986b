"""Who may do what: accounts, permissions on subjects, a rate for each client, signatures and replays.

Rules
1. Authentication says who it is, authorisation what they may do: the second can fail where the first went well.
2. A signature binds who sent what, when and under which id.  It hides nothing, and alone it stops no replay: whoever
   has heard a signed message can send it again (CloudEvents, "Verifiability": replay is a non-goal).
3. So a guard remembers the ids of a window and refuses what is older than the window.
"""

from __future__ import annotations

from dataclasses import dataclass

from prayog_queues.engine.envelope import Message
from prayog_queues.engine.model.routing import matches
from prayog_queues.engine.model.sealing import signed_by
from prayog_queues.engine.port import Refused

__all__ = ["Account", "Admission", "Bucket"]

SECOND = 1_000_000


@dataclass(frozen=True, slots=True)
class Account:
    """A client that is known: its password, its key for signatures, and the subjects (topic patterns) it may use."""

    name: str
    password: str
    publish: tuple[str, ...] = ("#",)
    subscribe: tuple[str, ...] = ("#",)
    key: str = ""


class Bucket:
    """A token bucket: `rate` a second, and up to `burst` at once."""

    __slots__ = ("at", "burst", "left", "rate")

    def __init__(self, rate: float, burst: float) -> None:
        self.rate, self.burst, self.left, self.at = rate, burst, burst, 0

    def take(self, now: int) -> bool:
        """One token, if there is one."""
        self.left = min(self.burst, self.left + self.rate * (now - self.at) / SECOND)
        self.at = now
        if self.left < 1.0:
            return False
        self.left -= 1.0
        return True


class Admission:
    """The broker's door.  What is left out is not asked for."""

    def __init__(
        self, accounts: tuple[Account, ...] = (), *, passwords: bool = False, signed: bool = False,
        replay_us: int = 0, rate: float = 0.0, burst: float = 10.0,
    ) -> None:  # fmt: skip
        self.accounts = {account.name: account for account in accounts}
        self.passwords = passwords
        self.signed = signed
        self.replay_us = replay_us
        self.rate, self.burst = rate, burst
        self._buckets: dict[str, Bucket] = {}
        self._seen: dict[str, tuple[int, str]] = {}

    def publish(self, message: Message, to: str, client: str, password: str, now: int) -> bool:
        """Let it in, or raise `Refused`; True: the client sent this very message before."""
        if self.rate:
            bucket = self._buckets.setdefault(client, Bucket(self.rate, self.burst))
            if not bucket.take(now):
                raise Refused(f"{client} sends more than {self.rate:g} messages a second", "limited")
        self._may(client, password, to, "publish")
        if self.signed:
            account = self.accounts.get(message.source)
            if account is None or not signed_by(message, account.key):
                raise Refused(f"{message.id} is not signed by {message.source or 'anybody'}", "forged")
        return self._again(message, client, now) if self.replay_us else False

    def subscribe(self, queue: str, client: str, password: str) -> None:
        """Let it read `queue`, or raise `Refused`."""
        self._may(client, password, queue, "subscribe")

    def forget(self, message_id: str) -> None:
        """It was let in and not stored, or what was stored is lost."""
        self._seen.pop(message_id, None)

    def _may(self, client: str, password: str, subject: str, what: str) -> None:
        if not self.passwords:
            return
        account = self.accounts.get(client)
        if account is None or account.password != password:
            raise Refused(f"{client} gave a wrong name or password", "denied")
        allowed = account.publish if what == "publish" else account.subscribe
        if not any(matches(pattern, subject) for pattern in allowed):
            may = ", ".join(allowed) or "nothing"
            raise Refused(f"{client} may not {what} {subject}; it may {what} {may}", "denied")

    def _again(self, message: Message, client: str, now: int) -> bool:
        for known, (at, _) in list(self._seen.items()):
            if at + self.replay_us > now:
                break
            del self._seen[known]
        if message.time_us + self.replay_us <= now:
            window = self.replay_us / SECOND
            raise Refused(f"{message.id} was made longer ago than the window of {window:g} s", "replayed")
        before = self._seen.get(message.id)
        if before is not None:
            if before[1] == client:
                return True
            raise Refused(f"{message.id} came before, from {before[1]}", "replayed")
        self._seen[message.id] = (now, client)
        return False
