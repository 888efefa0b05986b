"""FTP: one connection for words, another for each file."""

from __future__ import annotations

import ftplib
from typing import Any


def enter(lab: Any) -> ftplib.FTP:
    server = ftplib.FTP(timeout=5)
    server.connect("127.0.0.1", lab.port("ftp"))
    server.login("asha", "chai")
    return server


def fetch(lab: Any, server: ftplib.FTP, mode: str) -> None:
    lines: list[str] = []
    pieces: list[bytes] = []
    server.set_pasv(mode == "passive")
    try:
        server.retrlines("LIST", lines.append)
        server.retrbinary("RETR photo.jpg", pieces.append)
    except ftplib.Error as error:
        blocked = str(error).startswith("425") and lab.tap.closed_doors
        reason = "blocked_inbound" if blocked else str(error)
        lab.tell("transfer", mode=mode, ok=False, bytes=0, reason=reason, text=str(error))
        return
    lab.tell("transfer", mode=mode, ok=True, bytes=sum(map(len, pieces)), reason="")


def passive(lab: Any) -> None:
    server = enter(lab)
    fetch(lab, server, "passive")
    server.quit()


def active(lab: Any) -> None:
    server = enter(lab)
    fetch(lab, server, "active")
    server.quit()


class BehindGateway(ftplib.FTP):
    """A client whose gateway lets nobody in: whoever connects to the port that it names hears nothing."""

    def __init__(self, lab: Any) -> None:
        super().__init__(timeout=5)
        self.lab = lab

    def sendport(self, host: str, port: int) -> str:
        self.lab.tap.closed_doors.add(port)
        return super().sendport(host, port)


def active_behind_nat(lab: Any) -> None:
    server = BehindGateway(lab)
    server.connect("127.0.0.1", lab.port("ftp"))
    server.login("asha", "chai")
    fetch(lab, server, "active")
    fetch(lab, server, "passive")
    server.quit()


COMMANDS = (
    "PWD", "CWD old", "PWD", "CDUP", "TYPE I", "TYPE E", "STRU F", "STRU R", "STRU P", "MODE S", "MODE B", "SYST",
    "SIZE menu.txt", "HELP", "FEAT", "STAT", "NOOP", "RNFR menu.txt", "RNTO card.txt", "DELE nothing.txt", "REIN",
)  # fmt: skip


def commands(lab: Any) -> None:
    server = enter(lab)
    for command in COMMANDS:
        try:
            answer = server.sendcmd(command)
        except ftplib.Error as error:
            answer = str(error)
        lab.tell("reply", command=command, code=int(answer[:3]), text=answer)
    server.quit()
