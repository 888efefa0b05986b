"""`packaging/kit.py` without a network: markers, hashes, the repacked wheel, and the check of a finished kit."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

PACKAGING = Path(__file__).resolve().parents[2] / "packaging"


@pytest.fixture
def kit(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    monkeypatch.syspath_prepend(str(PACKAGING))
    import kit as module

    yield module
    for name in ("kit", "qtparts"):
        sys.modules.pop(name, None)


def test_markers_are_evaluated_for_the_system_that_the_kit_is_for(kit: ModuleType) -> None:
    pins = list(kit.read_lock(PACKAGING / "shipped.lock"))
    names = {
        system: {pin.name for pin in kit.applying(pins, kit.SYSTEMS[system].environment("3.13"))}
        for system in ("linux", "windows", "macos-arm")
    }
    assert "tzdata" in names["windows"]
    assert "tzdata" not in names["linux"] | names["macos-arm"]
    assert "async-timeout" not in names["linux"], "its marker asks for a Python older than 3.11.3"


def test_the_repacked_addons_keep_the_web_view_and_lose_what_is_gpl_only(kit: ModuleType, tmp_path: Path) -> None:
    wheel = tmp_path / "pyside6_addons-6.11.3-cp310-abi3-win_amd64.whl"
    kept = ["PySide6/QtWebEngineCore.pyd", "PySide6/Qt6WebEngineCore.dll", "PySide6/resources/icudtl.dat"]
    lost = ["PySide6/QtCharts.pyd", "PySide6/Qt6Quick3D.dll", "PySide6/Qt/lib/QtGraphs.framework/Versions/A/QtGraphs"]
    record = "pyside6_addons-6.11.3.dist-info/RECORD"
    with zipfile.ZipFile(wheel, "w") as packed:
        for name in [*kept, *lost, record]:
            packed.writestr(name, name)
    made = kit.trimmed(wheel)
    assert made.name == "pyside6_addons-6.11.3-1-cp310-abi3-win_amd64.whl"
    with zipfile.ZipFile(made) as packed:
        assert sorted(packed.namelist()) == sorted([*kept, record])
        rows = packed.read(record).decode().splitlines()
    assert [row.split(",")[0] for row in rows] == [*kept, record]
    assert not wheel.exists()


@pytest.mark.parametrize(
    ("name", "out"),
    [("PySide6/Qt/lib/libQt6Quick.so.6", False), ("PySide6/Qt6QuickControls2.dll", True), ("PySide6/qmlls.exe", True),
     ("PySide6/Designer.app/Contents/Info.plist", True), ("PySide6/Qt/lib/libQt6Designer.so.6", True),
     ("PySide6/QtWidgets.abi3.so", False), ("PySide6/Qt/qml/QtQuick/qmldir", True), ("PySide6/QtQml.pyd", False),
     ("PySide6/Qt/lib/QtQuickDialogs2.framework/Versions/A/QtQuickDialogs2", True), ("PySide6/QtHelp.pyd", True),
     ("PySide6/Qt/lib/QtQml.framework/Versions/A/QtQml", False), ("PySide6/Qt/plugins/platforms/libqxcb.so", False)],
)  # fmt: skip
def test_tools_for_programmers_stay_out_and_the_core_of_quick_stays(kit: ModuleType, name: str, out: bool) -> None:
    from qtparts import unneeded

    assert unneeded(name) is out


def test_the_check_names_what_is_missing_and_what_is_damaged(tmp_path: Path) -> None:
    (tmp_path / "lab").mkdir()
    (tmp_path / "locks").mkdir()
    (tmp_path / "wheels").mkdir()
    (tmp_path / "lab" / "check.py").write_bytes((PACKAGING / "kit" / "check.py").read_bytes())
    data = {f"wheels/{name}.whl": name.encode() for name in ("good", "damaged", "missing")}
    lock = "".join(f"{name} --hash=sha256:{hashlib.sha256(text).hexdigest()}\n" for name, text in data.items())
    (tmp_path / "locks" / "linux-py311.lock").write_text(lock + f"stranger==1 --hash=sha256:{'0' * 64}\n")
    for name, text in data.items():
        (tmp_path / name).write_bytes(text)
    lines = [f"{hashlib.sha256(text).hexdigest()}  {name}\n" for name, text in data.items()]
    (tmp_path / "CHECKSUMS").write_text("".join(lines))
    (tmp_path / "wheels" / "damaged.whl").write_bytes(b"other")
    (tmp_path / "wheels" / "missing.whl").unlink()
    done = subprocess.run([sys.executable, tmp_path / "lab" / "check.py"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        "wheels/damaged.whl is damaged (its checksum differs); copy the kit again.",
        "wheels/missing.whl is missing; copy the kit again.",
        "locks/linux-py311.lock asks for stranger==1, and no wheel of the kit is that; make the kit again.",
    ]
