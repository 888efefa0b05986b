"""SMTP: a message is handed over, line by line."""

from __future__ import annotations

import smtplib
from imaplib import IMAP4
from poplib import POP3
from typing import Any

from prayog_protocols.engine.real.servers.mailboxes import MAILBOXES

MESSAGE = """\
From: ravi@example.test
To: asha@example.test
Subject: Platform change
Date: Mon, 01 Jun 2026 12:00:00 +0530
Message-ID: <train-2@example.test>

The 12951 leaves from platform 4.
.This line begins with a dot.
"""


def post(lab: Any, name: str = "smtp") -> smtplib.SMTP:
    return smtplib.SMTP("127.0.0.1", lab.port(name), local_hostname="laptop.test", timeout=5)


def kept(lab: Any) -> None:
    last = MAILBOXES.inbox.messages[-1].data
    lab.tell("kept", messages=len(MAILBOXES.inbox.messages), dot=b"\r\n.This" in last, doubled=b"\r\n..This" in last)


def send(lab: Any) -> None:
    server = post(lab)
    server.sendmail("ravi@example.test", ["asha@example.test"], MESSAGE)
    server.quit()
    kept(lab)


def starttls(lab: Any) -> None:
    server = post(lab, "submission")
    server.starttls(context=lab.authority.client())
    server.login("asha", "chai")
    server.sendmail("ravi@example.test", ["asha@example.test"], MESSAGE)
    server.quit()
    kept(lab)


def refused(lab: Any) -> None:
    server = post(lab)
    missed = server.sendmail("ravi@example.test", ["asha@example.test", "nobody@example.test"], MESSAGE)
    server.quit()
    lab.tell("refused", addresses=sorted(missed), codes=[code for code, _ in missed.values()])


def relay(lab: Any) -> None:
    server = post(lab)
    server.sendmail("ravi@example.test", ["asha@example.test"], MESSAGE)
    server.quit()
    phone = IMAP4("127.0.0.1", lab.port("imap"), timeout=5)
    phone.login("asha", "chai")
    phone.select("INBOX")
    _, found = phone.search(None, "SUBJECT", "Platform")
    phone.fetch(found[0].decode(), "(BODY.PEEK[])")
    phone.logout()
    laptop = POP3("127.0.0.1", lab.port("pop3"), timeout=5)
    laptop.user("asha")
    laptop.pass_("chai")
    number = laptop.stat()[0]
    laptop.retr(number)
    laptop.dele(number)
    laptop.quit()
    lab.tell("mail path", found=found[0].decode(), left=len(MAILBOXES.inbox.messages))
