"""Measuring on real components, whatever is on the bench: if need be, a session is opened beside the run there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from prayog_queues.engine.setup import Setup
from prayog_sdk.qt.jobs import Ctx, Job
from prayog_sdk.qt.panel import Bench
from prayog_sdk.services import Services
from prayog_sdk.session import Session
from prayog_sim.run import Action

__all__ = ["do_for_real"]


def _open(_ctx: Ctx, setup: Setup, seed: int, services: Services) -> Session:
    """A session with the knobs that are on the bench: in a worker, since it may start a server."""
    from prayog_queues.engine.real.session import BrokerSession

    return BrokerSession(setup, seed, services, lambda _done, _total, _text: None)


def do_for_real(
    bench: Callable[[], Bench | None], title: str, action: Action, failed: Callable[[str], None]
) -> Job | None:
    """Do `action` in the session on the bench, or in a new one called `title`; the job that opens it.

    `bench` is asked again when the session is there: the panel may be gone by then.
    """
    here = bench()
    if here is None:
        return None
    if here.run.kind == "session":
        here.do(action)
        return None

    def opened(session: Session) -> None:
        now = bench()
        if now is None:
            session.close()
            return
        now.show(title, session)
        now.do(action)

    job = here.jobs.submit(_open, replace(here.params, backend="sqlite"), here.seed, here.services)
    job.succeeded.connect(opened)
    job.failed.connect(lambda sentence, _details: failed(sentence))
    return job
