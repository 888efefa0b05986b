"""POP3: fetch mail, and perhaps take it away."""

from __future__ import annotations

from poplib import POP3
from typing import Any

from prayog_protocols.engine.real.servers.mailboxes import MAILBOXES


def enter(lab: Any) -> POP3:
    server = POP3("127.0.0.1", lab.port("pop3"), timeout=5)
    server.user("asha")
    server.pass_("chai")
    return server


def read(lab: Any) -> None:
    server = enter(lab)
    count, size = server.stat()
    server.list()
    _, lines, _ = server.retr(1)
    server.dele(1)
    before = len(MAILBOXES.inbox.messages)
    server.quit()
    lab.tell(
        "mailbox",
        count=count,
        size=size,
        lines=len(lines),
        before_quit=before,
        after_quit=len(MAILBOXES.inbox.messages),
    )


def keep(lab: Any) -> None:
    server = enter(lab)
    server.capa()
    server.uidl()
    _, top, _ = server.top(2, 1)
    server.quit()
    lab.tell("mailbox", lines=len(top), after_quit=len(MAILBOXES.inbox.messages))


def reset(lab: Any) -> None:
    server = enter(lab)
    server.dele(1)
    server.dele(2)
    server.rset()
    server.quit()
    lab.tell("mailbox", after_quit=len(MAILBOXES.inbox.messages))
