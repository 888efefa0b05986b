"""`prayog run --real`: a scenario is simulated, done again on the real component, and both are compared.

The checks of the scenario are judged on the real trace.  Exit codes: 0 all of them hold there, 1 one fails, 2 it could
not be run like this.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from prayog.cli import BadInput
from prayog.cli_run import topic_values, write
from prayog.paths import Profile
from prayog.realitycheck import Outcome, repeated

if TYPE_CHECKING:
    from prayog_sdk.headless import Outcome as Judged
    from prayog_sdk.scenario import Scenario
    from prayog_sdk.topic import Topic

__all__ = ["run"]


def run(profile: Profile, topic: Topic, scenario: Scenario, args: argparse.Namespace) -> int:
    """Answer `prayog run TOPIC/SCENARIO --real`."""
    from prayog_sdk.headless import judged, measured, played
    from prayog_sdk.services import Services
    from prayog_sdk.topic import silent

    if not (topic.has_build and topic.has_session):
        raise BadInput(f"{topic.id} has no real component beside its simulation, so there is nothing to compare.")
    if scenario.kind == "session":
        raise BadInput(f"{topic.id}/{scenario.id} runs on a real component already; run it without --real.")
    values = topic_values(topic, args.values)
    seed = scenario.seed if args.seed is None else args.seed
    params = topic.params({**scenario.params, **values})
    services = Services(profile.services)
    simulated = played(topic, scenario, seed, values)
    try:
        found = repeated(topic, params, seed, simulated, services, silent)
        before = measured(topic, params, simulated.trace)
    finally:
        simulated.close()
        services.close()
    if found.missing is not None:
        raise BadInput(" ".join(part for part in found.missing if part))
    assert found.real is not None
    if args.trace is not None:
        write(args.trace, found.real, args.force)
    checks = judged(topic, scenario, params, found.real, seed)
    _print(topic, scenario, seed, found, before, measured(topic, params, found.real), checks, args.json)
    return 0 if all(check.ok for check in checks) else 1


def _print(
    topic: Topic, scenario: Scenario, seed: int, found: Outcome, before: Mapping[str, Any], after: Mapping[str, Any],
    checks: tuple[Judged, ...], as_json: bool,
) -> None:  # fmt: skip
    rows = found.comparison.rows if found.comparison is not None else ()
    summary = found.comparison.summary if found.comparison is not None else ""
    assert found.real is not None
    if as_json:
        answer = {
            "topic": topic.id, "scenario": scenario.id, "seed": seed, "real": True, "steps": len(found.real),
            "summary": summary, "refused": list(found.refused),
            "rows": [{"name": r.name, "simulated": r.simulated, "real": r.real, "same": r.same, "why": r.why}
                     for r in rows],
            "checks": [{"name": c.name, "ok": c.ok, "reason": c.reason} for c in checks],
            "metrics": dict(after), "simulated": dict(before),
        }  # fmt: skip
        print(json.dumps(answer, indent=2, ensure_ascii=False))
        return
    print(f"{topic.id}/{scenario.id}  seed {seed}  on the real component, {len(found.real):,} steps")
    if summary:
        print(summary)
    for row in rows:
        said = f"simulated {_said(row.simulated)}, real {_said(row.real)}"
        print(f"{'same' if row.same else 'DIFF'}  {row.name}: {said}{f' ({row.why})' if row.why else ''}")
    for refused in found.refused:
        print(f"      not done there: {refused}")
    for check in checks:
        print(f"{'ok  ' if check.ok else 'FAIL'}  {check.name}: {check.reason}")
    for name, value in after.items():
        print(f"      {name} = {_said(value)}")


def _said(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
