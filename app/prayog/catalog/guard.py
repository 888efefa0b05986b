"""The fence around a topic's code: whatever it throws becomes a `Problem`, and the lab goes on.

    with guard("hook prayog_checks", "consensus", report):
        checks = topic.checks(params)

``PRAYOG_STRICT_PLUGINS=1`` takes the fence away: authors and tests want the exception itself.
"""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from prayog_sdk.manifest import ManifestError, Problem
from prayog_sdk.services import ServiceMissing

__all__ = ["blame", "guard", "problem_of", "strict"]

_OURS = ("prayog", "prayog_sdk", "prayog_sim", "pluggy", "importlib")


def strict() -> bool:
    """Whether failures of topics are to be raised instead of shown."""
    return os.environ.get("PRAYOG_STRICT_PLUGINS", "") not in ("", "0")


@contextmanager
def guard(stage: str, where: str, report: Callable[[Problem], object]) -> Iterator[None]:
    """Run topic code; what it throws goes to `report` as a `Problem` (and on, in strict mode).

    A topic that calls `sys.exit` is caught too; Ctrl-C is not a topic's failure and passes.
    """
    try:
        yield
    except (Exception, SystemExit) as error:  # the fence has to stop everything
        if strict():
            raise
        report(problem_of(error, stage, where))


def problem_of(error: BaseException, stage: str, where: str) -> Problem:
    """`error` as a sentence that names the place in the topic's code, and its traceback for *Copy report*."""
    report = "".join(traceback.format_exception(error))
    if isinstance(error, ManifestError):
        return Problem(stage, error.sentence, error.problem().where, report)
    text = str(error).strip().rstrip(".") or "no reason was given"
    cause = error.__cause__ or error
    place = _place(cause.__traceback__)
    if place and not isinstance(cause, (SyntaxError, ServiceMissing)):  # the one holds its place, the other is no fault
        text += f" ({place})"
    if type(error).__module__.partition(".")[0] not in _OURS:  # of ours the class name would only be noise
        text = f"{type(error).__name__}: {text}"
    return Problem(stage, text if text.endswith("?") else f"{text}.", where, report)


def blame(trace: TracebackType | None, tops: Mapping[str, str]) -> str | None:
    """The id of the topic whose code is innermost in `trace`; None when no topic took part.

    `tops` maps the first part of a topic's module name (``prayog_consensus``) to its id.  For the excepthook of
    the window: an exception in a slot or a timer carries no other hint of whose panel it was.
    """
    found = None
    while trace is not None:
        found = tops.get(_top(trace), found)
        trace = trace.tb_next
    return found


def _place(trace: TracebackType | None) -> str:
    """File and line of the innermost frame that is neither the lab's nor the import system's."""
    place = ""
    while trace is not None:
        if _top(trace) not in _OURS:
            place = f"{Path(trace.tb_frame.f_code.co_filename).name}, line {trace.tb_lineno}"
        trace = trace.tb_next
    return place


def _top(trace: TracebackType) -> str:
    return str(trace.tb_frame.f_globals.get("__name__", "")).partition(".")[0]
