"""The eleven states of a TCP connection, as a table (RFC 9293 §3.3.2, figure 5, with what its prose adds).

What a segment or a program does to a connection is an event here; the same rows drive `connection`, draw the diagram
and tell the tests which transitions were never tried.
"""

from __future__ import annotations

from prayog_sim.table import Row, Table

__all__ = ["SYNCHRONISED", "TABLE"]

SYNCHRONISED = ("ESTABLISHED", "FIN-WAIT-1", "FIN-WAIT-2", "CLOSE-WAIT", "CLOSING", "LAST-ACK", "TIME-WAIT")
"""States in which both sides know each other's numbers."""
_ABORTED = tuple(Row(state, "RST", "CLOSED", why="the other side ends it at once") for state in SYNCHRONISED)
_GIVEN_UP = tuple(
    Row(state, "abort", "CLOSED", why="our program ends it at once, or nobody answers any more")
    for state in ("SYN-SENT", "SYN-RECEIVED", *SYNCHRONISED)
)

TABLE = Table("CLOSED", (
    Row("CLOSED", "listen", "LISTEN", why="a server waits (passive open)"),
    Row("CLOSED", "open", "SYN-SENT", why="a client sends SYN (active open)"),
    Row("LISTEN", "SYN", "SYN-RECEIVED", why="answered with SYN, ACK"),
    Row("LISTEN", "open", "SYN-SENT", why="the server opens by itself"),
    Row("LISTEN", "close", "CLOSED"),
    Row("SYN-SENT", "SYN, ACK", "ESTABLISHED", why="answered with ACK"),
    Row("SYN-SENT", "SYN", "SYN-RECEIVED", why="both opened at once; answered with SYN, ACK"),
    Row("SYN-SENT", "RST", "CLOSED", why="nobody listens there"),
    Row("SYN-SENT", "close", "CLOSED"),
    Row("SYN-RECEIVED", "ACK of SYN", "ESTABLISHED"),
    Row("SYN-RECEIVED", "FIN", "CLOSE-WAIT"),
    Row("SYN-RECEIVED", "close", "FIN-WAIT-1", why="FIN is sent"),
    Row("SYN-RECEIVED", "RST", "LISTEN", when="listened", why="back to waiting"),
    Row("SYN-RECEIVED", "RST", "CLOSED"),
    Row("ESTABLISHED", "close", "FIN-WAIT-1", why="FIN is sent"),
    Row("ESTABLISHED", "FIN", "CLOSE-WAIT", why="answered with ACK"),
    Row("FIN-WAIT-1", "ACK of FIN", "FIN-WAIT-2"),
    Row("FIN-WAIT-1", "FIN", "CLOSING", why="both closed at once"),
    Row("FIN-WAIT-2", "FIN", "TIME-WAIT", why="answered with ACK"),
    Row("CLOSING", "ACK of FIN", "TIME-WAIT"),
    Row("CLOSE-WAIT", "close", "LAST-ACK", why="FIN is sent"),
    Row("LAST-ACK", "ACK of FIN", "CLOSED"),
    Row("TIME-WAIT", "2 MSL", "CLOSED", why="old segments are gone by now"),
    *_ABORTED,
    *_GIVEN_UP,
))  # fmt: skip
