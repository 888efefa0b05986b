"""A topic that imports a library which nobody has."""

from __future__ import annotations

import a_library_that_nobody_has  # noqa: F401
