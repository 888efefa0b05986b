"""A session that only looks: the database of another program on the bench; whatever would change it is refused.

It is a run of its own so that the tables of a guest never mix with those of the learner.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from prayog_sdk.run import Emit, Facts
from prayog_sdk.session import Session
from prayog_sim.run import Action, ActionError, View
from prayog_sim.trace import Step
from prayog_writes.engine import state
from prayog_writes.engine.errors import DatabaseError
from prayog_writes.engine.options import Options
from prayog_writes.engine.real.other import look_into

__all__ = ["GuestSession"]


class GuestSession(Session):
    """Knows one action, ``look_into`` a ``folder``.  Its facts have ``guest``, and ``viewed`` at the end."""

    def start(self) -> Facts:
        return {**state.start(Options()), "guest": True}

    def fold(self, state_: Facts, step: Step) -> Facts:
        return state.fold(state_, step)

    def show(self, state_: Facts, step: Step | None) -> View:
        view = state.show({**state_, "open": True}, step)
        levels = {name: node for name, node in view.nodes.items() if name.startswith("L")}
        return replace(view, nodes=levels, facts=state_)

    def check(self, action: Action) -> None:
        if action.name != "look_into":
            raise ActionError(
                "This is the database of another program, opened to look only. Choose your own run among the branches "
                "of the transport, or open a scenario."
            )

    def perform(self, action: Action) -> Iterator[Emit]:
        folder = Path(str(action.args.get("folder", "")))
        try:
            yield from look_into(folder)
        except DatabaseError as error:
            yield "problem", "database", {"sentence": str(error), "type": type(error).__name__}
        except OSError as error:
            sentence = f"{error.filename or folder} cannot be read: {error.strerror or error}."
            yield "problem", "database", {"sentence": sentence, "type": type(error).__name__}
