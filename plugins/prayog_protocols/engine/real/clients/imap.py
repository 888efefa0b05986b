"""IMAP: mail stays on the server, and every device sees the same."""

from __future__ import annotations

from imaplib import IMAP4
from typing import Any

from prayog_protocols.engine.real.servers.mailboxes import MAILBOXES


def enter(lab: Any) -> IMAP4:
    server = IMAP4("127.0.0.1", lab.port("imap"), timeout=5)
    server.login("asha", "chai")
    return server


def seen(number: int) -> bool:
    return "\\Seen" in MAILBOXES.inbox.messages[number - 1].flags


def read(lab: Any) -> None:
    phone = enter(lab)
    phone.list()
    phone.select("INBOX")
    _, found = phone.search(None, "UNSEEN")
    phone.fetch("1", "(UID FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT FROM)])")
    after_peek = seen(1)
    phone.fetch("1", "(BODY[TEXT])")
    phone.logout()
    lab.tell("seen", unseen=found[0].decode(), after_peek=after_peek, after_body=seen(1))


def folders(lab: Any) -> None:
    phone = enter(lab)
    phone.create("Trains")
    phone.append("Trains", "", "", b"Subject: Ticket\r\n\r\nSeat 42.\r\n")
    phone.select("INBOX")
    phone.copy("2", "Trains")
    phone.store("2", "+FLAGS", "\\Deleted")
    phone.expunge()
    phone.rename("Trains", "Journeys")
    phone.close()
    phone.logout()
    lab.tell("folders", inbox=len(MAILBOXES.inbox.messages), journeys=len(MAILBOXES.folders["Journeys"].messages))


def two_devices(lab: Any) -> None:
    phone, laptop = enter(lab), enter(lab)
    phone.select("INBOX")
    laptop.select("INBOX")
    phone.store("1", "+FLAGS", "\\Flagged")
    laptop.noop()
    told = laptop.response("FETCH")[1]
    laptop.uid("STORE", "1", "+FLAGS", "(\\Seen)")
    phone.noop()
    phone.logout()
    laptop.logout()
    lab.tell(
        "told",
        flagged=any(b"Flagged" in line for line in told if line),
        flags=sorted(MAILBOXES.inbox.messages[0].flags),
    )
