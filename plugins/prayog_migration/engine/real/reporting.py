"""The report of a migration: one HTML file that needs nothing else, with the proof and its verifier beside it.

What it tells is what the target remembers (`_wiz_event`, the facts, the plan), so it can be written as long as nothing
was cleaned up.  Figures say where they come from: measured, or predicted by the probe.
"""

from __future__ import annotations

import html
import json
import shutil
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from prayog_migration.engine.plan import COST
from prayog_migration.engine.proof import proof_of
from prayog_migration.engine.real import verify_alone
from prayog_migration.engine.real.job import Job
from prayog_migration.engine.real.ledger import EVENT
from prayog_migration.engine.steps import STEPS

__all__ = ["page", "report"]

Events = Sequence[tuple[int, int, str, Mapping[str, Any]]]
"""(number, µs since 1970, kind, data)."""

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1b2027;
  background: #fff; }
h1 { font-size: 1.7rem; } h2 { font-size: 1.2rem; margin-top: 2rem; }
table { border-collapse: collapse; width: 100%; } td, th { text-align: left; padding: .25rem .5rem; vertical-align: top;
  border-bottom: 1px solid #e3e6eb; } td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; }
code { font-family: ui-monospace, monospace; overflow-wrap: anywhere; } .good { color: #177a46; }
.bad { color: #c0312b; }
@media (prefers-color-scheme: dark) { body { color: #e8ebf0; background: #14171c; } td, th { border-color: #2c323c; }
  .good { color: #5fcf95; } .bad { color: #ff8a80; } }
"""


def report(job: Job, folder: str, forecast: Mapping[str, Any] | None = None) -> None:
    """Write ``report.html``, ``proof.json`` and ``verify.py`` into `folder`; tells ``report`` with the path.

    `forecast` is what was predicted for the chosen strategy, if anybody asked.
    """
    with job.target.writer() as writer:
        rows = writer.query(f"SELECT seq, at_us, kind, data FROM {job.target.name(EVENT)} ORDER BY seq")
    events = [(int(seq), int(at), str(kind), json.loads(data)) for seq, at, kind, data in rows]
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    if job.plan is not None:
        proof = proof_of(job.plan, job.order.source_schema, job.order.target_schema)
        (place / "proof.json").write_text(json.dumps(proof, indent=1, ensure_ascii=False), encoding="utf-8")
        shutil.copyfile(verify_alone.__file__, place / "verify.py")
    text = page(job, events, forecast or {})
    (place / "report.html").write_text(text, encoding="utf-8")
    job.say("report", "", path=str(place / "report.html"), events=len(events), bytes=len(text.encode()))


def page(job: Job, events: Events, forecast: Mapping[str, Any]) -> str:
    """The whole page."""
    balances = [data for _, _, kind, data in events if kind == "balance"]
    promoted = [data for _, _, kind, data in events if kind == "promoted"]
    parts = [
        f"<h1>Migration {_t(job.source.dialect)} → {_t(job.target.dialect)}</h1>",
        f"<p>Strategy: {_t(job.order.strategy)}. {_verdict(balances)}</p>",
        *_steps(job.facts()),
        *_balances(balances),
        *_switches(promoted, forecast),
        *_plan(job),
        *_story(events),
        "<h2>Check it yourself</h2><p><code>verify.py</code> and <code>proof.json</code> lie beside this file. The "
        "verifier imports nothing of the lab: it reads both databases and compares row by row.</p>",
    ]
    body = "\n".join(parts)
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Migration report</title>'
        f"<style>{_STYLE}</style><body>{body}</body></html>"
    )


def _t(value: Any) -> str:
    return html.escape(str(value))


def _table(heads: Sequence[str], rows: Iterable[Sequence[Any]], numbers: tuple[int, ...] = ()) -> str:
    def cell(tag: str, place: int, value: Any) -> str:
        return f"<{tag}{' class=n' if place in numbers else ''}>{_t(value)}</{tag}>"

    head = "".join(cell("th", place, value) for place, value in enumerate(heads))
    lines = ("<tr>" + "".join(cell("td", place, value) for place, value in enumerate(row)) + "</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{''.join(lines)}</table>"


def _verdict(balances: Sequence[Mapping[str, Any]]) -> str:
    if not balances:
        return "Both sides were never compared."
    last = balances[-1]
    good = not last["lost"] and not last["duplicated"]
    words = f"lost {last['lost']} · duplicated {last['duplicated']} · quarantined {_aside(last)}"
    return f'<strong class="{"good" if good else "bad"}">{words}</strong>'


def _aside(balance: Mapping[str, Any]) -> int:
    """Rows in quarantine, whichever side is in charge: on the way back they are those that stayed on the old side."""
    return int(balance["quarantined"]) + int(balance.get("stayed", 0))


def _steps(facts: Mapping[str, Any]) -> list[str]:
    rows = []
    for step in STEPS:
        done = [fact for fact in step.evidence if facts.get(fact)]
        rows.append((step.title, "done" if len(done) == len(step.evidence) else "open", ", ".join(done)))
    return ["<h2>Steps</h2>", _table(("step", "state", "evidence"), rows)]


def _balances(balances: Sequence[Mapping[str, Any]]) -> list[str]:
    if not balances:
        return []
    rows = [
        (b["node"], b["position"] or "–", f"{b['source_rows']:,}", f"{b['target_rows']:,}", f"{_aside(b):,}",
         f"{b['lost']:,}", f"{b['duplicated']:,}", f"{b['us'] / 1e6:.2f} s")
        for b in balances
    ]  # fmt: skip
    heads = ("direction", "position", "source rows", "target rows", "quarantined", "lost", "duplicated", "took")
    sums = [(table, total, f"{count:,}") for table, (total, count) in sorted(balances[-1].get("sums", {}).items())]
    return [
        "<h2>Comparisons, each at one position</h2>",
        _table(heads, rows, (2, 3, 4, 5, 6, 7)),
        "<h2>Checksums of the last comparison</h2>",
        _table(("table", "sum of row hashes", "rows"), sums, (2,)),
    ]


def _switches(promoted: Sequence[Mapping[str, Any]], forecast: Mapping[str, Any]) -> list[str]:
    if not promoted:
        return []
    rows = []
    for one in promoted:
        marks = ", ".join(f"{name} {at / 1e3:.0f} ms" for name, at in one["marks"])
        rows.append((one["node"], one["epoch"], one["final"], f"{one['freeze_us'] / 1e3:.0f} ms", marks))
    parts = ["<h2>Switch-overs</h2>", _table(("to", "epoch", "last position", "freeze", "marks"), rows, (3,))]
    wanted = forecast.get("freeze_s")
    if wanted is not None:
        parts.append(
            f"<p>Freeze: {float(wanted) * 1e3:.0f} ms predicted by the probe, "
            f"{promoted[0]['freeze_us'] / 1e3:.0f} ms measured.</p>"
        )
    return parts


def _plan(job: Job) -> list[str]:
    if job.plan is None:
        return []
    counts = Counter(finding.verdict for finding in job.plan.findings)
    odd = [
        (f.kind, f.name, f.verdict, f.becomes, f.reason, COST.get(f.level, ""))
        for f in job.plan.findings
        if f.verdict != "exact"
    ]
    words = ", ".join(f"{count} {verdict}" for verdict, count in counts.most_common())
    return [
        f"<h2>Objects: {_t(words)}</h2>",
        _table(("kind", "name", "verdict", "becomes", "reason", "for a person"), odd),
    ]


def _story(events: Events) -> list[str]:
    if not events:
        return []
    first = events[0][1]
    rows = []
    for seq, at, kind, data in events:
        shown = {key: value for key, value in data.items() if key not in ("node", "facts", "sums", "marks") and value}
        told = data.get("sentence") or ", ".join(f"{key} {value}" for key, value in shown.items())
        rows.append((seq, f"{(at - first) / 1e6:.2f} s", kind, data.get("node", ""), told))
    return ["<h2>What happened</h2>", _table(("no.", "after", "what", "where", ""), rows, (0, 1))]
