"""The command line: what it prints, its exit codes, its one sentence for whoever typed something wrong."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from badplugins import HERE, fill
from prayog.cli import main

Prayog = Callable[..., tuple[int, str, str]]


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    return tmp_path / "profile"


@pytest.fixture
def prayog(profile: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Prayog]:
    """`prayog ARGS` in this process, with a profile of its own: exit code, stdout, stderr."""
    monkeypatch.delenv("PRAYOG_STRICT_PLUGINS", raising=False)
    path, modules = list(sys.path), set(sys.modules)

    def call(*arguments: object) -> tuple[int, str, str]:
        code = main(["--profile", str(profile), *map(str, arguments)])
        out, err = capsys.readouterr()
        return code, out, err

    yield call
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        if name.startswith(("bad_", "good_", "prayog_rumour")):
            del sys.modules[name]


@pytest.fixture
def counting(profile: Path) -> Path:
    """A profile with the topic `good_anywhere`."""
    target = profile / "topics" / "good_anywhere"
    target.mkdir(parents=True)
    for file in (HERE / "good_anywhere").rglob("*"):
        if file.is_file() and file.suffix != ".pyc":
            copy = target / file.relative_to(HERE / "good_anywhere")
            copy.parent.mkdir(exist_ok=True)
            copy.write_bytes(file.read_bytes())
    return target


def process(*arguments: object, **environ: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "prayog", *map(str, arguments)]
    return subprocess.run(command, env=os.environ | environ, capture_output=True, text=True, check=False)


def one_sentence(err: str) -> str:
    assert err.startswith("prayog: ")
    assert len(err.strip().splitlines()) == 1
    assert "Traceback" not in err
    return err


# -- list ---------------------------------------------------------------------------------------------------


def test_list_names_every_topic_and_what_is_wrong_with_it(prayog: Prayog, profile: Path) -> None:
    fill(profile / "topics")
    code, out, _ = prayog("list", "--json")
    cards = {card["id"]: card for card in reversed(json.loads(out))}
    assert code == 0
    assert set(cards["good_anywhere"]) == {"id", "title", "kind", "scenarios", "needs", "problems"}
    assert cards["good_anywhere"]["scenarios"] == [{"id": "three", "title": "Count to three", "kind": "world"}]
    assert cards["good_anywhere"]["kind"] == "world"
    assert cards["good_anywhere"]["problems"] == []
    assert cards["bad_need"]["needs"] == ["hyperdrive"]
    assert "hyperdrive" in cards["bad_need"]["problems"][0]
    assert cards["location"]["problems"] == []
    code, out, _ = prayog("list")
    assert "good_anywhere/three  Count to three" in out
    assert "! " in out
    code, out, _ = prayog("list", "--safe")
    assert "good_anywhere" not in out


def test_a_scenario_with_a_mistake_hides_no_other(prayog: Prayog, counting: Path) -> None:
    (counting / "scenarios" / "bad.lab").write_bytes(b"\xff\xfe")
    assert prayog("run", "good_anywhere/three")[0] == 0
    _, out, _ = prayog("list")
    assert "good_anywhere/three" in out
    assert "bad.lab:1:1: this file is not UTF-8 text" in out
    code, _, err = prayog("run", "good_anywhere/bad")
    assert code == 2
    assert "not UTF-8" in one_sentence(err)


def test_list_says_which_line_of_a_scenario_is_wrong(prayog: Prayog, counting: Path) -> None:
    (counting / "scenarios" / "three.lab").write_text("title Three\nworld top=3\nrun 2 parsecs\n")
    code, out, _ = prayog("list", "--json")
    [card] = [card for card in json.loads(out) if card["id"] == "good_anywhere"]
    assert code == 0
    assert "three.lab" in card["problems"][0]
    assert "3" in card["problems"][0]


# -- run ----------------------------------------------------------------------------------------------------


def test_run_answers_with_checks_and_metrics(prayog: Prayog, counting: Path) -> None:
    code, out, err = prayog("run", "good_anywhere/three", "--json")
    answer = json.loads(out)
    assert (code, err) == (0, "")
    assert list(answer) == ["topic", "scenario", "seed", "steps", "trace_hash", "checks", "metrics"]
    assert (answer["topic"], answer["scenario"], answer["seed"], answer["steps"]) == ("good_anywhere", "three", 1, 4)
    [check] = answer["checks"]
    assert check["ok"] is True
    assert set(check) == {"name", "ok", "reason"}


def test_a_failing_check_is_exit_code_one(prayog: Prayog, counting: Path) -> None:
    code, out, err = prayog("run", "good_anywhere/three", "--set", "top=5", "--seed", "9")
    assert (code, err) == (1, "")
    assert "FAIL" in out
    assert "seed 9" in out


def test_run_is_the_same_in_every_process_and_needs_no_qt(profile: Path, counting: Path) -> None:
    code = """
import sys
class NoQt:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("PySide6", "shiboken6", "pyqtgraph"):
            raise ImportError(f"{name} is not to be imported")
sys.meta_path.insert(0, NoQt())
from prayog.cli import main
code = main(sys.argv[1:])
assert not [n for n in sys.modules if n.startswith(("PySide6", "sqlalchemy"))]
sys.exit(code)
"""
    hashes = set()
    for seed in ("0", "1"):
        done = subprocess.run(
            [sys.executable, "-c", code, "--profile", profile, "run", "good_anywhere/three", "--json"],
            env=os.environ | {"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True,
        )  # fmt: skip
        hashes.add(json.loads(done.stdout)["trace_hash"])
    assert len(hashes) == 1


def test_a_trace_is_written_and_never_overwritten_by_accident(prayog: Prayog, counting: Path, tmp_path: Path) -> None:
    file = tmp_path / "trace.jsonl"
    assert prayog("run", "good_anywhere/three", "--trace", file)[0] == 0
    lines = file.read_text().splitlines()
    assert [json.loads(line)["kind"] for line in lines] == ["action", "count", "count", "count"]
    file.write_text("mine")
    code, _, err = prayog("run", "good_anywhere/three", "--trace", file)
    assert code == 2
    assert "is there already" in one_sentence(err)
    assert file.read_text() == "mine"
    assert prayog("run", "good_anywhere/three", "--trace", file, "--force")[0] == 0
    assert file.read_text().splitlines() == lines
    code, _, err = prayog("run", "good_anywhere/three", "--trace", tmp_path / "no" / "folder")
    assert code == 2
    assert "cannot be written" in one_sentence(err)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["profile", "trace.jsonl"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["run", "good_anywhere/thre"], "did you mean three?"),
        (["run", "good_anywere/three"], "did you mean good_anywhere"),
        (["run", "three"], "TOPIC/SCENARIO"),
        (["run", "good_anywhere/"], "TOPIC/SCENARIO"),
        (["run", "good_anywhere/three", "--set", "top"], "KNOB=VALUE"),
        (["run", "good_anywhere/three", "--set", "top=many"], "top is a whole number from 1 to 9; found 'many'"),
        (["run", "good_anywhere/three", "--set", "bottom=1"], "no knob 'bottom'"),
        (["run", "good_anywhere/three", "--seed", "x"], "--seed: expected a whole number from 0 to"),
        (["run", "good_anywhere/three", "--seed", "-1"], "--seed: expected"),
        (["run", "good_anywhere"], "TOPIC/SCENARIO, such as good_anywhere/three"),
        (["run", str(HERE / "good_anywhere")], "name one of its scenarios too"),
        (["new", "location"], "comes with the lab"),
        (["shots", "--topic", "nosuch"], "no topic 'nosuch' that can be shown"),
        (["run", "bad_import/three"], "a_library_that_nobody_has"),
        (["run", "bad_need/three"], "hyperdrive"),
        (["run"], "TOPIC/SCENARIO"),
        (["lst"], "did you mean `prayog list`?"),
        (["run", "good_anywhere/three", "--jsn"], "--jsn"),
        (["shots", "--theme", "pink"], "'pink'"),
        (["sweep", "good_anywhere/three", "--seeds", "0"], "1 or more; found 0"),
        (["--temp-profile", "list"], "not both"),
        (["check", "no/such/folder"], "no plugin.toml"),
    ],
)
def test_bad_input_is_one_sentence(prayog: Prayog, profile: Path, arguments: list[str], sentence: str) -> None:
    fill(profile / "topics")
    code, out, err = prayog(*arguments)
    assert (code, out) == (2, "")
    assert sentence in one_sentence(err)


def test_a_topic_that_raises_is_one_sentence_with_its_place(prayog: Prayog, profile: Path) -> None:
    fill(profile / "topics")
    folder = profile / "topics" / "bad_build" / "scenarios"
    (folder / "x.lab").write_text("title X\nabout X.\nworld\nrun\n")
    code, _, err = prayog("run", "bad_build/x")
    assert code == 2
    assert "the model file is not there" in one_sentence(err)
    assert "topic.py, line" in err


# -- new and check ------------------------------------------------------------------------------------------


def test_a_new_topic_runs_and_keeps_its_promises(prayog: Prayog, profile: Path, tmp_path: Path) -> None:
    code, out, _ = prayog("new", "rumour")
    assert code == 0
    made = profile / "topics" / "prayog_rumour"
    assert f"prayog run {made}/rumour" in out
    assert prayog("run", "rumour/rumour")[0] == 0  # by its id, for it lies among the learner's topics
    assert prayog("run", f"{made}/rumour")[0] == 0  # and by its folder, as an author types it
    before = {file: file.read_bytes() for file in made.rglob("*") if file.is_file()}
    code, _, err = prayog("new", "rumour")
    assert code == 2
    assert "there already" in one_sentence(err)
    assert all(file.read_bytes() == data for file, data in before.items())
    code, _, err = prayog("new", "No Good", "--dir", tmp_path)
    assert code == 2
    one_sentence(err)


def test_check_says_what_to_mend(prayog: Prayog, counting: Path) -> None:
    topic = counting / "topic.py"
    topic.write_text(topic.read_text().replace('"""A topic that works', "import random\n" + '"""A topic that works'))
    topic.write_text(topic.read_text().replace('{"count": number}', '{"count": number, "luck": random.random()}'))
    code, out, _ = prayog("check", counting)
    assert code == 1
    assert "to mend" in out


# -- sweep --------------------------------------------------------------------------------------------------


def test_sweep_lists_the_seeds_that_fail(profile: Path, counting: Path) -> None:
    script = counting / "scenarios" / "three.lab"
    script.write_text(script.read_text().replace("seed=1", "seed=5"))
    topic = counting / "topic.py"
    wrong_on_7 = "return Counting(params.top + (seed == 7))"
    topic.write_text(topic.read_text().replace("return Counting(params.top)", wrong_on_7))
    done = process("--profile", profile, "sweep", "good_anywhere/three", "--seeds", 6)
    assert done.returncode == 1, done.stderr
    assert "seed 7: " in done.stdout
    assert "seeds 5 to 10: 1 of 6 failed" in done.stdout
    done = process("--profile", profile, "sweep", "good_anywhere/three", "--seeds", 2, "--seed", 8, "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout) == {
        "topic": "good_anywhere", "scenario": "three", "first_seed": 8, "seeds": 2, "failed": [],
    }  # fmt: skip


def test_a_process_that_dies_in_a_sweep_is_said(profile: Path, counting: Path) -> None:
    topic = counting / "topic.py"
    topic.write_text(topic.read_text().replace("return Counting(params.top)", "import os; os._exit(1)"))
    done = process("--profile", profile, "sweep", "good_anywhere/three", "--seeds", 4)
    assert done.returncode == 2
    assert "A process died while it played seeds from 1 on" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C cannot be sent to a process alone on Windows")
def test_ctrl_c_ends_a_sweep_and_its_children(profile: Path, counting: Path) -> None:
    topic = counting / "topic.py"
    slow = "import time; time.sleep(30); return Counting(params.top)"
    topic.write_text(topic.read_text().replace("return Counting(params.top)", slow))
    command = [sys.executable, "-m", "prayog", "--profile", profile, "sweep", "good_anywhere/three", "--seeds", "4"]
    pipe = subprocess.PIPE
    running = subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, start_new_session=True)
    group = running.pid
    deadline = time.monotonic() + 30
    while len(members(group)) < 4 and time.monotonic() < deadline:  # itself, the tracker, two children
        time.sleep(0.1)
    time.sleep(0.5)
    os.kill(running.pid, signal.SIGINT)
    _, err = running.communicate(timeout=20)
    assert running.returncode == 130
    assert "Traceback" not in err
    while members(group) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert members(group) == []


def members(group: int) -> list[int]:
    """The processes of a process group."""
    psutil: Any = pytest.importorskip("psutil", reason="psutil counts the children of the sweep")
    found = []
    for one in psutil.process_iter():
        try:
            if os.getpgid(one.pid) == group and one.status() != psutil.STATUS_ZOMBIE:
                found.append(one.pid)
        except (psutil.Error, ProcessLookupError):
            continue
    return found


def test_a_sweep_on_a_dask_cluster(profile: Path, counting: Path) -> None:
    distributed = pytest.importorskip("distributed", reason="distributed is not installed, so no cluster can be tried")
    small = {"n_workers": 1, "threads_per_worker": 1, "host": "127.0.0.1", "dashboard_address": None}
    with distributed.LocalCluster(**small) as cluster:
        address = cluster.scheduler_address
        done = process("--profile", profile, "sweep", "good_anywhere/three", "--seeds", 3, "--dask", address)
    assert done.returncode == 0, done.stderr
    assert "0 of 3 failed" in done.stdout


# -- the rest -----------------------------------------------------------------------------------------------


@pytest.mark.skipif(os.name == "nt", reason="a closed pipe is another error on Windows")
def test_a_closed_pipe_is_quiet() -> None:
    command = f"{sys.executable} -m prayog --temp-profile list | true; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.returncode in (0, 141)


def test_no_command_without_a_display_says_what_can_be_done() -> None:
    environ = dict.fromkeys(("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"), "")
    if not sys.platform.startswith("linux"):
        pytest.skip("Windows and macOS always have a display")
    done = process("--temp-profile", **environ)
    assert (done.returncode, done.stderr) == (0, "")
    assert "prayog shots" in done.stdout
    assert "prayog run" in done.stdout


def test_version_and_help() -> None:
    done = process("--version")
    assert done.stdout.startswith("prayog ")
    done = process("--help")
    assert done.returncode == 0
    for command in ("list", "run", "sweep", "check", "new", "dev", "pack", "shots", "doctor"):
        assert command in done.stdout


def test_doctor_looks_and_changes_nothing(prayog: Prayog, profile: Path) -> None:
    fill(profile / "topics")
    (profile / "settings.json").write_text("{")
    (profile / "progress.db").write_text("no database, but longer than a header " * 20)
    before = sorted(profile.rglob("*"))
    code, out, _ = prayog("doctor")
    lines = {line.split()[1] for line in out.splitlines()}
    assert {"lab", "Python", "Qt", "libraries", "fonts", "sqlite", "postgres", "profile", "progress", "topic"} <= lines
    assert "bad_need" in out
    assert "are damaged" in out
    assert code == ("FAIL" in out)
    assert [p for p in sorted(profile.rglob("*")) if "services" not in p.parts] == before
