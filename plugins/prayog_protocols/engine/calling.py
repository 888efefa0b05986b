"""FTP calls back: the data connection of active and of passive mode, with and without a router that translates
addresses.

Sources: RFC 959 §3.2 (data connections), RFC 1579 (firewall-friendly FTP: passive), RFC 2663 §2 (NAT), RFC 5382 §4.3 (a
SYN from outside without a mapping is dropped or refused).
"""

from __future__ import annotations

from collections.abc import Iterator

from prayog_protocols.engine.story import Story, told
from prayog_protocols.engine.wire import HOSTS, SYN, Tcp, Wire
from prayog_sdk.run import Emit
from prayog_sim.run import Action, ActionError

__all__ = ["MODES", "Calling"]

MODES = ("active", "passive")
_FILE = b"date,orders\r\n2026-01-01,1204\r\n2026-01-02,1398\r\n"
_OUTSIDE = "home"  # the router’s address, under which the client is seen


class Calling(Story):
    """Action ``fetch``: one file is fetched, in one mode."""

    about = "Fetch the file in active or in passive mode."

    def __init__(self, nat: bool) -> None:
        self._nat = nat
        self._wire = Wire(20)
        super().__init__()
        self.begin("network", nat=nat)

    def perform(self, action: Action) -> Iterator[Emit]:
        mode = str(action.args.get("mode", "active"))
        if action.name != "fetch" or mode not in MODES:
            raise ActionError(f"Fetch the file in one of these modes: {', '.join(MODES)}.")
        return self._fetch(mode)

    def _fetch(self, mode: str) -> Iterator[Emit]:
        wire = self._wire
        wire.wait(1_000)
        client = _OUTSIDE if self._nat else "laptop"
        control = wire.tcp(client, "files", 21)
        yield from told(control.open())
        yield "connected", client, {"what": "control", "opened_by": "client", "port": 21}
        yield from self._line(control, "<", "220 files.example ready")
        for command, reply in (
            ("USER asha", "331 Password, please"),
            ("PASS mango", "230 Logged in"),
            ("TYPE I", "200 Binary"),
        ):
            yield from self._line(control, ">", command)
            yield from self._line(control, "<", reply)
        if mode == "active":
            yield from self._active(control, client)
        else:
            yield from self._passive(control, client)
        yield from self._line(control, ">", "QUIT")
        yield from self._line(control, "<", "221 Goodbye")
        yield from told(control.close())

    def _active(self, control: Tcp, client: str) -> Iterator[Emit]:
        """The client names its port (PORT), and the server calls it from port 20."""
        wire = self._wire
        port = wire.port()
        where = HOSTS[client].replace(".", ",") + f",{port >> 8},{port & 255}"
        yield from self._line(control, ">", f"PORT {where}")
        yield from self._line(control, "<", "200 PORT command successful")
        yield from self._line(control, ">", "RETR sales.csv")
        yield from self._line(control, "<", "150 Opening BINARY mode data connection")
        data = wire.tcp("files", client, port, sport=20)  # here the *server* opens
        if not self._nat:
            yield from told(data.open())
            yield "connected", "files", {"what": "data", "opened_by": "server", "port": port}
            yield from self._send(data, ">", control, "files")
            return
        for attempt, wait in enumerate((1_000, 2_000, 4_000)):  # RFC 6298 §5.5: the timer doubles
            yield data.segment(">", SYN, words="SYN from outside", lost=True, again=attempt > 0).emit()
            reason = "no mapping: nobody inside asked for a connection from this address"
            yield "blocked_inbound", "router", {"reason": "blocked_inbound", "port": port, "why": reason}
            wire.wait(wait)
        yield from self._line(control, "<", "425 Can't open data connection")
        yield "ended", client, {"mode": "active", "reason": "blocked_inbound", "bytes": 0}

    def _passive(self, control: Tcp, client: str) -> Iterator[Emit]:
        """The server names its port (227), and the client calls: outwards, which every router lets through."""
        wire = self._wire
        yield from self._line(control, ">", "PASV")
        port = 50_101
        where = HOSTS["files"].replace(".", ",") + f",{port >> 8},{port & 255}"
        yield from self._line(control, "<", f"227 Entering Passive Mode ({where})")
        data = wire.tcp(client, "files", port)
        yield from told(data.open())
        yield "connected", client, {"what": "data", "opened_by": "client", "port": port}
        yield from self._line(control, ">", "RETR sales.csv")
        yield from self._line(control, "<", "150 Opening BINARY mode data connection")
        yield from self._send(data, "<", control, client)

    def _send(self, data: Tcp, who: str, control: Tcp, opener: str) -> Iterator[Emit]:
        yield from told(data.say(who, _FILE, "the file"))
        yield from told(data.close(who))
        yield from self._line(control, "<", "226 Transfer complete")
        mode = "active" if opener == "files" else "passive"
        yield "ended", opener, {"mode": mode, "reason": "transferred", "bytes": len(_FILE)}

    @staticmethod
    def _line(talk: Tcp, who: str, line: str) -> Iterator[Emit]:
        return told(talk.say(who, line.encode() + b"\r\n", line))
