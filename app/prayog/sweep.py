"""`prayog sweep`: one scenario on many seeds, in several processes or on a Dask cluster; the failing seeds listed.

A fault campaign asks for thousands of runs that have nothing to do with each other.  Each process opens the topic
once and plays chunks of seeds; what comes back is small.

Rules
1. Processes are spawned, never forked: they know nothing but what `Job` says, so a cluster can do the same work.
2. Ctrl-C ends the children; a child that dies is said, with the seeds it was at.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import signal
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prayog.catalog import problem_of
from prayog.cli import BadInput
from prayog.cli_run import scenario_of, sentences, topic_values
from prayog.paths import Profile

if TYPE_CHECKING:
    from prayog_sdk.scenario import Scenario
    from prayog_sdk.topic import Topic

__all__ = ["Failure", "Job", "play", "sweep"]

_CHUNK = 64  # seeds at once, at most: enough to make the way there and back cheap


@dataclass(frozen=True, slots=True)
class Job:
    """What a process must know to play the scenario."""

    profile: Path
    safe: bool
    scenario: str
    values: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Failure:
    """A seed on which a check failed, or on which the topic raised; ``reasons`` are sentences."""

    seed: int
    reasons: tuple[str, ...]


def sweep(profile: Profile, args: argparse.Namespace) -> int:
    """Answer `prayog sweep`; exit code 1 when a seed fails."""
    from tqdm import tqdm

    if args.seeds < 1:
        raise BadInput(f"--seeds is how many seeds to try, 1 or more; found {args.seeds}.")
    topic, scenario = scenario_of(profile, args.scenario, args.safe)
    if scenario.kind == "session":
        raise BadInput(f"{args.scenario} runs on a real component, where a seed decides nothing; take a simulated one.")
    values = topic_values(topic, args.values)
    with sentences(topic.id):  # a wrong knob is said once, here
        topic.params({**scenario.params, **values})
    first = scenario.seed if args.seed is None else args.seed
    job = Job(profile.folder, args.safe, args.scenario, tuple(values.items()))
    chunks = _chunks(first, args.seeds, os.cpu_count() or 1)
    results = _on_dask(args.dask, job, chunks) if args.dask else _in_processes(job, chunks)
    failures: list[Failure] = []
    with tqdm(total=args.seeds, unit=" seeds", disable=None) as bar:
        for chunk, failed in results:
            failures += failed
            bar.update(len(chunk))
            bar.set_postfix_str(f"{len(failures)} failed" if failures else "")
    _print(args, topic, scenario, first, sorted(failures, key=lambda failure: failure.seed))
    return 1 if failures else 0


def play(job: Job, seeds: Sequence[int]) -> list[Failure]:
    """Play `seeds` one after the other and return those that failed; runs in a child or on a cluster."""
    from prayog_sdk.headless import run_scenario

    topic, scenario = _opened(job)
    failures = []
    for seed in seeds:
        try:
            result = run_scenario(topic, scenario, seed, dict(job.values))
        except Exception as error:  # noqa: BLE001 - a topic that raises on a seed is what a sweep looks for
            failures.append(Failure(seed, (problem_of(error, "run", topic.id).sentence,)))
            continue
        if not result.ok:
            failures.append(Failure(seed, tuple(f"{c.name}: {c.reason}" for c in result.checks if not c.ok)))
    return failures


@lru_cache(maxsize=1)
def _opened(job: Job) -> tuple[Topic, Scenario]:
    return scenario_of(Profile(job.profile), job.scenario, job.safe)


def _chunks(first: int, count: int, processes: int) -> list[range]:
    size = max(1, min(_CHUNK, count // (processes * 4)))
    return [range(at, min(at + size, first + count)) for at in range(first, first + count, size)]


def _in_processes(job: Job, chunks: Sequence[range]) -> Iterator[tuple[range, list[Failure]]]:
    spawn = multiprocessing.get_context("spawn")
    workers = min(os.cpu_count() or 1, len(chunks))
    pool = ProcessPoolExecutor(workers, spawn, partial(signal.signal, signal.SIGINT, signal.SIG_IGN))
    try:
        waiting = {pool.submit(play, job, chunk): chunk for chunk in chunks}
        for done in as_completed(waiting):
            try:
                yield waiting[done], done.result()
            except BrokenProcessPool as error:
                lost = min(chunk.start for future, chunk in waiting.items() if not future.done() or future is done)
                raise BadInput(
                    f"A process died while it played seeds from {lost} on; `prayog run {job.scenario} --seed {lost}` "
                    "shows whether the topic brings it down."
                ) from error
        pool.shutdown()
    finally:  # also after Ctrl-C, which the children do not hear
        for child in multiprocessing.active_children():
            child.terminate()
        pool.shutdown(cancel_futures=True)  # waits: its thread must not be at work while Python ends


def _on_dask(address: str, job: Job, chunks: Sequence[range]) -> Iterator[tuple[range, list[Failure]]]:
    try:
        from distributed import Client
        from distributed import as_completed as finished
    except ImportError:
        raise BadInput("--dask needs the package distributed; install it with: pip install distributed") from None
    try:
        client = Client(address, timeout=10)
    except (OSError, ValueError) as error:
        raise BadInput(f"No Dask cluster answers at {address}: {error}.") from error
    with client:
        waiting: Mapping[Any, range] = {client.submit(play, job, chunk, pure=False): chunk for chunk in chunks}
        for done in finished(list(waiting)):
            yield waiting[done], done.result()


def _print(
    args: argparse.Namespace, topic: Topic, scenario: Scenario, first: int, failures: Sequence[Failure]
) -> None:
    if args.json:
        failed = [{"seed": failure.seed, "reasons": list(failure.reasons)} for failure in failures]
        answer = {
            "topic": topic.id,
            "scenario": scenario.id,
            "first_seed": first,
            "seeds": args.seeds,
            "failed": failed,
        }
        print(json.dumps(answer, indent=2, ensure_ascii=False))
        return
    for failure in failures:
        print(f"seed {failure.seed}: {'; '.join(failure.reasons)}")
    last = first + args.seeds - 1
    print(f"{topic.id}/{scenario.id}, seeds {first} to {last}: {len(failures)} of {args.seeds} failed.")
    if failures:
        print(f"See one: prayog run {args.scenario} --seed {failures[0].seed}")
