"""Numbers and verdicts of this topic, each a pure function of the trace.

They are the live numbers of the lessons, the answers to predictions and the metrics of `prayog run`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from prayog_sdk.checks import Measure, Verdict
from prayog_sim.trace import Step, Trace

__all__ = [
    "MEASURES", "SITUATIONS", "all_in_india", "at_most", "few_opened", "five_found", "gave_up", "right_neighbours",
    "right_sized", "sphere_off",
]  # fmt: skip


def newest(trace: Trace, kind: str, /, **fields: Any) -> Step | None:
    """The last step of `kind` whose data has `fields`."""
    for index in range(len(trace) - 1, -1, -1):
        step = trace[index]
        if step.kind == kind and all(step.data.get(name) == value for name, value in fields.items()):
            return step
    return None


def _data(kind: str, field: str, /, **fields: Any) -> Measure:
    def measure(trace: Trace) -> Any:
        step = newest(trace, kind, **fields)
        return None if step is None else step.data.get(field)

    return measure


def _visits(keep: Callable[[Mapping[str, Any]], bool]) -> Measure:
    """How many visits of the last query `keep` accepts."""

    def measure(trace: Trace) -> int | None:
        query = newest(trace, "query")
        if query is None:
            return None
        return sum(step.kind == "visit" and keep(step.data) for step in trace[query.seq :])

    return measure


def _false_positives(trace: Trace) -> float | None:
    """Share of the candidates of the last answer that are not answers, in percent."""
    step = newest(trace, "answer")
    if step is None or not step.data["candidates"]:
        return None
    return round(100 * (1 - int(step.data["count"]) / int(step.data["candidates"])), 1)


def _kilometres(ruler: str) -> Measure:
    def measure(trace: Trace) -> float | None:
        step = newest(trace, "ruler", name=ruler)
        return None if step is None else round(float(step.data["metres"]) / 1_000, 2)

    return measure


def _sphere_error(trace: Trace) -> float | None:
    """How far the sphere is from the ellipsoid between the last pins, in percent."""
    sphere, ellipsoid = newest(trace, "ruler", name="sphere"), newest(trace, "ruler", name="ellipsoid")
    if sphere is None or ellipsoid is None or not ellipsoid.data["metres"]:
        return None
    return round(100 * abs(float(sphere.data["metres"]) / float(ellipsoid.data["metres"]) - 1), 3)


def _windows_hilbert_wins(trace: Trace) -> int:
    """In how many windows so far Hilbert needed fewer runs than Z-order."""
    counts: dict[str, int] = {}
    wins = 0
    for step in trace:
        if step.kind == "ranges":
            counts[step.data["curve"]] = step.data["count"]
            wins += step.data["curve"] == "hilbert" and step.data["count"] < counts["z"]
    return wins


def all_in_india(trace: Trace) -> Verdict:
    """All points of the table, as it was last read, lie in the box that holds India."""
    step = newest(trace, "swapped") or newest(trace, "start")
    if step is None:
        return Verdict(False, "the table was not described yet")
    inside, total = step.data["in_india"], step.data["points"]
    if inside == total:
        return Verdict(True, f"all {total} places lie in India's box", step.seq)
    first = f"; {step.data['first']} is at {step.data['first_at'][0]:.2f}, {step.data['first_at'][1]:.2f}"
    return Verdict(False, f"{inside} of {total} places lie in India's box{first}", step.seq)


def sphere_off(trace: Trace) -> Verdict:
    """Some pair of pins so far has a sphere that is off by more than 0.4 %."""
    sphere: Step | None = None
    best = 0.0
    for step in trace:
        if step.kind == "ruler" and step.data["name"] == "sphere":
            sphere = step
        elif step.kind == "ruler" and step.data["name"] == "ellipsoid" and sphere and step.data["metres"]:
            error = 100 * abs(sphere.data["metres"] / step.data["metres"] - 1)
            best = max(best, error)
            if error > 0.4:
                return Verdict(True, f"the sphere is off by {error:.2f} %", step.seq)
    return Verdict(False, f"the largest difference so far is {best:.2f} %; try pins on one meridian near the equator")


def gave_up(trace: Trace) -> Verdict:
    """Vincenty's formula failed to converge for some pair of pins so far."""
    for step in trace:
        if step.kind == "ruler" and step.data["name"] == "ellipsoid" and not step.data["converged"]:
            return Verdict(True, f"Vincenty gave up after {step.data['iterations']} rounds", step.seq)
    return Verdict(False, "it has converged each time so far; try pins that are almost opposite each other")


SITUATIONS = (
    ("the city", (22.57, 88.36), 5),
    ("the district", (21.146, 79.088), 25),
    ("the region", (19.07, 82.02), 200),
)
"""Three circles of the challenge *Right-size*: name, centre in degrees, radius in km."""
MOST_CELLS = 12
MOST_FALSE = 60


def right_sized(trace: Trace) -> Verdict:
    """Each of the three circles was once answered exactly from at most 12 cells with few false positives."""
    lacking = {name: "was not asked yet" for name, _, _ in SITUATIONS}
    begin = -1
    for step in trace:
        if step.kind == "query":
            begin = step.seq
        if step.kind != "oracle" or begin < 0:
            continue
        query = trace[begin].data
        if query["ask"] != "radius":
            continue
        for name, (lat, lon), km in SITUATIONS:
            if abs(query["point"][0] - lat) + abs(query["point"][1] - lon) < 0.02 and query["metres"] == 1_000 * km:
                lacking[name] = _size_of(trace, begin, step)
    wrong = {name: why for name, why in lacking.items() if why}
    if not wrong:
        return Verdict(True, "all three circles were covered with cells of the right size", len(trace) - 1)
    return Verdict(False, "; ".join(f"{name}: {why}" for name, why in wrong.items()))


def _size_of(trace: Trace, begin: int, oracle: Step) -> str:
    """What is wrong with the covering of one circle; empty when nothing is."""
    steps = trace[begin : oracle.seq]
    cells = sum(step.kind == "visit" for step in steps)
    answer = next(step.data for step in reversed(steps) if step.kind == "answer")
    false = 100 * (1 - answer["count"] / answer["candidates"]) if answer["candidates"] else 0
    if not oracle.data["same"]:
        return f"missed {oracle.data['missing']} places"
    if cells > MOST_CELLS:
        return f"took {cells} cells, {MOST_CELLS} are allowed: use shorter words"
    return "" if false < MOST_FALSE else f"{false:.0f} % of the candidates were false: use longer words"


def right_neighbours(trace: Trace) -> Verdict:
    """Every question was answered with the places that a full scan finds, nearest first."""
    asked, judged = 0, 0
    for step in trace:
        asked += step.kind == "query"
        if step.kind != "oracle":
            continue
        judged += 1
        data = step.data
        if not data["same"]:
            wrong = f"lacks {data['missing']} of the {data['count']} nearest" if data["missing"] else "has others too"
            return Verdict(False, f"the answer to question {asked} {wrong}", step.seq, final=True)
        if not data["in_order"]:
            why = f"the answer to question {asked} has the right places in the wrong order"
            return Verdict(False, why, step.seq, final=True)
    if not asked or judged < asked:
        return Verdict(False, f"{asked - judged} of {asked} questions have no answer" if asked else "nothing was asked")
    return Verdict(True, f"all {asked} questions were answered as a full scan does")


MOST_OPENED = 20


def few_opened(trace: Trace) -> Verdict:
    """Each question was answered with fewer than 20 % of the parts opened."""
    worst: Step | None = None
    for step in trace:
        if step.kind == "effort" and (worst is None or step.data["share"] > worst.data["share"]):
            worst = step
    if worst is None:
        return Verdict(False, "your function was not asked yet")
    data = worst.data
    words = f"your function opened {data['opened']} of {data['parts']} parts ({data['share']:g} %)"
    ok = data["share"] < MOST_OPENED
    return Verdict(ok, words if ok else f"{words}; fewer than {MOST_OPENED} % are allowed", worst.seq, final=not ok)


def at_most(measure: str, most: int, words: str) -> Callable[[Trace], Verdict]:
    """A verdict that holds while the number of the last answer called `measure` is at most `most`."""

    def judge(trace: Trace) -> Verdict:
        value = MEASURES[measure](trace)
        answer = newest(trace, "answer")
        if value is None or answer is None:
            return Verdict(False, "nothing was asked yet")
        return Verdict(value <= most, f"{value} {words}, at most {most} are allowed", answer.seq)

    return judge


def five_found(trace: Trace) -> Verdict:
    """The last question was for the five nearest, and it has its answer."""
    query, answer = newest(trace, "query"), newest(trace, "answer")
    if query is None or answer is None or answer.seq < query.seq:
        return Verdict(False, "nothing was asked yet; ask Nearest with five")
    if query.data["ask"] != "nearest" or answer.data["count"] != 5:
        return Verdict(False, f"the last answer has {answer.data['count']} places; ask Nearest with five", answer.seq)
    return Verdict(True, "five cabs were found", answer.seq)


MEASURES: Mapping[str, Measure] = {
    "points": _data("answer", "total"),
    "visits": _visits(lambda visit: True),
    "opened": _visits(lambda visit: visit["action"] != "pruned"),
    "pruned": _visits(lambda visit: visit["action"] == "pruned"),
    "answers": _data("answer", "count"),
    "candidates": _data("answer", "candidates"),
    "refined": _data("answer", "refined"),
    "false_positives": _false_positives,
    "missing": _data("oracle", "missing"),
    "flat_km": _kilometres("flat"),
    "sphere_km": _kilometres("sphere"),
    "ellipsoid_km": _kilometres("ellipsoid"),
    "iterations": _data("ruler", "iterations", name="ellipsoid"),
    "sphere_error": _sphere_error,
    "z_runs": _data("ranges", "count", curve="z"),
    "hilbert_runs": _data("ranges", "count", curve="hilbert"),
    "z_jump": _data("ranges", "longest_jump", curve="z"),
    "hilbert_jump": _data("ranges", "longest_jump", curve="hilbert"),
    "windows_hilbert_wins": _windows_hilbert_wins,
}
