"""Topics that are broken, one for every way in which a topic can fail, and a few that must work all the same.

    fill(profile.topics)            # all of them, as a careless user would have them
    for specimen in SPECIMENS: ...  # what must become of each

No test may step `bad_endless_step` without a watchdog, nor build `bad_crash` in its own process.
"""

from __future__ import annotations

import base64
import hashlib
import shutil
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

__all__ = ["HERE", "SPECIMENS", "UNICODE", "Specimen", "fill", "wheel"]

HERE = Path(__file__).parent
SCENARIO = "title First\nworld seed=1\ncount\nrun\n"
UNICODE = "एक अच्छा topic, with spaces"


@dataclass(frozen=True, slots=True)
class Specimen:
    """What becomes of one specimen: ``state`` after an attempt to open it, and a part of the sentence shown.

    ``where`` is its folder or wheel in `topics`; ``id`` is how the catalogue calls it.
    """

    where: str
    id: str
    state: str
    stage: str = ""
    sentence: str = ""


SPECIMENS = (
    Specimen("bad_api", "bad_api", "blocked", "api", "was made for level 9.0; this lab speaks 1.0"),
    Specimen("bad_build", "bad_build", "open"),
    Specimen("bad_compiled-1.0-py3-none-any.whl", "bad_compiled", "blocked", "discovery", "holds compiled code"),
    Specimen("bad_crash", "bad_crash", "open"),
    Specimen("bad_damaged-1.0-py3-none-any.whl", "bad_damaged", "blocked", "discovery", "is damaged"),
    Specimen("bad_endless_run", "bad_endless_run", "open"),
    Specimen("bad_endless_step", "bad_endless_step", "open"),
    Specimen("bad_exit", "bad_exit", "failed", "load", "SystemExit"),
    Specimen("bad_hook_name", "bad_hook_name", "failed", "load", "no hook prayog_biuld; did you mean prayog_build?"),
    Specimen("bad_hook_raises", "bad_hook_raises", "open"),
    Specimen("bad_import", "bad_import", "failed", "load", "a_library_that_nobody_has' (topic.py, line 5)"),
    Specimen("bad_manifest", "bad_manifest", "blocked", "manifest", "this is not TOML"),
    Specimen("bad_missing_key", "bad_missing_key", "blocked", "manifest", "module is missing"),
    Specimen("bad_need", "bad_need", "blocked", "needs", "'hyperdrive', which this lab does not know"),
    Specimen("bad_no_manifest", "bad_no_manifest", "blocked", "manifest", "there is no plugin.toml here"),
    Specimen("bad_no_package", "bad_no_package", "blocked", "manifest", "there is no folder 'elsewhere'"),
    Specimen("bad_outside-1.0-py3-none-any.whl", "bad_outside", "blocked", "discovery", "outside its own folder (../"),
    Specimen("bad_panels", "bad_panels", "open"),
    Specimen("bad_step_raises", "bad_step_raises", "open"),
    Specimen("bad_syntax", "bad_syntax", "failed", "load", "(topic.py, line 4)"),
    Specimen("bad_tampered-1.0-py3-none-any.whl", "bad_tampered", "failed", "load", "not the one that its author"),
    Specimen("bad_topicless-1.0-py3-none-any.whl", "bad_topicless", "blocked", "discovery", "offers no topic"),
    Specimen("bad_value", "bad_value", "blocked", "manifest", "order must be a whole number"),
    Specimen("good_first", "good_first", "open"),
    Specimen("good_wheel-1.0-py3-none-any.whl", "good_wheel", "open"),
    Specimen("json", "bad_hides_python", "blocked", "discovery", "the name of a module of Python"),
    Specimen("prayog_sim", "bad_hides_lab", "blocked", "discovery", "the name of one that the lab uses"),
    Specimen("second", "good_first", "blocked", "discovery", "There is a topic 'good_first' already"),
    Specimen("takes_location", "location", "blocked", "discovery", "There is a topic 'location' already"),
    Specimen(UNICODE, "good_anywhere", "open"),
)


def fill(topics: Path) -> None:
    """Put every specimen into `topics`, the drop-in folder of a profile."""
    for folder in sorted(HERE.iterdir()):
        if folder.is_dir() and folder.name not in ("__pycache__", "good_anywhere", "good_wheel"):
            _copy(folder, topics / folder.name)
    _copy(HERE / "good_anywhere", topics / UNICODE / "good_anywhere")
    (topics / "notes of my own.txt").write_text("The folder holds other things too.", encoding="utf-8")
    for manifest in topics.glob("**/plugin.toml"):  # something to open, in each of them
        folder = manifest.parent / "scenarios"
        if not folder.is_dir():
            folder.mkdir()
            text = SCENARIO.replace("count\n", "") if manifest.parent.name == "bad_endless_run" else SCENARIO
            (folder / "first.lab").write_text(text)
    good = {f"good_wheel/{name}": (HERE / "good_wheel" / name).read_bytes() for name in ("plugin.toml", "topic.py")}
    good["good_wheel/scenarios/first.lab"] = SCENARIO.encode()
    wheel(topics, "good_wheel", {**good, "good_wheel/__init__.py": b""})
    wheel(topics, "bad_compiled", {"bad_compiled/plugin.toml": b"", "bad_compiled/fast.so": b"\x7fELF"})
    wheel(topics, "bad_outside", {"bad_outside/plugin.toml": b"", "../../evil.py": b""})
    wheel(topics, "bad_topicless", {"bad_topicless/__init__.py": b""}, topic=False)
    tampered = {name.replace("good_wheel", "bad_tampered"): data for name, data in good.items()}
    tampered["bad_tampered/plugin.toml"] = good["good_wheel/plugin.toml"].replace(b"good_wheel", b"bad_tampered")
    wheel(topics, "bad_tampered", tampered, {"bad_tampered/topic.py": b"print('something else')\n"})
    (topics / "bad_damaged-1.0-py3-none-any.whl").write_bytes(b"PK\x03\x04 and then the line went dead")


def wheel(
    into: Path, name: str, files: Mapping[str, bytes], changed: Mapping[str, bytes] | None = None, topic: bool = True
) -> Path:
    """Write a wheel; `changed` replaces files after their hashes were taken."""
    info = f"{name}-1.0.dist-info"
    inside = {**files, f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n".encode()}
    if topic:
        inside[f"{info}/entry_points.txt"] = f"[prayog.topics]\n{name} = {name}:plugin.toml\n".encode()
    lines = [f"{path},sha256={_digest(data)},{len(data)}" for path, data in inside.items()]
    into.mkdir(parents=True, exist_ok=True)
    target = into / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(target, "w") as archive:
        for path, data in {**inside, **(changed or {})}.items():
            archive.writestr(path, data)
        archive.writestr(f"{info}/RECORD", "\n".join([*lines, f"{info}/RECORD,,", ""]))
    return target


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


def _copy(folder: Path, target: Path) -> None:
    shutil.copytree(folder, target, ignore=shutil.ignore_patterns("__pycache__"))
