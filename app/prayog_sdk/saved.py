"""A run as a file: `.prayog`, a zip that can be mailed, opened, run again to the same trace, and graded.

Inside: ``run.json`` (format, topic, version, params, seed, actions, predictions, notes), ``preview.png``, and for a
run on a real component, which cannot be run again, ``trace.jsonl``.

Rules
1. The file is read as data of a stranger: nothing is unpacked to disk, every size is bounded, every value checked.
2. Writing never replaces a file unless that was asked for, and never leaves half a file behind.
3. A file of a newer format is opened as far as it is understood; ``skipped`` says what was not.
"""

from __future__ import annotations

import io
import json
import os
import tempfile
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from prayog_sdk.lessons import Answer
from prayog_sim.run import Action, TimedAction
from prayog_sim.trace import Trace, canonical

__all__ = ["FORMAT", "SavedError", "SavedRun", "open_run", "read_run"]

FORMAT = 1
LIMITS = {"run.json": 16 << 20, "preview.png": 8 << 20, "trace.jsonl": 256 << 20}
"""The parts of a file and their largest sizes, unpacked, in bytes."""
_PNG = b"\x89PNG\r\n\x1a\n"


class SavedError(ValueError):
    """A `.prayog` file cannot be read or written; the message is a sentence for the learner."""


@dataclass(frozen=True, slots=True)
class SavedRun:
    """Everything that makes a run, and what the learner said about it.

    ``steps``, ``until_us`` and ``trace_hash`` describe the run when it was saved, so that a re-run can be compared.
    ``preview`` is a PNG or empty.  ``trace`` is there for a session only.
    """

    topic: str
    version: str
    scenario: str
    params: Mapping[str, Any]
    seed: int
    actions: tuple[TimedAction, ...] = ()
    predictions: tuple[Answer, ...] = ()
    notes: str = ""
    kind: Literal["world", "session"] = "world"
    steps: int = 0
    until_us: int = 0
    trace_hash: str = ""
    preview: bytes = b""
    trace: Trace | None = None
    skipped: tuple[str, ...] = field(default=(), compare=False)

    def data(self) -> bytes:
        """The bytes of the file; equal runs give equal bytes."""
        body = {
            "format": FORMAT,
            "topic": self.topic,
            "version": self.version,
            "scenario": self.scenario,
            "params": self.params,
            "seed": self.seed,
            "actions": [
                {"after": a.after, "at": a.at, "name": a.action.name, "args": a.action.args} for a in self.actions
            ],
            "predictions": [{"id": a.predict_id, "value": a.value, "at_step": a.at_step} for a in self.predictions],
            "notes": self.notes,
            "kind": self.kind,
            "steps": self.steps,
            "until_us": self.until_us,
            "trace_hash": self.trace_hash,
        }
        parts = {"run.json": json.dumps(json.loads(canonical(body)), indent=1, ensure_ascii=False).encode()}
        if self.preview:
            parts["preview.png"] = self.preview
        if self.trace is not None:
            parts["trace.jsonl"] = "".join(f"{line}\n" for line in self.trace.jsonl()).encode()
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, part in parts.items():
                archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), part, zipfile.ZIP_DEFLATED)
        return out.getvalue()

    def save(self, path: Path, *, replace: bool = False) -> None:
        """Write the file; raises `SavedError` when it is there already and `replace` was not asked for."""
        data = self.data()
        try:
            if path.exists() and not replace:
                raise SavedError(f"{path.name} is there already; choose another name, or replace it knowingly")
            handle, part = tempfile.mkstemp(prefix=".", suffix=".part", dir=path.parent)
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(data)
                if replace:
                    os.replace(part, path)
                else:
                    _place(part, path)
            finally:
                Path(part).unlink(missing_ok=True)
        except OSError as error:
            raise SavedError(f"{path.name} could not be saved: {error.strerror or error}") from error


def _place(part: str, path: Path) -> None:
    """Give a finished file its name without replacing one that appeared meanwhile."""
    try:
        os.link(part, path)
    except FileExistsError:
        raise SavedError(f"{path.name} is there already; choose another name, or replace it knowingly") from None
    except OSError:  # a file system without hard links
        with path.open("xb") as file:
            file.write(Path(part).read_bytes())


def open_run(path: Path) -> SavedRun:
    """The run in the file at `path`; the file is only read.  Raises `SavedError`."""
    try:
        with path.open("rb") as file:
            data = file.read(sum(LIMITS.values()) + 1)
    except OSError as error:
        raise SavedError(f"{path.name} cannot be read: {error.strerror or error}") from error
    return read_run(data, path.name)


def read_run(data: bytes, name: str = "the file") -> SavedRun:
    """The run in `data`.  Raises `SavedError` with a sentence: damaged, too big, not a saved run."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts, skipped = _parts(archive, name)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError, ValueError) as error:
        if isinstance(error, SavedError):
            raise
        raise SavedError(f"{name} is damaged or not a saved run ({error}); ask for it again") from error
    if "run.json" not in parts:
        raise SavedError(f"{name} is not a saved run: there is no run.json in it")
    try:
        body = json.loads(parts["run.json"])
        return _run(_Body(body, name), parts, skipped)
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise SavedError(f"{name} is damaged: run.json cannot be read ({error})") from error


def _parts(archive: zipfile.ZipFile, name: str) -> tuple[dict[str, bytes], list[str]]:
    entries = archive.infolist()
    if len(entries) > 64:
        raise SavedError(f"{name} holds {len(entries)} files; a saved run has at most a few, so it was not opened")
    parts: dict[str, bytes] = {}
    skipped = []
    for entry in entries:
        limit = LIMITS.get(entry.filename)
        if limit is None:
            skipped.append(f"the part “{entry.filename[:60]}”")
            continue
        with archive.open(entry) as file:
            part = file.read(limit + 1)  # a header may lie about the size: never more than the limit is unpacked
        if len(part) > limit:
            raise SavedError(f"{name}: {entry.filename} is bigger than {limit >> 20} MB, so it was not opened")
        parts[entry.filename] = part
    return parts, skipped


class _Body:
    """Checked access to ``run.json``."""

    def __init__(self, body: Any, name: str) -> None:
        self.name = name
        if not isinstance(body, dict):
            raise SavedError(f"{name} is damaged: run.json does not hold an object")
        self.body = body
        self.seen: set[str] = set()

    def get(self, key: str, kind: type, default: Any) -> Any:
        self.seen.add(key)
        value: Any = self.body.get(key, default)
        if not isinstance(value, kind) or isinstance(value, bool) or (isinstance(value, int) and value < 0):
            raise SavedError(f"{self.name} is damaged: {key} is {str(value)[:40]!r}")
        return value


def _run(body: _Body, parts: Mapping[str, bytes], skipped: list[str]) -> SavedRun:
    form = body.get("format", int, 0)
    if form < 1:
        raise SavedError(f"{body.name} is not a saved run: it has no format number")
    kind = body.get("kind", str, "world")
    preview = parts.get("preview.png", b"")
    if preview and not preview.startswith(_PNG):
        skipped, preview = [*skipped, "the preview (not a PNG picture)"], b""
    values: dict[str, Any] = {
        "topic": body.get("topic", str, ""),
        "version": body.get("version", str, ""),
        "scenario": body.get("scenario", str, ""),
        "params": body.get("params", dict, {}),
        "seed": body.get("seed", int, 0),
        "notes": body.get("notes", str, ""),
        "steps": body.get("steps", int, 0),
        "until_us": body.get("until_us", int, 0),
        "trace_hash": body.get("trace_hash", str, ""),
        "kind": kind,
        "preview": preview,
    }
    actions = tuple(
        TimedAction(
            done.get("after", int, 0),
            done.get("at", int, 0),
            Action(done.get("name", str, ""), done.get("args", dict, {})),
        )
        for done in (_Body(item, body.name) for item in body.get("actions", list, []))
    )
    answers = tuple(
        Answer(p.get("id", str, ""), p.body.get("value"), p.get("at_step", int, 0))
        for p in (_Body(item, body.name) for item in body.get("predictions", list, []))
    )
    if not values["topic"] or kind not in ("world", "session"):
        raise SavedError(f"{body.name} was not saved by a lab that this one understands (topic or kind is missing)")
    skipped += [f"“{key[:60]}”" for key in body.body if key not in body.seen]
    if form > FORMAT:
        skipped.insert(0, f"the file has format {form}, this lab knows {FORMAT}; update the lab to see all of it")
    trace = None
    if "trace.jsonl" in parts:
        from prayog_sdk.exports import read_trace

        try:
            trace = read_trace(parts["trace.jsonl"].decode().splitlines())
        except ValueError as error:
            raise SavedError(f"{body.name} is damaged: {error}") from error
    return SavedRun(**values, actions=actions, predictions=answers, trace=trace, skipped=tuple(skipped))
