"""The states of a node in a Bully election; the methods that the rows name are those of `bully.Bully`."""

from __future__ import annotations

from prayog_sim.table import Row, Table

__all__ = ["BULLY"]

_ALL = ("follower", "electing", "waiting", "claiming", "leader")

BULLY = Table(
    "follower",
    (
        Row("follower", "appointed", "leader", do="reign", why="the highest id leads at first"),
        Row("follower", "suspect", "electing", do="ask_higher", why="the coordinator is silent"),
        Row("follower", "challenge", "electing", do="take_up", why="a lower id asks"),
        Row("electing", "challenge", "electing", do="answer"),
        Row("waiting", "challenge", "waiting", do="answer"),
        Row("claiming", "challenge", "claiming", do="answer"),
        Row("leader", "challenge", "leader", do="reassert"),
        Row("electing", "ok", "waiting", when="obeys", do="wait", why="a higher id is alive"),
        Row("electing", "ok", "electing", why="broken: it does not care"),
        Row("claiming", "ok", "waiting", do="wait", why="a higher id is alive after all"),
        *(Row(state, "ok", state) for state in ("follower", "waiting", "leader")),
        Row("electing", "silence", "claiming", when="needs_majority", do="claim", why="no higher id answered"),
        Row("electing", "silence", "leader", do="crown", why="no higher id answered"),
        Row("waiting", "silence", "electing", do="ask_higher", why="who answered has vanished"),
        Row("claiming", "silence", "follower", do="give_up", why="no majority"),
        Row("claiming", "waited", "claiming", do="confirm", why="the old lease is over"),
        Row("claiming", "crowned", "leader", do="crown", why="a majority"),
        *(  # a claimer has promised itself to itself, and listens to nobody (see `bully_majority`)
            Row(state, "news", "follower", do="follow", why="a higher id leads")
            for state in ("follower", "electing", "waiting", "leader")
        ),
        *(Row(state, "claim", "follower", do="support", why="a higher id wants to lead") for state in _ALL),
        Row("follower", "usurper", "electing", do="ask_higher", why="a lower id says that it leads"),
        *(Row(state, "usurper", state) for state in ("electing", "waiting", "claiming")),
        Row("leader", "usurper", "leader", do="put_down"),
        Row("leader", "lapse", "follower", do="abdicate", why="no majority follows"),
    ),
)
