"""Runs a built lab in an empty environment with the network cut, and says whether it does what it should.

    python3 packaging/smoke.py dist/prayog-full/prayog
    python3 packaging/smoke.py --root DIR /usr/bin/prayog      inside a root file system (needs root)

It prints the version and the topics, times the first paint, drops the wheel of a topic in, runs one scenario of
every topic without a window and opens it in the window (`--real`: runs also one on a real component), and looks for
processes that stayed.  Every command must end with 0 and a silent stderr.
Standard library only; exit code 0 when all is well, 1 with one line for each fault.
"""

from __future__ import annotations

import argparse
import base64
import ctypes
import fcntl
import hashlib
import json
import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import uuid
import zipfile
from pathlib import Path

SMALLEST = Path(__file__).resolve().parent.parent / "tests" / "plugins" / "smallest" / "prayog_smallest"
REAL = ("consensus/real_leader_dies", "location/real_near_indore", "migration/shop_live", "protocols/lab_smtp",
        "queues/real_charged_twice", "writes/real_crash")  # fmt: skip
"""One run on a real component of every topic: each brings processes of its own, which a frozen lab starts otherwise."""
LIGHT = "Use the full edition of the lab"
DROPPED = "prayog_smallest-1.0-py3-none-any.whl"
RARE = "import colorsys, mailbox, wave, xmlrpc.client  # of the standard library, and used by nothing else in the lab\n"


class Smoke:
    """The program under test and what was found wrong."""

    def __init__(self, program: list[str], root: Path, user: int) -> None:
        self.mark = uuid.uuid4().hex
        self.faults: list[str] = []
        self.dropped = ""
        """SHA-256 of the wheel that was dropped in."""
        self._root = root
        self._folder = Path(tempfile.mkdtemp(prefix="prayog-smoke-", dir=root / "tmp"))
        if user:
            os.chown(self._folder, user, user)
        self._program = [*_before(root, user), *program]
        self.profile = self._folder / "profile"
        self.environ = {
            "PATH": "/usr/bin:/bin", "HOME": self._inside(self._folder), "LANG": "C.UTF-8", "PRAYOG_SMOKE": self.mark,
            "QT_QPA_PLATFORM": "offscreen", "XDG_RUNTIME_DIR": self._inside(self._folder),
        }  # fmt: skip

    def _inside(self, path: Path) -> str:
        return "/" + path.relative_to(self._root).as_posix()

    def ask(self, *words: str, timeout: float = 120) -> str:
        """The standard output of the program with these words; a fault when it fails or says anything else."""
        command = [*self._program, "--profile", self._inside(self.profile), *words]
        try:
            done = subprocess.run(
                command, env=self.environ, capture_output=True, text=True, timeout=timeout, check=False
            )
        except subprocess.TimeoutExpired:
            self.faults.append(f"`{' '.join(words)}` did not end within {timeout:.0f} s")
            return ""
        if done.returncode:
            said = (done.stderr or done.stdout)[-400:]
            self.faults.append(f"`{' '.join(words)}` ended with {done.returncode}: {said}")
        elif done.stderr:
            self.faults.append(f"`{' '.join(words)}` was not silent: {done.stderr[-400:]}")
        return done.stdout

    def real(self, name: str) -> str:
        """What became of a scenario on a real component; without that component the lab says so in a sentence."""
        command = [*self._program, "--profile", self._inside(self.profile), "run", name, "--json"]
        try:
            done = subprocess.run(command, env=self.environ, capture_output=True, text=True, timeout=180, check=False)
        except subprocess.TimeoutExpired:
            self.faults.append(f"`run {name}` did not end within 180 s")
            return "did not end"
        if not done.returncode and not done.stderr:
            return f"{json.loads(done.stdout)['steps']} steps"
        if LIGHT in done.stderr:
            return "needs the full edition, and says so"
        self.faults.append(f"`run {name}` ended with {done.returncode}: {(done.stderr or done.stdout)[-400:]}")
        return "failed"

    def window(self, until: str, *words: str) -> float:
        """Seconds from before the process is made until the window is ``painted``, or a topic's bench ``opened``."""
        command = [*self._program, "--profile", self._inside(self.profile), *words]
        begun = time.monotonic()
        with subprocess.Popen(
            command, env={**self.environ, "PRAYOG_QUIT": until}, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True,
        ) as process:  # fmt: skip
            assert process.stdout is not None
            watch = threading.Timer(60, process.kill)
            watch.start()
            line = process.stdout.readline()
            watch.cancel()
            seconds = time.monotonic() - begun
            _, said = process.communicate(timeout=60)
        if line.strip() != until or process.returncode or said:
            what = " ".join([f"the window was not {until} or not closed in order", *words])
            self.faults.append(f"{what}: {said[-400:] or line!r}")
        return seconds

    def bench(self, scenario: str) -> float:
        """Seconds from the start of the program until `scenario` lies on its bench in the window."""
        kit = self._folder / "kit.toml"
        trusted = f'[trusted]\n"{DROPPED}" = "{self.dropped}"\n'  # else the learner is asked first
        kit.write_text(f'open = "{scenario}"\n{trusted}', encoding="utf-8")
        return self.window("opened", "--kit", self._inside(kit))

    def drop_in(self) -> None:
        """Put a topic's wheel into the profile."""
        info = "prayog_smallest-1.0.dist-info"
        files = {
            f"{info}/METADATA": "Metadata-Version: 2.1\nName: prayog-smallest\nVersion: 1.0\n",
            f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
            f"{info}/entry_points.txt": "[prayog.topics]\nsmallest = prayog_smallest:plugin.toml\n",
        }
        for file in sorted(SMALLEST.rglob("*")):
            if file.is_file() and file.suffix != ".pyc":
                files[file.relative_to(SMALLEST.parent).as_posix()] = file.read_text(encoding="utf-8")
        first, rest = files["prayog_smallest/topic.py"].split("from __future__ import annotations\n", 1)
        files["prayog_smallest/topic.py"] = f"{first}from __future__ import annotations\n{RARE}{rest}"
        topics = self.profile / "topics"
        topics.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(topics / DROPPED, "w") as wheel:
            for name, text in files.items():
                wheel.writestr(name, text)
            rows = [f"{name},sha256={digest(text)},{len(text.encode())}\n" for name, text in files.items()]
            wheel.writestr(f"{info}/RECORD", "".join([*rows, f"{info}/RECORD,,\n"]))
        self.dropped = hashlib.sha256((topics / DROPPED).read_bytes()).hexdigest()

    def close(self) -> None:
        """Remove what the runs wrote."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def left(self) -> list[str]:
        """Command lines of processes that still carry our mark."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if self.mark.encode() in (folder / "environ").read_bytes():
                    found.append((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace"))
            except OSError:
                continue
        return found


def _before(root: Path, user: int) -> list[str]:
    """The words that start a command in `root` as `user` (0: as whoever runs this)."""
    if not user and root == Path("/"):
        return []
    return ["/usr/sbin/chroot", *([f"--userspec={user}:{user}"] if user else []), str(root)]


def digest(text: str) -> str:
    """The SHA-256 of `text` as a wheel's RECORD writes it."""
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


def cut_network() -> bool:
    """Leave the machine's network for one that has loopback only; False where the kernel does not allow it."""
    libc = ctypes.CDLL(None, use_errno=True)
    new_user, new_net = 0x10000000, 0x40000000
    if libc.unshare(new_net) and libc.unshare(new_user | new_net):
        return False
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:  # SIOCSIFFLAGS: IFF_UP on lo
        fcntl.ioctl(any_socket, 0x8914, struct.pack("16sh14x", b"lo", 0x1))
    return True


def main() -> int:
    parser = argparse.ArgumentParser("smoke.py", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--root", type=Path, default=Path("/"), metavar="DIR")
    parser.add_argument("--user", type=int, default=0, metavar="UID", help="run it as this user (needs root)")
    parser.add_argument("--real", action="store_true", help="also one run on a real component of every topic")
    parser.add_argument("program", nargs=argparse.REMAINDER, help="and its first words")
    args = parser.parse_args()
    print("network:", "cut" if cut_network() else "not cut (this kernel does not allow it)")
    program = args.program if args.root != Path("/") else [str(Path(args.program[0]).absolute()), *args.program[1:]]
    smoke = Smoke(program, args.root, args.user)
    print(smoke.ask("--version").strip())
    smoke.window("painted")  # reads the files into the cache
    print(f"first paint: {min(smoke.window('painted') for _ in range(3)) * 1000:.0f} ms")
    smoke.drop_in()
    topics = json.loads(smoke.ask("list", "--json") or "[]")
    print("topics:", ", ".join(topic["id"] for topic in topics))
    if "smallest" not in [topic["id"] for topic in topics]:
        smoke.faults.append("the topic in the dropped-in wheel was not found")
    for topic in topics:
        if topic["problems"]:
            smoke.faults.append(f"topic {topic['id']}: {topic['problems']}")
        elif world := next((one for one in topic["scenarios"] if one["kind"] == "world"), None):
            name = f"{topic['id']}/{world['id']}"
            answer = json.loads(smoke.ask("run", name, "--json") or "{}")
            steps, trace = answer.get("steps", 0), answer.get("trace_hash", "missing")
            print(f"{name}: {steps} steps, trace {trace}, on the bench in {smoke.bench(name):.1f} s")
    if args.real:
        for name in REAL:
            print(f"{name}: {smoke.real(name)}")
    time.sleep(1)  # a guard may need a moment to see that the lab is gone
    smoke.faults += [f"a process stayed: {line}" for line in smoke.left()]
    smoke.close()
    for fault in smoke.faults:
        print("FAULT:", fault)
    print("The built lab does what it should." if not smoke.faults else f"{len(smoke.faults)} faults")
    return 1 if smoke.faults else 0


if __name__ == "__main__":
    sys.exit(main())
