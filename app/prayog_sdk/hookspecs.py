"""The whole surface on which a topic meets the lab: one function per hook, one sentence each.

A topic module defines functions of these names, marked with `hookimpl`; it may leave out any argument it does
not need (pluggy passes by name).  Only `prayog_params` and one of `prayog_build` / `prayog_session` must be
there.  A hook enters this file only when two topics use it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from prayog_sdk.checks import Check, Measure
    from prayog_sdk.compare import Comparison
    from prayog_sdk.run import Run
    from prayog_sdk.services import Services
    from prayog_sdk.session import Session
    from prayog_sdk.specs import ActionSpec, CodeSpec, PanelSpec, SeriesSpec, Variant
    from prayog_sim.trace import Trace

PROJECT = "prayog"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)

Progress = Callable[[int, int, str], None]
"""``progress(done, total, text)``; total 0 means unknown.  It raises `Cancelled` when the learner cancels."""


@hookspec(firstresult=True)
def prayog_params() -> type[Any]:  # type: ignore[empty-body]
    """The frozen dataclass of the topic's knobs; it becomes the form, the flags and the JSON (see `params`)."""


@hookspec(firstresult=True)
def prayog_build(params: Any, seed: int, progress: Progress) -> Run:  # type: ignore[empty-body]
    """A new deterministic run for `params` and `seed`; called in a worker thread, so slow builds report."""


@hookspec(firstresult=True)
def prayog_session(  # type: ignore[empty-body]
    params: Any, seed: int, services: Services, progress: Progress
) -> Session:
    """A new run on a real component; raises `ServiceMissing` with a sentence where there is none."""


@hookspec
def prayog_actions(params: Any) -> list[ActionSpec]:  # type: ignore[empty-body]
    """What a learner can do to the run: tools on the bench, verbs of scripts, entries of the palette."""


@hookspec
def prayog_checks(params: Any) -> list[Check]:  # type: ignore[empty-body]
    """Named verdicts about a trace; scenarios, lessons, challenges and the command line refer to the names."""


@hookspec
def prayog_measures(params: Any) -> Mapping[str, Measure]:  # type: ignore[empty-body]
    """Named numbers or words computed from a trace: live numbers, answers to predictions, metrics."""


@hookspec
def prayog_series(params: Any) -> list[SeriesSpec]:  # type: ignore[empty-body]
    """Curves over time for the stock plot, each a gauge noted in the trace."""


@hookspec
def prayog_broken() -> list[Variant]:  # type: ignore[empty-body]
    """Known-bad settings of the engine, each with the check that must catch it."""


@hookspec(firstresult=True)
def prayog_code(params: Any) -> CodeSpec | None:
    """The function that the learner writes when these knobs are set; None when there is none."""


@hookspec
def prayog_panels() -> list[PanelSpec]:  # type: ignore[empty-body]
    """Panels of the topic's own, by dotted name, imported when first shown; the stock panels come by themselves."""


@hookspec(firstresult=True)
def prayog_compare(simulated: Trace, real: Trace) -> Comparison:  # type: ignore[empty-body]
    """Prediction, simulation and reality side by side, with every difference explained."""
