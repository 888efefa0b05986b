"""A topic that ends the process when it is imported."""

from __future__ import annotations

import sys

sys.exit(3)
