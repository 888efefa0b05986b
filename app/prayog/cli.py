"""The command line: what can be asked for, and where each answer is given.

    prayog                              the window
    prayog list | run | sweep | check | new | dev | pack | shots | doctor

Rules
1. Nothing is imported before the command is known: `run` and `list` work where there is no Qt.
2. Bad input is one sentence on stderr and exit code 2; a failed check is exit code 1; no traceback is shown.
3. A closed pipe and Ctrl-C end the command quietly.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from prayog import lab_version
from prayog.paths import Profile, ProfileProblem, open_profile, temporary_profile

if TYPE_CHECKING:
    from prayog.kit import Kit

__all__ = ["BadInput", "main", "parser"]


class BadInput(ValueError):
    """What was asked for cannot be done; the message is one sentence for the person at the terminal."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise BadInput(f"{message[:1].upper()}{message[1:].rstrip('.')}; see `{self.prog} --help`.")


class _ShowVersion(argparse.Action):
    """Looks the version up only when it is asked for: that is slow, and the window's start is not."""

    def __call__(self, parser: argparse.ArgumentParser, *rest: object) -> None:
        print(f"prayog {lab_version()}")
        parser.exit()


def _options() -> _Parser:
    """What may stand without a command: enough to open the window, and quickly made."""
    text = "A desktop lab in which people learn system design by doing. Without a command it opens the window."
    top = _Parser("prayog", parents=[_profile(None, False)], allow_abbrev=False, description=text)
    top.add_argument("--version", action=_ShowVersion, nargs=0, help="show the version of the lab and exit")
    top.set_defaults(answer=_window, command=None)
    return top


def parser() -> argparse.ArgumentParser:
    """The whole command line; `docs` and tests read it too."""
    top = _options()
    commands = top.add_subparsers(title="commands", metavar="COMMAND", dest="command", parser_class=_Parser)

    def command(name: str, answer: Callable[[argparse.Namespace, Profile], int], text: str) -> argparse.ArgumentParser:
        parents = [_profile(argparse.SUPPRESS, argparse.SUPPRESS)]  # what stands before the command is kept
        added = commands.add_parser(name, parents=parents, help=text, description=text, allow_abbrev=False)
        added.set_defaults(answer=answer)
        return added

    add = command("list", _list, "List the topics and their scenarios.")
    add.add_argument("--json", action="store_true", help="as JSON")

    add = command("run", _run, "Run a scenario without a window and say whether its checks hold, or grade a challenge.")
    add.add_argument("scenario", metavar="TOPIC/SCENARIO", help="or TOPIC/CHALLENGE, on all its published seeds")
    _run_options(add)
    add.add_argument("--saved", type=Path, metavar="FILE", help="grade this saved run (a challenge only)")
    add.add_argument("--real", action="store_true", help="do the same on the real component, and compare")
    add.add_argument("--json", action="store_true", help="the result as one JSON object")
    add.add_argument("--trace", type=Path, metavar="FILE", help="write the trace, one JSON object a line")
    add.add_argument("--force", action="store_true", help="let --trace overwrite a file")

    add = command("sweep", _sweep, "Run a scenario on many seeds, in several processes, and list the seeds that fail.")
    add.add_argument("scenario", metavar="TOPIC/SCENARIO")
    add.add_argument(
        "--seeds", type=_number, required=True, metavar="N", help="how many, from --seed or the scenario’s own on"
    )
    _run_options(add)
    add.add_argument("--dask", metavar="ADDRESS", help="use the Dask cluster there instead of this machine")
    add.add_argument("--json", action="store_true", help="the result as one JSON object")

    add = command("check", _check, "Check that a topic keeps the rules of the lab.")
    add.add_argument("path", nargs="?", type=Path, default=Path(), metavar="PATH", help="a topic's folder; default: .")

    add = command("new", _new, "Make the smallest topic, ready to run.")
    add.add_argument("name", metavar="NAME")
    add.add_argument("--dir", type=Path, help="where its folder goes; default: the topics of the profile")

    add = command("dev", _dev, "Open the lab on a topic that is being written; it is shown anew after each save.")
    add.add_argument("own", type=Path, metavar="DIR", help="the topic's folder")

    add = command("pack", _pack, "Make one wheel of a topic, to be given to others.")
    add.add_argument("path", nargs="?", type=Path, default=Path(), metavar="DIR", help="the topic's folder; default: .")
    add.add_argument("--out", type=Path, default=Path(), metavar="DIR", help="where the wheel goes; default: .")

    add = command("shots", _shots, "Save pictures of the lab: every page, topic and scenario.")
    add.add_argument("--out", type=Path, default=Path("shots"), metavar="DIR", help="default: shots")
    add.add_argument("--topic", metavar="ID", help="only this topic; with TOPIC/SCENARIO only that bench")
    add.add_argument("--theme", choices=("light", "dark"), help="default: both")

    command("doctor", _doctor, "Look at this machine and say what the lab finds and misses.")
    return top


def _profile(folder: str | None, flag: str | bool) -> _Parser:
    options = _Parser(add_help=False)
    group = options.add_argument_group("profile")
    group.add_argument("--profile", type=Path, metavar="DIR", default=folder, help="keep the learner's files in DIR")
    group.add_argument("--temp-profile", action="store_true", default=flag, help="a profile that is gone afterwards")
    group.add_argument("--kit", type=Path, metavar="FILE", default=folder, help="show what a workshop's kit.toml says")
    group.add_argument("--safe", action="store_true", default=flag, help="only the topics that come with the lab")
    return options


def _run_options(add: argparse.ArgumentParser) -> None:
    add.add_argument("--seed", type=_seed, metavar="N", help="instead of the scenario's own")
    add.add_argument(
        "--set", action="append", default=[], dest="values", metavar="KNOB=VALUE",
        help="set a knob of the topic; a knob that holds code takes KNOB=@FILE",
    )


def _number(word: str) -> int:
    try:
        return int(word)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected a whole number, found {word!r}") from None


def _seed(word: str) -> int:
    from prayog_sim.rng import MAX_SEED

    if not word.isdecimal() or int(word) > MAX_SEED:
        raise argparse.ArgumentTypeError(f"expected a whole number from 0 to {MAX_SEED:,}, found {word!r}")
    return int(word)


def main(argv: Sequence[str] | None = None) -> int:
    """Answer the command line; the return value is the exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    for stream in (sys.stdout, sys.stderr):  # the texts use real signs; a terminal without them gets a `?`
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    try:
        with ExitStack() as stack:
            args = _parse(arguments)
            if args.temp_profile and args.profile:
                raise BadInput("Give --profile or --temp-profile, not both.")
            args.kit = _kit(args.kit)
            profile = stack.enter_context(temporary_profile()) if args.temp_profile else open_profile(args.profile)
            code: int = args.answer(args, profile)
            sys.stdout.flush()
            return code
    except (BadInput, ProfileProblem) as error:
        print(f"prayog: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader (`head`) has seen enough; nothing more may be written at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141


def _parse(arguments: list[str]) -> argparse.Namespace:
    word = _first_word(arguments)
    if word is None and not {"-h", "--help"} & set(arguments):
        return _options().parse_args(arguments)
    whole = parser()
    names = _commands(whole)
    if word is not None and word not in names:
        import difflib  # only for a mistake; the window's start does not wait for it

        near = difflib.get_close_matches(word, names, 1, 0.5)
        hint = f"did you mean `prayog {near[0]}`?" if near else f"there are: {', '.join(names)}."
        raise BadInput(f"There is no command {word!r}; {hint}")
    return whole.parse_args(arguments)


def _first_word(arguments: list[str]) -> str | None:
    """The first argument that is neither an option nor what ``--profile`` and ``--kit`` take: the command."""
    words = iter(arguments)
    for word in words:
        if word in ("--profile", "--kit"):
            next(words, None)
        elif not word.startswith("-"):
            return word
    return None


def _commands(whole: argparse.ArgumentParser) -> list[str]:
    actions = (a for a in whole._actions if isinstance(a, argparse._SubParsersAction))
    return [name for action in actions for name in action.choices]


def _kit(path: Path | None) -> Kit | None:
    if path is None:
        return None
    from prayog.kit import KitProblem, read

    try:
        return read(path)
    except KitProblem as problem:
        raise BadInput(str(problem)) from problem


def _window(args: argparse.Namespace, profile: Profile) -> int:
    from prayog.bootstrap import check_qt, has_display

    if not has_display():
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
        print(
            "There is no display here, so no window can be shown. `prayog shots` saves pictures of the lab, and "
            "`prayog run TOPIC/SCENARIO` runs a scenario (`prayog list` names them)."
        )
        check_qt()
        return 0
    import gc

    gc.disable()  # until the first paint: a tenth of the time to it, and there is nothing to collect yet
    check_qt()
    from prayog.ui import startup

    code: int = startup.main(profile, args)
    return code


def _list(args: argparse.Namespace, profile: Profile) -> int:
    from prayog import cli_topics

    return cli_topics.list_topics(profile, safe=args.safe, kit=args.kit, as_json=args.json)


def _run(args: argparse.Namespace, profile: Profile) -> int:
    from prayog import cli_run

    return cli_run.run(profile, args)


def _sweep(args: argparse.Namespace, profile: Profile) -> int:
    from prayog import sweep

    return sweep.sweep(profile, args)


def _check(args: argparse.Namespace, profile: Profile) -> int:
    from prayog import cli_topics

    return cli_topics.check(args.path)


def _new(args: argparse.Namespace, profile: Profile) -> int:
    from prayog import cli_topics

    return cli_topics.new(args.name, args.dir or profile.topics, here=args.dir is None)


def _dev(args: argparse.Namespace, profile: Profile) -> int:
    args.own = args.own.resolve()
    if not (args.own / "plugin.toml").is_file() and not any(args.own.glob("*/plugin.toml")):
        raise BadInput(f"There is no plugin.toml in {args.own}; make a topic with `prayog new NAME --dir .`.")
    sys.dont_write_bytecode = True  # two saves in one second must not be taken for one
    return _window(args, profile)


def _pack(args: argparse.Namespace, profile: Profile) -> int:
    from prayog import cli_topics

    return cli_topics.pack(args.path, args.out)


def _shots(args: argparse.Namespace, profile: Profile) -> int:
    from prayog.bootstrap import check_qt, has_display

    if not has_display():
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
    check_qt()
    from prayog.ui import shots

    code: Any = shots.main(profile, args)
    return int(code)


def _doctor(args: argparse.Namespace, profile: Profile) -> int:
    from prayog import doctor

    return doctor.main(profile)
