"""Finding topics: reads manifests, imports nothing, changes nothing.

Topics come from three places, all treated alike: entry points of installed packages (the built-in topics too),
folders in the profile's `topics/`, and pure-Python wheels there.  Importing only to see what is there would hand
the start of the lab to every plugin's author; so the card is a file, and the code waits until the learner opens it.

Rules
1. Nothing here raises because of what a plugin's author did: it becomes a `Found` with problems.
2. Of two topics with one id the first wins, in the order built-in, entry point, folder, wheel, then by name.
3. Only a need that nobody can meet blocks a topic.  A service or a web view that is absent today does not: the
   part that wants it says so, and the rest of the topic works.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import sys
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from importlib.machinery import ModuleSpec
from importlib.resources.abc import Traversable
from pathlib import Path

from prayog.kit import Kit
from prayog.paths import Profile
from prayog_sdk.manifest import Manifest, ManifestError, Problem, Source, incompatible, read, read_folder

__all__ = ["GROUP", "Found", "find"]

GROUP = "prayog.topics"
_SOURCES: tuple[Source, ...] = ("built-in", "entry point", "folder", "wheel")


@dataclass(frozen=True, slots=True)
class Found:
    """One topic as it was found.  Without a manifest, or with a problem, it is shown and cannot be opened.

    ``id`` is the manifest's, or the best name there is.  ``where`` is a path, or the text of the entry point.
    """

    id: str
    source: Source
    where: str
    manifest: Manifest | None
    problems: tuple[Problem, ...] = ()

    @property
    def top(self) -> str:
        """The first part of the topic's module name: ``prayog_consensus``."""
        return self.manifest.module.partition(".")[0] if self.manifest else ""

    def wrong(self, stage: str, sentence: str) -> Found:
        """This, with one more problem."""
        return replace(self, problems=(*self.problems, Problem(stage, sentence, self.where)))


def find(
    profile: Profile | None, safe: bool = False, kit: Kit | None = None, own: Path | None = None
) -> list[Found]:
    """All topics, problems included; in safe mode only those that come with the lab.

    The order is that of the cards: by source, then the manifest's ``order``, then the id.  A `kit` brings the topics
    that lie beside it, and may say which are shown, in which order.  `own` is the folder of one more topic.
    """
    found = list(_installed())
    if safe:
        found = [one for one in found if one.source == "built-in"]
    else:
        found += _dropped_in(profile.topics) if profile is not None else ()
        found += _dropped_in(kit.folder / "topics") if kit is not None else ()
    if own is not None and str(own) not in [one.where for one in found]:
        found.append(_folder(own))
    good = list(_distinct(_checked(one) for one in sorted(found, key=_place)))
    if kit is None or not kit.topics:
        return good
    return sorted((one for one in good if one.id in kit.topics), key=lambda one: kit.topics.index(one.id))


def _place(found: Found) -> tuple[int, int, str, str]:
    order = found.manifest.order if found.manifest else sys.maxsize
    return _SOURCES.index(found.source), order, found.id, found.where


def _checked(found: Found) -> Found:
    """`found` with what its manifest asks for compared with what this lab is."""
    manifest = found.manifest
    if manifest is None:
        return found
    if sentence := incompatible(manifest):
        found = found.wrong("api", sentence)
    if manifest.needs:
        from prayog_sdk.services.urls import KINDS

        known = sorted({"webengine", "postgres", *KINDS})
        for need in manifest.needs:
            if need not in known:
                sentence = f"It needs {need!r}, which this lab does not know; it knows {', '.join(known)}."
                found = found.wrong("needs", sentence)
    return found


def _distinct(found: Iterable[Found]) -> Iterator[Found]:
    ids: dict[str, Found] = {}
    tops: dict[str, Found] = {}
    for one in found:
        if (first := ids.setdefault(one.id, one)) is not one:
            yield one.wrong("discovery", f"There is a topic {one.id!r} already ({first.where}); change one of the ids.")
        elif one.top and (first := tops.setdefault(one.top, one)) is not one:
            yield one.wrong("discovery", f"Its package {one.top!r} is the name of the one in {first.where}; rename it.")
        else:
            yield one


def _installed() -> Iterator[Found]:
    for point in importlib.metadata.entry_points(group=GROUP):
        dist = point.dist.name if point.dist else ""
        where = f"{point.name} = {point.value}" + (f" (package {dist})" if dist else "")
        nothing = Found(point.name, "built-in" if dist == "prayog" else "entry point", where, None)
        top, _, file = point.value.partition(":")
        spec = _spec(top)
        if not file or "." in top:
            yield nothing.wrong("discovery", "The entry point should read `name = package:plugin.toml`.")
        elif spec is None or not spec.submodule_search_locations:
            yield nothing.wrong("discovery", f"It names the package {top!r}, which is not there; install it again.")
        else:
            yield _from_package(nothing, spec, file)


def _from_package(nothing: Found, spec: ModuleSpec, file: str) -> Found:
    package = Path(next(iter(spec.submodule_search_locations or ())))
    path = package / file
    get_data = getattr(spec.loader, "get_data", None) or (lambda name: Path(name).read_bytes())
    try:  # the loader reads from a folder, a zip and a frozen archive alike
        data: bytes = get_data(str(path))
    except OSError as error:
        return nothing.wrong("discovery", f"The manifest {path} cannot be read: {error.strerror or error}.")
    return _read(nothing, data, str(path), package if package.is_dir() else _in_zip(package))


def _in_zip(path: Path) -> Traversable:
    archive = next(parent for parent in path.parents if parent.is_file())
    return zipfile.Path(archive, path.relative_to(archive).as_posix() + "/")


def _read(nothing: Found, data: bytes, shown: str, folder: Traversable) -> Found:
    try:
        manifest = read(data, shown, folder=folder, source=nothing.source)
    except ManifestError as error:
        return replace(nothing, problems=(error.problem(),))
    return replace(nothing, id=manifest.id, manifest=manifest)


def _dropped_in(folder: Path) -> Iterator[Found]:
    from prayog.catalog.wheels import look_into

    try:
        entries = sorted(folder.iterdir())
    except FileNotFoundError:
        return
    except OSError as error:
        nothing = Found(folder.name, "folder", str(folder), None)
        yield nothing.wrong("discovery", f"The folder of your own topics cannot be read: {error.strerror or error}.")
        return
    for entry in entries:
        if entry.name.startswith((".", "__")):
            continue
        if entry.is_dir():
            yield _folder(entry)
        elif entry.suffix == ".whl":
            nothing = Found(entry.stem.partition("-")[0], "wheel", str(entry), None)
            sentence, inside = look_into(entry, GROUP)
            if sentence:
                yield nothing.wrong("discovery", sentence)
            for one in inside:
                shown = f"{entry.name}/{one.top}/{one.file}"
                yield _free(_read(nothing, one.data, shown, zipfile.Path(entry, f"{one.top}/")), entry)


def _folder(folder: Path) -> Found:
    nothing = Found(folder.name, "folder", str(folder), None)
    try:
        manifest = read_folder(folder)
    except ManifestError as error:
        return replace(nothing, problems=(error.problem(),))
    except OSError as error:
        return nothing.wrong("discovery", f"The folder cannot be read: {error.strerror or error}.")
    found = replace(nothing, id=manifest.id, manifest=manifest)
    place = Path(str(manifest.folder))
    package = place if place.name == found.top else place / found.top
    if not package.is_dir():
        return found.wrong("manifest", f"module is {manifest.module!r}, but there is no folder {found.top!r} for it.")
    return _free(found, package.parent)


def _free(found: Found, home: Path) -> Found:
    """`found`, with a problem when its package would hide, or be hidden by, one that is there already."""
    top = found.top
    if top in sys.stdlib_module_names:
        return found.wrong("discovery", f"Its package {top!r} has the name of a module of Python; rename it.")
    spec = _spec(top)
    if spec is not None:
        origin = Path(spec.origin or next(iter(spec.submodule_search_locations or ()), "built-in"))
        if not origin.resolve().is_relative_to(home.resolve()):
            return found.wrong("discovery", f"Its package {top!r} has the name of one that the lab uses; rename it.")
    return found


def _spec(top: str) -> ModuleSpec | None:
    try:
        return importlib.util.find_spec(top) if top.isidentifier() else None
    except (ImportError, ValueError):  # a module without a spec, such as __main__
        return None
