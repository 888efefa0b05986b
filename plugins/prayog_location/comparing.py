"""Simulation and real databases side by side, from their two traces."""

from __future__ import annotations

from prayog_location.measures import newest
from prayog_sdk.compare import Comparison, Row
from prayog_sim.trace import Trace

__all__ = ["compare"]

STORES = ("sqlite", "postgres", "redis")


def compare(simulated: Trace, real: Trace) -> Comparison:
    """One row of places and one of work per database, for the last question of both traces."""
    answer, asked = newest(simulated, "answer"), newest(real, "query")
    if answer is None or asked is None:
        return Comparison((), "Nothing was asked that a database can answer: draw a circle, a box or a polygon first.")
    after = real[asked.seq :]
    rows: list[Row] = []
    missing: list[str] = []
    for name in STORES:
        found = next((step for step in after if step.kind == "found" and step.node == name), None)
        if found is None:
            absent = next((step for step in real if step.kind in ("absent", "unsupported") and step.node == name), None)
            if absent is not None:
                missing.append(absent.data["sentence"])
            continue
        differs = next((step for step in after if step.kind == "differs" and step.node == name), None)
        same = found.data["digest"] == answer.data["digest"]
        title = found.data["title"]
        why = (
            ""
            if same
            else (differs.data["why"] if differs else "The table or the question is not the same in both runs.")
        )
        rows.append(Row(f"{title}: places", None, answer.data["count"], found.data["count"], same, why))
        if found.data["candidates"] >= 0:
            rows.append(
                Row(
                    f"{title}: candidates", None, answer.data["candidates"], found.data["candidates"],
                    found.data["candidates"] == answer.data["candidates"],
                    "Each index cuts the map its own way; what counts is that the places are the same.",
                )
            )  # fmt: skip
        rows.append(
            Row(f"{title}: time", None, None, f"{found.data['us']:,.0f} µs", True, " · ".join(found.data["plan"]))
        )
    agreeing = sum(row.same for row in rows if row.name.endswith("places"))
    asked_of = sum(row.name.endswith("places") for row in rows)
    summary = f"{agreeing} of {asked_of} databases found exactly the simulated places."
    return Comparison(tuple(rows), " ".join([summary, *missing]))
