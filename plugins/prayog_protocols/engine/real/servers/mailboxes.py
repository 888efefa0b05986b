"""Where mail lies: folders of messages, shared by the servers that take it and those that hand it out."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["MAILBOXES", "Folder", "Mailboxes", "Message"]

WELCOME = (
    b"From: shop@example.test\r\nTo: asha@example.test\r\nSubject: Order\r\nDate: Mon, 01 Jun 2026 10:00:00 +0530\r\n"
    b"Message-ID: <order-1@example.test>\r\n\r\nTwo chai, one samosa.\r\n.and a line that begins with a dot\r\n",
    b"From: ravi@example.test\r\nTo: asha@example.test\r\nSubject: Train\r\nDate: Mon, 01 Jun 2026 11:00:00 +0530\r\n"
    b"Message-ID: <train-1@example.test>\r\n\r\nThe 12951 leaves at five.\r\n",
)


@dataclass(slots=True)
class Message:
    """One message of a folder; `uid` is never used again (RFC 9051 §2.3.1.1)."""

    uid: int
    data: bytes
    flags: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Folder:
    """Messages in the order in which they came."""

    messages: list[Message] = field(default_factory=list)
    next_uid: int = 1
    validity: int = 1

    def add(self, data: bytes, flags: set[str] | None = None) -> Message:
        """One more message."""
        self.messages.append(Message(self.next_uid, data, set(flags or ())))
        self.next_uid += 1
        return self.messages[-1]


class Mailboxes:
    """Asha's folders."""

    user, password = "asha", "chai"

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Two messages, as at the beginning of every conversation."""
        self.folders: dict[str, Folder] = {"INBOX": Folder(), "Orders": Folder()}
        self.locked = False  # by a POP3 client (RFC 1939 §4)
        for data in WELCOME:
            self.inbox.add(data)

    @property
    def inbox(self) -> Folder:
        """Where new mail arrives."""
        return self.folders["INBOX"]

    def knows(self, user: str, password: str) -> bool:
        """The password is right."""
        return (user, password) == (self.user, self.password)


MAILBOXES = Mailboxes()
"""One post office for all servers of the lab process."""
