"""The Debian package of a frozen lab: its files, its control data, and a word at its removal about what stays.

Everything is under `/opt/prayog` (Filesystem Hierarchy Standard 3.0, 3.13: add-on packages) but for the command, the
menu entry, the icon, the AppStream data and the manual page.  Learners' own files are in their profiles and are never
touched, neither by installing nor by removing.
"""

from __future__ import annotations

import gzip
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path

HERE = Path(__file__).resolve().parent
ICON = HERE.parent.parent / "resources" / "prayog_resources" / "icons"


def build(lab: Path, flavour: str, version: str, out: Path, libraries: Iterable[tuple[str, str]]) -> Path:
    """Write `out`/prayog[-light]_VERSION_amd64.deb from the frozen folder `lab`."""
    name = "prayog" if flavour == "full" else "prayog-light"
    needs = sorted({package for package, use in libraries if use != "web" or flavour == "full"})
    target = out / f"{name}_{version}_amd64.deb"
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "root"
        shutil.copytree(lab, root / "opt" / "prayog", symlinks=True)
        link = root / "usr" / "bin" / "prayog"
        link.parent.mkdir(parents=True)
        link.symlink_to("/opt/prayog/prayog")
        share = root / "usr" / "share"
        place(HERE / "prayog.desktop", share / "applications" / "org.prayog.Prayog.desktop")
        place(HERE / "prayog.metainfo.xml", share / "metainfo" / "org.prayog.Prayog.metainfo.xml", version=version)
        place(HERE / "copyright", share / "doc" / name / "copyright")
        page = share / "man" / "man1" / "prayog.1.gz"
        page.parent.mkdir(parents=True)
        page.write_bytes(gzip.compress((HERE / "prayog.1").read_bytes(), mtime=0))
        picture = share / "icons" / "hicolor" / "256x256" / "apps" / "prayog.png"
        picture.parent.mkdir(parents=True)
        shutil.copy2(ICON / "prayog.png", picture)
        size = sum(file.lstat().st_size for file in root.rglob("*") if not file.is_dir()) // 1024
        (root / "DEBIAN").mkdir()
        control = (HERE / "control").read_text()
        other = "prayog-light" if flavour == "full" else "prayog"
        words = {"name": name, "version": version, "size": str(size), "other": other, "depends": ", ".join(needs)}
        (root / "DEBIAN" / "control").write_text(control.format_map(words))
        shutil.copy2(HERE / "postrm", root / "DEBIAN" / "postrm")
        (root / "DEBIAN" / "postrm").chmod(0o755)
        for path in [root, *root.rglob("*")]:
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
        command = ["dpkg-deb", "--root-owner-group", "-Zxz", "-z6", "--build", str(root), str(target)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return target


def place(source: Path, target: Path, **words: str) -> None:
    """Copy a text file, with `{word}` replaced where `words` are given."""
    target.parent.mkdir(parents=True)
    text = source.read_text(encoding="utf-8")
    for word, value in words.items():
        text = text.replace("{" + word + "}", value)
    target.write_text(text, encoding="utf-8")
