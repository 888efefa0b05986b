"""A challenge graded from a terminal: with code from a file, and a hand-in that came by mail."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from prayog.cli import main
from prayog_sdk.saved import SavedRun

CODED = Path(__file__).parents[1] / "plugins" / "coded" / "prayog_coded"
Prayog = Callable[..., tuple[int, str, str]]


@pytest.fixture
def prayog(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Prayog]:
    """`prayog ARGS` in this process, on a profile with the topic `coded`: exit code, stdout, stderr."""
    shutil.copytree(CODED, tmp_path / "profile" / "topics" / "prayog_coded")
    path = list(sys.path)

    def call(*arguments: object) -> tuple[int, str, str]:
        code = main(["--profile", str(tmp_path / "profile"), *map(str, arguments)])
        out, err = capsys.readouterr()
        return code, out, err

    yield call
    sys.path[:] = path
    for name in [each for each in sys.modules if each.startswith("prayog_coded")]:
        del sys.modules[name]


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    file = tmp_path / "mine.py"
    file.write_text("def double(n):\n    return 2 * n\n", encoding="utf-8")
    return file


def test_code_from_a_file_is_graded_on_all_seeds(prayog: Prayog, mine: Path) -> None:
    code, out, _ = prayog("run", "coded/double-it", "--set", f"code=@{mine}")
    assert (code, out.splitlines()) == (0, ["coded/double-it  seeds 1 to 20", "ok    Holds on all 20 seeds."])
    mine.write_text("def double(n):\n    while True: pass\n", encoding="utf-8")
    code, out, _ = prayog("run", "coded/double-it", "--set", f"code=@{mine}", "--json")
    told = json.loads(out)
    assert (code, told["ok"], told["challenge"]) == (1, False, "double-it")
    assert told["seeds"][0] == {
        "seed": 1, "ok": False,
        "why": "Line 2: a call has 1,000 steps, and they are used up. Look for a loop that does not end.",
    }  # fmt: skip


def test_a_scenario_takes_code_from_a_file_too(prayog: Prayog, mine: Path) -> None:
    code, out, _ = prayog("run", "coded/calls", "--set", f"code=@{mine}")
    assert (code, out.splitlines()[1][:10]) == (0, "ok    ran:")


def test_a_hand_in_is_graded_as_it_came(prayog: Prayog, tmp_path: Path) -> None:
    file = tmp_path / "asha.prayog"
    params = {"most": 5, "nodes": False, "plain": False, "code": "def double(n):\n    return n + n\n"}
    SavedRun("coded", "0.1.0", "calls", params, 3).save(file)
    assert prayog("run", "coded/double-it", "--saved", file)[0] == 0
    SavedRun("coded", "0.1.0", "calls", params | {"most": 9}, 3).save(file, replace=True)
    code, out, _ = prayog("run", "coded/double-it", "--saved", file)
    assert code == 1
    assert "The knob most was changed; in this challenge you may change: code." in out


def test_the_first_solution_misses_the_goal_and_not_every_seed_is_listed(prayog: Prayog) -> None:
    code, out, _ = prayog("run", "coded/double-it")
    assert code == 1
    assert out.splitlines()[1].startswith("FAIL  Holds on 0 of 20 seeds. On seed 1:")
    assert out.splitlines()[-1] == "      … and 15 more seeds; --json names them all"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("coded/double-it", "--seed", "3"), "A challenge is graded on its published seeds"),
        (("coded/double-it", "--set", "code=@nowhere.py"), "cannot be read from nowhere.py: No such file"),
        (("coded/double-it", "--saved", "nowhere.prayog"), "nowhere.prayog cannot be read"),
        (("coded/calls", "--saved", "x.prayog"), "coded/calls is a scenario"),
        (("coded/double-ti",), "has no scenario 'double-ti'"),
    ],
)
def test_what_cannot_be_graded_is_one_sentence(prayog: Prayog, arguments: tuple[str, ...], says: str) -> None:
    code, out, err = prayog("run", *arguments)
    assert (code, out) == (2, "")
    assert says in err
    assert len(err.splitlines()) == 1
