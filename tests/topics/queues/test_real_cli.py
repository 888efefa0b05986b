"""`prayog run queues/… --real`: one scenario file on the simulator and on every broker that comes with the lab."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from prayog.cli import main
from prayog_queues.engine.real.backends import OWN


def real(profile: Path, capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    code = main(["--profile", str(profile), "run", "queues/charged_twice", "--real", "--json", *words])
    out, err = capsys.readouterr()
    if code == 2:
        pytest.skip(err)
    found: dict[str, Any] = json.loads(out)
    assert (code == 0) is all(check["ok"] for check in found["checks"])
    return found


@pytest.mark.parametrize("backend", OWN)
def test_charged_twice_and_repaired_from_one_file(
    backend: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = real(tmp_path, capsys, "--set", f"backend={backend}")
    assert (broken["metrics"]["lost"], broken["metrics"]["duplicates"]) == (0, 1)
    assert (broken["simulated"]["lost"], broken["simulated"]["duplicates"]) == (0, 1)
    assert all(row["same"] or row["why"] for row in broken["rows"]), "each difference has its reason"
    mended = real(tmp_path, capsys, "--set", f"backend={backend}", "--set", "handler=inbox")
    assert (mended["metrics"]["lost"], mended["metrics"]["duplicates"]) == (0, 0)


def test_what_has_no_real_component_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--profile", str(tmp_path), "run", "writes/real_disk", "--real"]) == 2
    assert "already" in capsys.readouterr().err


def test_the_trace_of_the_real_run_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "real.jsonl"
    real(tmp_path, capsys, "--set", "backend=sqlite", "--trace", str(file))
    kinds = {json.loads(line)["kind"] for line in file.read_text("utf-8").splitlines()}
    assert {"backend", "publish", "effect", "crashed", "finished"} <= kinds
