"""`.prayog` files: round trip, never replaced silently, and hostile or damaged ones refused in a sentence."""

from __future__ import annotations

import contextlib
import io
import json
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prayog_sdk.exports import Label, read_trace, to_csv, to_jsonl, to_text
from prayog_sdk.lessons import Answer
from prayog_sdk.saved import FORMAT, SavedError, SavedRun, open_run, read_run
from prayog_sim.run import Action, TimedAction
from prayog_sim.trace import Effect, Step, Trace, TraceError

PNG = b"\x89PNG\r\n\x1a\n" + b"picture"
TRACE = Trace(
    [Step(0, 0, "start", "n1", {}), Step(1, 1500, "deliver", "n2", {"é": [1]}, 0, (Effect("note", {"text": "=x"}),))]
)
RUN = SavedRun(
    topic="gossip", version="0.1", scenario="rumour", params={"nodes": 5}, seed=7,
    actions=(TimedAction(3, 1_000, Action("crash", {"node": "n1"})),),
    predictions=(Answer("hear", "yes", 1),), notes="Namaste", steps=2, until_us=1500, trace_hash=TRACE.hash(),
    preview=PNG,
)  # fmt: skip


def changed(parts: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(RUN.data())) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name, part in ({name: old.read(name) for name in old.namelist()} | parts).items():
            new.writestr(name, part)
    return out.getvalue()


def body(**more: object) -> bytes:
    with zipfile.ZipFile(io.BytesIO(RUN.data())) as archive:
        return json.dumps(json.loads(archive.read("run.json")) | more).encode()


def test_round_trip(tmp_path: Path) -> None:
    file = tmp_path / "mine.prayog"
    RUN.save(file)
    assert open_run(file) == RUN
    assert RUN.data() == open_run(file).data()
    assert [p.name for p in tmp_path.iterdir()] == ["mine.prayog"]


def test_a_recording_keeps_its_trace() -> None:
    session = SavedRun("location", "0.1", "", {}, 1, kind="session", trace=TRACE)
    found = read_run(session.data())
    assert found.trace is not None
    assert found.trace.hash() == TRACE.hash()


def test_nothing_is_replaced_silently(tmp_path: Path) -> None:
    file = tmp_path / "mine.prayog"
    file.write_text("precious")
    with pytest.raises(SavedError, match="is there already"):
        RUN.save(file)
    assert file.read_text() == "precious"
    RUN.save(file, replace=True)
    assert open_run(file) == RUN
    with pytest.raises(SavedError, match="could not be saved"):
        RUN.save(tmp_path / "no" / "such.prayog")


def test_a_newer_file_opens_and_says_what_was_skipped() -> None:
    found = read_run(changed({"run.json": body(format=FORMAT + 1, mood="happy"), "film.webm": b"..."}))
    assert found == RUN
    told = " ".join(found.skipped)
    assert f"format {FORMAT + 1}" in told
    assert "film.webm" in told
    assert "mood" in told


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "damaged or not a saved run"),
        (b"hello", "damaged or not a saved run"),
        (RUN.data()[:200], "damaged or not a saved run"),
        (RUN.data().replace(b"run.json", b"run.jsoM"), "no run.json"),
        (changed({"run.json": b"[1]"}), "does not hold an object"),
        (changed({"run.json": b"{"}), "cannot be read"),
        (changed({"run.json": b"[" * 100_000}), "cannot be read"),
        (changed({"run.json": body(seed="seven")}), "seed is 'seven'"),
        (changed({"run.json": body(seed=True)}), "seed is 'True'"),
        (changed({"run.json": body(actions=[3])}), "does not hold an object"),
        (changed({"run.json": body(format=0)}), "no format number"),
        (changed({"run.json": body(kind="film")}), "not saved by a lab"),
        (changed({"preview.png": b"0" * (9 << 20)}), "bigger than 8 MB"),
        (changed({f"x{n}": b"" for n in range(100)}), "holds 102 files"),
        (changed({"trace.jsonl": b'{"seq":5}'}), "line 1 of the trace is not a step"),
    ],
)
def test_damaged_and_hostile_files_are_a_sentence(data: bytes, words: str) -> None:
    with pytest.raises(SavedError) as caught:
        read_run(data, "mine.prayog")
    assert words in str(caught.value)
    assert "mine.prayog" in str(caught.value)


def test_a_bomb_is_not_unpacked() -> None:
    bomb = changed({"run.json": b" " * (40 << 20)})
    assert len(bomb) < 100_000
    with pytest.raises(SavedError, match="bigger than 16 MB"):
        read_run(bomb)


@given(st.integers(0, len(RUN.data()) - 1), st.integers(0, 255))
def test_any_changed_byte_gives_a_run_or_a_sentence(place: int, byte: int) -> None:
    data = bytearray(RUN.data())
    data[place] = byte
    with contextlib.suppress(SavedError):
        assert read_run(bytes(data)).topic


def test_exports_say_where_they_come_from() -> None:
    label = Label("gossip", "0.1", "rumour", 7, {"nodes": 5})
    lines = list(to_jsonl(TRACE, label))
    assert '"scenario":"rumour"' in lines[0]
    assert read_trace(lines).hash() == TRACE.hash()
    assert read_trace(TRACE.jsonl()).hash() == TRACE.hash()
    rows = list(to_csv(TRACE, label))
    assert rows[0] == "# gossip 0.1 · rumour · seed 7 · Prayog\r\n"
    assert len(rows) == 4
    text = "".join(to_text(TRACE, label))
    assert "seed 7" in text
    assert "1.5 ms" in text


def test_a_wrong_line_of_a_trace_is_named() -> None:
    lines = list(TRACE.jsonl())
    with pytest.raises(TraceError, match="line 2 of the trace is not JSON"):
        read_trace([lines[0], lines[1][:-3]])
    with pytest.raises(TraceError, match="line 1 of the trace is step 1; expected step 0"):
        read_trace([lines[1]])
