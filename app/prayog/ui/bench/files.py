"""Everything on the bench as files: the saved run, the trace in five forms, and names that say what they are."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from prayog.ui.bench.branch import Branch
from prayog_sdk.exports import Label, to_csv, to_edn, to_jsonl, to_shiviz, to_text
from prayog_sdk.lessons import Answer
from prayog_sdk.qt.jobs import Ctx
from prayog_sdk.saved import SavedRun
from prayog_sim.trace import Trace

__all__ = ["TRACE_FORMS", "file_name", "free_path", "saved_run", "write_trace"]

TRACE_FORMS: Mapping[str, Callable[[Trace, Label], Iterator[str]]] = {
    "jsonl": to_jsonl, "csv": to_csv, "txt": to_text, "shiviz": to_shiviz, "edn": to_edn,
}  # fmt: skip
"""File ending -> writer."""


def file_name(label: Label, ending: str, part: str = "") -> str:
    """``consensus-split_vote-seed7-canvas.png``: topic, scenario, seed, part."""
    words = [label.topic, label.scenario or "free-play", f"seed{label.seed}", part]
    return "-".join(re.sub(r"[^\w.-]+", "_", word) for word in words if word) + f".{ending}"


def free_path(path: Path) -> Path:
    """`path`, or with a number in its name when it is taken: nothing is ever written over."""
    number, free = 2, path
    while free.exists():
        free = path.with_name(f"{path.stem}-{number}{path.suffix}")
        number += 1
    return free


def write_trace(ctx: Ctx, trace: Trace, upto: int, label: Label, path: Path) -> Path:
    """Write the first `upto` steps in the form that the ending of `path` names; runs in a worker.

    Raises `OSError` with a sentence.
    """
    form = TRACE_FORMS[path.suffix.lstrip(".")]
    prefix = Trace(trace[:upto])
    part = path.with_name(f".{path.name}.part")
    try:
        with part.open("w", encoding="utf-8", newline="") as file:
            for number, line in enumerate(form(prefix, label)):
                file.write(line)
                if number % 512 == 0:
                    ctx.progress(number, upto, "")
        part.replace(path)
    except OSError as error:
        raise OSError(f"{path.name} could not be written: {error.strerror or error}. Choose another folder.") from error
    finally:
        part.unlink(missing_ok=True)
    return path


def saved_run(
    ctx: Ctx, branch: Branch, label: Label, answers: tuple[Answer, ...], notes: str, upto: int, until_us: int,
    preview: bytes,
) -> SavedRun:  # fmt: skip
    """The run on `branch` as a value that can be written and graded; hashes the trace, so it runs in a worker."""
    run = branch.run
    trace = Trace(run.trace[:upto])
    ctx.check()
    return SavedRun(
        topic=label.topic, version=label.version, scenario=label.scenario, params=label.params, seed=branch.seed,
        actions=tuple(timed for timed in run.actions if timed.after < upto), predictions=answers, notes=notes,
        kind=run.kind, steps=upto, until_us=until_us, trace_hash=trace.hash(), preview=preview,
        trace=trace if run.kind == "session" else None,
    )  # fmt: skip
