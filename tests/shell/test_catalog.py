"""Finding and opening topics: every way of being broken is a sentence, and nothing else is touched by it."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from badplugins import SPECIMENS, UNICODE, Specimen, fill, wheel
from prayog.bootstrap import crashed
from prayog.catalog import TRANSITIONS, Entry, Registry, TopicFailed, blame, find, guard
from prayog.catalog.registry import STRIKES
from prayog.paths import Profile
from prayog_sdk.manifest import Problem
from prayog_sdk.watchdog import TookTooLong, Watchdog
from prayog_sim.run import Action


@pytest.fixture(autouse=True)
def as_it_was(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Topics of the folder are imported for real: take them out again."""
    monkeypatch.delenv("PRAYOG_STRICT_PLUGINS", raising=False)
    path, modules = list(sys.path), set(sys.modules)
    yield
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        if name.startswith(("bad_", "good_")):
            del sys.modules[name]


@pytest.fixture
def profile(tmp_path: Path) -> Profile:
    made = Profile(tmp_path / "profile")
    fill(made.topics)
    return made


@pytest.fixture
def registry(profile: Profile) -> Registry:
    return Registry(find(profile), profile.unpacked)


def entry_at(registry: Registry, where: str) -> Entry:
    [entry] = [e for e in registry.entries if Path(e.found.where).name == where]
    return entry


@pytest.mark.parametrize("specimen", SPECIMENS, ids=lambda s: s.where)
def test_what_becomes_of_each_specimen(registry: Registry, specimen: Specimen) -> None:
    entry = entry_at(registry, specimen.where)
    assert entry.id == specimen.id
    if entry.state == "ready":
        registry.finish(entry, registry.begin(entry)())
    assert entry.state == specimen.state, entry.problems
    assert [problem.stage for problem in entry.problems] == ([specimen.stage] if specimen.stage else [])
    if specimen.sentence:
        assert specimen.sentence in entry.problems[0].sentence
    if specimen.state == "failed":
        assert "Traceback" in entry.problems[0].traceback


def test_every_folder_of_specimens_is_in_the_table() -> None:
    here = Path(__file__).parent.parent / "badplugins"
    folders = {p.name for p in here.iterdir() if p.is_dir() and p.name not in ("__pycache__", "good_anywhere")}
    assert folders - {"good_wheel"} <= {specimen.where for specimen in SPECIMENS}


def test_finding_imports_nothing(profile: Profile) -> None:
    code = f"""
import sys, pathlib
from prayog.catalog import find, Registry
from prayog.paths import Profile
before = list(sys.path)
registry = Registry(find(Profile(pathlib.Path({str(profile.folder)!r}))))
assert len(registry.entries) > 20
heavy = ("bad_", "good_", "prayog_location", "PySide6", "sqlalchemy", "numpy", "pluggy")
print([name for name in sys.modules if name.startswith(heavy)])
print(sys.path == before)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["[]", "True"]


def test_built_in_topics_are_first_and_safe_mode_has_only_built_ins(profile: Profile) -> None:
    found = find(profile)
    ids = [one.id for one in find(profile, safe=True)]
    assert "location" in ids
    assert [one.id for one in found[: len(ids)]] == ids
    assert {one.source for one in find(profile, safe=True)} == {"built-in"}
    assert find(None) == find(profile, safe=True)


def test_no_folder_of_topics_is_no_problem(tmp_path: Path) -> None:
    assert {one.source for one in find(Profile(tmp_path / "new"))} == {"built-in"}


def test_a_topic_works_from_a_strange_folder(registry: Registry) -> None:
    topic = registry.open("good_anywhere")
    assert UNICODE in str(topic.manifest.folder)
    run = topic.build(topic.params({"top": 2}), seed=1)
    run.do(Action("count"))
    while run.step():
        pass
    assert [step.kind for step in run.trace] == ["action", "count", "count"]
    run.close()


def test_a_wheel_is_unpacked_once_into_the_profile(registry: Registry, profile: Profile) -> None:
    topic = registry.open("good_wheel")
    [folder] = profile.unpacked.iterdir()
    assert Path(str(topic.manifest.folder)) == folder / "good_wheel"
    made = folder.stat().st_mtime_ns
    registry.close("good_wheel")
    registry.open("good_wheel")
    assert folder.stat().st_mtime_ns == made


def test_another_wheel_of_the_same_name_is_unpacked_anew(profile: Profile) -> None:
    other = {name: (profile.topics / "bad_build" / name).read_bytes() for name in ("plugin.toml", "topic.py")}
    files = {f"good_wheel/{name}": data.replace(b"bad_build", b"good_wheel") for name, data in other.items()}
    registry = Registry(find(profile), profile.unpacked)
    registry.open("good_wheel")
    registry.close("good_wheel")
    wheel(profile.topics, "good_wheel", files)
    registry.refresh(find(profile))
    topic = registry.open("good_wheel")
    assert topic.manifest.title == "Cannot build"
    assert len(list(profile.unpacked.iterdir())) == 2
    registry.refresh(find(profile))  # while it is open it is not taken for another one
    assert [e.state for e in registry.entries if e.id == "good_wheel"] == ["open"]


def test_dropping_a_topic_in_needs_no_restart(profile: Profile) -> None:
    registry = Registry(find(Profile(profile.folder / "nothing yet")))
    location = registry.get("location")
    assert registry.get("good_first") is None
    registry.refresh(find(profile))
    assert registry.open("good_first").id == "good_first"
    assert registry.get("location") is not None
    assert registry.get("location") is not location  # not open: looked at anew
    registry.refresh(find(profile, safe=True))
    assert registry.get("good_first") is not None  # open: stays


def test_a_mended_topic_can_be_tried_again(registry: Registry, profile: Profile) -> None:
    with pytest.raises(TopicFailed, match="a_library_that_nobody_has"):
        registry.open("bad_import")
    good = (profile.topics / "good_first" / "topic.py").read_text()
    (profile.topics / "bad_import" / "topic.py").write_text(good)
    assert registry.open("bad_import").id == "bad_import"
    entry = registry.get("bad_import")
    assert entry is not None
    assert (entry.state, entry.problems) == ("open", [])


def test_opening_what_is_blocked_or_unknown_says_why(registry: Registry) -> None:
    with pytest.raises(TopicFailed, match="hyperdrive"):
        registry.open("bad_need")
    with pytest.raises(TopicFailed, match="no topic 'bad_penny'"):
        registry.open("bad_penny")


def test_the_third_failure_closes_a_topic(registry: Registry) -> None:
    seen: list[str] = []
    registry.watch(lambda entry: seen.append(entry.state))
    topic = registry.open("bad_hook_raises")
    entry = registry.get("bad_hook_raises")
    assert entry is not None
    closed = []
    for stage in ("actions", "checks", "measures"):
        with guard(f"hook prayog_{stage}", "bad_hook_raises", lambda p: closed.append(registry.report(topic.id, p))):
            getattr(topic, stage)(topic.params())
    assert closed == [False, False, True]
    assert STRIKES == 3
    assert entry.state == "failed"
    assert entry.topic is None
    assert [p.sentence for p in entry.problems] == [
        "RuntimeError: no actions today (topic.py, line 48).",
        "ZeroDivisionError: division by zero (topic.py, line 53).",
        "AttributeError: 'Params' object has no attribute 'no_such_knob' (topic.py, line 58).",
    ]
    assert seen == ["loading", "open", "open", "open", "failed"]
    assert registry.report("bad_hook_raises", Problem("hook", "late")) is False
    registry.open("bad_hook_raises")  # and may be tried again
    assert entry.strikes == 0


def test_a_failure_elsewhere_does_not_touch_the_others(registry: Registry) -> None:
    registry.open("good_first")
    for specimen in SPECIMENS:
        if specimen.state == "failed":
            with pytest.raises(TopicFailed):
                registry.open(specimen.id)
    topic = registry.open("good_first")
    assert topic.actions(topic.params()) == []


def test_strict_mode_lets_exceptions_through(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRAYOG_STRICT_PLUGINS", "1")
    with pytest.raises(ZeroDivisionError), guard("hook", "x", lambda p: None):
        print(1 / 0)
    with pytest.raises(SystemExit):
        registry.open("bad_exit")


def test_states_follow_the_table() -> None:
    assert set().union(*TRANSITIONS.values()) | {"found"} == set(TRANSITIONS)
    [found] = find(None)[:1]
    entry = Entry(found)
    with pytest.raises(RuntimeError, match="cannot go from found to open"):
        entry.go("open")


def test_the_topic_whose_code_is_innermost_is_to_blame(registry: Registry) -> None:
    registry.open("bad_step_raises")
    registry.open("good_first")
    assert registry.tops == {"bad_step_raises": "bad_step_raises", "good_first": "good_first"}
    topic = registry.open("bad_step_raises")
    run = topic.build(topic.params(), seed=1)
    run.do(Action("count"))
    with pytest.raises(ZeroDivisionError) as caught:
        list(iter(run.step, None))
    assert blame(caught.value.__traceback__, registry.tops) == "bad_step_raises"
    assert blame(caught.value.__traceback__, {}) is None


def test_a_cancelled_opening_leaves_the_topic_as_it_was(registry: Registry) -> None:
    entry = registry.get("good_first")
    assert entry is not None
    registry.begin(entry)
    registry.leave(entry)
    assert (entry.state, entry.problems) == ("closed", [])
    assert registry.open("good_first").id == "good_first"


def test_an_endless_step_is_ended(registry: Registry) -> None:
    topic = registry.open("bad_endless_step")
    run = topic.build(topic.params(), seed=1)
    run.do(Action("count"))
    watchdog, problems = Watchdog(), []
    with guard("step", topic.id, problems.append), watchdog.limit(0.2):
        run.step()
    assert "did not come back in time" in problems[0].sentence
    assert "topic.py, line" in problems[0].sentence
    with watchdog.limit(30):  # and the next one is not troubled
        assert sum(range(100_000)) > 0
    watchdog.close()


def test_no_bark_after_the_call_came_back() -> None:
    watchdog = Watchdog()
    for seconds in (0.02, 0.09, 0.11):  # the watchdog looks every 0.1 s
        try:
            with watchdog.limit(0.05):
                time.sleep(seconds)
        except TookTooLong:
            pass
        until = time.monotonic() + 0.25
        while time.monotonic() < until:  # a late bark would be raised here
            pass
    watchdog.close()


def test_a_hard_crash_is_known_at_the_next_start(profile: Profile) -> None:
    code = f"""
import pathlib, sys
from prayog.bootstrap import CrashLog
from prayog.catalog import Registry, find
from prayog.paths import Profile
profile = Profile(pathlib.Path({str(profile.folder)!r}))
log = CrashLog(profile)
registry = Registry(find(profile), profile.unpacked)
topic = registry.open(sys.argv[1])
log.opened(topic.id)
topic.build(topic.params(), 1)
log.close()
"""
    assert crashed(profile) is None
    subprocess.run([sys.executable, "-c", code, "good_first"], check=True)
    assert crashed(profile) is None
    done = subprocess.run([sys.executable, "-c", code, "bad_crash"], check=False, capture_output=True)
    assert done.returncode != 0
    crash = crashed(profile)
    assert crash is not None
    assert crash.topic == "bad_crash"
    assert "Segmentation fault" in crash.stacks or "access violation" in crash.stacks
    assert "prayog_build" in crash.stacks
    kept = profile.crash_report.read_text(encoding="utf-8")
    assert "Open topic: bad_crash" in kept
    assert crash.stacks in kept


def endless() -> None:
    while True:
        pass


def test_after_a_limit_has_passed_a_traced_call_still_ends() -> None:
    watchdog = Watchdog()
    with pytest.raises(TookTooLong), watchdog.limit(0.05):
        endless()
    with suppress(TookTooLong), watchdog.limit(0.05):
        time.sleep(0.3)  # too long, but not in Python: it is over before anything can be raised
    watchdog.close()
    done = threading.Event()

    def traced() -> None:
        sys.settrace(lambda *_: None)
        any(word == done for word in ())
        sys.settrace(None)
        done.set()

    threading.Thread(target=traced, daemon=True).start()
    assert done.wait(10)
