"""What hooks return: plain values that describe tools, panels, curves and broken variants.

The shell, the command line and the conformance suite read these; nothing here imports Qt.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from prayog_sdk.code.function import Function

__all__ = ["ActionSpec", "Arg", "CodeSpec", "PanelSpec", "SeriesSpec", "Variant", "world_actions"]


@dataclass(frozen=True, slots=True)
class Arg:
    """One argument of an action: ``kind`` says how it is asked for and checked.

    ``node`` is filled by the selected node; ``point`` is ``[latitude, longitude]`` and can be picked on a map.
    """

    name: str
    kind: Literal["node", "int", "float", "text", "choice", "bool", "point", "nodes"]
    title: str = ""
    default: Any = None
    choices: tuple[str, ...] = ()
    unit: str = ""


@dataclass(frozen=True, slots=True)
class ActionSpec:
    """A tool on the bench and a verb of `.lab` scripts.

    ``target``: ``node`` (select, then act), ``link``, ``message`` or ``run``.  ``key``: a single letter that
    works while the bench has focus.  ``icon``: a name from the shipped set.  ``group``: tools of one group share a
    button of that title, which opens a menu.  ``kinds``: the runs on which it is a tool (scripts may name it on any).
    ValueError: an argument is called ``name``.
    """

    name: str
    title: str
    help: str = ""
    target: Literal["run", "node", "link", "message"] = "run"
    args: tuple[Arg, ...] = ()
    key: str = ""
    icon: str = ""
    group: str = ""
    kinds: tuple[Literal["world", "session"], ...] = ("world", "session")

    def __post_init__(self) -> None:
        # The step of an action holds its arguments beside the key `name`, the action's own.
        if any(arg.name == "name" for arg in self.args):
            raise ValueError(
                f"the action {self.name} has an argument called name, which is taken by the action's own name "
                "in the trace; call the argument something else"
            )


@dataclass(frozen=True, slots=True)
class PanelSpec:
    """A panel: ``factory`` is ``module:Class`` (a `prayog_sdk.qt.panel.Panel`) or the name of a stock panel.

    Stock names: ``canvas``, ``spacetime``, ``nodes``, ``events``, ``series``, ``state``, ``map``, ``outline``,
    ``code`` (the bench adds it by itself where there is a function to write).
    ``area`` is where the topic proposes it; the learner can move it.  ``needs``: capabilities such as
    ``webengine``; a panel whose needs are not met says so and the others go on.
    """

    id: str
    title: str
    factory: str
    area: Literal["centre", "right", "bottom", "tab"] = "centre"
    icon: str = ""
    needs: tuple[str, ...] = ()
    kinds: tuple[Literal["world", "session"], ...] = ("world", "session")


@dataclass(frozen=True, slots=True)
class SeriesSpec:
    """A curve of the stock plot: the ``gauge`` effects of that name, one curve per node when `per_node`."""

    gauge: str
    title: str
    unit: str = ""
    per_node: bool = False


@dataclass(frozen=True, slots=True)
class Variant:
    """A broken engine to hunt: ``params`` that switch the fault on, and the check that must catch it.

    ``scenario`` is the script on which it shows within ``seeds`` seeds (the conformance suite demands it).
    """

    name: str
    title: str
    params: Mapping[str, Any]
    caught_by: str
    scenario: str
    seeds: int = 20
    story: str = field(default="")


@dataclass(frozen=True, slots=True)
class CodeSpec:
    """A function that the learner writes: its `name`, and the `knob` (marked ``Code``) that holds its text.

    ``starter`` is the text to begin with: head, docstring (what it is given, what it returns) and a first solution that
    runs and does not reach the goal.  ``about`` is the task in a sentence or two.  ``steps``: what one call may take
    (`prayog_sdk.code.source`).
    """

    name: str
    knob: str
    title: str
    about: str
    starter: str
    steps: int = 10_000

    def function(self, text: str = "") -> Function:
        """The function in `text`, or the one to begin with; the engine calls it."""
        from prayog_sdk.code.function import Function

        return Function(self.name, text or self.starter, self.steps, own=text not in ("", self.starter))


def world_actions() -> tuple[ActionSpec, ...]:
    """What can be done to every simulated world (crash, partition, lose a message, …), as tools and verbs."""
    from prayog_sim.faults import BUILTIN_ACTIONS

    return tuple(
        ActionSpec(
            info.name,
            info.title,
            info.help,
            info.target,
            tuple(Arg(a.name, a.kind, a.title, a.default, a.choices, a.unit) for a in info.args),
        )
        for info in BUILTIN_ACTIONS
    )
