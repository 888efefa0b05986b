"""The run of this topic: questions asked of one spatial index, answered one visit at a time.

A `Study` is a deterministic computation over one table of points.  Each action of the learner (a circle, the k
nearest, a box, a polygon, two pins, a window on a curve) becomes an ``action`` step, followed by what the index
looked at and why (``visit``), what it found (``answer``), and what a scan of all points says (``oracle``).

Rules
1. No wall clock: how long something takes is measured in `engine.real`, never here.
2. The trace holds at most `SHOWN` ids of an answer and the digest of all, so that ten million points fit.
3. The oracle is asked while the table has at most `ORACLE_POINTS` points; above that the trace says so.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Generator, Iterator, Mapping
from typing import Any

import numpy as np

from prayog_sdk.run import Computation, Emit, Facts
from prayog_sim.run import Action, ActionError, Look, NodeView, View
from prayog_sim.trace import Step

from . import asking, geohash
from .brute import BruteForce
from .geohash_index import GeohashIndex
from .index import Answer, Explained, Nearest, Query, Radius, SameCell, SpatialIndex, ask
from .points import Ids
from .rulers import three_rulers
from .tables import Table
from .yours import YourTree, visit_data

__all__ = ["ORACLE_POINTS", "SHOWN", "Study", "digest"]

SHOWN = 1_000
ORACLE_POINTS = 1_000_000


class Study(Computation):
    """Questions to `index`, which was built on `table` by `build` (called again when the axes are swapped)."""

    def __init__(self, table: Table, build: Callable[[Table], SpatialIndex]) -> None:
        self.table = table
        self.index = build(table)
        self._build = build
        super().__init__()
        self.begin(self.index.name, **table.described())

    def start(self) -> Facts:
        return {
            "index": self.index.name,
            "points": len(self.table.points),
            "swapped": self.table.swapped,
            "question": "",
            "query_seq": -1,
            "visits": 0,
            "by_action": {},
            "answer": None,
            "oracle": None,
            "rulers": {},
            "ranges": {},
        }

    def fold(self, state: Facts, step: Step) -> Facts:
        data = step.data
        match step.kind:
            case "query":
                return {
                    **state, "question": data["question"], "query": data, "query_seq": step.seq, "visits": 0,
                    "by_action": {}, "answer": None, "oracle": None,
                }  # fmt: skip
            case "visit":
                counts = state["by_action"]
                by_action = {**counts, data["action"]: counts.get(data["action"], 0) + 1}
                return {**state, "visits": state["visits"] + 1, "by_action": by_action}
            case "answer" | "oracle":
                return {**state, step.kind: data}
            case "ruler":
                return {**state, "rulers": {**state["rulers"], data["name"]: data}}
            case "ranges":
                return {**state, "ranges": {**state["ranges"], data["curve"]: data}}
            case "swapped":
                return {**state, "swapped": data["swapped"], "question": "", "query_seq": -1, "answer": None}
            case _:
                return state

    def show(self, state: Facts, step: Step | None) -> View:
        answer = state["answer"]
        found = f"; {answer['count']:,} found" if answer else ""
        sentence = f"{state['index']} over {state['points']:,} points; {state['visits']:,} visits{found}"
        shown = {key: state[key] for key in ("question", "visits", "by_action", "answer", "oracle")}
        node = NodeView(state["index"], volatile=shown, look=Look("index", "I", -1, sentence))
        return View(step.seq if step else -1, step.at if step else 0, nodes={node.name: node}, facts=state)

    def perform(self, action: Action) -> Iterator[Emit]:
        match action.name:
            case "radius" | "nearest" | "box" | "polygon":
                query = asking.query(action.name, action.args)
                if isinstance(self.index, YourTree):
                    return self._ask_yours(self.index, query)
                letters = asking.letters(action.args)
                index = GeohashIndex.build(self.table.points, precision=letters) if letters else self.index
                if letters and isinstance(query, Radius):
                    _coverable(query, letters)
                return self._ask(index, query, query)
            case "same_cell" | "nine_cells":
                naive, truth = asking.cell(action.args, neighbours=action.name == "nine_cells")
                return self._ask(self._words, naive, truth)
            case "measure":
                return _measure(*asking.two_places(action.args))
            case "ranges":
                return asking.curve_ranges(action.args)
            case "swap_axes":
                return self._swap()
        raise ActionError(f"There is no action {action.name!r} here; there are: {', '.join(asking.ACTIONS)}.")

    @functools.cached_property
    def _words(self) -> SpatialIndex:
        """The geohash index that the naive questions need, whatever index is studied."""
        return self.index if isinstance(self.index, GeohashIndex) else GeohashIndex.build(self.table.points)

    def _ask(self, index: SpatialIndex, asked: Query | SameCell, truth: Query) -> Iterator[Emit]:
        yield "query", index.name, asking.described(asked)
        answer = yield from _told(index.name, index.explain(asked))  # type: ignore[arg-type] # only _words gets SameCell
        yield "answer", index.name, _answer(answer, self.table)
        yield from self._oracle(answer, truth)

    def _ask_yours(self, index: YourTree, query: Query) -> Iterator[Emit]:
        if not isinstance(query, Nearest):
            raise ActionError("Your function finds the k nearest. Ask it for those, or choose another index.")
        return self._asked_yours(index, query)

    def _asked_yours(self, index: YourTree, query: Nearest) -> Iterator[Emit]:
        yield "query", index.name, asking.described(query)
        answer = yield from index.told(query)
        if answer is not None:
            yield "answer", index.name, _answer(answer, self.table)
            yield from self._oracle(answer, query)

    def _oracle(self, answer: Answer, query: Query) -> Iterator[Emit]:
        if len(self.table.points) > ORACLE_POINTS:
            why = f"Not compared: a scan of more than {ORACLE_POINTS:,} points would hold up the lab."
            yield "unchecked", "brute force", {"reason": why}
            return
        truth = ask(BruteForce(self.table.points), query)
        missing, extra = np.setdiff1d(truth.ids, answer.ids), np.setdiff1d(answer.ids, truth.ids)
        yield "oracle", "brute force", {
            "count": len(truth.ids),
            "missing": len(missing),
            "extra": len(extra),
            "missing_names": [self.table.label(int(i)) for i in missing[:5]],
            "missing_ids": missing[:SHOWN].tolist(),
            "same": not len(missing) and not len(extra),
            "in_order": bool(np.array_equal(truth.ids, answer.ids)),
        }  # fmt: skip

    def _swap(self) -> Iterator[Emit]:
        if self.table.reread is None:
            raise ActionError("Only a file can have its axes swapped; choose a file, or the table with swapped axes.")
        return self._swapped(self.table.reread)

    def _swapped(self, reread: Callable[[], Table]) -> Iterator[Emit]:
        self.table = reread()
        self.index = self._build(self.table)
        self.__dict__.pop("_words", None)
        yield "swapped", self.index.name, self.table.described()


def _coverable(query: Radius, letters: int) -> None:
    """Refuse, before anything is recorded, a circle that would take thousands of cells."""
    try:
        geohash.cover_circle(query.lat, query.lon, query.metres, letters)
    except ValueError as error:
        raise ActionError(str(error)) from error


def _told(name: str, explained: Explained) -> Generator[Emit, None, Answer]:
    """The visits as steps; returns the answer (`yield from` hands it on)."""
    while True:
        try:
            visit = next(explained)
        except StopIteration as end:
            answer: Answer = end.value
            return answer
        yield "visit", name, visit_data(visit)


def _answer(answer: Answer, table: Table) -> Mapping[str, Any]:
    ids = answer.ids
    return {
        "count": len(ids),
        "ids": ids[:SHOWN].tolist(),
        "digest": digest(ids),
        "nearest": [
            {"id": int(i), "name": table.label(int(i)), "metres": round(float(metres), 3)}
            for i, metres in zip(ids[:10], answer.distances_m[:10], strict=False)
        ],
        "total": answer.funnel.total,
        "candidates": answer.funnel.candidates,
        "refined": answer.funnel.refined,
    }


def digest(ids: Ids) -> str:
    """A short fingerprint of a set of ids, the same in any order."""
    return hashlib.blake2b(np.sort(ids).astype("<i8").tobytes(), digest_size=8).hexdigest()


def _measure(here: tuple[float, float], there: tuple[float, float]) -> Iterator[Emit]:
    yield "pins", "rulers", {"from": list(here), "to": list(there)}
    for ruler in three_rulers(here, there):
        yield "ruler", ruler["name"], ruler
