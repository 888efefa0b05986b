"""What a learner can try beside the eight steps, as commands of the worker; none of it moves the migration on."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from prayog_migration.engine.real import beside, casting, changing, questions
from prayog_migration.engine.real.job import GateShut, Job
from prayog_migration.engine.real.ledger import Fenced
from prayog_migration.engine.real.load import Cancelled
from prayog_migration.engine.real.preparing import Refused

__all__ = ["forget", "trials"]


def trials(job: Job, command: Mapping[str, Any]) -> dict[str, Callable[[], object]]:
    """By name; ``folder`` of the command is where files may be made."""

    def text(name: str) -> str:
        return str(command.get(name, ""))

    found: dict[str, Callable[[], object]] = {
        "ask": lambda: questions.ask_both(job, text("sql")),
        "aside": lambda: questions.show_aside(job),
        "rules": lambda: questions.try_to_break(job),
        "cast": lambda: casting.preview_cast(job, text("table"), text("column"), text("type"), text("policy")),
        "files": lambda: beside.write_files(job, text("table"), text("folder")),
        "shards": lambda: beside.divide(job, text("column"), int(command.get("count", 3)), text("by"), text("folder")),
        "change": lambda: changing.change_column(
            job, text("what"), text("table"), text("column"), text("new"), text("folder")
        ),
    }
    return {name: partial(_gently, job, work) for name, work in found.items()}


def _gently(job: Job, work: Callable[[], object]) -> object:
    """A trial that fails is refused with its sentence: the migration is not to stop because of it."""
    try:
        return work()
    except (Cancelled, Fenced, GateShut, Refused):
        raise
    except Exception as error:
        fault = job.target.fault(error)
        if fault.kind in ("connection", "retry", "space"):
            raise
        raise Refused(f"It did not work: {error}") from error


def forget(job: Job, folder: str) -> None:
    """Take away what trials left."""
    if changing.was_made(folder):
        changing.put_away(job, folder)
    shutil.rmtree(Path(folder), ignore_errors=True)
