"""Promises about what a topic offers: its card, hooks, knobs, sources, and a function that the learner writes."""

from __future__ import annotations

import difflib
import importlib.util
from collections.abc import Iterator
from pathlib import Path

from prayog_sdk import params as knobs
from prayog_sdk.scenario import files
from prayog_sdk.specs import PanelSpec
from prayog_sdk.testing.findings import Case, Finding
from prayog_sdk.testing.source import hand_made_colours, names_in, unknown_imports

__all__ = ["STOCK", "card", "code", "hooks", "panels", "source", "the_knobs"]

STOCK = ("canvas", "spacetime", "nodes", "events", "series", "state", "map", "outline", "code")
_BY_THEMSELVES = ("canvas", "spacetime", "nodes", "events", "series", "outline", "code")  # without a hook


def card(case: Case) -> Iterator[Finding]:
    """What the card names is there: its opening scenario, its icon, and what it needs."""
    from prayog_resources import path
    from prayog_sdk.services.urls import KINDS

    manifest = case.topic.manifest
    asked = (
        ("opening", (manifest.opening,), files(manifest), "scenario"),
        ("icon", (manifest.icon,), [item.name.removesuffix(".svg") for item in path("icons").iterdir()], "icon"),
        ("needs", manifest.needs, ["webengine", "postgres", *KINDS], "capability or service"),
    )
    for key, words, known, what in asked:
        for word in words:
            if word and word not in known:
                sentence = f"{key}: there is no {what} {word!r}; {_near(word, known)}"
                yield Finding("error", "card", sentence, "plugin.toml")


def hooks(case: Case) -> Iterator[Finding]:
    """Every hook answers with what it should, and everything has a name that people can read."""
    topic, params = case.topic, case.params
    for spec in topic.actions(params):
        if not spec.title:
            yield Finding("error", "hooks", f"the action {spec.name!r} has no title", "prayog_actions")
        if spec.key and len(spec.key) != 1:
            yield Finding("error", "hooks", f"the key of {spec.name!r} must be one letter", "prayog_actions")
    for name, check_ in topic.checks(params).items():
        if not name.isidentifier():
            yield Finding("error", "hooks", f"{name!r} must be a word, so that scripts can name it", "prayog_checks")
        if not check_.title:
            yield Finding("error", "hooks", f"the check {name!r} has no title", "prayog_checks")
    topic.measures(params)
    topic.series(params)


def panels(case: Case) -> Iterator[Finding]:
    """Every panel has an id of its own and can be found, and scenarios bring only panels that there are."""
    own = case.topic.panels()
    ids = [panel.id for panel in own]
    for panel in own:
        if sentence := _panel(panel, ids):
            yield Finding("error", "panels", sentence, "prayog_panels")
    stock = set(_BY_THEMSELVES) - {panel.factory for panel in own}
    for scenario in case.scenarios:
        if scenario.panel and scenario.panel not in (known := {*ids, *stock}):
            sentence = f"there is no panel {scenario.panel!r}; {_near(scenario.panel, known)}"
            yield Finding("error", "panels", sentence, f"scenarios/{scenario.id}.lab")


def _panel(panel: PanelSpec, ids: list[str]) -> str:
    """What is wrong with a panel, or nothing."""
    if ids.count(panel.id) > 1:
        return f"two panels are called {panel.id!r}"
    module, colon, name = panel.factory.partition(":")
    if not colon and panel.factory not in STOCK:
        return f"{panel.factory!r} is neither module:Class nor a stock panel ({', '.join(STOCK)})"
    if colon and not _exists(module):
        return f"there is no module {module!r} for panel {panel.id!r}"
    if panel.id in _BY_THEMSELVES and panel.id != panel.factory:
        return f"the id {panel.id!r} belongs to a stock panel, and both would be on the bench; choose another"
    if colon and name not in (known := names_in(module)):
        return f"{module} has no class {name!r} for panel {panel.id!r}; {_near(name, known)}"
    return ""


def _exists(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ImportError:
        return False


def _near(word: str, known: object) -> str:
    words = sorted(known)  # type: ignore[call-overload]
    near = difflib.get_close_matches(word, words, 1)
    return f"did you mean {near[0]}?" if near else f"there are: {', '.join(words)}"


def the_knobs(case: Case) -> Iterator[Finding]:
    """Every default is a value that a learner could set."""
    try:
        again = case.topic.params(knobs.flat(case.params))
    except knobs.ParamError as error:
        yield Finding("error", "knobs", f"a default is not allowed by its own marker: {error}", "prayog_params")
        return
    if again != case.params:
        yield Finding("error", "knobs", "the defaults change when they are written and read again", "prayog_params")


def source(case: Case) -> Iterator[Finding]:
    """Files import what the lab has, and panels take their colours from the theme."""
    package = Path(str(case.topic.manifest.folder))
    for module, file, line in unknown_imports(package):
        sentence = f"it imports {module}, which the lab does not have; try the import, or do without"
        yield Finding("error", "dependencies", sentence, f"{file}:{line}")
    for colour, theme, ratio, file, line in hand_made_colours(package):
        sentence = f"{colour} has a contrast of {ratio:.1f} on the {theme} theme, of 3 at least; use theme.current()"
        yield Finding("warn", "contrast", sentence, f"{file}:{line}")


def code(case: Case) -> Iterator[Finding]:
    """A function that the learner writes begins with a text that runs, and its knob begins empty."""
    defaults = knobs.flat(case.params)
    for knob in case.topic.fields():
        if isinstance(knob.marker, knobs.Code) and defaults[knob.name]:
            sentence = f"the knob {knob.name} holds code by default; leave it empty and give a starter in prayog_code"
            yield Finding("error", "code", sentence, "prayog_params")
    specs = [case.topic.code(case.topic.params(scenario.params)) for scenario in case.scenarios]
    for spec in {spec.name: spec for spec in specs if spec is not None}.values():
        mistake = spec.function().mistake
        if mistake is not None:
            sentence = f"the starter of {spec.name} does not run: {mistake.sentence}"
            yield Finding("error", "code", sentence, "prayog_code")
        if not spec.starter.endswith("\n") or "\r" in spec.starter:
            yield Finding("error", "code", f"the starter of {spec.name} must end with one line end", "prayog_code")
