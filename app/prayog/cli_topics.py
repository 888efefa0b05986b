"""`prayog list`, `check`, `new` and `pack`: what topics there are, whether one is sound, a new one, one for others."""

from __future__ import annotations

import difflib
import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prayog.catalog import Found, Registry, TopicFailed, find, problem_of
from prayog.cli import BadInput
from prayog.paths import Profile
from prayog_sdk.manifest import ManifestError, Problem, read_folder

if TYPE_CHECKING:
    from prayog.kit import Kit
    from prayog_sdk.scenario import Scenario
    from prayog_sdk.topic import Topic

__all__ = ["check", "list_topics", "nearest", "new", "open_topic", "pack"]


def list_topics(profile: Profile, safe: bool, as_json: bool, kit: Kit | None = None) -> int:
    """Print all topics, those with problems too."""
    cards = [_card(found) for found in find(profile, safe, kit)]
    if as_json:
        print(json.dumps(cards, indent=2, ensure_ascii=False))
        return 0
    for card in cards:
        print(f"{card['id']}  {card['title']}")
        width = max((len(scenario["id"]) for scenario in card["scenarios"]), default=0)
        for scenario in card["scenarios"]:
            real = "  (on a real component)" if scenario["kind"] == "session" else ""
            print(f"    {card['id']}/{scenario['id']:<{width}}  {scenario['title']}{real}")
        for sentence in card["problems"]:
            print(f"    ! {sentence}")
    print("\nRun one without a window: prayog run TOPIC/SCENARIO")
    return 0


def _card(found: Found) -> dict[str, Any]:
    scenarios: list[Scenario] = []
    problems = list(found.problems)
    if found.manifest is not None and not problems:
        scenarios, problems = _scenarios(found)
    kinds = {scenario.kind for scenario in scenarios}
    return {
        "id": found.id,
        "title": found.manifest.title if found.manifest else found.id,
        "kind": "both" if len(kinds) == 2 else next(iter(kinds), "world"),
        "scenarios": [{"id": s.id, "title": s.title, "kind": s.kind} for s in scenarios],
        "needs": list(found.manifest.needs) if found.manifest else [],
        "problems": [f"{p.where}: {p.sentence}" if p.where else p.sentence for p in problems],
    }


def _scenarios(found: Found) -> tuple[list[Scenario], list[Problem]]:
    from prayog_sdk.scenario import read_good

    problems: list[Problem] = []
    assert found.manifest is not None
    cards = read_good(found.manifest, lambda error: problems.append(problem_of(error, "scenarios", found.where)))
    return cards, problems


def check(path: Path) -> int:
    """Say whether the topic in `path` keeps its promises; exit code 1 when it does not."""
    from prayog_sdk.testing import conformance

    try:
        manifest = read_folder(path)
    except (ManifestError, OSError) as error:
        raise BadInput(str(error)) from error
    findings = conformance.check_topic(manifest)
    for finding in findings:
        print(finding)
    errors = sum(finding.level == "error" for finding in findings)
    print(f"{manifest.title}: " + (f"{errors} to mend." if errors else "keeps its promises."))
    return 1 if errors else 0


def pack(path: Path, out: Path) -> int:
    """Make one wheel of the topic in `path` and say how it is given to others."""
    from prayog import packing
    from prayog_sdk.topic import Topic, TopicError

    found = _in_folder(path)
    if found.manifest is None:
        raise BadInput(found.problems[0].sentence)
    try:
        Topic.load(found.manifest).close()
    except (TopicError, ManifestError) as error:
        raise BadInput(f"Nobody could open this wheel: {error}. `prayog check` says more.") from error
    package = Path(str(found.manifest.folder)).resolve()
    if package.name != found.top:
        package /= found.top
    try:
        packed = packing.pack(found.manifest, package, out)
    except (packing.PackProblem, OSError) as error:
        raise BadInput(f"{error}.") from error
    print(f"Made {packed.path} of {packed.files} files.")
    print(f"SHA-256 {packed.sha256}")
    print("Dropped into the topics folder of a profile (Plugins shows where), it is a card there; the learner is asked")
    print("before it is opened. A teacher may answer for everybody, in kit.toml:")
    print(f'    [trusted]\n    "{packed.path.name}" = "{packed.sha256}"')
    return 0


def new(name: str, folder: Path, *, here: bool) -> int:
    """Make the smallest topic in `folder` and say what can be done with it; `here`: the lab looks there."""
    from prayog_sdk.templates import NameProblem, create

    try:
        if any(name == found.id or f"prayog_{name}" == found.top for found in find(None)):
            raise NameProblem(f"{name!r} is the name of a topic that comes with the lab; choose another")
        made = create(name, folder)
    except (NameProblem, OSError) as error:
        raise BadInput(f"{error}.".replace("..", ".")) from error
    print(f"Made {made}. It runs already:")
    print(f"    prayog run {made}/rumour")
    print(f"    prayog check {made}")
    print(f"    prayog dev {made}")
    print("The last opens the lab on it and shows every save. Start with engine.py; topic.py says what the lab asks.")
    print("It is a card under Topics too." if here else "`prayog pack` makes a wheel of it: a card in any lab.")
    return 0


def open_topic(profile: Profile, wanted: str, safe: bool = False) -> tuple[Topic, str]:
    """The topic and the name of the scenario in ``TOPIC/SCENARIO``.

    TOPIC is an id, or the folder of a topic, as its author types it.  Raises `BadInput` with near matches.
    """
    head, slash, scenario = wanted.rpartition("/")
    if Path(wanted, "plugin.toml").is_file():
        example = f"{wanted.rstrip('/')}/{_first(_in_folder(Path(wanted)))}"
        raise BadInput(f"{wanted} is a topic; name one of its scenarios too, such as {example}.")
    if not slash or not head or not scenario:
        raise BadInput(f"A scenario is TOPIC/SCENARIO, such as {_example(profile, head or wanted)}; see `prayog list`.")
    found = find(profile, safe)
    if head not in [one.id for one in found] and Path(head, "plugin.toml").is_file():
        found = [_in_folder(Path(head))]
        head = found[0].id
    registry = Registry(found, profile.unpacked)
    if registry.get(head) is None:
        raise BadInput(f"There is no topic {head!r}; {nearest(head, [one.id for one in found], 'prayog list')}")
    try:
        return registry.open(head), scenario
    except TopicFailed as error:
        raise BadInput(f"The topic {head!r} cannot be opened: {error}") from error


def _example(profile: Profile, topic: str) -> str:
    """A scenario that can be run: of the topic that was named, else of the first."""
    found = find(profile)
    one = next((one for one in found if one.id == topic), found[0])
    return f"{one.id}/{_first(one)}"


def _first(found: Found) -> str:
    from prayog_sdk.scenario import files

    return next(iter(files(found.manifest)), "SCENARIO") if found.manifest is not None else "SCENARIO"


def _in_folder(folder: Path) -> Found:
    nothing = Found(folder.name, "folder", str(folder), None)
    try:
        manifest = read_folder(folder)
    except ManifestError as error:
        return replace(nothing, problems=(error.problem(),))
    return replace(nothing, id=manifest.id, manifest=manifest)


def nearest(word: str, known: list[str], command: str) -> str:
    """The rest of a sentence about an unknown word."""
    near = difflib.get_close_matches(word, known, 3)
    return f"did you mean {' or '.join(near)}?" if near else f"`{command}` shows what there is."
