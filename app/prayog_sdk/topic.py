"""A topic that was opened: its hooks, called and checked, and its scenarios, lessons and challenges.

Each topic has a plugin manager of its own, because one raising hook in a shared manager stops everybody else's.

Rules
1. `Topic.load` is the only place that imports a topic.  Cards (`scenarios`, `lessons`, `challenges`) are read
   from files and import nothing.
2. What a hook returns is checked here, once; everybody else may trust it.
3. An exception inside a hook passes through unchanged: the caller's guard shows it.  What is wrong with the topic
   itself is a `TopicError` whose text is a sentence.
"""

from __future__ import annotations

import difflib
import functools
import importlib
import importlib.util
import inspect
import sys
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeVar

import pluggy

from prayog_sdk import checks as _checks
from prayog_sdk import hookspecs, languages
from prayog_sdk import lessons as _lessons
from prayog_sdk import params as _params
from prayog_sdk import scenario as _scenario
from prayog_sdk.manifest import Manifest, ManifestError, incompatible
from prayog_sdk.specs import ActionSpec, CodeSpec, PanelSpec, SeriesSpec, Variant, world_actions

if TYPE_CHECKING:
    from prayog_sdk.compare import Comparison
    from prayog_sdk.run import Run
    from prayog_sdk.services import Services
    from prayog_sdk.session import Session
    from prayog_sim.trace import Trace

__all__ = ["HOOKS", "Topic", "TopicError", "UnknownScenario", "challenges", "faults", "lessons", "scenarios", "silent"]

T = TypeVar("T")
R = TypeVar("R")

_PATH = threading.Lock()
_ROOTS: Counter[str] = Counter()
"""How many topics that are open or loading need an entry that was added to `sys.path` (guarded by `_PATH`).

One folder holds many topics, and they are loaded in threads: the one that fails must not take away the entry that
another is just importing from.
"""

HOOKS = tuple(name for name in vars(hookspecs) if name.startswith("prayog_"))
"""The names of all hooks."""


class TopicError(Exception):
    """A topic cannot be opened, or a hook returned what it must not; the message is a sentence for its author."""


class UnknownScenario(LookupError):
    """A topic has no scenario of that name; the message is a sentence that names near ones."""

    def __init__(self, topic: str, wanted: str, known: Sequence[str]) -> None:
        near = difflib.get_close_matches(wanted, known, 3)
        hint = f"did you mean {' or '.join(near)}?" if near else "`prayog list` shows what there is."
        super().__init__(f"The topic {topic!r} has no scenario {wanted!r}; {hint}")


def silent(done: int, total: int, text: str) -> None:
    """A `Progress` that tells nobody."""


def scenarios(manifest: Manifest) -> list[_scenario.Scenario]:
    """The scenarios of a topic, by file name; raises `ScenarioError` naming file, line and column."""
    return _scenario.read_all(manifest)


def lessons(manifest: Manifest, lang: str = "en") -> list[_lessons.Lesson]:
    """The lessons of a topic in `lang`; steps that are missing there are English and say so in ``step.lang``."""
    return languages.read_lessons(manifest, lang)


def challenges(manifest: Manifest, lang: str = "en") -> list[_lessons.Challenge]:
    """The challenges of a topic in `lang`."""
    return languages.read_challenges(manifest, lang)


def faults(run: Run, own: Sequence[ActionSpec] = ()) -> list[ActionSpec]:
    """What can be done to every simulated world, without what the topic's `own` actions are called.

    A run on real components may have ``offers``: the names of those actions of a world that it knows too.
    """
    from prayog_sim.world import World

    names = {action.name for action in own}
    offers = getattr(run, "offers", ())
    known = [action for action in world_actions() if isinstance(run, World) or action.name in offers]
    return [action for action in known if action.name not in names]


class Topic:
    """An open topic.  Make one with `Topic.load`, and `close` it."""

    def __init__(self, manifest: Manifest, module: ModuleType, added: str = "") -> None:
        self.manifest = manifest
        self.module = module
        self._added = added
        self._pm = pluggy.PluginManager(hookspecs.PROJECT)
        self._pm.add_hookspecs(hookspecs)
        _check_hooks(module)
        try:
            self._pm.register(module)
        except pluggy.PluginValidationError as error:
            raise TopicError(_argument_sentence(module, error)) from error
        self._pm.check_pending()

    @classmethod
    def load(cls, manifest: Manifest) -> Topic:
        """Import the topic and check its hooks.

        Raises `TopicError` with a sentence: made for another API, cannot be imported, misspelt hook, no
        `prayog_params`, neither `prayog_build` nor `prayog_session`, knobs without marker or default.
        """
        if reason := incompatible(manifest):
            raise TopicError(reason)
        added = _enter(manifest)
        try:
            try:
                module = importlib.import_module(manifest.module)
            except Exception as error:
                raise TopicError(
                    f"“{manifest.title}” could not be imported: {type(error).__name__}: {error}"
                ) from error
            topic = cls(manifest, module, added)
            if not (topic.has_build or topic.has_session):
                raise TopicError(
                    f"{manifest.module} has neither prayog_build nor prayog_session; a topic needs at least one"
                )
            topic.fields()
        except BaseException:
            _leave(manifest, added)
            raise
        return topic

    def __repr__(self) -> str:
        return f"Topic({self.id!r})"

    @property
    def id(self) -> str:
        return self.manifest.id

    @property
    def has_build(self) -> bool:
        """The topic has deterministic runs."""
        return self._has("prayog_build")

    @property
    def has_session(self) -> bool:
        """The topic has runs on a real component."""
        return self._has("prayog_session")

    @functools.cached_property
    def params_type(self) -> type[Any]:
        """The dataclass of the knobs."""
        if not self._has("prayog_params"):
            raise TopicError(f"{self.manifest.module} has no prayog_params; return the dataclass of the knobs from it")
        found = self._pm.hook.prayog_params()
        if not isinstance(found, type):
            raise TopicError(f"prayog_params must return the dataclass itself (the class); it returned {found!r}")
        return found

    def fields(self) -> tuple[_params.Field, ...]:
        """The knobs, for forms and flags."""
        try:
            return _params.fields(self.params_type)
        except TypeError as error:
            raise TopicError(str(error)) from error

    def params(self, values: Mapping[str, Any] | None = None) -> Any:
        """The knobs with `values` set; raises `ParamError`."""
        return _params.parse(self.params_type, values or {})

    def build(self, params: Any, seed: int, progress: hookspecs.Progress = silent) -> Run:
        """A new deterministic run; with code of the learner's own it lives in a process of its own."""
        if not self.has_build:
            raise TopicError(f"“{self.manifest.title}” has no simulation, only runs on a real component")
        if self.brings_code(params):
            from prayog_sdk.code.function import gate

            if not gate.is_open:
                from prayog_sdk.code.distant import DistantRun

                return DistantRun(self.manifest, _params.flat(params), seed, progress)
        run: Run = self._pm.hook.prayog_build(params=params, seed=seed, progress=progress)
        return self._run("prayog_build", run)

    def session(self, params: Any, seed: int, services: Services, progress: hookspecs.Progress = silent) -> Session:
        """A new run on a real component; raises `ServiceMissing`."""
        if not self.has_session:
            raise TopicError(f"“{self.manifest.title}” has no runs on a real component")
        run: Session = self._pm.hook.prayog_session(params=params, seed=seed, services=services, progress=progress)
        return self._run("prayog_session", run)

    def actions(self, params: Any) -> list[ActionSpec]:
        """The topic's own actions, without those that every simulated world has (see `tools`)."""
        return self._named(self._list("prayog_actions", ActionSpec, params=params), "prayog_actions")

    def tools(self, run: Run, params: Any) -> list[ActionSpec]:
        """Everything that can be done to `run`: the topic's actions, then those of the world when it is one."""
        own = self.actions(params)
        return [*own, *faults(run, own)]

    def checks(self, params: Any) -> dict[str, _checks.Check]:
        """The named checks."""
        found = self._named(self._list("prayog_checks", _checks.Check, params=params), "prayog_checks")
        return {check.name: check for check in found}

    def check(self, text: str, params: Any) -> _checks.Check:
        """The check that `text` means: a name from `checks`, or an expression.  Raises `ExpressionError`."""
        named = self.checks(params)
        if text in named:
            return named[text]
        return _checks.compile(text, self.measures(params), names=named)

    def measures(self, params: Any) -> dict[str, _checks.Measure]:
        """The named measures."""
        merged: dict[str, _checks.Measure] = {}
        for found in self._pm.hook.prayog_measures(params=params):
            if not isinstance(found, Mapping) or not all(callable(m) for m in found.values()):
                raise TopicError(f"prayog_measures must return a dict of name -> function of a trace; got {found!r}")
            merged |= found
        return merged

    def series(self, params: Any) -> list[SeriesSpec]:
        """The curves of the stock plot."""
        return self._list("prayog_series", SeriesSpec, params=params)

    def code(self, params: Any) -> CodeSpec | None:
        """The function that the learner writes on this set-up; None when there is none."""
        found: CodeSpec | None = self._pm.hook.prayog_code(params=params)
        if found is None:
            return None
        if not isinstance(found, CodeSpec):
            raise TopicError(f"prayog_code must return a CodeSpec or None; it returned {found!r}")
        knobs = [field.name for field in self.fields() if isinstance(field.marker, _params.Code)]
        if found.knob not in knobs:
            known = ", ".join(knobs) or "none"
            raise TopicError(f"prayog_code names the knob {found.knob!r}; the knobs marked Code are: {known}")
        return found

    def brings_code(self, params: Any) -> bool:
        """These knobs make the engine call code that did not come with the topic."""
        if not any(isinstance(field.marker, _params.Code) for field in self.fields()):
            return False
        spec = self.code(params)
        return spec is not None and getattr(params, spec.knob) not in ("", spec.starter)

    def panels(self) -> list[PanelSpec]:
        """The topic's own panels; they are imported when first shown."""
        return self._list("prayog_panels", PanelSpec)

    def broken(self) -> list[Variant]:
        """The labelled broken variants."""
        return self._named(self._list("prayog_broken", Variant), "prayog_broken")

    def compare(self, simulated: Trace, real: Trace) -> Comparison | None:
        """Simulation and reality side by side; None when the topic has no reality check."""
        found: Comparison | None = self._pm.hook.prayog_compare(simulated=simulated, real=real)
        return found

    def scenarios(self) -> list[_scenario.Scenario]:
        return scenarios(self.manifest)

    def scenario(self, id: str) -> _scenario.Scenario:
        """The scenario called `id`, whatever is wrong with the others.

        Raises `UnknownScenario`, or `ScenarioError` when its file has a mistake.
        """
        known = _scenario.files(self.manifest)
        if id not in known:
            raise UnknownScenario(self.id, id, list(known))
        return _scenario.read(known[id])

    def lessons(self, lang: str = "en") -> list[_lessons.Lesson]:
        return lessons(self.manifest, lang)

    def challenges(self, lang: str = "en") -> list[_lessons.Challenge]:
        return challenges(self.manifest, lang)

    def close(self) -> None:
        """Let go of the topic's module.  A topic from a folder is read afresh when it is opened again."""
        if self._pm.is_registered(self.module):
            self._pm.unregister(self.module)
            _leave(self.manifest, self._added)

    def _has(self, hook: str) -> bool:
        return bool(getattr(self._pm.hook, hook).get_hookimpls())

    @staticmethod
    def _run(hook: str, run: R) -> R:
        if not all(hasattr(run, name) for name in ("trace", "step", "do", "view", "close")):
            raise TopicError(f"{hook} must return a run (a World, Computation or Session); it returned {run!r}")
        return run

    def _list(self, hook: str, kind: type[T], **arguments: Any) -> list[T]:
        merged: list[T] = []
        for found in getattr(self._pm.hook, hook)(**arguments):
            if not isinstance(found, list | tuple) or not all(isinstance(item, kind) for item in found):
                raise TopicError(f"{hook} must return a list of {kind.__name__}; it returned {found!r}")
            merged += found
        return merged

    def _named(self, found: Sequence[Any], hook: str) -> list[Any]:
        names = [item.name for item in found]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise TopicError(f"{hook} returns two entries called {twice[0]!r}; names must differ")
        return list(found)


def _check_hooks(module: ModuleType) -> None:
    """Every function called `prayog_…` must be a hook and be marked as one."""
    for name, value in vars(module).items():
        marked = hasattr(value, f"{hookspecs.PROJECT}_impl")
        if not inspect.isfunction(value) or value.__module__ != module.__name__:
            continue
        line = f"{Path(value.__code__.co_filename).name}:{value.__code__.co_firstlineno}"
        if (marked or name.startswith("prayog_")) and name not in HOOKS:
            near = difflib.get_close_matches(name, HOOKS, 1, 0.5)
            hint = f"did you mean {near[0]}?" if near else f"the hooks are: {', '.join(HOOKS)}"
            raise TopicError(f"{line}: there is no hook {name}; {hint}")
        if name in HOOKS and not marked:
            raise TopicError(f"{line}: {name} is not marked as a hook; write @hookimpl above it")


def _argument_sentence(module: ModuleType, error: pluggy.PluginValidationError) -> str:
    for name in HOOKS:
        function = getattr(module, name, None)
        if function is None:
            continue
        allowed = list(inspect.signature(getattr(hookspecs, name)).parameters)
        wrong = [arg for arg in inspect.signature(function).parameters if arg not in allowed]
        if wrong:
            return f"{name} has no argument {wrong[0]!r}; it may use: {', '.join(allowed) or 'none'}"
    return str(error)


def _enter(manifest: Manifest) -> str:
    """Make a dropped-in topic importable; returns what was added to `sys.path`, or an empty text."""
    if manifest.source not in ("folder", "wheel"):
        return ""
    package = manifest.module.split(".")[0]
    root = _root(manifest, package)
    with _PATH:
        added = root if _ROOTS[root] or root not in sys.path else ""
        if added:
            _ROOTS[added] += 1
        if root not in sys.path:
            sys.path.append(root)  # never in front: a topic must not shadow the lab or the standard library
    importlib.invalidate_caches()
    spec = importlib.util.find_spec(package)
    places = [Path(place).resolve() for place in (spec and spec.submodule_search_locations) or ()]
    folder = Path(root, package).resolve()
    if folder not in places:
        _leave(manifest, added)
        way = places[0] if places else "part of Python"
        raise TopicError(f"another package called {package} is in the way ({way}); rename the topic’s package")
    return added


def _leave(manifest: Manifest, added: str) -> None:
    """Drop a dropped-in topic's modules, so that an edited file is read when the topic is opened again."""
    if manifest.source not in ("folder", "wheel") or not isinstance(manifest.folder, Path):
        return
    package, folder = manifest.module.split(".")[0], manifest.folder.resolve()
    for name in [n for n in sys.modules if n == package or n.startswith(f"{package}.")]:
        if any(place == folder or folder in place.parents for place in _places(sys.modules[name])):
            del sys.modules[name]
    if added:
        with _PATH:
            _ROOTS[added] -= 1
            if not _ROOTS[added]:
                del _ROOTS[added]
                if added in sys.path:
                    sys.path.remove(added)


def _places(module: ModuleType) -> list[Path]:
    """Where a module lies; a package without `__init__.py` has no file, but folders."""
    found = (getattr(module, "__file__", None), *getattr(module, "__path__", ()))
    return [Path(place).resolve() for place in found if place]


def _root(manifest: Manifest, package: str) -> str:
    """The entry of `sys.path` from which the topic's package is found."""
    folder = manifest.folder
    if not isinstance(folder, Path):
        raise TopicError(f"“{manifest.title}” must be unpacked into a folder before it can be opened")
    if folder.name == package:
        return str(folder.resolve().parent)
    if (folder / package).is_dir():
        return str(folder.resolve())
    raise ManifestError(
        f"module is {manifest.module!r}, so the folder must be called {package!r}; it is called {folder.name!r}",
        str(folder / "plugin.toml"),
    )
