"""The profile: the one folder in which the lab keeps what belongs to a learner.

It exists so that no other module builds a path of its own, and so that a lab can be run on a throw-away profile
(``--temp-profile``) or on one from a memory stick (``--profile DIR``).
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Profile", "ProfileProblem", "free_name", "open_profile", "temporary_profile"]


class ProfileProblem(RuntimeError):
    """The profile folder cannot be used; the message is a sentence for the person who started the lab."""


@dataclass(frozen=True, slots=True)
class Profile:
    """Where everything of one learner lies.  Nothing is created by asking, except by `data`."""

    folder: Path
    temporary: bool = False

    @property
    def topics(self) -> Path:
        """Drop-in topics: folders with a `plugin.toml`, and wheels."""
        return self.folder / "topics"

    @property
    def unpacked(self) -> Path:
        """What wheels in `topics` are unpacked into when they are opened."""
        return self.folder / "unpacked"

    @property
    def settings(self) -> Path:
        return self.folder / "settings.json"

    @property
    def progress(self) -> Path:
        """The SQLite file of `prayog.store`."""
        return self.folder / "progress.db"

    @property
    def layouts(self) -> Path:
        """Window and bench layouts, one file each."""
        return self.folder / "layouts"

    @property
    def runs(self) -> Path:
        """Where saved runs (``.prayog``) go unless the learner chooses another folder."""
        return self.folder / "runs"

    @property
    def services(self) -> Path:
        """Data folders of the real components that the lab starts."""
        return self.folder / "services"

    @property
    def crash_log(self) -> Path:
        """Where Python writes its stacks when the process dies hard."""
        return self.folder / "crash.log"

    @property
    def crash_report(self) -> Path:
        """What is kept of the last crash, for whoever can mend it."""
        return self.folder / "crash-report.txt"

    @property
    def opened(self) -> Path:
        """The marker that names the topic which is open now (see `bootstrap`)."""
        return self.folder / "opened.json"

    def data(self, topic: str) -> Path:
        """The folder of one topic; it is made when it is not there."""
        folder = self.folder / "data" / topic
        folder.mkdir(parents=True, exist_ok=True)
        return folder


def open_profile(folder: Path | None = None) -> Profile:
    """The profile in `folder`, or the one that this system keeps for the current user.

    Raises `ProfileProblem` when the folder cannot be made or is a file.
    """
    if folder is None:
        import platformdirs  # here, as every start of the window waits for what is imported above

        folder = Path(platformdirs.user_data_dir("Prayog", appauthor=False))
    chosen = folder.expanduser().absolute()
    try:
        chosen.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = "there is a file of that name" if chosen.exists() else error.strerror or str(error)
        raise ProfileProblem(
            f"The profile folder {chosen} cannot be made: {reason}. "
            "Choose another one with --profile DIR, or try --temp-profile."
        ) from error
    return Profile(chosen)


@contextmanager
def temporary_profile() -> Iterator[Profile]:
    """A profile of its own that is gone afterwards: for trying things, for pictures and for tests."""
    with tempfile.TemporaryDirectory(prefix="prayog-", ignore_cleanup_errors=True) as folder:
        yield Profile(Path(folder), temporary=True)


def free_name(path: Path, word: str) -> Path:
    """`path` with `word` and a number in its name, such that no such file exists: ``progress-damaged-1.db``."""
    number = 1
    while (free := path.with_name(f"{path.stem}-{word}-{number}{path.suffix}")).exists():
        number += 1
    return free
