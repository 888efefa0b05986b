"""Servers for the whole run of these tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .pairs import Databases


@pytest.fixture(scope="session")
def databases() -> Iterator[Databases]:
    made = Databases()
    yield made
    made.close()
