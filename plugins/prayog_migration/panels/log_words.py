"""Steps without a sentence of their own, as a line of the log.  No Qt."""

from __future__ import annotations

from prayog_migration.panels.words import count_in_words, seconds_in_words
from prayog_sim.trace import Step

__all__ = ["in_words"]

_MOST = 5


def in_words(step: Step) -> str:
    """What happened, with the figures that matter."""
    data = step.data
    match step.kind:
        case "start":
            return f"{data.get('source')} at {data.get('source_at')} → {data.get('target')} at {data.get('target_at')}"
        case "ready":
            return f"the migration stands at {step.node}, {data['phase']}; the {data['side']} is in charge"
        case "done":
            return f"{step.node}: {seconds_in_words(data.get('us', 0) / 1e6)}"
        case "assessed":
            return ", ".join(f"{count} {verdict}" for verdict, count in data["verdicts"].items())
        case "probed" if data.get("rows_s"):
            return f"{count_in_words(data['rows_s'])} rows/s as the wizard loads"
        case "dryrun":
            return f"{data['statements']} statements, {len(data['refused'])} refused"
        case "validated":
            return f"{data['source_rows']:,} rows, {'equal' if data['equal'] else 'NOT EQUAL'}"
        case "balance":
            return f"lost {data['lost']}, duplicated {data['duplicated']}, quarantined {data['quarantined']}"
        case "switching":
            return f"after {data['at_us'] / 1e3:,.0f} ms"
        case "promoted":
            return f"the freeze was {seconds_in_words(data['freeze_us'] / 1e6)}; epoch {data['epoch']}"
        case "part":
            equal = "equal" if data["equal"] else "NOT EQUAL"
            return f"part {step.node} of {data['of']}: {data['rows']:,} rows, {equal}"
        case "throttled":
            return f"{data['rate']:,} rows/s from here on; {data['measured_s']:,} would go"
        case "answered":
            return f"round {step.node} of {data['of']}: {data['same']} of {data['questions']} answers are the same"
        case "reconciled":
            return f"lost {data['lost']}, duplicated {data['duplicated']}, quarantined {data['quarantined']}"
        case "clean":
            return f"{len(data['gone'])} objects removed, {len(data['left'])} left"
    plain = {k: v for k, v in data.items() if isinstance(v, str | int | float | bool) and k != "pid"}
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in list(plain.items())[:_MOST])
