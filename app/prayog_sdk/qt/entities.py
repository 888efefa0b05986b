"""The nodes and messages of a scene, one by one: their names, words and places, for keyboard, tool tips and readers."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QPointF, QRect

from prayog_sdk.qt.arrange import Place, nearest
from prayog_sdk.qt.scene import DOT, Scene
from prayog_sdk.qt.words import flight_sentence, node_sentence

__all__ = ["Entities"]


class Entities:
    """What the keyboard walks in `scene` at ``clock()``; it is `accessible.Things`."""

    def __init__(self, scene: Scene, clock: Callable[[], float]) -> None:
        self._scene = scene
        self._clock = clock

    def names(self) -> list[str]:
        """Nodes, then messages in the order of their arrival."""
        return self._scene.entities()

    def sentence(self, name: str) -> str:
        """A node or a message in words; ``""`` when there is none of that name."""
        node, flight = self._scene.view.nodes.get(name), self._scene.flight(name)
        if node is not None:
            return node_sentence(node)
        return flight_sentence(flight, self._clock()) if flight is not None else ""

    def centre(self, name: str) -> QPointF | None:
        flight = self._scene.flight(name)
        return self._scene.dot(flight, self._clock()) if flight is not None else self._scene.place(name)

    def box(self, name: str) -> QRect:
        centre = self.centre(name)
        if centre is None:
            return QRect()
        reach = round(2 * DOT if name.startswith("#") else self._scene.radius)
        return QRect(round(centre.x()) - reach, round(centre.y()) - reach, 2 * reach, 2 * reach)

    def next_to(self, name: str, way: Place) -> str:
        """The nearest one in direction `way` from `name`; the first one when there is no `name`."""
        centre, names = self.centre(name), self.names()
        if centre is None:
            return names[0] if names else ""
        others = [(other, at.toTuple()) for other in names if other != name and (at := self.centre(other)) is not None]
        return nearest((centre.x(), centre.y()), others, way)

    # -- as things of a picture ----------------------------------------------------------------------------------

    def count(self) -> int:
        return len(self.names())

    def name_at(self, index: int) -> str:
        name = self._name(index)
        flight = self._scene.flight(name)
        return name if flight is None else f"{flight.label} from {flight.src} to {flight.dst}"

    def sentence_at(self, index: int) -> str:
        return self.sentence(self._name(index))

    def box_at(self, index: int) -> QRect:
        return self.box(self._name(index))

    def in_focus(self) -> int:
        names = self.names()
        return names.index(self._scene.focus) if self._scene.focus in names else -1

    def _name(self, index: int) -> str:
        names = self.names()
        return names[index] if 0 <= index < len(names) else ""
