"""The scenarios of the simulated TCP tell what they promise, in two processes alike, and every fault is caught."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

import prayog_protocols
from prayog_protocols.engine.tcp.states import TABLE
from prayog_sdk import manifest
from prayog_sdk.headless import run_scenario
from prayog_sdk.specs import Variant
from prayog_sdk.topic import Topic

FOLDER = Path(prayog_protocols.__file__).parent


@cache
def topic() -> Topic:
    return Topic.load(manifest.read_folder(FOLDER, "built-in"))


SCENARIOS = sorted(path.stem for path in (FOLDER / "scenarios").glob("tcp_*.lab"))


@pytest.mark.parametrize("name", [*SCENARIOS, "drop_three"])
def test_a_scenario_tells_what_it_says(name: str, golden: Callable[[Topic, str], None]) -> None:
    golden(topic(), name)
    result = run_scenario(topic(), topic().scenario(name))
    assert result.ok, [check.reason for check in result.checks if not check.ok]
    assert not [step for step in result.trace if step.kind in ("error", "halted")]


@pytest.mark.parametrize("variant", topic().broken(), ids=lambda variant: variant.name)
def test_a_fault_is_caught_and_the_sound_engine_is_not(variant: Variant) -> None:
    scenario = topic().scenario(variant.scenario)
    params = {**scenario.params, **variant.params}
    check = topic().check(variant.caught_by, topic().params(params))
    sound = run_scenario(topic(), scenario)
    assert check.judge(sound.trace).ok
    caught = [
        not check.judge(run_scenario(topic(), scenario, seed=seed, overrides=variant.params).trace).ok
        for seed in range(1, variant.seeds + 1)
    ]
    assert any(caught)


def test_every_transition_of_the_table_but_the_rare_ones_was_crossed() -> None:
    traces = [run_scenario(topic(), topic().scenario(name)).trace for name in SCENARIOS if name != "tcp_two_flows"]
    untried = {(row.state, row.event) for row in TABLE.untried(traces)}
    ends = {(row.state, row.event) for row in TABLE.rows if row.event in ("RST", "abort")}
    assert untried <= ends | {
        ("LISTEN", "open"), ("LISTEN", "close"), ("SYN-SENT", "close"), ("SYN-RECEIVED", "FIN"),
        ("SYN-RECEIVED", "close"),
    }  # fmt: skip


def test_the_same_trace_in_another_process() -> None:
    code = (
        "from prayog_protocols.engine.tcp.setup import Setup, build\n"
        "world = build(Setup(loss=0.05, reorder=0.02, duplicate=0.02, second='cubic', amount=60_000), 11)\n"
        "world.run()\nprint(world.trace.hash())"
    )
    hashes = {
        subprocess.run([sys.executable, "-c", code], env={**os.environ, "PYTHONHASHSEED": seed}, check=True,
                       capture_output=True, text=True).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert len(hashes) == 1
