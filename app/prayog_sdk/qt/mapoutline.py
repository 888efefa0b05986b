"""Land and country borders, for the map that draws itself.

The web map decodes the TopoJSON in the page; the simple map needs the same outline without a web view, in a form
that loads in a few milliseconds.
"""

from __future__ import annotations

from io import BytesIO
from typing import Literal

import numpy as np

import prayog_resources
from prayog_sdk.qt.mappaint import Parts
from prayog_sdk.qt.mapshapes import mercator

__all__ = ["Detail", "outline"]

Detail = Literal["110m", "50m"]


def outline(detail: Detail) -> tuple[Parts, Parts]:
    """Land rings and border lines. `detail` is the scale of Natural Earth: 1:110 million or 1:50 million."""
    with np.load(BytesIO(prayog_resources.read_bytes("geo", "outline.npz"))) as file:
        land, borders = (
            Parts(
                mercator(np.cumsum(file[f"{name}_{detail}"], axis=0) / 1e4),
                file[f"{name}_{detail}_ends"],
                closed=name == "land",
            )
            for name in ("land", "borders")
        )
        return land, borders
