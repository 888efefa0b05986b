"""Set up the lab in `.venv` and start it: the one command of a fresh clone.

    python3 lab.py              open the window
    python3 lab.py test ...     linter, types, import rules and tests; the rest is handed to pytest
    python3 lab.py bench ...    speed against the named peers
    python3 lab.py ...          anything else is handed to the `prayog` command

Rules
1. Standard library only, and nothing newer than Python 3.6 in this file: an old Python must be able to read the
   sentence that it is too old.
2. A second start installs nothing: `.venv/lab-stamp` holds a hash of what was installed.
3. An installation that was interrupted is begun again by the next start.
"""

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
SCRIPTS = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = SCRIPTS / ("python.exe" if os.name == "nt" else "python")
OLDEST = (3, 11)


def main(arguments):
    if sys.version_info < OLDEST:
        return stop(too_old())
    try:
        install("lab-stamp", "requirements.lock", project=True)
        if arguments[:1] == ["test"]:
            return test(arguments[1:])
        if arguments[:1] == ["bench"]:
            install("bench-stamp", "requirements-bench.lock", project=False)
            return bench(arguments[1:])
        return hand_over([str(PYTHON), "-m", "prayog", *arguments])
    except Failed as error:
        return stop(str(error))
    except KeyboardInterrupt:
        return 130


class Failed(Exception):
    """The lab cannot be set up; the message is a sentence for the person at the terminal."""


def too_old():
    text = f"The lab needs Python 3.11 or newer; this is Python {sys.version_info[0]}.{sys.version_info[1]}."
    newer = [name for name in ("python3.14", "python3.13", "python3.12", "python3.11") if shutil.which(name)]
    return text + (f" There is a newer one here: {newer[0]} lab.py" if newer else "")


def stop(sentence):
    print("lab.py: " + sentence, file=sys.stderr)
    return 2


# -- setting up ---------------------------------------------------------------------------------------------


def install(stamp, lock, project):
    """Install what `lock` lists (and the project), unless exactly that was installed already."""
    done, begun, made_by = VENV / stamp, VENV / "begun", VENV / "made-by"
    now = fingerprint(lock)
    if done.is_file() and done.read_text() == now and PYTHON.is_file() and not begun.is_file():
        return
    if begun.is_file() or (made_by.is_file() and made_by.read_text() != made_with()):
        print("Beginning again with a new .venv ...", flush=True)
        shutil.rmtree(str(VENV))
        if not project:  # the peers of the benchmarks go on top of the lab
            install("lab-stamp", "requirements.lock", project=True)
    make_venv()
    begun.write_text("An installation is going on, or was interrupted.\n")
    pip = [PYTHON, "-m", "pip", "install", "--disable-pip-version-check", "--no-warn-script-location"]
    if not sys.stdout.isatty():
        pip.append("--quiet")
    wheels = ROOT / "wheelhouse"
    offline = ["--no-index", "--find-links", wheels] if wheels.is_dir() else []
    print(f"Installing what {lock} lists; this is done once ...", flush=True)
    # The lock is complete; --no-deps because it leaves one package out on purpose (docs/decisions/0005).
    locked = [*pip, "--require-hashes", "--no-deps", "--only-binary=:all:", *offline, "-r", ROOT / lock]
    if run(*locked) or (project and run(*pip, "--no-index", "--no-deps", "--no-build-isolation", "-e", ROOT)):
        raise Failed(
            "the installation did not succeed; the lines above say why. "
            "When it is mended (mostly: the network), give the same command again."
        )
    done.write_text(now)
    begun.unlink()


def fingerprint(lock):
    digest = hashlib.sha256(made_with().encode())
    for name in (lock, "pyproject.toml"):
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def make_venv():
    if PYTHON.is_file():
        return
    if importlib.util.find_spec("venv") is None or importlib.util.find_spec("ensurepip") is None:
        line = f"sudo apt-get install python{sys.version_info[0]}.{sys.version_info[1]}-venv"
        raise Failed(f"this Python cannot make virtual environments; on Debian and Ubuntu this brings them: {line}")
    print("Making .venv ...", flush=True)
    if run(getattr(sys, "_base_executable", sys.executable), "-m", "venv", VENV):
        raise Failed("the virtual environment could not be made; the lines above say why.")
    (VENV / "made-by").write_text(made_with())


def made_with():
    return f"Python {sys.version_info[0]}.{sys.version_info[1]}"


def run(*command):
    return subprocess.call([str(part) for part in command], cwd=str(ROOT))


def hand_over(command):
    if os.name == "nt":  # there is no exec there that keeps the terminal
        return subprocess.call(command)
    os.execv(command[0], command)


# -- testing ------------------------------------------------------------------------------------------------


def test(arguments):
    """Run every check; the first that fails ends it with its exit code."""
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    if hasattr(os, "geteuid") and os.geteuid() == 0:  # the web view refuses to start as root; only tests may say so
        os.environ["QTWEBENGINE_DISABLE_SANDBOX"] = "1"
    python = (PYTHON, "-m")
    checks = (
        ("ruff: the linter", (*python, "ruff", "check", ".")),
        ("mypy: the types", (*python, "mypy")),
        ("import-linter: who may import whom", (SCRIPTS / "lint-imports", "--no-logo")),
        ("pytest: the tests", (*python, "pytest", "-n", "3", "--dist", "loadgroup", *arguments)),
    )
    for title, command in checks:
        print("\n== " + title, flush=True)
        code = run(*command)
        if code:
            print(f"== {title.partition(':')[0]} failed", file=sys.stderr)
            return code
    return 0


def bench(arguments):
    """Run the benchmarks one after the other, alone on the machine as far as that goes."""
    failed = [path for path in sorted((ROOT / "tests" / "bench").glob("*.py")) if run(PYTHON, path, *arguments)]
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
