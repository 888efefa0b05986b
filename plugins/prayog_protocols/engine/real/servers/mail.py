"""SMTP servers (RFC 5321) on aiosmtpd: one takes mail for asha, one wants STARTTLS and a password first (RFC 6409)."""

from __future__ import annotations

import asyncio
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from prayog_protocols.engine.real.servers.listening import Server
from prayog_protocols.engine.real.servers.mailboxes import MAILBOXES

__all__ = ["Relay", "Submission"]

_HOST = "mail.example.test"


class _Delivery:
    """Puts what arrives into the mailbox."""

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address.lower() != "asha@example.test":
            return f"550 5.1.1 Nobody here is called {address}"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Ok"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        data = envelope.original_content or b""
        message = MAILBOXES.inbox.add(data)
        return f"250 2.0.0 Ok: kept as message {message.uid}"


class Relay(Server):
    """Port 25: mail from other servers."""

    def reset(self) -> None:
        MAILBOXES.reset()

    def protocol(self) -> SMTP:
        """The conversation with one client.  The host is named so that nobody asks the system for it."""
        return SMTP(_Delivery(), hostname=_HOST, ident="Prayog", loop=self.lab.loop, timeout=30)

    async def open(self) -> None:
        # Not aiosmtpd's Controller: it connects to its own server, and the tap would hear it.
        wanted = self.about.port if self.lab.kernel else 0
        listening = await asyncio.get_running_loop().create_server(self.protocol, "127.0.0.1", wanted)
        self.port = listening.sockets[0].getsockname()[1]


class Submission(Relay):
    """Port 587: mail of those who may send it."""

    def protocol(self) -> SMTP:
        context = self.lab.authority.server(_HOST, "127.0.0.1")
        return SMTP(
            _Delivery(), hostname=_HOST, ident="Prayog", loop=self.lab.loop, timeout=30, tls_context=context,
            require_starttls=True, auth_required=True, authenticator=_authenticate,
        )  # fmt: skip


def _authenticate(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
    good = isinstance(data, LoginPassword) and MAILBOXES.knows(data.login.decode(), data.password.decode())
    return AuthResult(success=good)
