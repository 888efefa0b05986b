"""The key log as NSS, browsers and Python write it: one secret a line, by the client's random.

CLIENT_RANDOM <client random> <master secret>                  TLS 1.2
CLIENT_HANDSHAKE_TRAFFIC_SECRET <client random> <secret>       TLS 1.3, and others like it
"""

from __future__ import annotations

__all__ = ["KeyLog"]

LABELS = {
    "CLIENT_RANDOM", "CLIENT_EARLY_TRAFFIC_SECRET", "CLIENT_HANDSHAKE_TRAFFIC_SECRET",
    "SERVER_HANDSHAKE_TRAFFIC_SECRET", "CLIENT_TRAFFIC_SECRET_0", "SERVER_TRAFFIC_SECRET_0", "EXPORTER_SECRET",
    "EARLY_EXPORTER_SECRET",
}  # fmt: skip


class KeyLog:
    """Secrets by label and client random."""

    def __init__(self) -> None:
        self._secrets: dict[tuple[str, bytes], bytes] = {}

    def __len__(self) -> int:
        return len(self._secrets)

    def add(self, text: str | bytes) -> int:
        """Read a log; lines that are none are passed over.  Returns how many secrets it held."""
        lines = text.decode("ascii", "replace") if isinstance(text, bytes) else text
        found = 0
        for line in lines.splitlines():
            parts = line.split()
            if len(parts) != 3 or parts[0] not in LABELS:
                continue
            try:
                self._secrets[parts[0], bytes.fromhex(parts[1])] = bytes.fromhex(parts[2])
            except ValueError:
                continue
            found += 1
        return found

    def secret(self, label: str, client_random: bytes) -> bytes | None:
        """The secret of a session; None when the log has none."""
        return self._secrets.get((label, client_random))
