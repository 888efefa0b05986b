"""Algorithms as small systems: what can be explored is, and what cannot says why."""

from __future__ import annotations

import pytest

from prayog_consensus.engine.exploring import SYNCHRONOUS, Small, system
from prayog_consensus.engine.families import every
from prayog_sim.explorer import Explorer, Limits, Refused


@pytest.mark.parametrize("name", [family.name for family in every()])
def test_the_correct_variant_holds_as_far_as_it_was_explored(name: str) -> None:
    small = Small(name, nodes=3, timers=2)
    if name in SYNCHRONOUS:
        with pytest.raises(Refused, match="works in rounds"):
            system(small)
        return
    try:
        report = Explorer(system(small)).run(Limits(states=1_500))
    except Refused as reason:
        pytest.skip(f"{name} cannot be explored: {reason}")
    assert [verdict.name for verdict in report.verdicts if verdict.outcome == "fails"] == []
