"""Golden scripts: a scenario is a test, because its file says what must be told when it is played."""

from __future__ import annotations

from itertools import zip_longest
from pathlib import Path

from prayog_sdk.headless import run_scenario
from prayog_sdk.scenario import Scenario
from prayog_sdk.topic import Topic
from prayog_sim.script import Block, ScriptResult, rewrite

__all__ = ["difference", "play_golden"]


def play_golden(topic: Topic, scenario: Scenario, *, rewrite_file: bool = False) -> bool:
    """Play `scenario`; True when its file was rewritten.

    Raises `AssertionError` with the first difference, or with the check that fails unexpectedly.  With `rewrite_file`
    what comes now becomes what is expected.
    """
    result = run_scenario(topic, scenario)
    different = [block for block in result.blocks if block.expected != block.got]
    if different and rewrite_file:
        assert isinstance(scenario.path, Path), f"{scenario.path} is not a file that can be written"
        scenario.path.write_text(rewrite(scenario.script, ScriptResult(0, (), result.blocks)), encoding="utf-8")
        return True
    if different:
        raise AssertionError(f"{scenario.path}:{different[0].line}: {difference(different[0])}")
    for outcome in result.checks:
        assert outcome.ok or outcome.foreseen, f"{scenario.path}: the check {outcome.name} fails: {outcome.reason}"
    return False


def difference(block: Block) -> str:
    """The first line in which a block differs, in words."""
    for number, (expected, got) in enumerate(zip_longest(block.expected, block.got), 1):
        if expected != got:
            wanted = "nothing more" if expected is None else f"“{expected}”"
            came = "nothing more" if got is None else f"“{got}”"
            return f"expected line {number} is {wanted}, but what was told is {came}"
    return "nothing differs"
